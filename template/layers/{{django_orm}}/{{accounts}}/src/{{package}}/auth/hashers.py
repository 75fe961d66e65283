"""The password hasher."""

from threading import BoundedSemaphore

from django.contrib.auth.hashers import Argon2PasswordHasher

# Many concurrent logins must not exhaust memory or processors.
_AT_ONCE = BoundedSemaphore(4)


class Argon2Hasher(Argon2PasswordHasher):
    """Argon2id as in OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """Hash a password."""
        with _AT_ONCE:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Return whether a password matches a hash."""
        with _AT_ONCE:
            return super().verify(password, encoded)
