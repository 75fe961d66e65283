"""`auth=jwt`: access tokens, refresh tokens, and how they end."""

from __future__ import annotations

import threading
import time
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import tokens
from tests.harness.accounts import PASSWORD, Account, log_in_with_jwt, new_email, register
from tests.harness.api import Api
from tests.harness.logins import StoredLogins
from tests.harness.services import secret_key

if TYPE_CHECKING:
    import httpx2

    from tests.harness.api import Transcript
    from tests.harness.databases import Database
    from tests.harness.fixtures import Settings, Start
    from tests.harness.services import Service

pytestmark = pytest.mark.auth("jwt")

ACCESS_SECONDS = 15 * 60
CLAIMS = ("iss", "aud", "exp", "iat", "sub", "jti")
NO_USER = "01900000-0000-7000-8000-000000000000"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def refresh(api: Api, token: str) -> httpx2.Response:
    """Exchange a refresh token for a new pair."""
    return api.post("/api/v1/auth/refresh", json={"refresh_token": token})


def log_out(api: Api, token: str) -> httpx2.Response:
    """End the family of a refresh token."""
    return api.post("/api/v1/auth/logout", json={"refresh_token": token})


def call_with(api: Api, token: str, scheme: str = "Bearer") -> httpx2.Response:
    """Request the own account."""
    return api.get("/api/v1/users/me", headers={"Authorization": f"{scheme} {token}"})


class TestToken:
    @pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=latin-1", "; charset=x"])
    @pytest.mark.parametrize("username", [b"caf\xe9@example.org", b"caf%E9@example.org"])
    def test_undecodable_form_returns_400(self, api: Api, charset: str, username: bytes) -> None:
        body = b"grant_type=password&password=" + PASSWORD.encode() + b"&username=" + username

        answer = api.post(
            "/api/v1/auth/token",
            content=body,
            headers={"Content-Type": FORM["Content-Type"] + charset},
        )

        assert answer.status_code == 400
        assert answer.json()["type"] == "/problems/malformed-body"

    @pytest.mark.parametrize("charset", ["; charset=utf-8", "; charset=latin-1", "; charset=x"])
    def test_form_is_utf_8_in_any_charset(self, api: Api, charset: str) -> None:
        email = f"café-{new_email()}"
        register(api, email=email)

        answer = api.post(
            "/api/v1/auth/token",
            content=f"grant_type=password&password={PASSWORD}&username={email}".encode(),
            headers={"Content-Type": FORM["Content-Type"] + charset},
        )

        assert answer.status_code == 200

    def test_returns_uncacheable_token_pair(self, api: Api) -> None:
        email = new_email()
        register(api, email=email)

        answer = api.post(
            "/api/v1/auth/token",
            data={"grant_type": "password", "username": email, "password": PASSWORD},
        )

        assert answer.status_code == 200
        pair = answer.json()
        assert set(pair) == {"access_token", "token_type", "expires_in", "refresh_token"}
        assert pair["token_type"] == "bearer"  # noqa: S105 - no secret, a kind
        assert pair["expires_in"] == ACCESS_SECONDS
        assert answer.headers["cache-control"] == "no-store"

    @pytest.mark.parametrize(
        ("form", "name"),
        [
            ({"username": "a@example.org", "password": PASSWORD}, "grant_type"),
            ({"grant_type": "password", "password": PASSWORD}, "username"),
            ({"grant_type": "password", "username": "a@example.org"}, "password"),
            (
                {"grant_type": "client_credentials", "username": "a@example.org", "password": "x"},
                "grant_type",
            ),
        ],
    )
    def test_rejects_incomplete_form(self, api: Api, form: dict[str, str], name: str) -> None:
        answer = api.post("/api/v1/auth/token", data=form)

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == [f"/{name}"]

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"&&&",
            b"grant_type=password&username=%00&password=%00",
            b"grant_type=password&username=%ff&password=%ff",
            b"a" * 10_000,
            b"grant_type=password&username=a%40example.org&password=" + b"x" * 10_000,
            b"grant_type=password&username=" + b"x" * 10_000 + b"&password=y",
            b"grant_type=password&username=\xed\xa0\x80&password=y",
        ],
    )
    def test_unusual_form_does_not_cause_500(self, api: Api, body: bytes) -> None:
        answer = api.post("/api/v1/auth/token", content=body, headers=FORM)

        assert answer.status_code in (400, 401, 422)

    def test_token_has_required_claims_and_lives_15_minutes(self, account: Account) -> None:
        header, claims = tokens.read(account.tokens["access_token"])

        assert header["alg"] not in ("none", "None")
        assert set(CLAIMS) <= set(claims)
        assert claims["sub"] == account.id
        assert claims["exp"] - claims["iat"] == ACCESS_SECONDS
        assert abs(claims["iat"] - time.time()) < 5

    def test_tokens_contain_no_secret(self, account: Account) -> None:
        _, claims = tokens.read(account.tokens["access_token"])

        assert account.email not in str(claims)

    def test_tokens_are_unique(self, api: Api, account: Account) -> None:
        _, others = log_in_with_jwt(api, account.email, PASSWORD)

        assert others["access_token"] != account.tokens["access_token"]
        assert others["refresh_token"] != account.tokens["refresh_token"]
        assert len(others["refresh_token"]) >= 32


