"""Database servers that accept only TLS, with a certificate of a private authority."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pymysql
import pytest

from tests.harness.services import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START_SECONDS = 30
PASSWORD = "p@ss/w#rd%1"  # noqa: S105 - of a temporary server

AUTHORITY = "req -x509 -nodes -newkey rsa:2048 -days 2 -subj /CN=authority -keyout {0}.key -out {0}"
REQUEST = "req -nodes -newkey rsa:2048 -subj /CN=server -keyout server.key -out server.csr"
SIGNATURE = (
    "x509 -req -days 2 -in server.csr -CA ca.pem -CAkey ca.pem.key -CAcreateserial -extfile names"
    " -out server.pem"
)
NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1\n"

ACCOUNT_OF_POSTGRESQL = "CREATE ROLE test LOGIN SUPERUSER PASSWORD '{}'"
ACCOUNT_OF_MYSQL = (
    "CREATE DATABASE test",
    f"CREATE USER test@'127.0.0.1' IDENTIFIED BY '{PASSWORD}' REQUIRE SSL",
    "GRANT ALL ON test.* TO test@'127.0.0.1'",
)


@dataclass(frozen=True)
class TlsServer:
    """A server, and the authorities to trust."""

    url: str
    """The URL of a database, without a password."""
    authority: Path
    stranger: Path
    """The certificate of an authority that did not sign the server's."""


@dataclass(frozen=True)
class Start:
    """How a server starts."""

    command: list[str]
    owner: str | None
    """The user that runs it, if it is another."""
    ready: Callable[[], None]
    """Creates the account, and fails until the server answers."""
    url: str


@contextmanager
def tls_server(kind: str) -> Iterator[TlsServer]:
    """Run a server of a kind until the block ends."""
    start = {"postgresql": _postgresql, "mysql": _mariadb}[kind]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _create_certificates(folder)
        begun = start(folder)
        log = (folder / "log").open("wb")
        process = subprocess.Popen(
            begun.command, cwd=folder, stdout=log, stderr=log, user=begun.owner
        )
        try:
            _wait_for(begun.ready, process, folder / "log")
            yield TlsServer(begun.url, folder / "ca.pem", folder / "stranger.pem")
        finally:
            process.terminate()
            process.wait()
            log.close()


def _create_certificates(folder: Path) -> None:
    program = _found("openssl")
    (folder / "names").write_text(NAMES)
    authorities = (AUTHORITY.format(file) for file in ("ca.pem", "stranger.pem"))
    for command in (*authorities, REQUEST, SIGNATURE):
        subprocess.run([program, *command.split()], cwd=folder, check=True, capture_output=True)


def _postgresql(folder: Path) -> Start:
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    program = str(binaries[-1]) if binaries else _found("postgres")
    owner, port = _owner(folder), free_port()
    initialise = [
        str(Path(program).with_name("initdb")),
        "-D",
        "data",
        "-U",
        "postgres",
        "-A",
        "trust",
    ]
    subprocess.run(initialise, cwd=folder, user=owner, check=True, capture_output=True)
    (folder / "data" / "pg_hba.conf").write_text(
        "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n"
    )
    options = (
        "listen_addresses=127.0.0.1 fsync=off ssl=on"
        f" ssl_cert_file={folder}/server.pem ssl_key_file={folder}/server.key"
        f" unix_socket_directories={folder} port={port}"
    )
    command = [program, "-D", "data", *(word for each in options.split() for word in ("-c", each))]

    def ready() -> None:
        with psycopg.connect(
            host=str(folder), port=port, user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(ACCOUNT_OF_POSTGRESQL.format(PASSWORD).encode())

    return Start(command, owner, ready, f"postgresql://test@127.0.0.1:{port}/postgres")


def _mariadb(folder: Path) -> Start:
    program, port = _found("mariadbd"), free_port()
    initialise = [
        _found("mariadb-install-db"),
        "--no-defaults",
        f"--user={getpass.getuser()}",
        f"--datadir={folder}/data",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
    ]
    subprocess.run(initialise, cwd=folder, check=True, capture_output=True)
    command = [
        program,
        "--no-defaults",
        f"--user={getpass.getuser()}",
        f"--datadir={folder}/data",
        f"--socket={folder}/socket",
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--ssl-ca={folder}/ca.pem",
        f"--ssl-cert={folder}/server.pem",
        f"--ssl-key={folder}/server.key",
    ]

    def ready() -> None:
        if not (folder / "socket").exists():
            message = "the server does not listen yet"
            raise pymysql.err.OperationalError(message)
        with (
            pymysql.connect(unix_socket=f"{folder}/socket", user="root") as connection,
            connection.cursor() as cursor,
        ):
            for statement in ACCOUNT_OF_MYSQL:
                cursor.execute(statement)

    return Start(command, None, ready, f"mysql://test@127.0.0.1:{port}/test")


def _found(program: str) -> str:
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if not found:
        pytest.skip(f"{program} is not installed")
    return found


def _owner(folder: Path) -> str | None:
    """Return the user that runs PostgreSQL, which refuses root, and give that user the folder."""
    if os.getuid():
        return None
    for path in (folder, *folder.iterdir()):
        shutil.chown(path, "daemon")
    return "daemon"


def _wait_for(ready: Callable[[], None], process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            ready()
        except (psycopg.OperationalError, pymysql.err.OperationalError):
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < end, log.read_text(errors="replace")
            time.sleep(0.1)
        else:
            return
