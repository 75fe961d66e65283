"""Databases for the services under test, and their outages."""

from __future__ import annotations

import secrets
import socket
import sqlite3
import threading
import time
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import psycopg
from psycopg import sql

from new_backend.verify.databases import (
    address,
    connect_to_mysql,
    connect_to_postgresql,
    create,
    drop,
    new_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pymysql

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


REFUSAL = """
CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.title = {title} THEN
        RAISE EXCEPTION USING MESSAGE = 'planted by item';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER planted AFTER INSERT ON item
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION planted();
"""


CHAIN = """
CREATE FUNCTION chained() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE planted SET n = n + 1;
    RETURN NULL;
END $$;
CREATE TABLE planted (n int);
INSERT INTO planted VALUES (0);
CREATE TRIGGER chained AFTER UPDATE ON item FOR EACH ROW EXECUTE FUNCTION chained();
"""

BLOCKED_SECONDS = 20
BLOCKED_IN_POSTGRESQL = """
SELECT 1 FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
BLOCKED_IN_MYSQL = """
SELECT 1 FROM information_schema.innodb_trx
JOIN information_schema.processlist ON id = trx_mysql_thread_id
WHERE db = DATABASE() AND trx_state = 'LOCK WAIT'
"""


KILL_IN_POSTGRESQL = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
OTHERS_IN_MYSQL = """
SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()
"""
NONE_IN_MYSQL = """
SELECT 1 FROM information_schema.processlist
WHERE db = DATABASE() AND id <> CONNECTION_ID() HAVING COUNT(*) = 0
"""


class Run(Protocol):
    """A function that runs a statement with `%s` for each value."""

    def __call__(self, statement: str, *values: object) -> object:
        """Run a statement."""


class Database(Protocol):
    """One database of a service under test."""

    @property
    def url(self) -> str:
        """The URL as the service's `DATABASE_URL` accepts it."""

    def outages(self) -> tuple[Outage, ...]:
        """Return the ways in which this kind of database can fail under a running service."""

    def absence(self) -> Absence:
        """Return a URL at which this database becomes available later."""

    def holding_writes(self) -> AbstractContextManager[None]:
        """Block every write of the service until the block ends."""

    def refusing_title(self, title: str) -> AbstractContextManager[None]:
        """Make the insertion of an item with this title fail unexpectedly for every service."""

    def transaction(self) -> AbstractContextManager[Run]:
        """Open a transaction that commits when the block ends. It wins every deadlock."""

    def wait_for_blocked(self) -> None:
        """Return when a transaction waits for a lock. SQLite does not show this: return at once."""

    def chaining_updates(self) -> AbstractContextManager[None]:
        """Make every update of an item also update the table `planted`."""

    def referring(self, item_id: str) -> AbstractContextManager[None]:
        """Have a row refer to an item, with a foreign key that restricts its deletion."""

    def contents(self) -> str:
        """Return every row of every table, as text."""

    def run(self, statement: str, *values: object) -> Sequence[tuple[Any, ...]]:
        """Run a statement, with `%s` for each value, and return its rows."""

    def changing(self, statement: str, *values: object) -> AbstractContextManager[Run]:
        """Run a statement in a transaction that is committed when the block ends. Yield a function
        that runs another statement in it.
        """

    def kill_connections(self) -> None:
        """Make the server close every connection to the database. SQLite has no server."""

    def gate(self) -> Gate | None:
        """Return a relay in front of the server. SQLite has no server."""

    def drop(self) -> None:
        """Drop the database."""


@dataclass(frozen=True)
class Outage:
    """A kind of outage, and the URL to start the service with."""

    name: str
    url: str
    happening: AbstractContextManager[None]
    reads_fail: bool
    noticed_at_once: bool = True
    """Whether the service gets an error. Otherwise its requests may wait."""


@dataclass(frozen=True)
class Absence:
    """A URL at which no database answers until `end` is called."""

    url: str
    end: Callable[[], None]


@contextmanager
def _reference(database: Database, kind: str, item_id: object) -> Iterator[None]:
    database.run(
        f"CREATE TABLE referring (item_id {kind}, "
        "FOREIGN KEY (item_id) REFERENCES item (id) ON DELETE RESTRICT)"
    )
    try:
        database.run("INSERT INTO referring VALUES (%s)", item_id)
        yield
    finally:
        database.run("DROP TABLE referring")


# ---------------------------------------------------------------- PostgreSQL


@dataclass(frozen=True)
class PostgresDatabase:
    """A separate database on a PostgreSQL server."""

    server: str
    name: str

    @classmethod
    def create(cls, server: str, purpose: str) -> PostgresDatabase:
        """Create an empty database whose name starts with `test`."""
        made = cls(server, new_name(purpose))
        create(server, made.name)
        return made

    @property
    def url(self) -> str:
        return address(self.server, self.name)

    def outages(self) -> tuple[Outage, ...]:
        return _outages(self.server, self.name)

    def absence(self) -> Absence:
        return _absence(self.server, self.name)

    @contextmanager
    def holding_writes(self) -> Iterator[None]:
        with psycopg.connect(self.url) as connection:
            for (table,) in connection.execute(TABLES).fetchall():
                connection.execute(
                    sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(sql.Identifier(table))
                )
            yield
            connection.rollback()

    @contextmanager
    def refusing_title(self, title: str) -> Iterator[None]:
        # At the commit, so that a service which responds before it commits has lied to its client.
        with connect_to_postgresql(self.url) as connection:
            connection.execute(sql.SQL(REFUSAL).format(title=title))
            try:
                yield
            finally:
                connection.execute("DROP FUNCTION planted CASCADE")

    @contextmanager
    def transaction(self) -> Iterator[Run]:
        with psycopg.connect(self.url) as connection:
            # The transaction that waits for this long looks for a deadlock, and gives way.
            connection.execute("SET deadlock_timeout = '1min'")
            yield lambda statement, *values: connection.execute(statement.encode(), values)

    def wait_for_blocked(self) -> None:
        _wait_for_row(self, BLOCKED_IN_POSTGRESQL)

    @contextmanager
    def chaining_updates(self) -> Iterator[None]:
        with connect_to_postgresql(self.url) as connection:
            connection.execute(CHAIN)
            try:
                yield
            finally:
                connection.execute("DROP FUNCTION chained CASCADE; DROP TABLE planted")

    @contextmanager
    def referring(self, item_id: str) -> Iterator[None]:
        with _reference(self, "uuid", UUID(item_id)):
            yield

    def contents(self) -> str:
        with psycopg.connect(self.url) as connection:
            return "\n".join(
                str(row)
                for (table,) in connection.execute(TABLES).fetchall()
                for row in connection.execute(
                    sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table))
                ).fetchall()
            )

    def run(self, statement: str, *values: object) -> Sequence[tuple[Any, ...]]:
        with connect_to_postgresql(self.url) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else ()

    @contextmanager
    def changing(self, statement: str, *values: object) -> Iterator[Run]:
        with psycopg.connect(self.url) as connection:

            def run(statement: str, *values: object) -> object:
                return connection.execute(statement.encode(), values)

            run(statement, *values)
            yield run

    def kill_connections(self) -> None:
        self.run(KILL_IN_POSTGRESQL)

    def gate(self) -> Gate:
        return Gate(self.server)

    def drop(self) -> None:
        drop(self.server, self.name)