class TestAccessToken:
    """Each forged token has a valid signature, so that it can fail for one reason only."""

    @pytest.fixture
    def forge(self, account: Account, production: Settings) -> Any:
        """Return a function that creates a token like the account's own, with changed claims."""
        header, claims = tokens.read(account.tokens["access_token"])

        def make(
            *,
            key: str | None = None,
            without: tuple[str, ...] = (),
            head: Any = None,
            **changes: Any,
        ) -> str:
            changed = {**claims, "jti": str(uuid.uuid4()), **changes}
            for name in without:
                del changed[name]
            return tokens.written(
                {**header, **(head or {})}, changed, key or production["SECRET_KEY"]
            )

        return make

    def test_accepts_forged_token_with_valid_key_and_claims(self, api: Api, forge: Any) -> None:
        assert call_with(api, forge()).status_code == 200

    @pytest.mark.parametrize("name", CLAIMS)
    def test_requires_every_claim(self, api: Api, forge: Any, name: str) -> None:
        _assert_refused(call_with(api, forge(without=(name,))))

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("iss", "another-service"),
            ("iss", ""),
            ("iss", None),
            ("aud", "another-service"),
            ("aud", []),
            ("aud", None),
            ("sub", NO_USER),
            ("sub", "not-a-uuid"),
            ("sub", ""),
            ("sub", 1),
            ("sub", "\u0000"),
            ("sub", None),
            ("exp", 0),
            ("exp", -1),
            ("exp", "soon"),
            ("exp", None),
            ("iat", "now"),
        ],
    )
    def test_rejects_claim_with_wrong_value(
        self, api: Api, forge: Any, name: str, value: object
    ) -> None:
        _assert_refused(call_with(api, forge(**{name: value})))

    def test_rejects_expired_token(self, api: Api, forge: Any) -> None:
        now = int(time.time())

        _assert_refused(call_with(api, forge(iat=now - ACCESS_SECONDS - 15, exp=now - 15)))

    def test_accepts_token_of_host_whose_clock_is_seconds_ahead(self, api: Api, forge: Any) -> None:
        now = int(time.time())

        assert call_with(api, forge(iat=now + 5, nbf=now + 5, exp=now + 900)).status_code == 200

    def test_rejects_token_issued_in_the_future(self, api: Api, forge: Any) -> None:
        now = int(time.time())

        _assert_refused(call_with(api, forge(iat=now + 3600, exp=now + 7200)))

    @pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE"])
    def test_rejects_unsigned_token(self, api: Api, forge: Any, algorithm: str) -> None:
        _assert_refused(call_with(api, forge(head={"alg": algorithm})))

    @pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
    def test_rejects_token_of_another_algorithm(self, api: Api, forge: Any, algorithm: str) -> None:
        _assert_refused(call_with(api, forge(head={"alg": algorithm})))

    def test_rejects_token_of_another_key(self, api: Api, forge: Any) -> None:
        _assert_refused(call_with(api, forge(key="another key of more than thirty-two bytes")))

    def test_rejects_token_without_signature_part(self, api: Api, account: Account) -> None:
        body = account.tokens["access_token"].rpartition(".")[0]

        _assert_refused(call_with(api, f"{body}."))

    def test_rejects_altered_claims(
        self, api: Api, account: Account, other_account: Account
    ) -> None:
        mine = account.tokens["access_token"].split(".")
        theirs = other_account.tokens["access_token"].split(".")

        _assert_refused(call_with(api, ".".join((mine[0], theirs[1], mine[2]))))

    @pytest.mark.parametrize(
        "token",
        [
            "",
            "x",
            "a.b",
            "a.b.c",
            "....",
            "x" * 5_000,
            "eyJhbGciOiJIUzI1NiJ9.W10.",
            "\xff\xfe",
            "e30.e30.e30",
            "null",
        ],
    )
    def test_rejects_malformed_token(self, api: Api, token: str) -> None:
        header = f"Bearer {token}".strip().encode("latin-1")

        answer = api.get("/api/v1/users/me", headers=[(b"Authorization", header)])

        _assert_refused(answer)

    @pytest.mark.parametrize("scheme", ["Basic", "Token", "JWT"])
    def test_rejects_other_authentication_scheme(
        self, api: Api, account: Account, scheme: str
    ) -> None:
        _assert_refused(call_with(api, account.tokens["access_token"], scheme))

    def test_scheme_ignores_case(self, api: Api, account: Account) -> None:
        assert call_with(api, account.tokens["access_token"], "bearer").status_code == 200

    def test_rejects_refresh_token_as_access_token(self, api: Api, account: Account) -> None:
        _assert_refused(call_with(api, account.tokens["refresh_token"]))

    def test_rejects_token_in_query_string(self, api: Api, account: Account) -> None:
        token = account.tokens["access_token"]

        _assert_refused(api.get("/api/v1/users/me", params={"access_token": token}))

    def test_rejects_token_of_deactivated_user(
        self, api: Api, admin: Account, account: Account
    ) -> None:
        admin.api.patch(f"/api/v1/users/{account.id}", json={"is_active": False})

        for path in ("/api/v1/users/me", "/api/v1/items"):
            _assert_refused(account.api.get(path))
        _assert_refused(refresh(api, account.tokens["refresh_token"]))


