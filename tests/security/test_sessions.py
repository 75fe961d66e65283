"""Sessions: CSRF, fixation, stolen cookies, and the issuer's callback (API2, API8, API10)."""

from __future__ import annotations

import json
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.harness.accounts import (
    LOG_IN,
    PASSWORD,
    ask_for_session,
    new_email,
)
from tests.harness.raw import send, written
from tests.security.configuration import EVIL
from tests.security.scene import ITEMS, JSON, ME, NO_ID

if TYPE_CHECKING:
    import httpx2

    from tests.harness.accounts import Account
    from tests.harness.api import Api
    from tests.harness.services import Server, Service

pytestmark = pytest.mark.auth("session", "oidc")

LOG_OUT = "/api/v1/auth/logout"
FIXED = "f" * 43
"""A session ID made up by an attacker."""


def under(api: Api, cookie: str, **headers: str) -> Api:
    """Return a client that sends this cookie, and only the given CSRF token."""
    return api.again(headers={"Cookie": f"__Host-session={cookie}", **headers})


def cookies_of(answer: httpx2.Response) -> dict[str, str]:
    """Return the cookies that a response sets."""
    found = SimpleCookie()
    for each in answer.headers.get_list("set-cookie"):
        found.load(each)
    return {name: morsel.value for name, morsel in found.items()}


class TestCsrf:
    """Another site makes the victim's browser send the cookie. It cannot read the token."""

    @pytest.fixture
    def item(self, account: Account) -> str:
        """The path of an item of the account."""
        return f"{ITEMS}/{account.api.post(ITEMS, json={'title': 'kept'}).json()['id']}"

    def assert_nothing_done(self, account: Account, item: str, forger: Api) -> None:
        """Try every operation that changes data, and check that none does."""
        for method, path, body in (
            ("POST", ITEMS, {"title": "forged"}),
            ("PATCH", item, {"title": "forged"}),
            ("DELETE", item, None),
            ("PATCH", ME, {"email": new_email(), "current_password": PASSWORD}),
            ("POST", LOG_OUT, None),
        ):
            assert forger.request(method, path, json=body).status_code == 403, path
        items = account.api.get(ITEMS).json()["items"]
        assert [each["title"] for each in items] == ["kept"]
        assert account.api.get(ME).json()["email"] == account.email

    def test_request_without_token_changes_nothing(
        self, api: Api, account: Account, item: str
    ) -> None:
        self.assert_nothing_done(account, item, under(api, account.tokens["cookie"]))

    def test_expired_token_changes_nothing(
        self, api: Api, account: Account, item: str, service: Service
    ) -> None:
        """The token of an earlier session of the same account."""
        earlier, tokens = LOG_IN[service.combination.auth](api, account.email, PASSWORD)
        assert earlier.post(LOG_OUT).status_code == 204

        forger = under(api, account.tokens["cookie"], **{"X-CSRF-Token": tokens["csrf_token"]})
        self.assert_nothing_done(account, item, forger)

    def test_token_of_another_user_changes_nothing(
        self, api: Api, account: Account, other_account: Account, item: str
    ) -> None:
        theirs = other_account.tokens["csrf_token"]

        forger = under(api, account.tokens["cookie"], **{"X-CSRF-Token": theirs})
        self.assert_nothing_done(account, item, forger)

    def test_anonymous_token_changes_nothing(self, api: Api, account: Account, item: str) -> None:
        """The token that a client without a session gets, if it gets one."""
        given = api.again().get("/api/v1/auth/csrf")
        token = given.json().get("csrf_token", "none")

        forger = under(api, account.tokens["cookie"], **{"X-CSRF-Token": token})
        self.assert_nothing_done(account, item, forger)

    @pytest.mark.parametrize("token", ["", "null", "x", "0" * 64, "' OR '1'='1", "x" * 5_000])
    def test_made_up_token_changes_nothing(
        self, api: Api, account: Account, item: str, token: str
    ) -> None:
        forger = under(api, account.tokens["cookie"], **{"X-CSRF-Token": token})
        self.assert_nothing_done(account, item, forger)

    def test_planted_cookie_does_not_count_as_token(
        self, api: Api, account: Account, item: str
    ) -> None:
        """A sibling domain can plant a cookie. A check that compares it with itself accepts
        any value.
        """
        session = f"__Host-session={account.tokens['cookie']}"
        cookies = f"{session}; csrftoken={'a' * 64}; csrf_token={'a' * 64}"
        for token in ("a" * 64, "a" * 32):
            forger = api.again(headers={"Cookie": cookies, "X-CSRF-Token": token})
            self.assert_nothing_done(account, item, forger)

    def test_ignores_token_outside_its_header(self, api: Api, account: Account, item: str) -> None:
        token = account.tokens["csrf_token"]
        forger = under(api, account.tokens["cookie"], **{"X-CSRF": token, "X-XSRF-Token": token})
        forger.params = forger.params.merge({"csrf_token": token, "csrfmiddlewaretoken": token})

        self.assert_nothing_done(account, item, forger)

    @pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded"])
    def test_form_of_another_site_changes_nothing(
        self, api: Api, account: Account, media_type: str
    ) -> None:
        forger = under(
            api,
            account.tokens["cookie"],
            **{"Content-Type": media_type, "Origin": f"https://{EVIL}"},
        )

        answer = forger.post(ITEMS, content=json.dumps({"title": "forged"}))

        assert answer.status_code in (403, 415)
        assert account.api.get(ITEMS).json()["items"] == []

    def test_get_requests_change_nothing(self, api: Api, account: Account, item: str) -> None:
        forger = under(api, account.tokens["cookie"], **{"X-HTTP-Method-Override": "DELETE"})

        assert forger.get(item, params={"_method": "DELETE"}).status_code == 200
        assert forger.get(LOG_OUT).status_code in (404, 405)
        assert account.api.get(item).status_code == 200

    def test_other_origins_cannot_read_token(self, api: Api, account: Account) -> None:
        for origin in (f"https://{EVIL}", "null"):
            forger = under(api, account.tokens["cookie"], Origin=origin)
            answer = forger.get("/api/v1/auth/csrf")
            assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.auth("session")
