"""`auth=session`, and the sessions of `auth=oidc`: cookies, CSRF tokens, and how sessions end."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from http.cookies import Morsel, SimpleCookie
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.accounts import (
    LOG_IN,
    PASSWORD,
    Account,
    ask_for_session,
    in_session,
    new_email,
    register,
)
from tests.harness.api import Api
from tests.harness.logins import StoredLogins
from tests.harness.services import secret_key

if TYPE_CHECKING:
    import httpx2

    from tests.harness.api import Transcript
    from tests.harness.databases import Database
    from tests.harness.fixtures import Settings, Start
    from tests.harness.services import Service

pytestmark = pytest.mark.auth("session", "oidc")

IDLE = timedelta(days=1)
LIFETIME = timedelta(days=30)
NOTED_EVERY = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
NO_LOGIN = "01900000-0000-7000-8000-000000000000"
MEMBERS = {"id", "email", "role", "is_active", "created_at"}
CONNECTIONS = 10


def call_with(api: Api, cookie: str) -> httpx2.Response:
    """Request the own account."""
    return api.get("/api/v1/users/me", headers={"Cookie": f"__Host-session={cookie}"})


def cookie_of(answer: httpx2.Response, name: str = "__Host-session") -> Morsel[str]:
    """Return the one cookie that a response sets."""
    (header,) = answer.headers.get_list("set-cookie")
    (cookie,) = SimpleCookie(header).values()
    assert cookie.key == name
    return cookie


@pytest.fixture
def again(api: Api, account: Account, service: Service) -> Account:
    """The account, logged in a second time."""
    caller, tokens = LOG_IN[service.combination.auth](api, account.email, PASSWORD)
    return Account(account.email, PASSWORD, account.id, caller, tokens)


@pytest.fixture
def stored(database: Database, service: Service, account: Account) -> StoredLogins:
    """The stored sessions of the account."""
    return StoredLogins.of(database, service.combination, account.email)


@pytest.mark.auth("session")
class TestLogIn:
    def test_returns_uncacheable_user(self, api: Api, email: str) -> None:
        answer = ask_for_session(api, email, PASSWORD)

        assert answer.status_code == 200
        assert set(answer.json()) == MEMBERS
        assert answer.json()["email"] == email
        assert answer.headers["cache-control"] == "no-store"

    def test_cookie_is_limited_to_service_and_hidden_from_scripts(
        self, api: Api, email: str
    ) -> None:
        cookie = cookie_of(ask_for_session(api, email, PASSWORD))

        assert (cookie["httponly"], cookie["secure"]) == (True, True)
        assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")
        assert len(cookie.value) >= 32

    def test_local_cookie_works_without_tls(self, opened_api: Api) -> None:
        email = new_email()
        register(opened_api, email=email)

        cookie = cookie_of(ask_for_session(opened_api, email, PASSWORD), "session")

        assert (cookie["httponly"], cookie["secure"]) == (True, "")
        assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")

    def test_failed_login_sets_no_cookie(self, api: Api, email: str) -> None:
        answer = ask_for_session(api, email, "a wrong password")

        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers

    @pytest.mark.parametrize(
        "sent",
        [
            {"data": {"email": "a@example.org", "password": PASSWORD}},
            {"files": {"email": "a@example.org", "password": PASSWORD}},
            {
                "content": f'{{"email": "a@example.org", "password": "{PASSWORD}"}}',
                "headers": {"Content-Type": "text/plain"},
            },
        ],
        ids=["form", "multipart", "text"],
    )
    def test_form_of_another_site_returns_415(self, api: Api, sent: dict[str, Any]) -> None:
        assert api.post("/api/v1/auth/login", **sent).status_code == 415

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"password": PASSWORD}, "/email"),
            ({"email": "a@example.org"}, "/password"),
            ({"email": None, "password": PASSWORD}, "/email"),
            ({"email": "a@example.org", "password": 1}, "/password"),
            ({"email": "a@example.org", "password": PASSWORD, "role": "admin"}, "/role"),
        ],
    )
    def test_rejects_invalid_body(self, api: Api, body: dict[str, Any], pointer: str) -> None:
        answer = api.post("/api/v1/auth/login", json=body)

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]

    @pytest.mark.parametrize(
        ("email", "password"),
        [
            ("", ""),
            ("\u0000", "\u0000"),
            ("a\u0000@example.org", PASSWORD),
            ("x" * 10_000, PASSWORD),
            ("a@example.org", "x" * 10_000),
            ("\N{PILE OF POO}", "\N{PILE OF POO}"),
        ],
    )
    def test_unusual_credentials_do_not_cause_500(
        self, api: Api, email: str, password: str
    ) -> None:
        assert ask_for_session(api, email, password).status_code in (401, 422)

    def test_every_login_starts_its_own_session(self, api: Api, email: str) -> None:
        cookies = {cookie_of(ask_for_session(api, email, PASSWORD)).value for _ in range(3)}

        assert len(cookies) == 3
        assert {call_with(api, each).status_code for each in cookies} == {200}

    def test_login_ends_session_of_sent_cookie(
        self, api: Api, account: Account, again: Account
    ) -> None:
        """The login needs no CSRF token, because its page may have lost the token."""
        with api.again(headers={"Cookie": f"__Host-session={account.tokens['cookie']}"}) as browser:
            answer = ask_for_session(browser, account.email, PASSWORD)

        assert answer.status_code == 200
        assert call_with(api, cookie_of(answer).value).status_code == 200
        assert account.api.get("/api/v1/users/me").status_code == 401
        assert again.api.get("/api/v1/users/me").status_code == 200

    def test_failed_login_ends_no_session(self, api: Api, account: Account) -> None:
        with api.again(headers={"Cookie": f"__Host-session={account.tokens['cookie']}"}) as browser:
            assert ask_for_session(browser, account.email, "a wrong password").status_code == 401

        assert account.api.get("/api/v1/users/me").status_code == 200

    @pytest.mark.parametrize("chosen", ["chosen", "x" * 32, f"{NO_LOGIN}.chosen", "a" * 43, ""])
    def test_ignores_session_id_chosen_by_client(self, api: Api, email: str, chosen: str) -> None:
        with api.again(headers={"Cookie": f"__Host-session={chosen}"}) as browser:
            answer = ask_for_session(browser, email, PASSWORD)

        assert answer.status_code == 200
        assert cookie_of(answer).value != chosen
        assert call_with(api, chosen).status_code == 401

    def test_login_does_not_take_over_session_of_another_user(
        self, api: Api, account: Account, other_account: Account
    ) -> None:
        planted = other_account.tokens["cookie"]
        with api.again(headers={"Cookie": f"__Host-session={planted}"}) as browser:
            cookie = cookie_of(ask_for_session(browser, account.email, PASSWORD)).value

        assert cookie != planted
        assert call_with(api, cookie).json()["id"] == account.id
        assert call_with(api, planted).status_code == 401


class TestCookie:
    @pytest.mark.parametrize(
        "cookie",
        ["", "x", "a.b", ".", "....", f"{NO_LOGIN}.", f"{NO_LOGIN}.x", "x" * 5_000, "null", "%00"],
    )
    def test_rejects_malformed_cookie(self, api: Api, cookie: str) -> None:
        assert call_with(api, cookie).status_code == 401

    @pytest.mark.parametrize(
        "header", [b"__Host-session", b"=", b"__Host-session=\xff\xfe", b'__Host-session="', b";"]
    )
    def test_rejects_malformed_cookie_header(self, api: Api, header: bytes) -> None:
        answer = api.get("/api/v1/users/me", headers=[(b"Cookie", header)])

        assert answer.status_code == 401

    def test_rejects_altered_cookie(self, api: Api, account: Account) -> None:
        cookie = account.tokens["cookie"]
        last = "b" if cookie.endswith("a") else "a"

        for each in (cookie[:-1], cookie[:-1] + last, cookie + "a", cookie.swapcase()):
            assert call_with(api, each).status_code == 401, each

    def test_rejects_mixed_parts_of_two_cookies(
        self, api: Api, account: Account, other_account: Account
    ) -> None:
        mine, theirs = account.tokens["cookie"], other_account.tokens["cookie"]
        half = len(mine) // 2

        assert call_with(api, mine[:half] + theirs[half:]).status_code == 401

    def test_ignores_session_outside_the_cookie(self, api: Api, account: Account) -> None:
        cookie = account.tokens["cookie"]

        for sent in (
            {"params": {"session": cookie}},
            {"headers": {"Authorization": f"Bearer {cookie}"}},
            {"headers": {"Authorization": f"Session {cookie}"}},
            {"headers": {"Cookie": f"sessionid={cookie}"}},
            {"headers": {"X-API-Key": cookie}},
        ):
            assert api.get("/api/v1/users/me", **sent).status_code == 401, sent

    def test_ignores_other_cookies(self, api: Api, account: Account) -> None:
        header = f"theme=dark; __Host-session={account.tokens['cookie']}; lang=de"

        assert api.get("/api/v1/users/me", headers={"Cookie": header}).status_code == 200

    def test_either_worker_accepts_session(self, account: Account) -> None:
        statuses = set()
        for _ in range(CONNECTIONS):
            with account.api.again(headers=account.api.credentials) as browser:
                statuses.add(browser.post("/api/v1/items", json={"title": "a"}).status_code)

        assert statuses == {201}

    def test_session_survives_restart(
        self, start: Start, transcript: Transcript, account: Account
    ) -> None:
        for _ in range(2):
            with start() as server:
                browser = Api(server.url, transcript, headers=account.api.credentials)

                assert browser.get("/api/v1/users/me").json()["id"] == account.id
                assert browser.post("/api/v1/items", json={"title": "a"}).status_code == 201

    @pytest.mark.orm("sqlalchemy", "sqlmodel")
    def test_stores_only_hash_of_secret(self, account: Account, database: Database) -> None:
        secret = account.tokens["cookie"].rpartition(".")[2]

        stored = database.contents()
        assert sha256(secret.encode()).hexdigest() in stored
        for each in (account.tokens["cookie"], secret, account.tokens["csrf_token"], PASSWORD):
            assert each not in stored


class TestCsrf:
    """Requests that another site makes a browser send change nothing."""

    @pytest.fixture
    def item(self, account: Account) -> dict[str, Any]:
        """An item of the account."""
        made: dict[str, Any] = account.api.post("/api/v1/items", json={"title": "mine"}).json()
        return made

    @pytest.fixture
    def browser(self, api: Api, account: Account) -> Api:
        """A browser with the account's cookie and an open page of another site."""
        return api.again(headers={"Cookie": f"__Host-session={account.tokens['cookie']}"})

    def test_returns_uncacheable_token_of_session(self, account: Account, again: Account) -> None:
        answer = account.api.get("/api/v1/auth/csrf")

        assert set(answer.json()) == {"csrf_token"}
        assert answer.headers["cache-control"] == "no-store"
        assert len(answer.json()["csrf_token"]) >= 32
        assert account.tokens["csrf_token"] != again.tokens["csrf_token"]

    def test_rejects_token_request_without_session(self, api: Api) -> None:
        assert api.get("/api/v1/auth/csrf").status_code == 401
        for cookie in ("", "x", f"{NO_LOGIN}.x"):
            answer = api.get("/api/v1/auth/csrf", headers={"Cookie": f"__Host-session={cookie}"})
            assert answer.status_code == 401

    def test_token_works_for_many_requests(self, account: Account) -> None:
        account.api.get("/api/v1/auth/csrf")

        answers = [account.api.post("/api/v1/items", json={"title": "a"}) for _ in range(3)]

        assert [each.status_code for each in answers] == [201] * 3

    def test_request_without_token_changes_nothing(
        self, account: Account, browser: Api, item: dict[str, Any]
    ) -> None:
        _assert_changes_nothing(account, browser, item)

    def test_token_of_another_user_changes_nothing(
        self, account: Account, browser: Api, item: dict[str, Any], other_account: Account
    ) -> None:
        browser.headers["X-CSRF-Token"] = other_account.tokens["csrf_token"]

        _assert_changes_nothing(account, browser, item)

    def test_token_of_another_own_session_changes_nothing(
        self, account: Account, browser: Api, item: dict[str, Any], again: Account
    ) -> None:
        browser.headers["X-CSRF-Token"] = again.tokens["csrf_token"]

        _assert_changes_nothing(account, browser, item)

    @pytest.mark.auth("session")
    def test_token_of_previous_session_changes_nothing(
        self, api: Api, account: Account, item: dict[str, Any]
    ) -> None:
        with api.again(headers={"Cookie": f"__Host-session={account.tokens['cookie']}"}) as browser:
            answer = ask_for_session(browser, account.email, PASSWORD)
        caller, tokens = in_session(api, cookie_of(answer).value)
        renewed = Account(account.email, PASSWORD, account.id, caller, tokens)
        stale = {**caller.credentials, "x-csrf-token": account.tokens["csrf_token"]}

        _assert_changes_nothing(renewed, api.again(headers=stale), item)

    def test_altered_token_changes_nothing(
        self, account: Account, browser: Api, item: dict[str, Any]
    ) -> None:
        token = account.tokens["csrf_token"]
        for each in ("", "x", token[:-1], token + "a", token[::-1], account.tokens["cookie"]):
            browser.headers["X-CSRF-Token"] = each

            _assert_changes_nothing(account, browser, item)

    def test_token_that_is_not_text_changes_nothing(
        self, browser: Api, item: dict[str, Any]
    ) -> None:
        cookie = browser.headers["cookie"].encode()
        strange = [(b"Cookie", cookie), (b"X-CSRF-Token", b"\xff\xfe\xe4")]

        answer = browser.delete(f"/api/v1/items/{item['id']}", headers=strange)

        assert answer.status_code == 403

    def test_ignores_token_outside_its_header(self, account: Account, browser: Api) -> None:
        token = account.tokens["csrf_token"]

        in_query = browser.post("/api/v1/items", json={"title": "a"}, params={"csrf_token": token})
        in_cookie = browser.post(
            "/api/v1/items",
            json={"title": "a"},
            headers={"Cookie": f"{browser.headers['cookie']}; csrftoken={token}"},
        )

        assert (in_query.status_code, in_cookie.status_code) == (403, 403)

    def test_reading_needs_no_token(self, browser: Api, item: dict[str, Any]) -> None:
        for path in ("/users/me", "/items", f"/items/{item['id']}", "/auth/csrf"):
            assert browser.get(f"/api/v1{path}").status_code == 200, path

    def test_rejects_token_without_cookie(self, api: Api, account: Account) -> None:
        headers = {"X-CSRF-Token": account.tokens["csrf_token"]}

        answer = api.post("/api/v1/items", json={"title": "a"}, headers=headers)

        assert answer.status_code == 401


