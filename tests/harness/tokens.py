"""JSON Web Tokens written and read by hand (RFC 7515, 7519), as a check on the library in use."""

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
    """Return the header and the claims of a token, unchecked."""
    header, claims, _ = token.split(".")
    return json.loads(_decoded(header)), json.loads(_decoded(claims))


def written(header: dict[str, Any], claims: dict[str, Any], key: str) -> str:
    """Return a token signed as its header says; `alg` none, in any spelling, leaves it unsigned."""
    signed = ".".join(_encoded(json.dumps(each).encode()) for each in (header, claims))
    if header["alg"] not in HASHES:
        return f"{signed}."
    signature = hmac.digest(key.encode(), signed.encode(), HASHES[header["alg"]])
    return f"{signed}.{_encoded(signature)}"
