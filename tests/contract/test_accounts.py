"""Accounts: registering, one's own account, administrators, throttling."""

from __future__ import annotations

import statistics
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.conftest import TRUSTED_PROXY
from tests.harness.accounts import LOG_IN, PASSWORD, Account, new_account, new_email, register
from tests.harness.api import Api, new_peer

if TYPE_CHECKING:
    import httpx2

    from tests.harness.databases import Database
    from tests.harness.services import Service

pytestmark = pytest.mark.accounts

JSON = {"Content-Type": "application/json"}
MEMBERS = {"id", "email", "role", "is_active", "created_at"}
NO_USER = "01900000-0000-7000-8000-000000000000"
NEW_PASSWORD = "another correct horse"  # noqa: S105 - of no real account
ATTEMPTS = 5
HASHING_SECONDS = 2
WINDOW_SECONDS = 60


def log_in(api: Api, email: str, password: str) -> httpx2.Response:
    """Try to log in."""
    return api.post(
        "/api/v1/auth/token",
        data={"grant_type": "password", "username": email, "password": password},
    )


class TestRegister:
    def test_the_answer_is_the_user(self, api: Api) -> None:
        email = new_email()

        answer = register(api, email=email)

        assert answer.status_code == 201
        user = answer.json()
        assert set(user) == MEMBERS
        assert (user["email"], user["role"], user["is_active"]) == (email, "user", True)

    def test_the_first_to_register_is_no_administrator(self, api: Api) -> None:
        assert register(api).json()["role"] == "user"

    @pytest.mark.parametrize("field", ["role", "is_active", "id"])
    def test_nobody_gives_themselves_rights(self, api: Api, field: str) -> None:
        email = new_email()

        answer = api.post(
            "/api/v1/auth/register", json={"email": email, "password": PASSWORD, field: "admin"}
        )

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == [f"/{field}"]
        assert register(api, email=email).status_code == 201

    @pytest.mark.parametrize("change", [str, str.upper, str.title])
    def test_an_address_that_is_taken_is_a_conflict(self, api: Api, change: Any) -> None:
        email = new_email()
        register(api, email=email)

        assert register(api, email=change(email)).status_code == 409

    def test_of_twenty_at_once_one_gets_the_address(self, api: Api, database: Database) -> None:
        email = new_email()
        statuses: list[int] = []
        together = threading.Barrier(20)

        def ask(number: int) -> None:
            with api.again() as own:
                own.get("/health/live")
                together.wait()
                spelt = email.upper() if number % 2 else email
                statuses.append(register(own, email=spelt).status_code)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
        # Passwords are hashed one after the other, which keeps the requests apart. Held back until
        # all of them are to be stored, those that looked for the address first have found it free.
        with database.holding_writes():
            for each in threads:
                each.start()
            time.sleep(HASHING_SECONDS)
        for each in threads:
            each.join()

        assert sorted(statuses) == [201, *[409] * 19]

    @pytest.mark.parametrize(
        "email",
        [
            "",
            "a",
            "a@",
            "@b.example",
            "a b@c.example",
            "a@b@c.example",
            None,
            1,
            [],
            f"{'a' * 250}@example.org",
            "a@example.org\n",
            "a\u0000@example.org",
            "A <a@example.org>",
        ],
    )
    def test_what_is_no_address_is_refused(self, api: Api, email: object) -> None:
        answer = api.post("/api/v1/auth/register", json={"email": email, "password": PASSWORD})

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/email"]

    @pytest.mark.parametrize(
        "password", ["", "x" * 11, "x" * 129, None, 123456789012, [], {"a": 1}]
    )
    def test_another_password_is_refused_and_not_repeated(self, api: Api, password: object) -> None:
        answer = api.post(
            "/api/v1/auth/register", json={"email": new_email(), "password": password}
        )

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/password"]
        assert "xxxxxxxx" not in answer.text

    @pytest.mark.parametrize(
        "password",
        [
            "x" * 12,
            "x" * 128,
            "\N{PILE OF POO}" * 12,
            "\N{PILE OF POO}" * 128,
            " " * 12,
            "  spaces kept  ",
            "ein Paßwort mit Ümlaut",
        ],
    )
    def test_a_password_of_12_to_128_characters_is_taken_as_it_is(
        self, api: Api, password: str
    ) -> None:
        email = new_email()

        assert register(api, email=email, password=password).status_code == 201
        assert log_in(api, email, password).status_code == 200
        assert log_in(api, email, password[:-1] + "!").status_code == 401

    def test_a_password_that_is_no_text_is_refused(self, api: Api) -> None:
        body = f'{{"email": "{new_email()}", "password": "\\ud800xxxxxxxxxxxx"}}'

        answer = api.post("/api/v1/auth/register", content=body, headers=JSON)

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/password"]


