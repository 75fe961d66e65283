"""`auth=oidc`: the login issuer of `make run`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.harness.accounts import new_email
from tests.harness.issuer import issuer_settings, shared_issuer
from tests.harness.services import bare_environment, free_port, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.databases import Database
    from tests.harness.services import Service

pytestmark = [
    pytest.mark.auth("oidc"),
    pytest.mark.once_per("framework", "orm", "concurrency", "django_api"),
]

CALLBACK = "/api/v1/auth/callback"
LOGIN = "/api/v1/auth/login"
SECONDS_TO_END = 30
ME = "/api/v1/users/me"


@pytest.fixture
def settings(database: Database) -> dict[str, str]:
    """The settings of a developer who has set no issuer."""
    return {"DATABASE_URL": database.url, "LOCAL_ISSUER_PORT": str(free_port())}


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let new processes end at a SIGINT. A shell makes those in the background ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def log_in(address: str, issuer: str, email: str) -> dict[str, Any]:
    """Log in on the issuer's page, as a browser does, and return the account."""
    with httpx2.Client(base_url=address, follow_redirects=True, trust_env=False) as browser:
        page = browser.get(LOGIN)
        assert page.status_code == 200, page.text
        assert str(page.url).startswith(f"{issuer}/authorize?")
        assert '<input type="email" name="email"' in page.text

        arrived = browser.post(page.url, data={"email": email})

        assert [each.url.path for each in arrived.history] == ["/authorize", CALLBACK]
        assert (arrived.status_code, arrived.url.path) == (200, ME), arrived.text
        account: dict[str, Any] = arrived.json()
        return account


def listens(port: str, host: str = "127.0.0.1") -> bool:
    """Return whether a server accepts connections."""
    with socket.socket() as caller:
        return caller.connect_ex((host, int(port))) == 0


@pytest.mark.usefixtures("interruptible")
def test_same_account_after_restart_and_no_process_remains(
    service: Service, settings: dict[str, str], tmp_path: Path
) -> None:
    port, email = settings["LOCAL_ISSUER_PORT"], new_email()
    accounts = []

    for end in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C reaches all processes of the terminal
        with serving(service, settings, tmp_path / "log", command=("make", "run")) as server:
            accounts.append(log_in(server.url, f"http://127.0.0.1:{port}", email))
            assert not listens(port, "127.0.0.2")
            os.killpg(server.process.pid, end)
            server.process.wait(SECONDS_TO_END)
            assert [listens(port), listens(str(server.port))] == [False, False]

    assert [each["email"] for each in accounts] == [email, email]
    assert accounts[0] == accounts[1]


def test_configured_issuer_replaces_local_one(
    service: Service, settings: dict[str, str], tmp_path: Path
) -> None:
    issuer = shared_issuer()
    settings |= issuer_settings(issuer)

    with serving(service, settings, tmp_path / "log", command=("make", "run")) as server:
        answer = httpx2.get(f"{server.url}{LOGIN}", trust_env=False)

        assert answer.headers["location"].startswith(f"{issuer.url}/authorize?")
        assert not listens(settings["LOCAL_ISSUER_PORT"])


def test_taken_port_is_one_line(service: Service, settings: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = subprocess.run(
            [service.folder / ".venv/bin/python", "-m", "scripts.local", "any", "serve"],
            cwd=service.folder,
            env={**bare_environment(), **settings, "LOCAL_ISSUER_PORT": port},
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"The login issuer cannot listen on port {port} (")
    assert done.stdout == ""
