"""Callers of a service: how each kind of auth makes an account and shows who is calling."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.api import Api

PASSWORD = "correct horse battery staple"  # noqa: S105 - of no real account

_numbers = itertools.count(1)


def new_email() -> str:
    """Return an address that nobody of this run has."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    return f"caller-{worker}-{os.getpid()}-{next(_numbers)}@example.org"


@dataclass(frozen=True)
class Account:
    """A registered account, with a client that calls as it."""

    email: str
    password: str
    id: str
    api: Api
    tokens: dict[str, Any]


def register(api: Api, *, email: str | None = None, password: str = PASSWORD) -> httpx2.Response:
    """Ask for an account."""
    return api.post(
        "/api/v1/auth/register", json={"email": email or new_email(), "password": password}
    )


def log_in_with_jwt(api: Api, email: str, password: str) -> tuple[Api, dict[str, Any]]:
    """Trade a password for a pair of tokens (RFC 6749, section 4.3)."""
    answer = api.post(
        "/api/v1/auth/token",
        data={"grant_type": "password", "username": email, "password": password},
    )
    assert answer.status_code == httpx2.codes.OK, answer.text
    tokens: dict[str, Any] = answer.json()
    return api.again(headers={"Authorization": f"Bearer {tokens['access_token']}"}), tokens


LOG_IN: dict[str, Callable[[Api, str, str], tuple[Api, dict[str, Any]]]] = {"jwt": log_in_with_jwt}
"""By kind of auth: from a client, an address and a password to a client that is logged in."""


def new_account(api: Api, auth: str) -> Account:
    """Register and log in."""
    email = new_email()
    answer = register(api, email=email)
    assert answer.status_code == httpx2.codes.CREATED, answer.text
    caller, tokens = LOG_IN[auth](api, email, PASSWORD)
    return Account(email, PASSWORD, answer.json()["id"], caller, tokens)