class TestLogIn:
    def test_the_address_is_compared_without_case(self, api: Api) -> None:
        email = f"Mixed.{new_email()}"
        register(api, email=email)

        assert log_in(api, email.upper(), PASSWORD).status_code == 200
        assert log_in(api, email.lower(), PASSWORD).status_code == 200

    def test_a_wrong_password_and_an_unknown_address_are_not_to_be_told_apart(
        self, api: Api
    ) -> None:
        email = new_email()
        register(api, email=email)

        wrong = log_in(api, email, "a wrong password")
        unknown = log_in(api, new_email(), "a wrong password")

        assert wrong.status_code == unknown.status_code == 401
        own = {"x-request-id", "date", "content-length"}
        assert {name: value for name, value in wrong.headers.items() if name not in own} == {
            name: value for name, value in unknown.headers.items() if name not in own
        }
        assert "www-authenticate" in wrong.headers
        bodies = [answer.json() | {"request_id": ""} for answer in (wrong, unknown)]
        assert bodies[0] == bodies[1]

    def test_a_wrong_password_and_an_unknown_address_take_the_same_time(self, api: Api) -> None:
        emails = [new_email() for _ in range(3)]
        for each in emails:
            register(api, email=each)
        known, unknown = [], []
        for each in [*emails, *emails, *emails]:
            known.append(_seconds_of_log_in(api, each))
            unknown.append(_seconds_of_log_in(api, new_email()))

        ratio = statistics.median(unknown) / statistics.median(known)
        assert 0.5 < ratio < 2

    def test_a_deactivated_account_is_refused_like_a_wrong_password(
        self, api: Api, admin: Account, account: Account
    ) -> None:
        wrong = log_in(api, account.email, "a wrong password").json()
        admin.api.patch(f"/api/v1/users/{account.id}", json={"is_active": False})

        answer = log_in(api, account.email, account.password)

        assert answer.status_code == 401
        assert {**answer.json(), "request_id": ""} == {**wrong, "request_id": ""}


def _seconds_of_log_in(api: Api, email: str) -> float:
    with api.again() as stranger:
        stranger.get("/health/live")
        begun = time.perf_counter()
        answer = log_in(stranger, email, "a wrong password")
        assert answer.status_code == 401
        return time.perf_counter() - begun


