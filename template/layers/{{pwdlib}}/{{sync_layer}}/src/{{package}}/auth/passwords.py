"""Password hashing with Argon2id."""

import secrets
from threading import BoundedSemaphore

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

# OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
_HASHER = PasswordHash([Argon2Hasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)])
_NOBODY = _HASHER.hash(secrets.token_urlsafe())
# Many concurrent logins must not exhaust memory or processors.
_AT_ONCE = BoundedSemaphore(4)


def hash_password(password: str) -> str:
    """Return the hash to store."""
    with _AT_ONCE:
        return _HASHER.hash(password)


def verify_password(password: str, password_hash: str | None) -> tuple[bool, str | None]:
    """Return whether the password is correct, and a new hash if the stored one is outdated.

    Without a hash the result is False and takes as long, so that it does not reveal whether the
    account exists.
    """
    with _AT_ONCE:
        right, renewed = _HASHER.verify_and_update(password, password_hash or _NOBODY)
    return right and password_hash is not None, renewed
