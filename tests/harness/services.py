"""A generated service on disk, with its environment, its commands and its running servers."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from uv import find_uv_bin

from tests.harness.combinations import PROJECT_NAME, RUNNING_PYTHON, Combination
from tests.harness.rendering import render

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import httpx2

DATABASE_URLS: dict[str, str] = {}
"""The database that a server was started with, by the server's URL."""

START_SECONDS = 30
STOP_SECONDS = 15
LOG_SECONDS = 2

KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "XDG_CACHE_HOME")
"""The variables of the test run that a service inherits. None of them could configure it."""


def bare_environment() -> dict[str, str]:
    """Return the variables that every child process needs, and no others."""
    tools = ("UV_", "PIP_")
    return {
        name: value
        for name, value in os.environ.items()
        if name in KEPT or (name.startswith(tools) and name != "UV_PROJECT_ENVIRONMENT")
    }


class StartError(AssertionError):
    """A server did not start. The message contains its output."""


@dataclass(frozen=True)
class Service:
    """An installed service: its folder, and how to run its commands."""

    combination: Combination
    folder: Path
    command: tuple[str, ...]

    @classmethod
    def in_folder(cls, combination: Combination, folder: Path) -> Service:
        """Return the service that is installed in a folder."""
        return cls(combination, folder, (str(folder / ".venv" / "bin" / PROJECT_NAME),))

    @property
    def has_accounts(self) -> bool:
        """Whether the service has accounts."""
        return self.combination.auth != "none"

    def run(
        self, *arguments: str, settings: Mapping[str, str], stdin: str = "", seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the service to its end, with only these settings."""
        command = [*self.command, *arguments]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**bare_environment(), **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with process:
            try:
                stdout, stderr = process.communicate(stdin, timeout=seconds)
            except subprocess.TimeoutExpired:
                # With its children, because a command that should end at once may have become a
                # server.
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    def alembic(self, *arguments: str, settings: Mapping[str, str]) -> None:
        """Run Alembic in the environment of the service.

        Raises:
            CalledProcessError: It failed.
        """
        subprocess.run(
            [str(self.folder / ".venv" / "bin" / "alembic"), *arguments],
            cwd=self.folder,
            env={**bare_environment(), **settings},
            check=True,
        )


@dataclass
class Address:
    """The URL of a server."""

    url: str

    @property
    def port(self) -> int:
        """The port of the URL."""
        return urlsplit(self.url).port or 80


@dataclass
class Server(Address):
    """A server process of a service, started by `serving`."""

    process: subprocess.Popen[bytes]
    log_path: Path
    settings: Mapping[str, str]
    started_at: float = field(default_factory=time.monotonic)

    def log(self) -> str:
        """Return everything that the process has written to standard output and standard error
        so far.
        """
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def lines_of(self, request_id: str) -> list[str]:
        """Return the log lines of one request, which may follow its response by a moment."""
        end = time.monotonic() + LOG_SECONDS
        lines: list[str] = []
        while not lines and time.monotonic() < end:
            lines = [line for line in self.log().splitlines() if request_id in line]
        return lines

    def events_of(self, response: httpx2.Response) -> list[tuple[str, str, str | None, str | None]]:
        """Return name, level, user and reason of each security event of a request."""
        request_id = response.headers["x-request-id"]
        end = time.monotonic() + LOG_SECONDS
        lines: list[dict[str, Any]] = []
        while not any(line["event"] == "request" for line in lines):
            assert time.monotonic() < end, f"the log has no line of the request {request_id}"
            lines = [json.loads(line) for line in self.lines_of(request_id)]
        return [
            (line["event"], line["level"], line.get("user_id"), line.get("reason"))
            for line in lines
            if line["event"] != "request"
        ]

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)


def install(combination: Combination, folder: Path) -> Service:
    """Render a service and install it from its own project file, through uv's cache."""
    render(combination.answers(), folder)
    sync(folder)
    return Service.in_folder(combination, folder)


def sync(folder: Path) -> None:
    """Install a rendered service, through uv's cache."""
    environment = {**bare_environment(), "UV_PYTHON": RUNNING_PYTHON, "UV_LINK_MODE": "hardlink"}
    done = subprocess.run(
        [find_uv_bin(), "sync", "--quiet"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        message = f"uv sync failed in {folder}:\n{done.stdout}{done.stderr}"
        raise AssertionError(message)


def secret_key() -> str:
    """Return a key that production accepts."""
    return secrets.token_urlsafe(48)


def free_port() -> int:
    """Return a free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(
    service: Service,
    settings: Mapping[str, str],
    log_path: Path,
    *,
    workers: int = 1,
    command: Sequence[str] | None = None,
) -> Iterator[Server]:
    """Run a command, or the production command, until the block ends.

    The block begins after the live probe has answered.
    """
    port = free_port()
    environment = {
        **bare_environment(),
        **settings,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WEB_CONCURRENCY": str(workers),
    }
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command or [*service.command, "serve"],
            cwd=service.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(f"http://127.0.0.1:{port}", process, log_path, environment)
    DATABASE_URLS[server.url] = settings.get("DATABASE_URL", "")
    try:
        _wait_for(server)
        yield server
    finally:
        try:
            server.stop()
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise


def _wait_for(server: Server) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if (code := server.process.poll()) is not None:
            message = f"The server exited with code {code} at start:\n{server.log()}"
            raise StartError(message)
        try:
            with urllib.request.urlopen(f"{server.url}/health/live", timeout=2):  # noqa: S310
                return
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:
            time.sleep(0.05)
    message = f"The server did not respond within {START_SECONDS} s:\n{server.log()}"
    raise StartError(message)
