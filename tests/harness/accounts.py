"""Accounts of a service: registration, login and credentials for each kind of auth."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2

from tests.harness.api_keys import insert_key
from tests.harness.issuer import let_in
from tests.harness.services import DATABASE_URLS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.api import Api

PASSWORD = "correct horse battery staple"  # noqa: S105 - of no real account

ME = "/api/v1/users/me"

_numbers = itertools.count(1)


def new_email() -> str:
    """Return an address that no other account of this run has."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    return f"caller-{worker}-{os.getpid()}-{next(_numbers)}@example.org"


@dataclass(frozen=True)
class Account:
    """A registered account, with a client that uses its credentials."""

    email: str
    password: str
    id: str
    api: Api
    tokens: dict[str, Any]


def register(api: Api, *, email: str | None = None, password: str = PASSWORD) -> httpx2.Response:
    """Register an account."""
    return api.post(
        "/api/v1/auth/register", json={"email": email or new_email(), "password": password}
    )


def ask_for_tokens(api: Api, email: str, password: str) -> httpx2.Response:
    """Send a password for a token pair (RFC 6749, section 4.3)."""
    return api.post(
        "/api/v1/auth/token",
        data={"grant_type": "password", "username": email, "password": password},
    )


def ask_for_session(api: Api, email: str, password: str) -> httpx2.Response:
    """Send a password for a session cookie."""
    return api.post("/api/v1/auth/login", json={"email": email, "password": password})


def log_in_with_jwt(api: Api, email: str, password: str) -> tuple[Api, dict[str, Any]]:
    """Exchange a password for a token pair."""
    answer = ask_for_tokens(api, email, password)
    assert answer.status_code == httpx2.codes.OK, answer.text
    tokens: dict[str, Any] = answer.json()
    return api.again(headers={"Authorization": f"Bearer {tokens['access_token']}"}), tokens


def log_in_with_session(api: Api, email: str, password: str) -> tuple[Api, dict[str, Any]]:
    """Exchange a password for a session."""
    answer = ask_for_session(api, email, password)
    assert answer.status_code == httpx2.codes.OK, answer.text
    return in_session(api, answer.cookies["__Host-session"])


def in_session(api: Api, cookie: str) -> tuple[Api, dict[str, Any]]:
    """Return a client with a session, its cookie and its CSRF token."""
    caller = api.again(headers={"Cookie": f"__Host-session={cookie}"})
    answer = caller.get("/api/v1/auth/csrf")
    assert answer.status_code == httpx2.codes.OK, answer.text
    token = answer.json()["csrf_token"]
    caller.headers["X-CSRF-Token"] = token
    return caller, {"cookie": cookie, "csrf_token": token}


def log_in_with_key(api: Api, email: str, _password: str) -> tuple[Api, dict[str, Any]]:
    """Store a key in the database, and use it."""
    key = insert_key(DATABASE_URLS[str(api.base_url).rstrip("/")], email)
    return api.again(headers={"X-API-Key": key}), {"key": key}


def log_in_at_issuer(api: Api, email: str, _password: str) -> tuple[Api, dict[str, Any]]:
    """Log in at the issuer, which reports the address as verified, and return with a session."""
    there = api.get("/api/v1/auth/login")
    assert there.status_code == httpx2.codes.FOUND, there.text
    back = let_in(there.headers["location"], login=email)
    ((name, state),) = there.cookies.items()
    answer = api.get(back.raw_path.decode(), headers={"Cookie": f"{name}={state}"})
    location = answer.headers.get("location", "")
    assert location.endswith(ME), location or answer.text  # a proxy may add a prefix
    return in_session(api, answer.cookies["__Host-session"])


CHALLENGES = {"jwt": "Bearer", "session": "Session", "oidc": "Session", "api-key": "ApiKey"}
"""The `WWW-Authenticate` scheme of a 401, by kind of auth."""

LOG_IN: dict[str, Callable[[Api, str, str], tuple[Api, dict[str, Any]]]] = {
    "jwt": log_in_with_jwt,
    "session": log_in_with_session,
    "api-key": log_in_with_key,
    "oidc": log_in_at_issuer,
}
"""Functions by kind of auth: a client, an address and a password give a client with credentials."""


ASK_TO_LOG_IN: dict[str, Callable[[Api, str, str], httpx2.Response]] = {
    "jwt": ask_for_tokens,
    "session": ask_for_session,
}
"""Functions by kind of auth with password logins: send a password for an address."""


def try_password(api: Api, auth: str, email: str, password: str) -> httpx2.Response:
    """Check a password: the status is 200 or 401.

    Without password logins, the account at this address confirms a change with it.
    """
    if ask := ASK_TO_LOG_IN.get(auth):
        return ask(api, email, password)
    caller, _ = LOG_IN[auth](api, email, password)
    return caller.patch("/api/v1/users/me", json={"current_password": password})


def new_account(api: Api, auth: str) -> Account:
    """Register and log in."""
    email = new_email()
    answer = register(api, email=email)
    assert answer.status_code == httpx2.codes.CREATED, answer.text
    caller, tokens = LOG_IN[auth](api, email, PASSWORD)
    return Account(email, PASSWORD, answer.json()["id"], caller, tokens)