class TestThrottling:
    def test_the_sixth_failure_for_an_address_waits_wherever_it_comes_from(self, api: Api) -> None:
        email = new_email()
        register(api, email=email)

        begun = time.time()
        for _ in range(ATTEMPTS):
            with api.again() as stranger:
                assert log_in(stranger, email, "a wrong password").status_code == 401
        time.sleep(2)
        with api.again() as stranger:
            _assert_waits(log_in(stranger, email, "a wrong password"), begun)
            _assert_waits(log_in(stranger, email.upper(), PASSWORD), begun)

        assert log_in(api, self._other(api), PASSWORD).status_code == 200

    def test_the_sixth_failure_of_a_peer_waits_whatever_the_address(self, api: Api) -> None:
        email = self._other(api)
        begun = time.time()
        with api.again() as peer:
            for _ in range(ATTEMPTS):
                assert log_in(peer, new_email(), "a wrong password").status_code == 401
            time.sleep(2)
            _assert_waits(log_in(peer, new_email(), "a wrong password"), begun)
            _assert_waits(log_in(peer, email, PASSWORD), begun)

        assert log_in(api, email, PASSWORD).status_code == 200

    def test_an_unknown_address_is_throttled_like_a_known_one(self, api: Api) -> None:
        email = new_email()

        statuses = []
        for _ in range(ATTEMPTS + 1):
            with api.again() as stranger:
                statuses.append(log_in(stranger, email, "a wrong password").status_code)

        assert statuses == [*[401] * ATTEMPTS, 429]

    def test_logging_in_well_is_never_throttled(self, api: Api) -> None:
        email = self._other(api)

        assert {log_in(api, email, PASSWORD).status_code for _ in range(ATTEMPTS + 3)} == {200}

    def test_ten_guesses_at_once_are_no_way_around(self, api: Api) -> None:
        email = new_email()
        statuses: list[int] = []
        together = threading.Barrier(12)

        def guess() -> None:
            with api.again() as stranger:
                stranger.get("/health/live")
                together.wait()
                statuses.append(log_in(stranger, email, "a wrong password").status_code)

        threads = [threading.Thread(target=guess) for _ in range(12)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

        assert statuses.count(401) <= ATTEMPTS
        assert set(statuses) <= {401, 429}

    def test_a_peer_cannot_call_itself_another(self, api: Api) -> None:
        statuses = []
        with api.again() as peer:
            for _ in range(ATTEMPTS + 1):
                peer.headers["X-Forwarded-For"] = new_peer()
                statuses.append(log_in(peer, new_email(), "a wrong password").status_code)

        assert statuses[-1] == 429

    def test_a_trusted_proxy_tells_the_peer(self, opened_api: Api) -> None:
        first, second = new_peer(), new_peer()
        with opened_api.again(peer=TRUSTED_PROXY) as proxy:
            statuses = [self._through(proxy, first) for _ in range(ATTEMPTS + 1)]

            assert statuses == [*[401] * ATTEMPTS, 429]
            assert self._through(proxy, second) == 401

    def test_what_a_client_told_a_trusted_proxy_does_not_count(self, opened_api: Api) -> None:
        client = new_peer()
        with opened_api.again(peer=TRUSTED_PROXY) as proxy:
            statuses = [
                self._through(proxy, f"{new_peer()}, {client}") for _ in range(ATTEMPTS + 1)
            ]

        assert statuses == [*[401] * ATTEMPTS, 429]

    @staticmethod
    def _through(proxy: Api, forwarded_for: str) -> int:
        proxy.headers["X-Forwarded-For"] = forwarded_for
        return log_in(proxy, new_email(), "a wrong password").status_code

    @staticmethod
    def _other(api: Api) -> str:
        email = new_email()
        assert register(api, email=email).status_code == 201
        return email


def _assert_waits(answer: httpx2.Response, begun: float) -> None:
    """Hold `Retry-After` against the moment when the oldest of five failures is a minute old."""
    assert answer.status_code == 429
    left = begun + WINDOW_SECONDS - time.time()
    assert left - 1 <= int(answer.headers["retry-after"]) <= left + 3


class TestGetMe:
    def test_it_is_ones_own_account(self, account: Account) -> None:
        answer = account.api.get("/api/v1/users/me")

        assert answer.status_code == 200
        user = answer.json()
        assert set(user) == MEMBERS
        assert (user["id"], user["email"]) == (account.id, account.email)

    def test_a_stranger_is_refused(self, api: Api) -> None:
        answer = api.get("/api/v1/users/me")

        assert answer.status_code == 401
        assert "www-authenticate" in answer.headers


class TestUpdateMe:
    def test_a_stranger_is_refused(self, api: Api) -> None:
        answer = api.patch("/api/v1/users/me", json={"current_password": PASSWORD})

        assert answer.status_code == 401

    def test_the_address_changes(self, api: Api, account: Account) -> None:
        email = new_email()

        answer = account.api.patch(
            "/api/v1/users/me", json={"email": email, "current_password": PASSWORD}
        )

        assert answer.status_code == 200
        assert answer.json()["email"] == email
        assert log_in(api, email, PASSWORD).status_code == 200
        assert log_in(api, account.email, PASSWORD).status_code == 401

    def test_the_password_changes(self, api: Api, account: Account) -> None:
        answer = _change_password(account)

        assert answer.status_code == 200
        assert "password" not in answer.text
        assert log_in(api, account.email, NEW_PASSWORD).status_code == 200
        assert log_in(api, account.email, PASSWORD).status_code == 401

    def test_a_new_password_ends_every_other_login(
        self, api: Api, account: Account, service: Service
    ) -> None:
        other, _ = LOG_IN[service.combination.auth](api, account.email, PASSWORD)

        assert _change_password(account).status_code == 200

        assert other.get("/api/v1/users/me").status_code == 401

    def test_a_new_password_leaves_other_accounts_alone(
        self, account: Account, other_account: Account
    ) -> None:
        _change_password(account)

        assert other_account.api.get("/api/v1/users/me").status_code == 200

    @pytest.mark.parametrize("change", [{"email": "x@example.org"}, {"password": NEW_PASSWORD}])
    def test_a_wrong_current_password_changes_nothing(
        self, account: Account, change: dict[str, str]
    ) -> None:
        before = account.api.get("/api/v1/users/me").json()

        answer = account.api.patch(
            "/api/v1/users/me", json={**change, "current_password": "a wrong password"}
        )

        assert answer.status_code == 401
        assert account.api.get("/api/v1/users/me").json() == before

    def test_guessing_the_current_password_is_throttled(self, account: Account) -> None:
        statuses = [
            account.api.patch(
                "/api/v1/users/me", json={"email": new_email(), "current_password": "a wrong one!"}
            ).status_code
            for _ in range(ATTEMPTS + 1)
        ]

        assert statuses == [*[401] * ATTEMPTS, 429]

    @pytest.mark.parametrize("change", [{"email": "x@example.org"}, {"password": NEW_PASSWORD}])
    def test_the_current_password_is_required(
        self, account: Account, change: dict[str, str]
    ) -> None:
        answer = account.api.patch("/api/v1/users/me", json=change)

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/current_password"]

    def test_an_address_that_is_taken_is_a_conflict(
        self, account: Account, other_account: Account
    ) -> None:
        answer = account.api.patch(
            "/api/v1/users/me",
            json={"email": other_account.email.upper(), "current_password": PASSWORD},
        )

        assert answer.status_code == 409

    def test_ones_own_address_in_other_letters_is_no_conflict(self, account: Account) -> None:
        answer = account.api.patch(
            "/api/v1/users/me",
            json={"email": account.email.upper(), "current_password": PASSWORD},
        )

        assert answer.status_code == 200

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"role": "admin"}, "/role"),
            ({"is_active": False}, "/is_active"),
            ({"password": "short"}, "/password"),
            ({"password": None}, "/password"),
            ({"email": "nothing"}, "/email"),
            ({"email": None}, "/email"),
        ],
    )
    def test_another_change_is_refused(
        self, account: Account, change: dict[str, Any], pointer: str
    ) -> None:
        answer = account.api.patch(
            "/api/v1/users/me", json={**change, "current_password": PASSWORD}
        )

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