@pytest.fixture
def stored(database: Database, service: Service, account: Account) -> StoredLogins:
    """The stored logins of the account."""
    return StoredLogins.of(database, service.combination, account.email)


def _assert_refused(answer: httpx2.Response) -> None:
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


class TestRefresh:
    def test_new_pair_works(self, api: Api, account: Account) -> None:
        answer = refresh(api, account.tokens["refresh_token"])

        assert answer.status_code == 200
        pair = answer.json()
        assert set(pair) == set(account.tokens)
        assert pair["refresh_token"] != account.tokens["refresh_token"]
        assert answer.headers["cache-control"] == "no-store"
        assert call_with(api, pair["access_token"]).json()["id"] == account.id
        assert refresh(api, pair["refresh_token"]).status_code == 200

    def test_reused_token_ends_the_whole_family(self, api: Api, account: Account) -> None:
        first = account.tokens["refresh_token"]
        second = refresh(api, first).json()["refresh_token"]
        third = refresh(api, second).json()["refresh_token"]

        assert refresh(api, first).status_code == 401

        assert refresh(api, third).status_code == 401
        assert refresh(api, second).status_code == 401

    def test_retry_gets_the_same_successor(self, api: Api, account: Account) -> None:
        """A response may be lost, and two tabs may use one token."""
        first = refresh(api, account.tokens["refresh_token"]).json()

        again = refresh(api, account.tokens["refresh_token"])

        assert again.status_code == 200
        assert again.json()["refresh_token"] == first["refresh_token"]
        assert call_with(api, again.json()["access_token"]).status_code == 200
        assert refresh(api, first["refresh_token"]).status_code == 200

    def test_reuse_after_a_minute_ends_the_login(
        self, api: Api, account: Account, stored: StoredLogins
    ) -> None:
        newest = refresh(api, account.tokens["refresh_token"]).json()
        stored.let_pass(timedelta(minutes=1))

        assert refresh(api, account.tokens["refresh_token"]).status_code == 401

        assert refresh(api, newest["refresh_token"]).status_code == 401
        _assert_refused(call_with(api, newest["access_token"]))

    def test_refreshed_login_ends_after_90_days(
        self, api: Api, account: Account, stored: StoredLogins
    ) -> None:
        token = account.tokens["refresh_token"]
        for _ in range(4):
            stored.let_pass(timedelta(days=22))
            answer = refresh(api, token)
            assert answer.status_code == 200
            token = answer.json()["refresh_token"]
        stored.let_pass(timedelta(days=3))

        assert refresh(api, token).status_code == 401

    def test_id_of_login_does_not_end_it(self, api: Api, account: Account) -> None:
        login_id, secret, signature = account.tokens["refresh_token"].split(".")

        for token in (
            login_id,
            f"{login_id}.",
            f"{login_id}.{secret}",
            f"{login_id}.{'x' * 43}.{signature}",
            f"{login_id}.{secret}.{signature[::-1]}",
        ):
            assert refresh(api, token).status_code in (400, 401, 422)
            assert log_out(api, token).status_code in (204, 400, 422)

        assert refresh(api, account.tokens["refresh_token"]).status_code == 200

    def test_reused_token_keeps_other_logins(
        self, api: Api, account: Account, stored: StoredLogins
    ) -> None:
        _, others = log_in_with_jwt(api, account.email, PASSWORD)
        refresh(api, account.tokens["refresh_token"])
        stored.let_pass(timedelta(minutes=1))
        assert refresh(api, account.tokens["refresh_token"]).status_code == 401

        assert refresh(api, others["refresh_token"]).status_code == 200

    def test_ten_concurrent_uses_get_one_successor(self, api: Api, account: Account) -> None:
        answers: list[httpx2.Response] = []
        together = threading.Barrier(10)

        def use() -> None:
            with api.again() as own:
                own.get("/health/live")
                together.wait()
                answers.append(refresh(own, account.tokens["refresh_token"]))

        threads = [threading.Thread(target=use) for _ in range(10)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

        assert [each.status_code for each in answers] == [200] * 10
        (successor,) = {each.json()["refresh_token"] for each in answers}
        assert refresh(api, successor).status_code == 200

    @pytest.mark.parametrize("token", ["", "x", "x" * 5_000, "\N{PILE OF POO}" * 10, "a.b.c"])
    def test_rejects_unknown_token(self, api: Api, token: str) -> None:
        assert refresh(api, token).status_code in (401, 422)

    @pytest.mark.parametrize("path", ["refresh", "logout"])
    def test_lone_surrogate_does_not_cause_500(self, api: Api, path: str) -> None:
        answer = api.post(
            f"/api/v1/auth/{path}",
            content=rb'{"refresh_token": "a.b\ud800.c\ud800"}',
            headers={"Content-Type": "application/json"},
        )

        assert answer.status_code in (204, 400, 401, 422)

    def test_rejects_access_token_as_refresh_token(self, api: Api, account: Account) -> None:
        assert refresh(api, account.tokens["access_token"]).status_code == 401

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, "/refresh_token"),
            ({"refresh_token": None}, "/refresh_token"),
            ({"refresh_token": 1}, "/refresh_token"),
            ({"refresh_token": "x", "y": 1}, "/y"),
        ],
    )
    def test_rejects_invalid_body(self, api: Api, body: dict[str, Any], pointer: str) -> None:
        for path in ("/api/v1/auth/refresh", "/api/v1/auth/logout"):
            answer = api.post(path, json=body)

            assert answer.status_code == 422
            assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]

    def test_stores_only_hash_of_refresh_token(
        self, api: Api, account: Account, database: Database
    ) -> None:
        pair = refresh(api, account.tokens["refresh_token"]).json()

        stored = database.contents()
        assert account.id.replace("-", "") in stored.replace("-", "")
        for each in (account.tokens["refresh_token"], pair["refresh_token"], PASSWORD):
            assert each not in stored