# ---------------------------------------------------------------- MySQL and MariaDB


@dataclass(frozen=True)
class MysqlDatabase:
    """A separate database on a MySQL or MariaDB server, with the server's collation."""

    server: str
    name: str

    @classmethod
    def create(cls, server: str, purpose: str) -> MysqlDatabase:
        """Create an empty database whose name starts with `test`."""
        made = cls(server, new_name(purpose))
        create(server, made.name)
        return made

    @property
    def url(self) -> str:
        return address(self.server, self.name)

    def outages(self) -> tuple[Outage, ...]:
        return _outages(self.server, self.name)

    def absence(self) -> Absence:
        return _absence(self.server, self.name)

    @contextmanager
    def holding_writes(self) -> Iterator[None]:
        with connect_to_mysql(self.url) as connection:
            tables = ", ".join(f"{name} READ" for (name,) in _run(connection, "SHOW TABLES"))
            _run(connection, f"LOCK TABLES {tables}")
            yield

    @contextmanager
    def refusing_title(self, title: str) -> Iterator[None]:
        # At the statement, because MySQL has no deferred constraint check.
        with connect_to_mysql(self.url) as connection:
            _run(
                connection,
                "CREATE TRIGGER planted BEFORE INSERT ON item FOR EACH ROW "
                f"IF NEW.title = '{title}' THEN "
                "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'planted by item'; END IF",
            )
            try:
                yield
            finally:
                _run(connection, "DROP TRIGGER planted")

    @contextmanager
    def transaction(self) -> Iterator[Run]:
        with connect_to_mysql(self.url) as connection:
            connection.begin()
            yield lambda statement, *values: _run(connection, statement, *values)
            connection.commit()

    def wait_for_blocked(self) -> None:
        _wait_for_row(self, BLOCKED_IN_MYSQL)

    @contextmanager
    def chaining_updates(self) -> Iterator[None]:
        with connect_to_mysql(self.url) as connection:
            _run(connection, "CREATE TABLE planted (n int)")
            # Of two transactions in a deadlock, the one that changed fewer rows gives way.
            _run(connection, "INSERT INTO planted SELECT seq FROM seq_1_to_100")
            _run(
                connection,
                "CREATE TRIGGER chained AFTER UPDATE ON item FOR EACH ROW "
                "UPDATE planted SET n = n + 1",
            )
            try:
                yield
            finally:
                _run(connection, "DROP TRIGGER chained")
                _run(connection, "DROP TABLE planted")

    @contextmanager
    def referring(self, item_id: str) -> Iterator[None]:
        with _reference(self, "binary(16)", UUID(item_id).bytes):
            yield

    def contents(self) -> str:
        with connect_to_mysql(self.url) as connection:
            return "\n".join(
                str([each.hex() if isinstance(each, bytes) else each for each in row])
                for (table,) in _run(connection, "SHOW TABLES")
                for row in _run(connection, f"SELECT * FROM {table}")  # noqa: S608 - our own
            )

    def run(self, statement: str, *values: object) -> Sequence[tuple[Any, ...]]:
        with connect_to_mysql(self.url) as connection:
            return _run(connection, statement, *values)

    @contextmanager
    def changing(self, statement: str, *values: object) -> Iterator[Run]:
        with connect_to_mysql(self.url) as connection:
            connection.begin()
            _run(connection, statement, *values)
            yield partial(_run, connection)
            connection.commit()

    def kill_connections(self) -> None:
        for (number,) in self.run(OTHERS_IN_MYSQL):
            self.run(f"KILL {number}")
        _wait_for_row(self, NONE_IN_MYSQL)

    def gate(self) -> Gate:
        return Gate(self.server)

    def drop(self) -> None:
        drop(self.server, self.name)


