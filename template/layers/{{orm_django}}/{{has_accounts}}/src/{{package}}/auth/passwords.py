"""Password hashing with Django, by default with Argon2."""

from django.contrib.auth import hashers


def hash_password(password: str) -> str:
    """Return the hash to store."""
    return hashers.make_password(password)


def verify_password(password: str, password_hash: str | None) -> tuple[bool, str | None]:
    """Return whether the password is correct, and a new hash if the stored one is outdated.

    Without a hash the result is False and takes as long, so that it does not reveal whether the
    account exists.
    """
    if password_hash is None:
        hashers.make_password(password)
        return False, None
    right, outdated = hashers.verify_password(password, password_hash)
    return right, hash_password(password) if right and outdated else None