def _change_password(account: Account) -> httpx2.Response:
    return account.api.patch(
        "/api/v1/users/me", json={"password": NEW_PASSWORD, "current_password": PASSWORD}
    )


class TestListUsers:
    def test_a_stranger_is_refused(self, api: Api) -> None:
        assert api.get("/api/v1/users").status_code == 401

    def test_a_user_has_no_right_to_it(self, account: Account) -> None:
        assert account.api.get("/api/v1/users").status_code == 403

    def test_an_administrator_sees_everybody_page_by_page(
        self, admin: Account, account: Account, other_account: Account
    ) -> None:
        seen: list[dict[str, Any]] = []
        after: str | None = None
        while True:
            query: dict[str, str | int] = {"limit": 100, **({"after": after} if after else {})}
            found = admin.api.get("/api/v1/users", params=query).json()
            assert set(found) == {"items", "next"}
            seen += found["items"]
            if (after := found["next"]) is None:
                break

        ids = [each["id"] for each in seen]
        assert ids == sorted(set(ids))
        assert {admin.id, account.id, other_account.id} <= set(ids)
        assert all(set(each) == MEMBERS for each in seen)

    @pytest.mark.parametrize("limit", ["0", "101", "-1", "abc"])
    def test_another_limit_is_refused(self, admin: Account, limit: str) -> None:
        answer = admin.api.get("/api/v1/users", params={"limit": limit})

        assert answer.status_code == 422
        assert [each["query"] for each in answer.json()["errors"]] == ["limit"]