def _run(
    connection: pymysql.Connection, statement: str, *values: object
) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall()


ID_LITERALS = {"postgresql": "'{}'", "mysql": "X'{0.hex}'", "sqlite": "'{0.hex}'"}
"""A UUID in a statement, by the database."""


def insert_item(database: Database, kind: str, **values: str) -> None:
    """Insert an item with these texts by column, without the service."""
    given = {
        "id": ID_LITERALS[kind].format(UUID(int=1)),
        **{column: f"'{text}'" for column, text in values.items()},
        "created_at": "'2026-01-02 03:04:05'",
        "updated_at": "'2026-01-02 03:04:05'",
    }
    columns, literals = ", ".join(given), ", ".join(given.values())
    database.run(f"INSERT INTO item ({columns}) VALUES ({literals})")  # noqa: S608 - of a test


# ---------------------------------------------------------------- Shared by the servers


def _wait_for_row(database: Database, query: str) -> None:
    end = time.monotonic() + BLOCKED_SECONDS
    while not database.run(query):
        if time.monotonic() > end:
            message = f"no row after {BLOCKED_SECONDS} s: {query}"
            raise AssertionError(message)
        time.sleep(0.05)


def _outages(server: str, database: str) -> tuple[Outage, ...]:
    refusing, silent = Gate(server), Gate(server)
    return (
        Outage("refuses", refusing.url(database), refusing.closed(), reads_fail=True),
        Outage(
            "is-silent",
            silent.url(database),
            silent.silent(),
            reads_fail=True,
            noticed_at_once=False,
        ),
    )


def _absence(server: str, database: str) -> Absence:
    gate = Gate(server)
    gate.close()
    return Absence(gate.url(database), gate.open)