def _assert_changes_nothing(account: Account, browser: Api, item: dict[str, Any]) -> None:
    before = _seen_by(account)
    for method, path, body in (
        ("POST", "/api/v1/items", {"title": "planted"}),
        ("PATCH", f"/api/v1/items/{item['id']}", {"title": "planted"}),
        ("DELETE", f"/api/v1/items/{item['id']}", None),
        (
            "PATCH",
            "/api/v1/users/me",
            {"email": "planted@example.org", "current_password": PASSWORD},
        ),
        ("POST", "/api/v1/auth/logout", None),
    ):
        answer = browser.request(method, path, json=body)

        assert answer.status_code == 403, f"{method} {path}"
        assert "set-cookie" not in answer.headers
    assert _seen_by(account) == before


def _seen_by(account: Account) -> list[Any]:
    answers = [account.api.get(f"/api/v1{path}") for path in ("/users/me", "/items")]
    assert [each.status_code for each in answers] == [200, 200]
    return [each.json() for each in answers]


class TestLogout:
    def test_logout_deletes_cookie_and_rejects_copies(self, api: Api, account: Account) -> None:
        answer = account.api.post("/api/v1/auth/logout")

        assert answer.status_code == 204
        assert answer.content == b""
        cookie = cookie_of(answer)
        assert (cookie.value, cookie["max-age"]) == ("", "0")
        assert (cookie["path"], cookie["domain"]) == ("/", "")
        for path in ("/users/me", "/items", "/auth/csrf"):
            assert account.api.get(f"/api/v1{path}").status_code == 401, path
        assert account.api.post("/api/v1/items", json={"title": "a"}).status_code == 401
        assert call_with(api, account.tokens["cookie"]).status_code == 401

    def test_keeps_other_sessions(
        self, account: Account, again: Account, other_account: Account
    ) -> None:
        account.api.post("/api/v1/auth/logout")

        for each in (again, other_account):
            assert each.api.get("/api/v1/users/me").status_code == 200
            assert each.api.post("/api/v1/items", json={"title": "a"}).status_code == 201

    def test_deletes_session_from_database(self, account: Account, stored: StoredLogins) -> None:
        assert stored.count() == 1

        account.api.post("/api/v1/auth/logout")

        assert stored.count() == 0

    def test_rejects_second_logout(self, account: Account) -> None:
        account.api.post("/api/v1/auth/logout")

        assert account.api.post("/api/v1/auth/logout").status_code == 401

    def test_rejects_anonymous_request(self, api: Api) -> None:
        assert api.post("/api/v1/auth/logout").status_code == 401


