"""What a key looks like: `<prefix>.<secret>`. Of the secret only a hash is stored."""

import re
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest

_KEY = re.compile(r"([0-9a-f]{12})\.([0-9A-Za-z_-]{43})")


@dataclass(frozen=True, slots=True)
class Key:
    """A key, as it is shown once and sent ever after."""

    prefix: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """What is sent."""
        return f"{self.prefix}.{self.secret}"

    @property
    def secret_hash(self) -> str:
        """What is stored of the secret: it is random, so that a fast hash is enough."""
        return sha256(self.secret.encode()).hexdigest()

    def matches(self, secret_hash: str) -> bool:
        """Tell whether this is the key whose hash is stored, in a time that tells nothing of it."""
        return compare_digest(self.secret_hash, secret_hash)


def new_key() -> Key:
    """Return a key that nobody can guess."""
    return Key(prefix=secrets.token_hex(6), secret=secrets.token_urlsafe(32))


def read_key(sent: str) -> Key | None:
    """Return the key that was sent, or None where it does not look like one."""
    found = _KEY.fullmatch(sent)
    return Key(*found.groups()) if found else None