class Gate:
    """A TCP relay in front of a server, which can close or block its connections."""

    def __init__(self, server: str) -> None:
        """Listen on a free port and relay to the server of that URL."""
        self._server = urlsplit(server)
        self._listener: socket.socket | None = None
        self._port = 0
        self._pairs: set[socket.socket] = set()
        self._forgotten: set[socket.socket] = set()
        self._flowing = threading.Event()
        self._flowing.set()
        self.open()

    @property
    def port(self) -> int:
        """The port on the loopback where it listens."""
        return self._port

    def url(self, database: str) -> str:
        """Return the URL of a database through the gate."""
        address = f"{self._server.username}@127.0.0.1:{self._port}"
        return f"{self._server.scheme}://{address}/{database}"

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Cut every connection and refuse new ones until the block ends."""
        self.close()
        try:
            yield
        finally:
            self.open()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Keep and accept connections, but forward nothing until the block ends."""
        self._flowing.clear()
        try:
            yield
        finally:
            # The withheld bytes belong to requests that ended long ago.
            self._cut()
            self._flowing.set()

    def forget(self) -> None:
        """Drop the data of the existing connections, and relay new ones, as a NAT does."""
        self._forgotten |= self._pairs

    def open(self) -> None:
        """Listen, on the same port each time."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        listener.listen(64)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def close(self) -> None:
        """Refuse new connections and cut the existing ones."""
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self._cut()

    def _cut(self) -> None:
        for each in list(self._pairs):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._pairs.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                inner, _ = listener.accept()
            except OSError:
                return
            try:
                outer = self._connect()
            except OSError:
                inner.close()
                continue
            self._pairs |= {inner, outer}
            for source, sink in ((inner, outer), (outer, inner)):
                threading.Thread(target=self._relay, args=(source, sink), daemon=True).start()

    def _connect(self) -> socket.socket:
        if folders := parse_qs(self._server.query).get("host"):
            outer = socket.socket(socket.AF_UNIX)
            outer.connect(f"{folders[0]}/.s.PGSQL.5432")
            return outer
        outer = socket.create_connection((self._server.hostname, self._server.port), timeout=5)
        outer.settimeout(None)
        return outer

    def _relay(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._flowing.wait()
                if source not in self._forgotten:
                    sink.sendall(data)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
            self._pairs.discard(each)


# ---------------------------------------------------------------- SQLite


@dataclass(frozen=True)
class SqliteDatabase:
    """A database in its own file."""

    path: Path

    @classmethod
    def create(cls, folder: Path, purpose: str) -> SqliteDatabase:
        """Choose a file in the folder. The service's migrations create it."""
        return cls(folder / f"test-{purpose}-{secrets.token_hex(4)}.db")

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def outages(self) -> tuple[Outage, ...]:
        return (Outage("is-locked", self.url, self.holding_writes(), reads_fail=False),)

    def absence(self) -> Absence:
        folder = self.path.parent / f"absent-{secrets.token_hex(4)}"
        # A file takes the folder's place, so that even root cannot create the database there.
        folder.touch()

        def end() -> None:
            folder.unlink()
            folder.mkdir()
            source, target = sqlite3.connect(self.path), sqlite3.connect(folder / self.path.name)
            source.backup(target)
            source.close()
            target.close()

        return Absence(f"sqlite:///{folder / self.path.name}", end)

    @contextmanager
    def holding_writes(self) -> Iterator[None]:
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=10)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
        finally:
            connection.close()

    @contextmanager
    def refusing_title(self, title: str) -> Iterator[None]:
        self.run(
            "CREATE TRIGGER planted BEFORE INSERT ON item "
            f"WHEN NEW.title = '{title}' BEGIN SELECT RAISE(ABORT, 'planted by item'); END"
        )
        try:
            yield
        finally:
            self.run("DROP TRIGGER planted")

    @contextmanager
    def transaction(self) -> Iterator[Run]:
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=10)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield lambda statement, *values: connection.execute(
                statement.replace("%s", "?"), values
            )
            connection.execute("COMMIT")
        finally:
            connection.close()

    def wait_for_blocked(self) -> None:
        pass

    @contextmanager
    def chaining_updates(self) -> Iterator[None]:
        self.run("CREATE TABLE planted (n int)")
        self.run(
            "CREATE TRIGGER chained AFTER UPDATE ON item BEGIN UPDATE planted SET n = n + 1; END"
        )
        try:
            yield
        finally:
            self.run("DROP TRIGGER chained")
            self.run("DROP TABLE planted")

    @contextmanager
    def referring(self, item_id: str) -> Iterator[None]:
        with _reference(self, "char(32)", UUID(item_id).hex):
            yield

    def contents(self) -> str:
        connection = sqlite3.connect(self.path)
        try:
            return "\n".join(connection.iterdump())
        finally:
            connection.close()

    def run(self, statement: str, *values: object) -> Sequence[tuple[Any, ...]]:
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=10)
        try:
            return connection.execute(statement.replace("%s", "?"), values).fetchall()
        finally:
            connection.close()

    @contextmanager
    def changing(self, statement: str, *values: object) -> Iterator[Run]:
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=10)

        def run(statement: str, *values: object) -> object:
            return connection.execute(statement.replace("%s", "?"), values)

        try:
            connection.execute("BEGIN IMMEDIATE")
            run(statement, *values)
            yield run
            connection.execute("COMMIT")
        finally:
            connection.close()

    def kill_connections(self) -> None:
        pass

    def gate(self) -> None:
        pass

    def drop(self) -> None:
        for each in self.path.parent.glob(f"{self.path.name}*"):
            each.unlink()