class TestFixation:
    """The victim logs in with a session ID that the attacker already knows."""

    def test_login_ignores_made_up_session(self, api: Api, email: str) -> None:
        answer = ask_for_session(under(api, FIXED), email, PASSWORD)

        assert answer.status_code == 200
        assert cookies_of(answer)["__Host-session"] != FIXED
        assert under(api, FIXED).get(ME).status_code == 401

    def test_login_does_not_adopt_attackers_session(
        self, api: Api, email: str, account: Account
    ) -> None:
        known = account.tokens["cookie"]

        answer = ask_for_session(
            account.api.again(headers=account.api.credentials), email, PASSWORD
        )

        assert answer.status_code == 200
        assert cookies_of(answer)["__Host-session"] != known
        left = under(api, known).get(ME)
        assert left.status_code == 401 or left.json()["id"] == account.id

    def test_every_login_starts_its_own_session(self, api: Api, email: str) -> None:
        answers = [ask_for_session(api.again(), email, PASSWORD) for _ in range(3)]

        assert len({cookies_of(each)["__Host-session"] for each in answers}) == 3

    def test_failed_login_leaves_no_session(self, api: Api, email: str) -> None:
        answer = ask_for_session(under(api, FIXED), email, "a wrong password")

        assert answer.status_code == 401
        assert cookies_of(answer).get("session", "") == ""

    def test_ignores_session_id_in_query_string(self, api: Api, account: Account) -> None:
        cookie = account.tokens["cookie"]

        for query in ({"session": cookie}, {"sessionid": cookie}, {"sid": cookie}):
            assert api.again().get(ME, params=query).status_code == 401


class TestCookie:
    def test_logout_ends_copied_cookie(self, api: Api, account: Account) -> None:
        copied = account.tokens["cookie"]

        assert account.api.post(LOG_OUT).status_code == 204

        assert under(api, copied).get(ME).status_code == 401
        assert under(api, copied).get(ITEMS).status_code == 401

    @pytest.mark.parametrize(
        "change",
        [
            str.swapcase,
            lambda cookie: cookie[:-1],
            lambda cookie: f"{cookie}x",
            lambda cookie: cookie[::-1],
            lambda cookie: f"{cookie}%00",
            lambda _: "",
            lambda _: NO_ID,
            lambda _: "' OR '1'='1",
            lambda _: "../../../etc/passwd",
            lambda _: "gASVAAAAAAAAAAB9lC4=",
            lambda _: "{}",
            lambda _: "x" * 50_000,
        ],
        ids=[
            *(
                "other-case",
                "shorter",
                "longer",
                "backwards",
                "NUL",
                "empty",
                "uuid",
                "SQL",
                "path",
            ),
            *("pickle", "JSON", "large"),
        ],
    )
    def test_rejects_altered_cookie(self, api: Api, account: Account, change: object) -> None:
        assert callable(change)
        altered = change(account.tokens["cookie"])

        assert under(api, altered).get(ME).status_code == 401

    @pytest.mark.parametrize("raw", ["\xff\xfe", "a\x80b", '"', "a;b=c;;;=", "\xed\xa0\x80"])
    def test_cookie_that_is_not_text_does_not_cause_500(
        self, api: Api, server: Server, raw: str
    ) -> None:
        for answer in send(server, written(api, "GET", ME, f"Cookie: __Host-session={raw}")):
            assert answer.status in (400, 401)

    def test_two_cookies_have_a_defined_outcome(
        self, api: Api, account: Account, other_account: Account
    ) -> None:
        mine, theirs = account.tokens["cookie"], other_account.tokens["cookie"]

        answer = api.again(
            headers={"Cookie": f"__Host-session={mine}; __Host-session={theirs}"}
        ).post(
            ITEMS,
            json={"title": "a"},
            headers={"X-CSRF-Token": account.tokens["csrf_token"]},
        )

        assert answer.status_code in (201, 400, 401, 403)
        if answer.status_code == 201:
            assert answer.json()["owner_id"] == account.id

    def test_ignores_session_in_other_headers(self, api: Api, account: Account) -> None:
        cookie = account.tokens["cookie"]

        for headers in ({"Authorization": f"Bearer {cookie}"}, {"X-Session": cookie}):
            assert api.again(headers=headers).get(ME).status_code == 401


