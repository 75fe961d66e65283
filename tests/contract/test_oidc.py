"""`auth=oauth2`: the way to the issuer and back, and what of it is refused."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.harness.accounts import LOG_IN, Account, in_session, new_email, register
from tests.harness.api import Api
from tests.harness.issuer import issuer_settings, let_in, new_issuer, shared_issuer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.harness.api import Transcript
    from tests.harness.fixtures import Start

pytestmark = pytest.mark.auth("oauth2")

LOGIN = "/api/v1/auth/login"
ME = "/api/v1/users/me"
MINUTE = 60


@pytest.fixture(autouse=True)
def issuer() -> Iterator[Any]:
    """The issuer that the server trusts, which says nothing unusual but what the test tells it."""
    shared = shared_issuer()
    yield shared
    shared.person, shared.told, shared.claims = {}, {}, {}
    if shared.key is not shared.published:
        shared.rotate()


def somebody(**changes: Any) -> dict[str, Any]:
    """Return somebody new, whose address the issuer has verified."""
    email = new_email()
    return {"sub": f"subject of {email}", "email": email, "email_verified": True, **changes}


class Browser:
    """A browser on its way to the issuer and back, which keeps the cookie of its login."""

    def __init__(self, api: Api, **query: str) -> None:
        """Go to the issuer."""
        self.api = api
        self.there = api.get(LOGIN, params=query)
        assert self.there.status_code == 302, self.there.text
        self.state_cookie = self.there.cookies["login_state"]

    def come_back(self, **changes: str) -> httpx2.Response:
        """Prove who it is, and come back; `changes` are of what is brought along."""
        return self.bring(let_in(self.there.headers["location"]).copy_merge_params(changes))

    def bring(self, address: httpx2.URL) -> httpx2.Response:
        """Open the address that the issuer sent the browser to."""
        cookie = f"login_state={self.state_cookie}"
        return self.api.get(address.raw_path.decode(), headers={"Cookie": cookie})


def me(api: Api, answer: httpx2.Response) -> dict[str, Any]:
    """Return the account whose session a login began."""
    assert answer.status_code == 303, answer.text
    caller, _ = in_session(api, answer.cookies["session"])
    account: dict[str, Any] = caller.get(ME).json()
    return account


def assert_refused(answer: httpx2.Response, status: int = 401) -> None:
    """Check that a login was refused, and left no session."""
    assert answer.status_code == status, answer.text
    assert "set-cookie" not in answer.headers


class TestLogin:
    def test_it_leads_to_the_issuer_with_all_that_the_protocol_asks_for(
        self, api: Api, issuer: Any
    ) -> None:
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

    def test_no_two_logins_have_anything_in_common(self, api: Api) -> None:
        first, second = (
            parse_qs(urlsplit(api.get(LOGIN).headers["location"]).query) for _ in range(2)
        )

        for name in ("state", "nonce", "code_challenge"):
            assert first[name] != second[name]

    def test_the_cookie_of_the_login_is_for_this_way_only(self, api: Api) -> None:
        flags = api.get(LOGIN).headers["set-cookie"].split("; ")[1:]

        assert {"HttpOnly", "SameSite=Lax", "Secure", "Path=/api/v1/auth"} <= set(flags)

    @pytest.mark.parametrize("path", ["/docs", "/", "/api/v1/items?limit=1", "/a#b"])
    def test_it_comes_back_to_a_path_of_the_service(self, api: Api, issuer: Any, path: str) -> None:
        issuer.person = somebody()

        assert Browser(api, return_to=path).come_back().headers["location"] == path

    def test_an_issuer_that_is_down_is_an_outage(
        self, transcript: Transcript, start: Start
    ) -> None:
        own = new_issuer()
        own.server_close()
        with start(**issuer_settings(own)) as server:
            answer = Api(server.url, transcript).get(LOGIN)

        assert answer.status_code == 503


class TestCallback:
    def test_somebody_new_gets_an_account(self, api: Api, issuer: Any) -> None:
        issuer.person = person = somebody()

        answer = Browser(api).come_back()

        account = me(api, answer)
        assert answer.headers["location"] == ME
        assert account["email"] == person["email"]
        assert (account["role"], account["is_active"]) == ("user", True)

    def test_somebody_is_known_by_the_subject_and_not_by_the_address(
        self, api: Api, issuer: Any
    ) -> None:
        issuer.person = person = somebody()
        first = me(api, Browser(api).come_back())
        issuer.person = {**person, "email": new_email(), "email_verified": False}

        assert me(api, Browser(api).come_back()) == first

    def test_a_verified_address_joins_the_account_that_has_it(self, api: Api, issuer: Any) -> None:
        issuer.person = person = somebody()
        registered = register(api, email=person["email"]).json()

        assert me(api, Browser(api).come_back())["id"] == registered["id"]

    @pytest.mark.parametrize("verified", [False, None, "true", 1])
    def test_an_address_that_is_not_verified_joins_nothing(
        self, api: Api, issuer: Any, verified: object
    ) -> None:
        issuer.person = person = somebody(email_verified=verified)
        register(api, email=person["email"])

        assert_refused(Browser(api).come_back(), 409)

    def test_the_account_of_one_subject_is_not_joined_by_another(
        self, api: Api, issuer: Any
    ) -> None:
        issuer.person = person = somebody()
        Browser(api).come_back()
        issuer.person = {**person, "sub": "somebody else"}

        assert_refused(Browser(api).come_back(), 409)

    def test_the_address_may_stand_in_the_userinfo_only(self, api: Api, issuer: Any) -> None:
        person = somebody()
        issuer.person, issuer.told = {"sub": person["sub"]}, person

        assert me(api, Browser(api).come_back())["email"] == person["email"]

    def test_the_userinfo_of_somebody_else_is_not_taken(self, api: Api, issuer: Any) -> None:
        person = somebody()
        issuer.person, issuer.told = {"sub": "one"}, {**person, "sub": "another"}

        assert_refused(Browser(api).come_back())

    def test_who_is_switched_off_is_out_at_once_and_comes_back(
        self, api: Api, admin: Account, issuer: Any
    ) -> None:
        issuer.person = somebody()
        before = Browser(api).come_back()
        account = me(api, before)
        admin.api.patch(f"/api/v1/users/{account['id']}", json={"is_active": False})

        cookie = f"session={before.cookies['session']}"
        assert api.get(ME, headers={"Cookie": cookie}).status_code == 401
        assert_refused(Browser(api).come_back(), 403)

        admin.api.patch(f"/api/v1/users/{account['id']}", json={"is_active": True})
        assert me(api, Browser(api).come_back()) == account

    def test_an_address_that_was_changed_here_stays(self, api: Api, account: Account) -> None:
        email = new_email()
        change = {"email": email, "current_password": account.password}
        assert account.api.patch(ME, json=change).status_code == 200

        caller, _ = LOG_IN["oauth2"](api, account.email, account.password)

        assert caller.get(ME).json()["email"] == email

    def test_the_session_before_is_ended(self, api: Api, account: Account) -> None:
        browser = Browser(api)
        address = let_in(browser.there.headers["location"], login=account.email)
        cookies = f"login_state={browser.state_cookie}; session={account.tokens['cookie']}"

        answer = api.get(address.raw_path.decode(), headers={"Cookie": cookies})

        assert answer.status_code == 303
        assert answer.cookies["session"] != account.tokens["cookie"]
        assert account.api.get(ME).status_code == 401

    def test_of_two_at_once_each_ends_well_or_in_a_conflict(self, api: Api, issuer: Any) -> None:
        issuer.person = somebody()
        browsers = [Browser(api.again()) for _ in range(4)]
        addresses = [let_in(each.there.headers["location"]) for each in browsers]
        answers: list[int] = []
        together = threading.Barrier(len(browsers))

        def open_address(browser: Browser, address: httpx2.URL) -> None:
            together.wait()
            answers.append(browser.bring(address).status_code)

        threads = [
            threading.Thread(target=open_address, args=each)
            for each in zip(browsers, addresses, strict=True)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

        assert 303 in answers
        assert set(answers) <= {303, 409}


class TestWhatIsRefused:
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
            pytest.param({"sub": None}, id="of nobody"),
            pytest.param({"sub": "x" * 256}, id="subject too long"),
            pytest.param({"sub": "a\u0000b"}, id="subject with NUL"),
            pytest.param({"email": None}, id="no address"),
            pytest.param({"email": "no address"}, id="no real address"),
        ],
    )
    def test_a_token_that_is_not_for_this_login(
        self, api: Api, issuer: Any, claims: dict[str, Any]
    ) -> None:
        issuer.person, issuer.claims = somebody(), claims

        assert_refused(Browser(api).come_back())

    def test_a_clock_that_is_a_little_off_is_no_reason(self, api: Api, issuer: Any) -> None:
        now = int(time.time())
        issuer.person, issuer.claims = somebody(), {"exp": now - 20, "iat": now + 20}

        assert Browser(api).come_back().status_code == 303

    def test_a_key_that_was_rotated_out(self, api: Api, issuer: Any) -> None:
        issuer.person = somebody()
        Browser(api).come_back()
        old = issuer.key
        issuer.rotate()
        new = [Browser(api.again()).come_back().status_code for _ in range(6)]
        issuer.key = old

        assert new == [303] * 6
        answers = [Browser(api.again()).come_back() for _ in range(6)]
        # Each worker has the new key only once it has seen a token that is signed by it.
        assert 401 in {each.status_code for each in answers}

    @pytest.mark.parametrize("forged", ["key", "none"])
    def test_a_signature_that_is_not_of_the_issuer(
        self, api: Api, issuer: Any, forged: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        issuer.person = somebody()
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

    def test_a_state_that_was_used(self, api: Api, issuer: Any) -> None:
        issuer.person = somebody()
        browser = Browser(api)
        assert browser.come_back().status_code == 303

        # With a code of its own: the issuer would take it.
        assert_refused(browser.come_back())

    @pytest.mark.parametrize(
        "changes",
        [{"state": "x"}, {"state": ""}, {"state": "\u00e9"}, {"code": "x"}, {"code": ""}],
        ids=str,
    )
    def test_what_the_issuer_did_not_send(
        self, api: Api, issuer: Any, changes: dict[str, str]
    ) -> None:
        issuer.person = somebody()

        assert_refused(Browser(api).come_back(**changes))

    def test_a_login_that_another_browser_began(self, api: Api, issuer: Any) -> None:
        issuer.person = somebody()
        victim, attacker = Browser(api), Browser(api)
        address = let_in(attacker.there.headers["location"])

        assert_refused(victim.bring(address))

    def test_no_cookie_and_nothing_at_all(self, api: Api) -> None:
        assert_refused(api.get("/api/v1/auth/callback"))
        assert_refused(api.get("/api/v1/auth/callback", params={"error": "access_denied"}))

    def test_what_came_back_is_not_in_the_log(
        self, transcript: Transcript, start: Start, issuer: Any
    ) -> None:
        issuer.person = person = somebody()
        with start() as server:
            browser = Browser(Api(server.url, transcript))
            address = let_in(browser.there.headers["location"])
            answer = browser.bring(address)
            log = server.log()

        assert answer.status_code == 303
        secret = [*address.params.values(), browser.state_cookie, answer.cookies["session"]]
        assert not [each for each in (*secret, person["email"]) if each in log]
