"""The database servers that services are asked on, and databases on them that are thrown away."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
import pymysql
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVERS = {
    "postgresql": os.environ.get(
        "NEW_BACKEND_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres"
    ),
    "mysql": os.environ.get("NEW_BACKEND_MYSQL", "mariadb://root@127.0.0.1:3306"),
}
"""Where a server of each kind is looked for: one of the loopback that trusts whoever comes."""

_CONNECT_SECONDS = 3
_MOST_LETTERS = 63
"""PostgreSQL's names have 63 at most, MySQL's 64."""


@cache
def answers(server: str) -> bool:
    """Whether a server answers; it is asked once, as one that is silent takes its time."""
    try:
        if _is_postgresql(server):
            connect_to_postgresql(server).close()
        else:
            connect_to_mysql(server).close()
    except (psycopg.OperationalError, pymysql.err.OperationalError):
        return False
    return True


@contextmanager
def empty(kind: str) -> Iterator[str]:
    """Lend an empty database as the address that a service's `DATABASE_URL` takes.

    Args:
        kind: One of `SERVERS`, or `sqlite`, for which a file is lent.
    """
    name = new_name("verify")
    if kind not in SERVERS:
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/{name}.db"
        return
    create(SERVERS[kind], name)
    try:
        yield address(SERVERS[kind], name)
    finally:
        drop(SERVERS[kind], name)


def new_name(purpose: str) -> str:
    """Return a name that no database has; it begins with `test`, as the services insist."""
    name = f"test_{purpose.replace('-', '_')}_{secrets.token_hex(4)}"[-_MOST_LETTERS:]
    return name if name.startswith("test") else f"test_{name[5:]}"


def address(server: str, database: str) -> str:
    """Return the address of a database on a server."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{database}"))


def create(server: str, name: str) -> None:
    """Create an empty database."""
    if _is_postgresql(server):
        with connect_to_postgresql(server) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    else:
        with connect_to_mysql(server) as mysql, mysql.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")


def drop(server: str, name: str) -> None:
    """Remove a database, whoever is connected to it; that there is none does no harm."""
    if _is_postgresql(server):
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        with connect_to_postgresql(server) as connection:
            connection.execute(statement.format(sql.Identifier(name)))
    else:
        with connect_to_mysql(server) as mysql, mysql.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")


def _is_postgresql(server: str) -> bool:
    return urlsplit(server).scheme == "postgresql"


def connect_to_postgresql(url: str) -> psycopg.Connection:
    """Connect to a server, or to the database that its address names."""
    return psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_SECONDS)


def connect_to_mysql(url: str) -> pymysql.Connection:
    """Connect to a server, or to the database that its address names."""
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=parts.username,
        password=unquote(parts.password or ""),
        database=parts.path.removeprefix("/") or None,
        connect_timeout=_CONNECT_SECONDS,
        autocommit=True,
    )
