"""Passwords: hashed by Argon2id."""

import secrets
from threading import BoundedSemaphore

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

# OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
_HASHER = PasswordHash([Argon2Hasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)])
_NOBODY = _HASHER.hash(secrets.token_urlsafe())
# A flood of logins must take neither all memory nor all processors.
_AT_ONCE = BoundedSemaphore(4)


def hash_password(password: str) -> str:
    """Return the hash to store."""
    with _AT_ONCE:
        return _HASHER.hash(password)


def verify_password(password: str, password_hash: str | None) -> tuple[bool, str | None]:
    """Tell whether the password is right, and give a new hash where the stored one is outdated.

    Without a hash the answer is no, and takes as long: whether an account exists does not show.
    """
    with _AT_ONCE:
        right, renewed = _HASHER.verify_and_update(password, password_hash or _NOBODY)
    return right and password_hash is not None, renewed
