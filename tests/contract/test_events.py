"""Security events in the log: one line for a refused credential, none for an anonymous request."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.harness import tokens
from tests.harness.api_keys import insert_key

if TYPE_CHECKING:
    from tests.harness.accounts import Account
    from tests.harness.api import Api
    from tests.harness.databases import Database
    from tests.harness.fixtures import Settings
    from tests.harness.services import Server

ITEMS = "/api/v1/items"
ME = "/api/v1/users/me"
REFRESH = "/api/v1/auth/refresh"
LOGOUT = "/api/v1/auth/logout"


def refused(reason: str, user_id: str | None = None) -> list[tuple[str, str, str | None, str]]:
    """Return the events of a request with a refused credential."""
    return [("authn_login_fail", "warning", user_id, reason)]


@pytest.mark.accounts
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic YTpi"},
        {"Cookie": "theme=dark"},
        {"Cookie": "__Host-session="},
        {"X-API-Key": ""},
        {"X-CSRF-Token": "x"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_request_without_credentials_logs_no_event(
    api: Api, own_server: Server, headers: dict[str, str], method: str
) -> None:
    answer = api.request(method, ITEMS, headers=headers)

    assert answer.status_code == 401
    assert own_server.events_of(answer) == []


@pytest.mark.accounts
def test_accepted_credential_logs_no_event(account: Account, own_server: Server) -> None:
    answer = account.api.post(ITEMS, json={"title": "Tea"})

    assert answer.status_code == 201
    assert own_server.events_of(answer) == []


@pytest.mark.auth("session", "oidc")
class TestSession:
    @pytest.mark.parametrize("token", ["", "x", None], ids=["none", "wrong", "another-session"])
    @pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
    def test_invalid_csrf_token_logs_user(
        self,
        account: Account,
        other_account: Account,
        own_server: Server,
        token: str | None,
        method: str,
    ) -> None:
        sent = other_account.tokens["csrf_token"] if token is None else token
        path = ITEMS if method == "POST" else f"{ITEMS}/01900000-0000-7000-8000-000000000000"

        answer = account.api.request(
            method, path, json={"title": "Tea"}, headers={"X-CSRF-Token": sent}
        )

        assert answer.status_code == 403
        assert own_server.events_of(answer) == [("authz_fail", "warning", account.id, "csrf")]

    def test_unknown_session_logs_reason(
        self, api: Api, account: Account, own_server: Server
    ) -> None:
        cookie = account.tokens["cookie"]
        for sent in (f"{cookie}x", cookie[::-1], "x"):
            answer = api.get(ME, headers={"Cookie": f"__Host-session={sent}"})

            assert answer.status_code == 401
            assert own_server.events_of(answer) == refused("session")

    def test_ended_session_logs_reason(self, account: Account, own_server: Server) -> None:
        account.api.post(LOGOUT)

        answer = account.api.post(ITEMS, json={"title": "Tea"})

        assert answer.status_code == 401
        assert own_server.events_of(answer) == refused("session")


@pytest.mark.auth("jwt")
class TestToken:
    def test_forged_token_logs_reason(self, api: Api, account: Account, own_server: Server) -> None:
        header, claims = tokens.read(account.tokens["access_token"])
        forged = tokens.written(header, claims, "the attacker's own key, of 32 bytes")
        for sent in (forged, account.tokens["refresh_token"], "x"):
            answer = api.get(ME, headers={"Authorization": f"Bearer {sent}"})

            assert answer.status_code == 401
            assert own_server.events_of(answer) == refused("token")

    def test_second_token_logs_reason(self, account: Account, own_server: Server) -> None:
        headers = [*account.api.credentials.items(), ("Authorization", "Bearer x")]

        answer = account.api.again(headers={}).get(ME, headers=headers)

        assert answer.status_code == 401
        assert own_server.events_of(answer) == refused("token")

    def test_expired_token_logs_no_warning(
        self, api: Api, account: Account, own_server: Server, production: Settings
    ) -> None:
        header, claims = tokens.read(account.tokens["access_token"])
        claims["exp"] = int(time.time()) - 60
        sent = tokens.written(header, claims, production["SECRET_KEY"])

        answer = api.get(ME, headers={"Authorization": f"Bearer {sent}"})

        assert answer.status_code == 401
        assert own_server.events_of(answer) == [("session_use_after_expire", "info", None, None)]

    def test_token_of_ended_login_logs_user(
        self, api: Api, account: Account, own_server: Server
    ) -> None:
        body = {"refresh_token": account.tokens["refresh_token"]}
        api.post(LOGOUT, json=body)

        answer = account.api.get(ME)
        refreshed = api.post(REFRESH, json=body)

        assert (answer.status_code, refreshed.status_code) == (401, 401)
        assert own_server.events_of(answer) == [("authn_token_reuse", "warning", account.id, None)]
        assert own_server.events_of(refreshed) == [("authn_token_reuse", "warning", None, None)]

    def test_forged_refresh_token_logs_reason(
        self, api: Api, account: Account, own_server: Server
    ) -> None:
        for sent in (f"{account.tokens['refresh_token']}x", account.tokens["access_token"], "x"):
            answer = api.post(REFRESH, json={"refresh_token": sent})

            assert answer.status_code == 401
            assert own_server.events_of(answer) == refused("refresh_token")


@pytest.mark.auth("api-key")
class TestKey:
    def test_unknown_key_logs_reason(self, api: Api, account: Account, own_server: Server) -> None:
        prefix, _, secret = account.tokens["key"].partition(".")
        for sent in (f"{prefix[::-1]}.{secret}", f"{prefix}.{secret}x", "x"):
            answer = api.get(ME, headers={"X-API-Key": sent})

            assert answer.status_code == 401
            assert own_server.events_of(answer) == refused("key")

    def test_second_key_logs_reason(self, account: Account, own_server: Server) -> None:
        headers = [("X-API-Key", account.tokens["key"]), ("X-API-Key", "x")]

        answer = account.api.again(headers={}).get(ME, headers=headers)

        assert answer.status_code == 401
        assert own_server.events_of(answer) == refused("key")

    def test_wrong_secret_logs_user(self, api: Api, account: Account, own_server: Server) -> None:
        prefix, _, secret = account.tokens["key"].partition(".")

        answer = api.get(ME, headers={"X-API-Key": f"{prefix}.{secret[::-1]}"})

        assert answer.status_code == 401
        assert own_server.events_of(answer) == refused("key", account.id)

    def test_expired_key_logs_reason(
        self, api: Api, account: Account, own_server: Server, database: Database
    ) -> None:
        before = datetime.now(UTC) - timedelta(minutes=1)
        key = insert_key(database.url, account.email, expires_at=before)

        answer = api.get(ME, headers={"X-API-Key": key})

        assert answer.status_code == 401
        assert own_server.events_of(answer) == refused("key")