class TestEnd:
    def test_new_password_ends_other_sessions_and_keeps_current_one(
        self, account: Account, again: Account, stored: StoredLogins
    ) -> None:
        answer = account.api.patch(
            "/api/v1/users/me",
            json={"password": "another correct horse", "current_password": PASSWORD},
        )

        assert answer.status_code == 200
        assert again.api.get("/api/v1/users/me").status_code == 401
        assert account.api.get("/api/v1/users/me").status_code == 200
        assert account.api.post("/api/v1/items", json={"title": "a"}).status_code == 201
        assert stored.count() == 1

    def test_reactivated_user_needs_new_session(
        self, admin: Account, account: Account, stored: StoredLogins
    ) -> None:
        admin.api.patch(f"/api/v1/users/{account.id}", json={"is_active": False})
        assert account.api.get("/api/v1/users/me").status_code == 401

        admin.api.patch(f"/api/v1/users/{account.id}", json={"is_active": True})

        assert account.api.get("/api/v1/users/me").status_code == 401
        assert stored.count() == 0


class TestLifetime:
    def test_inactive_session_ends_after_a_day(
        self, account: Account, stored: StoredLogins
    ) -> None:
        for _ in range(3):
            stored.let_pass(IDLE - HOUR)
            assert account.api.get("/api/v1/users/me").status_code == 200

        stored.let_pass(IDLE)

        assert account.api.get("/api/v1/users/me").status_code == 401
        assert account.api.post("/api/v1/items", json={"title": "a"}).status_code == 401

    def test_session_ends_after_thirty_days_despite_activity(
        self, account: Account, stored: StoredLogins
    ) -> None:
        step = IDLE - HOUR
        for _ in range(LIFETIME // step):
            stored.let_pass(step)
            assert account.api.get("/api/v1/users/me").status_code == 200

        stored.let_pass(step)

        assert account.api.get("/api/v1/users/me").status_code == 401

    def test_activity_is_written_at_most_once_a_minute(
        self, account: Account, stored: StoredLogins
    ) -> None:
        assert not _is_written(account, stored)
        stored.let_pass(NOTED_EVERY / 2)
        assert not _is_written(account, stored)
        stored.let_pass(NOTED_EVERY / 2 + SECOND)
        assert _is_written(account, stored)
        assert not _is_written(account, stored)

    def test_rejected_request_is_not_activity(
        self, api: Api, account: Account, stored: StoredLogins
    ) -> None:
        stored.let_pass(HOUR)
        before = stored.expiries()

        with api.again(headers={"Cookie": f"__Host-session={account.tokens['cookie']}"}) as browser:
            assert browser.post("/api/v1/items", json={"title": "a"}).status_code == 403

        assert stored.expiries() == before


def _is_written(account: Account, stored: StoredLogins) -> bool:
    before = stored.expiries()
    assert account.api.get("/api/v1/users/me").status_code == 200
    return stored.expiries() != before


class TestKeyRotation:
    def test_accepts_token_of_listed_old_key(
        self, start: Start, production: Settings, transcript: Transcript, account: Account
    ) -> None:
        old = f"{secret_key()},{production['SECRET_KEY']}"
        with start(SECRET_KEY=secret_key(), SECRET_KEY_FALLBACKS=old) as server:
            browser = Api(server.url, transcript, headers=account.api.credentials)

            assert browser.post("/api/v1/items", json={"title": "a"}).status_code == 201

            renewed, tokens = in_session(browser, account.tokens["cookie"])
            assert tokens["csrf_token"] != account.tokens["csrf_token"]
            assert renewed.post("/api/v1/items", json={"title": "a"}).status_code == 201

    def test_rejects_token_of_unlisted_old_key(
        self, start: Start, transcript: Transcript, account: Account
    ) -> None:
        """The session continues, with a token of the new key."""
        with start(SECRET_KEY=secret_key()) as server:
            browser = Api(server.url, transcript, headers=account.api.credentials)

            assert browser.post("/api/v1/items", json={"title": "a"}).status_code == 403

            renewed, _ = in_session(browser, account.tokens["cookie"])
            assert renewed.post("/api/v1/items", json={"title": "a"}).status_code == 201