@pytest.mark.auth("oidc")
class TestIssuer:
    """Anyone can make up the parameters of a callback."""

    RETURNS = (
        *(f"https://{EVIL}", f"//{EVIL}", f"/\\{EVIL}", f"\\\\{EVIL}", f"/%2f{EVIL}", f"///{EVIL}"),
        *(f"https:{EVIL}", f"javascript:alert(1)//{EVIL}", f"https://127.0.0.1@{EVIL}"),
        *(f"/\t/{EVIL}", f"/%0d%0aLocation: https://{EVIL}", f"https://127.0.0.1.{EVIL}"),
    )
    NAMES = (
        *("next", "return_to", "returnTo", "redirect", "redirect_uri", "redirect_url", "url"),
        *("continue", "target", "RelayState", "state", "issuer", "iss", "post_logout_redirect_uri"),
    )

    @pytest.mark.parametrize("target", RETURNS)
    def test_login_redirects_only_to_issuer_and_callback(self, api: Api, target: str) -> None:
        answer = api.again().get("/api/v1/auth/login", params=dict.fromkeys(self.NAMES, target))

        assert answer.status_code in (302, 422)
        if answer.status_code == 302:
            there = urlsplit(answer.headers["location"])
            assert EVIL not in there.netloc
            back = parse_qs(there.query)["redirect_uri"]
            assert [urlsplit(each).path for each in back] == ["/api/v1/auth/callback"]
            assert EVIL not in answer.headers["location"]
            assert EVIL not in str(answer.headers.get_list("set-cookie"))

    @pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "X-Original-Host", "Forwarded"])
    def test_callback_url_ignores_forwarded_headers(self, api: Api, header: str) -> None:
        value = f"host={EVIL}" if header == "Forwarded" else EVIL

        answer = api.again().get("/api/v1/auth/login", headers={header: value})

        assert answer.status_code in (302, 400)
        assert EVIL not in answer.headers.get("location", "")

    @pytest.mark.parametrize("target", RETURNS)
    def test_failed_callback_redirects_nowhere(self, api: Api, target: str) -> None:
        visitor = api.again()
        begun = visitor.get("/api/v1/auth/login", params=dict.fromkeys(self.NAMES[:-4], target))
        query = dict.fromkeys(self.NAMES, target)
        if begun.status_code == 302:
            query["state"] = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]

        answer = visitor.get("/api/v1/auth/callback", params={**query, "error": "access_denied"})

        if answer.status_code == 303:
            assert answer.headers["location"].startswith(f"{ME}?error=")
        else:
            assert answer.status_code == 422
            assert "location" not in answer.headers
        assert "__Host-session" not in cookies_of(answer)

    def test_rejects_callback_without_started_login(self, api: Api) -> None:
        """Login CSRF: the victim's browser opens a callback with the attacker's own code."""
        attacker = api.again()
        begun = attacker.get("/api/v1/auth/login")
        state = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]

        for query in (
            {"code": "stolen", "state": state},
            {"code": "stolen", "state": "invented"},
            {"code": "stolen", "state": ""},
            {"code": "stolen"},
            {"state": state},
            {"code": "\0", "state": "\0"},
            {"code": "' OR '1'='1", "state": "x" * 5_000},
            {},
        ):
            answer = api.again().get("/api/v1/auth/callback", params=query)

            if any("\0" in each for each in query.values()):
                assert answer.status_code == 422
            else:
                assert answer.headers["location"] == f"{ME}?error=login_refused", query
            assert "set-cookie" not in answer.headers

    def test_each_login_has_its_own_state_nonce_and_challenge(self, api: Api) -> None:
        queries = [
            parse_qs(urlsplit(api.again().get("/api/v1/auth/login").headers["location"]).query)
            for _ in range(3)
        ]

        for name in ("state", "nonce", "code_challenge"):
            assert len({each[name][0] for each in queries}) == 3
            assert all(len(each[name][0]) >= 22 for each in queries)
        assert all(each["code_challenge_method"] == ["S256"] for each in queries)

    def test_rejects_callback_parameters_in_body(self, api: Api) -> None:
        answer = api.post(
            "/api/v1/auth/callback", content=json.dumps({"code": "stolen"}), headers=JSON
        )

        assert answer.status_code == 405
