"""API keys that the tests insert into a service's database, in the documented format.

Creating one on the command line takes a second, and the tests need hundreds.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
import uuid
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg

from new_backend.verify.databases import connect_to_mysql

if TYPE_CHECKING:
    from collections.abc import Callable

INSERT = """
INSERT INTO api_key (id, user_id, name, prefix, secret_hash, created_at, expires_at)
SELECT %s, id, %s, %s, %s, %s, %s FROM user_account WHERE email = %s
"""


def insert_key(
    database_url: str, email: str, *, name: str = "tests", expires_at: datetime | None = None
) -> str:
    """Create a key for the account with this address, and return it."""
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    digest = sha256(secret.encode()).hexdigest()
    now = datetime.now(UTC)
    row = (_new_id(), name, prefix, digest, now, expires_at, email.lower())
    changed = execute(database_url, INSERT, *row)
    assert changed == 1, f"there is no account with the address {email}"
    return f"{prefix}.{secret}"


def execute(database_url: str, statement: str, *values: Any) -> int:
    """Run a statement that changes rows, and return their number."""
    kind = urlsplit(database_url).scheme.partition("+")[0]
    connect, adapt, mark = KINDS[kind]
    with closing(connect(database_url)) as connection:
        cursor = connection.cursor()
        cursor.execute(statement.replace("%s", mark), [adapt(each) for each in values])
        changed: int = cursor.rowcount
        connection.commit()
    return changed


def _new_id() -> uuid.UUID:
    """Return a UUIDv7 (RFC 9562, section 5.7)."""
    random = secrets.randbits(74)
    return uuid.UUID(
        int=time.time_ns() // 1_000_000 << 80
        | 0x7 << 76
        | (random >> 62) << 64
        | 0b10 << 62
        | random & (1 << 62) - 1
    )


def _connect_to_sqlite(database_url: str) -> sqlite3.Connection:
    return sqlite3.connect(urlsplit(database_url).path.removeprefix("/"), timeout=30)


def _as_mysql_has_it(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return value.bytes
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def _as_sqlite_has_it(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return value.hex
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return value


KINDS: dict[str, tuple[Callable[[str], Any], Callable[[Any], Any], str]] = {
    "postgresql": (psycopg.connect, lambda value: value, "%s"),
    "mariadb": (connect_to_mysql, _as_mysql_has_it, "%s"),
    "mysql": (connect_to_mysql, _as_mysql_has_it, "%s"),
    "sqlite": (_connect_to_sqlite, _as_sqlite_has_it, "?"),
}
"""By scheme of the database URL: the connect function, the value converter and the placeholder."""
