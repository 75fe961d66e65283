"""Passwords: hashed by Django, first of all with Argon2."""

from django.contrib.auth import hashers


def hash_password(password: str) -> str:
    """Return the hash to store."""
    return hashers.make_password(password)


def verify_password(password: str, password_hash: str | None) -> tuple[bool, str | None]:
    """Tell whether the password is right, and give a new hash where the stored one is outdated.

    Without a hash the answer is no, and takes as long: whether an account exists does not show.
    """
    if password_hash is None:
        hashers.make_password(password)
        return False, None
    right, outdated = hashers.verify_password(password, password_hash)
    return right, hash_password(password) if right and outdated else None
