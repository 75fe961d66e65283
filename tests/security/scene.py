"""An attack, and its participants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import httpx2

from tests.harness.raw import RawAnswer, send, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.harness.accounts import Account
    from tests.harness.api import Api, Document
    from tests.harness.services import Server

ITEMS = "/api/v1/items"
USERS = "/api/v1/users"
ME = f"{USERS}/me"
REGISTER = "/api/v1/auth/register"
NO_ID = "01900000-0000-7000-8000-000000000000"
JSON = {"Content-Type": "application/json"}

Answer = httpx2.Response | RawAnswer


@dataclass(frozen=True)
class Scene:
    """A service and its attacker."""

    server: Server
    document: Document
    auth: str
    stranger: Api
    """A client without credentials."""
    caller: Api
    """A client that may use items. It has an account in services with accounts."""


@dataclass(frozen=True)
class Rivalry(Scene):
    """A service, an attacker with an account, and an item of another user."""

    attacker: Account
    victim: Account
    treasure: dict[str, Any]
    """The victim's item."""

    @property
    def treasure_path(self) -> str:
        """The path of the victim's item."""
        return f"{ITEMS}/{self.treasure['id']}"


SceneT = TypeVar("SceneT", bound=Scene)


@dataclass(frozen=True)
class Attack(Generic[SceneT]):
    """A row of the table: an attack, and the only accepted statuses."""

    risk: str
    """The number in the OWASP API Security Top 10 of 2023."""
    name: str
    send: Callable[[SceneT], Iterable[Answer]]
    """Send the requests, and assert everything else that distinguishes a failed attack."""
    accepted: frozenset[int]

    @property
    def id(self) -> str:
        """The name of the row in test IDs."""
        return f"{self.risk}-{self.name}"


def status_of(answer: Answer) -> int:
    """Return the status of a response."""
    return answer.status if isinstance(answer, RawAnswer) else answer.status_code


def text_of(answer: Answer) -> str:
    """Return the headers and the body of a response, to search for words."""
    body = answer.body if isinstance(answer, RawAnswer) else answer.content
    head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    return f"{head}\n\n{body.decode(errors='replace')}"


def ask_raw(
    scene: Scene,
    method: str,
    target: str,
    *headers: str,
    host: str | None = None,
    body: bytes = b"",
) -> RawAnswer:
    """Send a request that no HTTP client would send, and return its only response."""
    answers = send(
        scene.server, written(scene.caller, method, target, *headers, host=host, body=body)
    )
    assert len(answers) == 1, f"{len(answers)} answers to {method} {target[:80]} {headers}"
    return answers[0]
