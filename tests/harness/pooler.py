"""PgBouncer in front of a PostgreSQL database."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from new_backend.verify.pooler import executable
from tests.harness.services import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 10

CONFIGURATION = """
[databases]
{name} = host={host} port={port} user={user}{password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
"""
"""Fewer connections than a service opens, so that its transactions change connections."""


@contextmanager
def transaction_pooling(url: str) -> Iterator[str]:
    """Run PgBouncer until the block ends. Yield the URL of the database through it."""
    program = executable()
    if not program:
        pytest.skip("PgBouncer is not installed")
    parts = urlsplit(url)
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pgbouncer.ini"
        file.write_text(
            CONFIGURATION.format(
                name=parts.path.removeprefix("/"),
                host=parts.hostname or parse_qs(parts.query)["host"][0],
                port=parts.port or 5432,
                user=parts.username,
                password=f" password={parts.password}" if parts.password else "",
                listen_port=port,
            )
        )
        command = [program, "-q", str(file)]
        if os.getuid() == 0:  # PgBouncer refuses to run as root
            Path(folder).chmod(0o755)
            command[1:1] = ["-u", "daemon"]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            _wait_for(port, process)
            yield f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}"
        finally:
            process.terminate()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, "PgBouncer exited at start"
            assert time.monotonic() < end, "PgBouncer did not start"
            time.sleep(0.05)
        else:
            return
