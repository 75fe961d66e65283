"""JSON Web Tokens encoded and decoded by hand (RFC 7515, 7519), independently of the services'
library.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the header and the claims of a token, without verification."""
    header, claims, _ = token.split(".")
    return json.loads(_decoded(header)), json.loads(_decoded(claims))


def signed(header: str, claims: str, key: str, *, algorithm: str = "HS256") -> str:
    """Return a token of this text, which need not be JSON."""
    content = f"{_encoded(header.encode())}.{_encoded(claims.encode())}"
    return f"{content}.{_encoded(hmac.digest(key.encode(), content.encode(), HASHES[algorithm]))}"


def written(header: dict[str, Any], claims: dict[str, Any], key: str) -> str:
    """Return a token signed as its header says. `alg` none, in any spelling, leaves it unsigned."""
    texts = json.dumps(header), json.dumps(claims)
    if header["alg"] in HASHES:
        return signed(*texts, key, algorithm=header["alg"])
    return ".".join((*(_encoded(each.encode()) for each in texts), ""))