class TestLogout:
    def test_ends_the_family(self, api: Api, account: Account) -> None:
        first = account.tokens["refresh_token"]
        second = refresh(api, first).json()["refresh_token"]

        answer = log_out(api, second)

        assert answer.status_code == 204
        assert answer.content == b""
        assert refresh(api, second).status_code == 401

    def test_keeps_other_logins(self, api: Api, account: Account) -> None:
        other, others = log_in_with_jwt(api, account.email, PASSWORD)

        log_out(api, account.tokens["refresh_token"])

        assert refresh(api, others["refresh_token"]).status_code == 200
        assert other.get("/api/v1/users/me").status_code == 200

    def test_unknown_and_ended_token_get_the_same_answer(self, api: Api, account: Account) -> None:
        """A second logout and a logout without a login get the same answer, which does not reveal
        what exists.
        """
        log_out(api, account.tokens["refresh_token"])

        again = log_out(api, account.tokens["refresh_token"])
        unknown = log_out(api, "x" * len(account.tokens["refresh_token"]))

        assert again.status_code == unknown.status_code
        assert again.status_code in (204, 401)


class TestPasswordChange:
    def test_new_password_ends_refresh_tokens_of_other_logins(
        self, api: Api, account: Account
    ) -> None:
        other, others = log_in_with_jwt(api, account.email, PASSWORD)

        answer = account.api.patch(
            "/api/v1/users/me",
            json={"password": "another correct horse", "current_password": PASSWORD},
        )

        assert answer.status_code == 200
        assert refresh(api, others["refresh_token"]).status_code == 401
        assert other.get("/api/v1/users/me").status_code == 401


