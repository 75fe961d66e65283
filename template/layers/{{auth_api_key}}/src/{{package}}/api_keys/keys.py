"""The format of keys: `<prefix>.<secret>`. Only a hash of the secret is stored."""

import re
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest

_KEY = re.compile(r"([0-9a-f]{12})\.([0-9A-Za-z_-]{43})")


@dataclass(frozen=True, slots=True)
class Key:
    """A key with its secret, as it is shown once and then sent by clients."""

    prefix: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """The key as clients send it."""
        return f"{self.prefix}.{self.secret}"

    @property
    def secret_hash(self) -> str:
        """The stored hash of the secret. The secret is random, so a fast hash is enough."""
        return sha256(self.secret.encode()).hexdigest()

    def matches(self, secret_hash: str) -> bool:
        """Return whether the key matches a stored hash, in constant time."""
        return compare_digest(self.secret_hash, secret_hash)


def new_key() -> Key:
    """Return a new random key."""
    return Key(prefix=secrets.token_hex(6), secret=secrets.token_urlsafe(32))


def read_key(sent: str) -> Key | None:
    """Return the key in the text, or None if it is malformed."""
    found = _KEY.fullmatch(sent)
    return Key(*found.groups()) if found else None
