"""`auth=oidc`: the login at the issuer, and the responses that the service rejects."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.harness.accounts import (
    LOG_IN,
    PASSWORD,
    Account,
    in_session,
    new_email,
    register,
)
from tests.harness.api import Api
from tests.harness.background import Background
from tests.harness.issuer import issuer_settings, let_in, new_issuer, shared_issuer
from tests.harness.logins import StoredLogins, earlier

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.harness.api import Transcript
    from tests.harness.databases import Database
    from tests.harness.fixtures import Start
    from tests.harness.services import Service

pytestmark = pytest.mark.auth("oidc")

LOGIN = "/api/v1/auth/login"
ME = "/api/v1/users/me"
MINUTE = 60


@pytest.fixture(autouse=True)
def issuer() -> Iterator[Any]:
    """The issuer that the server trusts. It behaves normally unless the test changes it."""
    shared = shared_issuer()
    yield shared
    shared.person, shared.userinfo, shared.claims = {}, {}, {}
    if shared.key is not shared.published:
        shared.rotate()


def new_person(**changes: Any) -> dict[str, Any]:
    """Return a new user whose address the issuer has verified."""
    email = new_email()
    return {"sub": f"subject of {email}", "email": email, "email_verified": True, **changes}


class Browser:
    """A browser that logs in at the issuer and keeps the login's cookie."""

    def __init__(self, api: Api, **query: str) -> None:
        """Open the issuer's page."""
        self.api = api
        self.there = api.get(LOGIN, params=query)
        assert self.there.status_code == 302, self.there.text
        ((self.cookie_name, self.state_cookie),) = self.there.cookies.items()

    def come_back(self, **changes: str) -> httpx2.Response:
        """Authenticate at the issuer and return to the service. `changes` alter the callback's
        parameters.
        """
        return self.bring(let_in(self.there.headers["location"]).copy_merge_params(changes))

    def bring(self, address: httpx2.URL) -> httpx2.Response:
        """Open the URL that the issuer redirected the browser to."""
        cookie = f"{self.cookie_name}={self.state_cookie}"
        return self.api.get(address.raw_path.decode(), headers={"Cookie": cookie})


def succeeded(answer: httpx2.Response) -> bool:
    """Return whether the browser returned from a login without an error."""
    return (answer.status_code, answer.headers.get("location")) == (303, ME)


def logged_in(api: Api, answer: httpx2.Response) -> Api:
    """Return a client with the session that the login started."""
    assert succeeded(answer), (answer.text, answer.headers.get("location"))
    caller, _ = in_session(api, answer.cookies["__Host-session"])
    return caller


def me(api: Api, answer: httpx2.Response) -> dict[str, Any]:
    """Return the account whose session the login started."""
    account: dict[str, Any] = logged_in(api, answer).get(ME).json()
    return account


def assert_refused(answer: httpx2.Response, error: str = "login_refused") -> None:
    """Check that the browser returned with an error, and that the service started no session."""
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == f"{ME}?error={error}"
    assert "set-cookie" not in answer.headers


class TestLogin:
    def test_redirects_to_issuer_with_all_protocol_parameters(self, api: Api, issuer: Any) -> None:
        answer = api.get(LOGIN)

        assert answer.status_code == 302
        assert answer.headers["cache-control"] == "no-store"
        address = urlsplit(answer.headers["location"])
        assert f"{address.scheme}://{address.netloc}{address.path}" == f"{issuer.url}/authorize"
        sent = {name: value for name, (value,) in parse_qs(address.query).items()}
        assert sent["response_type"] == "code"
        assert sent["client_id"] == "the-service"
        assert {"openid", "email"} <= set(sent["scope"].split())
        assert sent["code_challenge_method"] == "S256"
        assert min(len(sent[name]) for name in ("state", "nonce", "code_challenge")) >= 43
        assert sent["redirect_uri"] == f"{str(api.base_url).rstrip('/')}/api/v1/auth/callback"

    def test_two_logins_share_no_value(self, api: Api) -> None:
        first, second = (
            parse_qs(urlsplit(api.get(LOGIN).headers["location"]).query) for _ in range(2)
        )

        for name in ("state", "nonce", "code_challenge"):
            assert first[name] != second[name]

    def test_login_cookie_is_limited_to_callback(self, api: Api) -> None:
        flags = api.get(LOGIN).headers["set-cookie"].split("; ")[1:]

        assert {"HttpOnly", "SameSite=Lax", "Secure", "Path=/api/v1/auth"} <= set(flags)

    @pytest.mark.parametrize("path", ["/docs", "/", "/api/v1/items?limit=1", "/a#b"])
    def test_returns_to_path_of_service(self, api: Api, issuer: Any, path: str) -> None:
        issuer.person = new_person()

        assert Browser(api, return_to=path).come_back().headers["location"] == path

    def test_unavailable_issuer_returns_503(self, transcript: Transcript, start: Start) -> None:
        own = new_issuer()
        own.server_close()
        with start(**issuer_settings(own)) as server:
            answer = Api(server.url, transcript).get(LOGIN)

        assert answer.status_code == 503


