"""Attackers, victims, and the checks after every attack."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.harness.accounts import Account, new_account
from tests.harness.api import Api, Document, Transcript
from tests.security.scene import Rivalry, Scene

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.harness.services import Server, Service

REVEALING = ("Traceback", 'File "', ".py", "sqlalchemy", "psycopg", "pymysql", "sqlite3", "$argon2")
"""Words in a response that reveal to an attacker how the service is built."""


@pytest.fixture(scope="session")
def shared_transcript() -> Iterator[Transcript]:
    """Record the responses of each test in turn, for clients that outlive a test."""
    kept = Transcript()
    yield kept
    kept.close()


@pytest.fixture
def transcript(shared_transcript: Transcript, document: Document) -> Iterator[Transcript]:
    """Record every response of the test. None may be a 5xx, reveal secrets or break a
    convention.
    """
    shared_transcript.responses.clear()
    lasting = len(shared_transcript.clients)
    yield shared_transcript
    for each in shared_transcript.clients[lasting:]:
        each.close()
    del shared_transcript.clients[lasting:]
    answers = [each for each, _ in shared_transcript.responses]
    complaints = [each for answer in answers for each in _harm_of(answer)]
    complaints += shared_transcript.complaints(document)
    assert not complaints, "\n".join(complaints)


def _harm_of(answer: httpx2.Response) -> list[str]:
    name = f"{answer.request.method} {answer.request.url.path} -> {answer.status_code}"
    found = [
        f"{name} reveals {word}" for word in REVEALING if answer.is_error and word in answer.text
    ]
    return [*found, *([f"{name}: {answer.text[:200]}"] if answer.is_server_error else [])]


@pytest.fixture(autouse=True)
def log_kept_clean(server: Server) -> Iterator[None]:
    """Check that every line that the server logs meanwhile is a JSON object, and none reports
    a crash.
    """
    before = len(server.log())
    yield
    with Api(server.url, Transcript()) as api:
        last = api.get("/api/v1/items").headers["x-request-id"]
    assert server.lines_of(last), "the server has stopped logging"
    written = server.log()[before:]
    complaints = []
    for line in written[: written.rindex("\n")].split("\n"):
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            complaints.append(f"injected: {line}")
            continue
        if entry["level"] in ("error", "critical") or "Traceback" in line:
            complaints.append(line)
    assert not complaints, "\n".join(complaints)
    assert server.process.poll() is None


@pytest.fixture(scope="session")
def lasting_account(
    server: Server, service: Service, shared_transcript: Transcript
) -> Account | None:
    """The account that attacks, or None in services without accounts."""
    return _new(server, service, shared_transcript)


@pytest.fixture(scope="session")
def lasting_victim(
    server: Server, service: Service, shared_transcript: Transcript
) -> Account | None:
    """The account under attack, or None in services without accounts."""
    return _new(server, service, shared_transcript)


def _new(server: Server, service: Service, transcript: Transcript) -> Account | None:
    if not service.has_accounts:
        return None
    return new_account(Api(server.url, transcript), service.combination.auth)


@pytest.fixture
def scene(
    # Requested before the clients, so that this check runs after they have closed.
    lasting_account: Account | None,
    server: Server,
    document: Document,
    service: Service,
    api: Api,
) -> Scene:
    """A service and its attacker."""
    caller = lasting_account.api if lasting_account else api
    return Scene(server, document, service.combination.auth, api, caller)


@pytest.fixture
def rivalry(scene: Scene, lasting_account: Account, lasting_victim: Account) -> Rivalry:
    """A service, an attacker with an account, and an item of another user."""
    answer = lasting_victim.api.post("/api/v1/items", json={"title": "treasure"})
    assert answer.status_code == 201
    return Rivalry(
        scene.server,
        scene.document,
        scene.auth,
        scene.stranger,
        scene.caller,
        lasting_account,
        lasting_victim,
        answer.json(),
    )
