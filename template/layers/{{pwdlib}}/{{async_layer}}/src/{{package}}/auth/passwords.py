"""Password hashing with Argon2id in worker threads, so that the event loop is not blocked."""

import secrets

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

# OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
_HASHER = PasswordHash([Argon2Hasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)])
_NOBODY = _HASHER.hash(secrets.token_urlsafe())
# Many concurrent logins must not exhaust memory or processors.
_AT_ONCE = CapacityLimiter(4)


async def hash_password(password: str) -> str:
    """Return the hash to store."""
    return await run_sync(_HASHER.hash, password, limiter=_AT_ONCE)


async def verify_password(password: str, password_hash: str | None) -> tuple[bool, str | None]:
    """Return whether the password is correct, and a new hash if the stored one is outdated.

    Without a hash the result is False and takes as long, so that it does not reveal whether the
    account exists.
    """
    right, renewed = await run_sync(
        _HASHER.verify_and_update, password, password_hash or _NOBODY, limiter=_AT_ONCE
    )
    return right and password_hash is not None, renewed