class TestCallback:
    def test_new_subject_gets_account(self, api: Api, issuer: Any) -> None:
        issuer.person = person = new_person()

        answer = Browser(api).come_back()

        account = me(api, answer)
        assert answer.headers["location"] == ME
        assert account["email"] == person["email"]
        assert (account["role"], account["is_active"]) == ("user", True)

    def test_identifies_user_by_subject_and_not_by_address(self, api: Api, issuer: Any) -> None:
        issuer.person = person = new_person()
        first = me(api, Browser(api).come_back())
        issuer.person = {**person, "email": new_email(), "email_verified": False}

        assert me(api, Browser(api).come_back()) == first

    def test_verified_address_links_existing_account(self, api: Api, issuer: Any) -> None:
        issuer.person = person = new_person()
        registered = register(api, email=person["email"]).json()

        assert me(api, Browser(api).come_back())["id"] == registered["id"]

    def test_accepts_verification_as_text(self, api: Api, issuer: Any) -> None:
        issuer.person = person = new_person(email_verified="true")
        registered = register(api, email=person["email"]).json()

        assert me(api, Browser(api).come_back())["id"] == registered["id"]

    @pytest.mark.parametrize("verified", [False, None, "false", "True", "1", "", 1, [True]])
    def test_unverified_address_is_not_stored_and_not_blocked(
        self, api: Api, issuer: Any, verified: object
    ) -> None:
        issuer.person = person = new_person(email_verified=verified)

        account = me(api, Browser(api).come_back())

        assert account["email"] != person["email"]
        issuer.person = owner = {
            **person,
            "sub": f"owner of {person['email']}",
            "email_verified": True,
        }
        assert me(api, Browser(api.again()).come_back())["email"] == owner["email"]

    def test_verified_address_replaces_placeholder(self, api: Api, issuer: Any) -> None:
        person = new_person(email_verified=False)
        issuer.person = person
        before = me(api, Browser(api).come_back())

        issuer.person = {**person, "email_verified": True}
        after = me(api, Browser(api.again()).come_back())

        assert before["email"].endswith("@unverified.invalid")
        assert after == {**before, "email": person["email"]}

    def test_placeholder_stays_while_address_is_taken(self, api: Api, issuer: Any) -> None:
        person = new_person(email_verified=False)
        issuer.person = person
        before = me(api, Browser(api).come_back())
        assert register(api, email=person["email"]).status_code == 201

        issuer.person = {**person, "email_verified": True}

        assert me(api, Browser(api.again()).come_back()) == before

    def test_unavailable_issuer_returns_to_page(self, transcript: Transcript, start: Start) -> None:
        with new_issuer() as own, start(**issuer_settings(own)) as server:
            browser = Browser(Api(server.url, transcript))
            address = let_in(browser.there.headers["location"])
            own.shutdown()
            own.server_close()

            assert_refused(browser.bring(address), "issuer_down")

    def test_unverified_address_links_no_account(self, api: Api, issuer: Any) -> None:
        issuer.person = person = new_person(email_verified=False)
        registered = register(api, email=person["email"]).json()

        assert me(api, Browser(api).come_back())["id"] != registered["id"]

    def test_account_with_subject_is_not_linked_to_another(self, api: Api, issuer: Any) -> None:
        issuer.person = person = new_person()
        Browser(api).come_back()
        issuer.person = {**person, "sub": "another subject"}

        assert_refused(Browser(api).come_back(), "email_of_another_account")

    def test_accepts_address_from_userinfo_only(self, api: Api, issuer: Any) -> None:
        person = new_person()
        issuer.person, issuer.userinfo = {"sub": person["sub"]}, person

        assert me(api, Browser(api).come_back())["email"] == person["email"]

    def test_rejects_userinfo_of_another_subject(self, api: Api, issuer: Any) -> None:
        person = new_person()
        issuer.person, issuer.userinfo = {"sub": "one"}, {**person, "sub": "another"}

        assert_refused(Browser(api).come_back())

    def test_rejects_account_deactivated_during_login(
        self, api: Api, issuer: Any, service: Service, database: Database
    ) -> None:
        issuer.person = new_person()
        email = me(api, Browser(api).come_back())["email"]
        browser = Browser(api.again())
        back = let_in(browser.there.headers["location"])
        before = StoredLogins.of(database, service.combination, email).count()
        deactivate = "UPDATE user_account SET is_active = false WHERE email = %s"

        with database.changing(deactivate, email):
            login = Background(partial(browser.bring, back)).until_blocked()

        assert_refused(login.answer, "account_deactivated")
        assert StoredLogins.of(database, service.combination, email).count() == before

    def test_deactivation_applies_immediately_and_can_be_undone(
        self, api: Api, admin: Account, issuer: Any
    ) -> None:
        issuer.person = new_person()
        before = Browser(api).come_back()
        account = me(api, before)
        admin.api.patch(f"/api/v1/users/{account['id']}", json={"is_active": False})

        cookie = f"__Host-session={before.cookies['__Host-session']}"
        assert api.get(ME, headers={"Cookie": cookie}).status_code == 401
        assert_refused(Browser(api).come_back(), "account_deactivated")

        admin.api.patch(f"/api/v1/users/{account['id']}", json={"is_active": True})
        assert me(api, Browser(api).come_back()) == account

    def test_login_keeps_address_changed_in_service(self, api: Api, account: Account) -> None:
        email = new_email()
        change = {"email": email, "current_password": account.password}
        assert account.api.patch(ME, json=change).status_code == 200

        caller, _ = LOG_IN["oidc"](api, account.email, account.password)

        assert caller.get(ME).json()["email"] == email

    def test_login_ends_previous_session(self, api: Api, account: Account) -> None:
        browser = Browser(api)
        address = let_in(browser.there.headers["location"], login=account.email)
        state = f"{browser.cookie_name}={browser.state_cookie}"
        cookies = f"{state}; __Host-session={account.tokens['cookie']}"

        answer = api.get(address.raw_path.decode(), headers={"Cookie": cookies})

        assert succeeded(answer)
        assert answer.cookies["__Host-session"] != account.tokens["cookie"]
        assert account.api.get(ME).status_code == 401

    def test_parallel_first_logins_all_succeed(self, api: Api, issuer: Any) -> None:
        issuer.person = new_person()
        browsers = [Browser(api.again()) for _ in range(4)]
        addresses = [let_in(each.there.headers["location"]) for each in browsers]
        answers: list[httpx2.Response] = []
        together = threading.Barrier(len(browsers))

        def open_address(browser: Browser, address: httpx2.URL) -> None:
            together.wait()
            answers.append(browser.bring(address))

        threads = [
            threading.Thread(target=open_address, args=each)
            for each in zip(browsers, addresses, strict=True)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

        assert [succeeded(each) for each in answers] == [True] * len(browsers)

    def test_logins_in_two_tabs_succeed(self, api: Api, issuer: Any) -> None:
        issuer.person = new_person()
        tabs = [Browser(api), Browser(api)]
        cookies = "; ".join(f"{each.cookie_name}={each.state_cookie}" for each in tabs)

        assert len({each.cookie_name for each in tabs}) == len(tabs)
        for each in tabs:
            back = let_in(each.there.headers["location"]).raw_path.decode()
            assert succeeded(api.get(back, headers={"Cookie": cookies}))

    @pytest.mark.parametrize(
        ("error", "shown"),
        [
            ("access_denied", "access_denied"),
            ("temporarily_unavailable", "temporarily_unavailable"),
            ("a b&c=d\r\nX: y", "server_error"),
        ],
    )
    @pytest.mark.parametrize(
        ("return_to", "target"),
        [("/app", "/app?{}"), ("/app?a=b", "/app?a=b&{}"), ("/app#x", "/app?{}#x")],
    )
    def test_error_of_issuer_returns_to_page(
        self, api: Api, error: str, shown: str, return_to: str, target: str
    ) -> None:
        browser = Browser(api, return_to=return_to)
        state = parse_qs(urlsplit(browser.there.headers["location"]).query)["state"][0]

        back = api.base_url.join("/api/v1/auth/callback")
        answer = browser.bring(back.copy_merge_params({"state": state, "error": error}))

        assert answer.status_code == 303
        assert answer.headers["location"] == target.format(f"error={shown}")
        assert "set-cookie" not in answer.headers


class TestAccountOfIssuer:
    """An account that a login has created has no password: the issuer manages its address."""

    @pytest.mark.parametrize(
        "change",
        [
            {"email": "x@example.org"},
            {"password": PASSWORD},
            {"email": "x@example.org", "current_password": PASSWORD},
            {},
        ],
        ids=",".join,
    )
    def test_rejects_change_without_asking_for_password(
        self, api: Api, issuer: Any, change: dict[str, str]
    ) -> None:
        issuer.person = new_person()
        caller = logged_in(api, Browser(api).come_back())
        before = caller.get(ME).json()

        answer = caller.patch(ME, json=change)

        assert answer.status_code == 409
        assert answer.json()["type"] == "/problems/managed-by-issuer"
        assert caller.get(ME).json() == before

    def test_does_not_count_changes_as_guesses(self, api: Api, issuer: Any) -> None:
        issuer.person = new_person()
        caller = logged_in(api, Browser(api).come_back())

        change = {"current_password": "a wrong password"}
        statuses = [caller.patch(ME, json=change).status_code for _ in range(7)]

        assert statuses == [409] * len(statuses)

    def test_rejects_invalid_change_first(self, api: Api, issuer: Any) -> None:
        issuer.person = new_person()
        caller = logged_in(api, Browser(api).come_back())

        assert caller.patch(ME, json={"role": "admin"}).status_code == 422

    def test_login_adopts_verified_address(self, api: Api, issuer: Any) -> None:
        issuer.person = person = new_person()
        before = me(api, Browser(api).come_back())
        issuer.person = {**person, "email": new_email()}

        after = me(api, Browser(api.again()).come_back())

        assert after == {**before, "email": issuer.person["email"]}

    def test_login_keeps_address_while_new_one_is_taken(self, api: Api, issuer: Any) -> None:
        issuer.person = person = new_person()
        before = me(api, Browser(api).come_back())
        issuer.person = {**person, "email": new_email()}
        assert register(api, email=issuer.person["email"]).status_code == 201

        assert me(api, Browser(api.again()).come_back()) == before


class TestRejected:
    @pytest.mark.parametrize(
        "claims",
        [
            pytest.param({"nonce": "of another login"}, id="wrong nonce"),
            pytest.param({"nonce": None}, id="no nonce"),
            pytest.param({"aud": "another-client"}, id="wrong audience"),
            pytest.param({"aud": ["the-service", "x"], "azp": "x"}, id="for another party"),
            pytest.param({"aud": None}, id="no audience"),
            pytest.param({"iss": "https://evil.example"}, id="wrong issuer"),
            pytest.param({"exp": int(time.time()) - 2 * MINUTE}, id="expired"),
            pytest.param({"exp": None}, id="never expires"),
            pytest.param({"iat": int(time.time()) + 60 * MINUTE}, id="from the future"),
            pytest.param({"sub": None}, id="without subject"),
            pytest.param({"sub": "x" * 256}, id="subject too long"),
            pytest.param({"sub": "a\u0000b"}, id="subject with NUL"),
            pytest.param({"email": None}, id="no address"),
            pytest.param({"email": "no address"}, id="no real address"),
        ],
    )
    def test_rejects_token_for_another_login(
        self, api: Api, issuer: Any, claims: dict[str, Any]
    ) -> None:
        issuer.person, issuer.claims = new_person(), claims

        assert_refused(Browser(api).come_back())

    def test_accepts_small_clock_difference(self, api: Api, issuer: Any) -> None:
        now = int(time.time())
        issuer.person, issuer.claims = new_person(), {"exp": now - 20, "iat": now + 20}

        assert succeeded(Browser(api).come_back())

    def test_rejects_key_that_was_rotated_out(self, api: Api, issuer: Any) -> None:
        issuer.person = new_person()
        Browser(api).come_back()
        old = issuer.key
        issuer.rotate()
        new = [Browser(api.again()).come_back() for _ in range(6)]
        issuer.key = old

        assert all(map(succeeded, new))
        answers = [Browser(api.again()).come_back() for _ in range(6)]
        # Each worker loads the new key when it first sees a token with its signature.
        assert f"{ME}?error=login_refused" in {each.headers["location"] for each in answers}

    @pytest.mark.parametrize("forged", ["key", "none"])
    def test_rejects_signature_of_another_issuer(
        self, api: Api, issuer: Any, forged: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        issuer.person = new_person()
        if forged == "key":
            kid = issuer.published.kid
            key = type(issuer.key).generate_key("P-256", {"kid": kid, "use": "sig"})
            monkeypatch.setattr(issuer, "key", key)
            answer = Browser(api).come_back()
            issuer.key = issuer.published
        else:
            signed = issuer.token
            strip = lambda asked: "eyJhbGciOiJub25lIn0." + signed(asked).split(".")[1] + "."  # noqa: E731
            monkeypatch.setattr(issuer, "token", strip)
            answer = Browser(api).come_back()

        assert_refused(answer)

    def test_rejects_used_state(self, api: Api, issuer: Any) -> None:
        issuer.person = new_person()
        browser = Browser(api)
        assert succeeded(browser.come_back())

        # With a new code, which the issuer would accept.
        assert_refused(browser.come_back())

    @pytest.mark.parametrize("state", ["x", "", "\u00e9"])
    def test_rejects_unknown_state(self, api: Api, issuer: Any, state: str) -> None:
        issuer.person = new_person()

        assert_refused(Browser(api).come_back(state=state))

    def test_rejects_expired_login(self, api: Api, issuer: Any, database: Database) -> None:
        issuer.person = new_person()
        browser = Browser(api, return_to="/app")
        state = sha256(browser.state_cookie.encode()).hexdigest()
        ((expires_at,),) = database.run(
            "SELECT expires_at FROM pending_login WHERE state_hash = %s", state
        )
        database.run(
            "UPDATE pending_login SET expires_at = %s WHERE state_hash = %s",
            earlier(expires_at, timedelta(minutes=10)),
            state,
        )

        assert_refused(browser.come_back())

    @pytest.mark.parametrize("code", ["x", ""])
    def test_rejects_code_that_issuer_did_not_send(self, api: Api, issuer: Any, code: str) -> None:
        issuer.person = new_person()

        assert_refused(Browser(api).come_back(code=code))

    def test_rejects_login_started_by_another_browser(self, api: Api, issuer: Any) -> None:
        issuer.person = new_person()
        victim, attacker = Browser(api), Browser(api)
        address = let_in(attacker.there.headers["location"])

        assert_refused(victim.bring(address))

    def test_rejects_missing_cookie_and_empty_callback(self, api: Api) -> None:
        assert_refused(api.get("/api/v1/auth/callback"))
        assert_refused(api.get("/api/v1/auth/callback", params={"error": "access_denied"}))

    def test_log_does_not_contain_callback_parameters(
        self, transcript: Transcript, start: Start, issuer: Any
    ) -> None:
        issuer.person = person = new_person()
        with start() as server:
            browser = Browser(Api(server.url, transcript))
            address = let_in(browser.there.headers["location"])
            answer = browser.bring(address)
            log = server.log()

        assert succeeded(answer)
        secret = [*address.params.values(), browser.state_cookie, answer.cookies["__Host-session"]]
        assert not [each for each in (*secret, person["email"]) if each in log]