class TestKeyRotation:
    def test_accepts_token_of_listed_old_key(
        self, start: Start, production: Settings, transcript: Transcript, account: Account
    ) -> None:
        old = f"{secret_key()},{production['SECRET_KEY']}"
        with start(SECRET_KEY=secret_key(), SECRET_KEY_FALLBACKS=old) as server:
            api = Api(server.url, transcript)

            answer = call_with(api, account.tokens["access_token"])
            pair = refresh(api, account.tokens["refresh_token"]).json()

            assert answer.json()["id"] == account.id
            assert call_with(api, pair["access_token"]).status_code == 200
        with start() as server:
            _assert_refused(call_with(Api(server.url, transcript), pair["access_token"]))

    def test_rejects_tokens_of_unlisted_old_key(
        self, start: Start, transcript: Transcript, account: Account
    ) -> None:
        with start(SECRET_KEY=secret_key()) as server:
            api = Api(server.url, transcript)

            _assert_refused(call_with(api, account.tokens["access_token"]))
            assert refresh(api, account.tokens["refresh_token"]).status_code == 401

    def test_rejects_expired_token_of_old_key(
        self, start: Start, production: Settings, transcript: Transcript, account: Account
    ) -> None:
        header, claims = tokens.read(account.tokens["access_token"])
        claims |= {"iat": claims["iat"] - 2 * ACCESS_SECONDS, "exp": claims["iat"] - ACCESS_SECONDS}
        token = tokens.written(header, claims, production["SECRET_KEY"])
        keys = {"SECRET_KEY": secret_key(), "SECRET_KEY_FALLBACKS": production["SECRET_KEY"]}
        with start(**keys) as server:
            _assert_refused(call_with(Api(server.url, transcript), token))