class TestUpdateUser:
    def test_a_stranger_is_refused(self, api: Api) -> None:
        assert api.patch(f"/api/v1/users/{NO_USER}", json={}).status_code == 401

    def test_a_user_has_no_right_to_it(self, account: Account) -> None:
        answer = account.api.patch(f"/api/v1/users/{account.id}", json={"role": "admin"})

        assert answer.status_code == 403
        assert account.api.get("/api/v1/users/me").json()["role"] == "user"

    def test_a_user_is_not_told_who_exists(self, account: Account) -> None:
        answer = account.api.patch(f"/api/v1/users/{NO_USER}", json={"role": "admin"})

        assert answer.status_code == 403

    def test_a_new_role_counts_at_once(self, admin: Account, account: Account) -> None:
        answer = admin.api.patch(f"/api/v1/users/{account.id}", json={"role": "admin"})

        assert answer.status_code == 200
        assert answer.json()["role"] == "admin"
        assert account.api.get("/api/v1/users").status_code == 200

        admin.api.patch(f"/api/v1/users/{account.id}", json={"role": "user"})
        assert account.api.get("/api/v1/users").status_code == 403

    def test_a_deactivated_user_is_out_at_once_and_comes_back(
        self, api: Api, admin: Account, account: Account
    ) -> None:
        answer = admin.api.patch(f"/api/v1/users/{account.id}", json={"is_active": False})

        assert answer.status_code == 200
        assert answer.json()["is_active"] is False
        assert account.api.get("/api/v1/users/me").status_code == 401
        assert log_in(api, account.email, PASSWORD).status_code == 401

        admin.api.patch(f"/api/v1/users/{account.id}", json={"is_active": True})
        assert log_in(api, account.email, PASSWORD).status_code == 200

    def test_an_empty_change_changes_nothing(self, admin: Account, account: Account) -> None:
        before = account.api.get("/api/v1/users/me").json()

        answer = admin.api.patch(f"/api/v1/users/{account.id}", json={})

        assert answer.status_code == 200
        assert answer.json() == before

    def test_one_that_never_was_is_a_404(self, admin: Account) -> None:
        answer = admin.api.patch(f"/api/v1/users/{NO_USER}", json={"role": "user"})

        assert answer.status_code == 404

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"role": "root"}, "/role"),
            ({"role": None}, "/role"),
            ({"is_active": None}, "/is_active"),
            ({"is_active": "maybe"}, "/is_active"),
            ({"email": "x@example.org"}, "/email"),
            ({"password": NEW_PASSWORD}, "/password"),
        ],
    )
    def test_another_change_is_refused(
        self, admin: Account, account: Account, change: dict[str, Any], pointer: str
    ) -> None:
        answer = admin.api.patch(f"/api/v1/users/{account.id}", json=change)

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


class TestLastAdministrator:
    @pytest.fixture
    def last(self, admin: Account) -> Account:
        """An administrator beside whom there is no other active one."""
        after: str | None = None
        while True:
            query: dict[str, str | int] = {"limit": 100, **({"after": after} if after else {})}
            found = admin.api.get("/api/v1/users", params=query).json()
            for each in found["items"]:
                if each["role"] == "admin" and each["is_active"] and each["id"] != admin.id:
                    answer = admin.api.patch(f"/api/v1/users/{each['id']}", json={"role": "user"})
                    assert answer.status_code == 200
            if (after := found["next"]) is None:
                return admin

    @pytest.mark.parametrize(
        "change", [{"role": "user"}, {"is_active": False}, {"role": "user", "is_active": False}]
    )
    def test_the_last_one_stays(self, last: Account, change: dict[str, Any]) -> None:
        answer = last.api.patch(f"/api/v1/users/{last.id}", json=change)

        assert answer.status_code == 409
        me = last.api.get("/api/v1/users/me").json()
        assert (me["role"], me["is_active"]) == ("admin", True)

    def test_an_inactive_administrator_does_not_count(
        self, last: Account, account: Account
    ) -> None:
        last.api.patch(f"/api/v1/users/{account.id}", json={"role": "admin", "is_active": False})

        answer = last.api.patch(f"/api/v1/users/{last.id}", json={"role": "user"})

        assert answer.status_code == 409

    def test_one_of_two_may_go(self, last: Account, account: Account) -> None:
        last.api.patch(f"/api/v1/users/{account.id}", json={"role": "admin"})

        answer = account.api.patch(f"/api/v1/users/{last.id}", json={"role": "user"})

        assert answer.status_code == 200

    def test_two_who_demote_each_other_at_once_leave_one(
        self, api: Api, last: Account, service: Service
    ) -> None:
        for _ in range(3):
            rival = new_account(api, service.combination.auth)
            last.api.patch(f"/api/v1/users/{rival.id}", json={"role": "admin"})

            statuses = _demote_each_other(last, rival)

            roles = {
                each.api.get("/api/v1/users/me").json()["role"]: each for each in (last, rival)
            }
            assert "admin" in roles, statuses
            assert set(statuses) <= {200, 403, 409}
            last = roles["admin"]


def _demote_each_other(one: Account, other: Account) -> list[int]:
    statuses: list[int] = []
    together = threading.Barrier(2)

    def demote(actor: Account, target: Account) -> None:
        together.wait()
        answer = actor.api.patch(f"/api/v1/users/{target.id}", json={"role": "user"})
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=demote, args=pair) for pair in ((one, other), (other, one))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return statuses
