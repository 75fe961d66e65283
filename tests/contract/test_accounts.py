"""Accounts: registration, the user's own account, administrators, throttling."""

from __future__ import annotations

import json
import math
import secrets
import subprocess
import threading
import time
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.harness.accounts import (
    ASK_TO_LOG_IN,
    CHALLENGES,
    LOG_IN,
    PASSWORD,
    Account,
    new_account,
    new_email,
    register,
    try_password,
)
from tests.harness.api import Api, new_peer
from tests.harness.background import Background
from tests.harness.combinations import ALL_BUT_AUTH
from tests.harness.fixtures import TRUSTED_PROXY
from tests.harness.logins import StoredLogins
from tests.harness.raw import send, written

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tests.harness.api import Transcript
    from tests.harness.databases import Database
    from tests.harness.fixtures import Start
    from tests.harness.services import Server, Service

pytestmark = pytest.mark.accounts

JSON = {"Content-Type": "application/json"}
MEMBERS = {"id", "email", "role", "is_active", "created_at"}
NO_USER = "01900000-0000-7000-8000-000000000000"
NEW_PASSWORD = "another correct horse"  # noqa: S105 - of no real account
OTHER_PASSWORD = "yet another correct horse"  # noqa: S105 - as above
ATTEMPTS = 5
HASHING_SECONDS = 2
WINDOW_SECONDS = 60
TIMED = 20
AT_ONCE = 50
CROWD = 60
LIVE_SECONDS = 0.05
DEAR_ROUNDS = 48
"""So many that checking passwords takes longer than answering the burst of fifty requests."""
HASH = (
    "import sys, argon2; "
    "hasher = argon2.PasswordHasher(time_cost=int(sys.argv[1]), memory_cost=16384, parallelism=1); "
    "print(hasher.hash(sys.argv[2]), end='')"
)
"""Prints a hash of a password that costs so many rounds."""


Try = Callable[[Api, str, str], httpx2.Response]
Spelling = Callable[[str], str]

SPELLINGS: tuple[Spelling, ...] = (
    str,
    str.upper,
    " {}".format,
    "{}  ".format,
    partial(unicodedata.normalize, "NFD"),
)
"""Functions that write an address in another way."""


@pytest.fixture
def log_in(service: Service) -> Try:
    """Send a password for an address: to the login, or to the password change without password
    logins.
    """
    return partial(_try_password, service.combination.auth)


def _try_password(auth: str, api: Api, email: str, password: str) -> httpx2.Response:
    return try_password(api, auth, email, password)


class TestRegister:
    def test_register_returns_created_user(self, api: Api) -> None:
        email = new_email()

        answer = register(api, email=email)

        assert answer.status_code == 201
        user = answer.json()
        assert set(user) == MEMBERS
        assert (user["email"], user["role"], user["is_active"]) == (email, "user", True)

    @pytest.mark.auth("jwt", "session")
    def test_hashes_password_with_owasp_parameters(
        self, service: Service, database: Database, email: str
    ) -> None:
        """OWASP's Password Storage Cheat Sheet: Argon2id with 19 MiB, two passes and one lane."""
        stored = _StoredHash(database, service, email).read()

        assert "argon2id$v=19$m=19456,t=2,p=1$" in stored

    def test_first_registered_user_is_not_administrator(self, api: Api) -> None:
        assert register(api).json()["role"] == "user"

    @pytest.mark.parametrize("field", ["role", "is_active", "id"])
    def test_rejects_role_and_other_privileged_fields(self, api: Api, field: str) -> None:
        email = new_email()

        answer = api.post(
            "/api/v1/auth/register", json={"email": email, "password": PASSWORD, field: "admin"}
        )

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == [f"/{field}"]
        assert register(api, email=email).status_code == 201

    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_taken_address_returns_409(self, api: Api, spelling: Spelling) -> None:
        email = f"j\N{LATIN SMALL LETTER O WITH DIAERESIS}rg.{new_email()}"
        register(api, email=email)

        assert register(api, email=spelling(email)).status_code == 409

    def test_twenty_concurrent_registrations_create_one_account(
        self, api: Api, database: Database
    ) -> None:
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
        # Hashing runs one password at a time, which keeps the requests apart. Locking the table
        # until all of them want to insert makes sure that every check found the address free.
        with database.holding_writes():
            for each in threads:
                each.start()
            time.sleep(HASHING_SECONDS)
        for each in threads:
            each.join()

        assert statuses.count(201) == 1
        assert set(statuses) <= {201, 409, 503}  # 503: too many passwords at once
        assert register(api, email=email).status_code == 409

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
    def test_rejects_invalid_address(self, api: Api, email: object) -> None:
        answer = api.post("/api/v1/auth/register", json={"email": email, "password": PASSWORD})

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/email"]

    @pytest.mark.parametrize(
        "password", ["", "x" * 11, "x" * 129, None, 123456789012, [], {"a": 1}]
    )
    def test_rejects_invalid_password_without_echoing_it(self, api: Api, password: object) -> None:
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
    def test_accepts_password_of_12_to_128_characters_unchanged(
        self, api: Api, password: str, log_in: Try
    ) -> None:
        email = new_email()

        assert register(api, email=email, password=password).status_code == 201
        assert log_in(api, email, password).status_code == 200
        assert log_in(api, email, password[:-1] + "!").status_code == 401

    def test_rejects_password_that_is_not_text(self, api: Api) -> None:
        body = f'{{"email": "{new_email()}", "password": "\\ud800xxxxxxxxxxxx"}}'

        answer = api.post("/api/v1/auth/register", content=body, headers=JSON)

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/password"]


@pytest.mark.auth("jwt", "session")
class TestLogIn:
    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_accepts_address_in_other_spelling(
        self, api: Api, log_in: Try, spelling: Spelling
    ) -> None:
        email = f"J\N{LATIN SMALL LETTER O WITH DIAERESIS}rg.{new_email()}"
        register(api, email=email)

        assert log_in(api, spelling(email), PASSWORD).status_code == 200

    def test_wrong_password_and_unknown_address_get_the_same_answer(
        self, api: Api, service: Service, log_in: Try
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
        assert wrong.headers["www-authenticate"] == CHALLENGES[service.combination.auth]
        bodies = [answer.json() | {"request_id": ""} for answer in (wrong, unknown)]
        assert bodies[0] == bodies[1]

    def test_wrong_password_and_unknown_address_take_the_same_time(
        self, api: Api, log_in: Try
    ) -> None:
        emails = [new_email() for _ in range(TIMED // (ATTEMPTS - 1))]
        for each in emails:
            register(api, email=each)
        known, unknown = [], []
        for each in emails * (ATTEMPTS - 1):
            known.append(_seconds_of_log_in(log_in, api, each))
            unknown.append(_seconds_of_log_in(log_in, api, new_email()))

        # Other load on the machine only adds time, so the shortest times are compared.
        assert 0.8 < min(unknown) / min(known) < 1.25

    def test_rejects_deactivated_account_like_wrong_password(
        self, api: Api, admin: Account, account: Account, log_in: Try
    ) -> None:
        wrong = log_in(api, account.email, "a wrong password").json()
        admin.api.patch(f"/api/v1/users/{account.id}", json={"is_active": False})

        answer = log_in(api, account.email, account.password)

        assert answer.status_code == 401
        assert {**answer.json(), "request_id": ""} == {**wrong, "request_id": ""}


def _seconds_of_log_in(log_in: Try, api: Api, email: str) -> float:
    with api.again() as stranger:
        stranger.get("/health/live")
        begun = time.perf_counter()
        answer = log_in(stranger, email, "a wrong password")
        assert answer.status_code == 401
        return time.perf_counter() - begun


@pytest.mark.auth("jwt", "session")
class TestThrottling:
    def test_sixth_failure_for_address_is_throttled_from_any_peer(
        self, api: Api, log_in: Try
    ) -> None:
        """Each client has its own connection, which either worker may serve."""
        email = self._other(api)
        first = _Failing(log_in, email)
        first.fail(api.again())
        time.sleep(2)
        for _ in range(ATTEMPTS - 1):
            first.fail(api.again())

        for _ in range(3):
            first.assert_waits(api.again(), email, "a wrong password")
            first.assert_waits(api.again(), email.upper(), PASSWORD)
        assert log_in(api, self._other(api), PASSWORD).status_code == 200

    def test_spelling_of_address_does_not_bypass_throttling(self, api: Api, log_in: Try) -> None:
        email = self._other(api)

        statuses = [
            log_in(api.again(), spelling(email), "a wrong password").status_code
            for spelling in (*SPELLINGS, *SPELLINGS)
        ]

        assert statuses[ATTEMPTS:] == [429] * (len(statuses) - ATTEMPTS)
        assert log_in(api.again(), email, PASSWORD).status_code == 429

    def test_sixth_failure_of_peer_is_throttled_for_any_address(
        self, api: Api, log_in: Try
    ) -> None:
        email = self._other(api)
        first, peer = _Failing(log_in), api.again()
        first.fail(peer)
        time.sleep(2)
        for _ in range(ATTEMPTS - 1):
            first.fail(peer)

        first.assert_waits(peer, new_email(), "a wrong password")
        first.assert_waits(peer, email, PASSWORD)
        assert log_in(api, email, PASSWORD).status_code == 200

    def test_restart_keeps_failure_counts(
        self, start: Start, transcript: Transcript, log_in: Try
    ) -> None:
        first = _Failing(log_in, new_email())
        with start() as server:
            for _ in range(ATTEMPTS):
                first.fail(Api(server.url, transcript))

        with start() as server:
            first.assert_waits(Api(server.url, transcript), first.email, "a wrong password")

    def test_throttling_ends_after_a_minute_and_deletes_failures(
        self, api: Api, database: Database, log_in: Try
    ) -> None:
        first, peer = _Failing(log_in, new_email()), api.again()
        for _ in range(ATTEMPTS):
            first.fail(peer)
        assert log_in(peer, first.email, "a wrong password").status_code == 429
        assert first.email not in database.contents()
        _let_failures_be(database, seconds_old=WINDOW_SECONDS)

        assert log_in(peer, first.email, "a wrong password").status_code == 401

        ((kept,),) = database.run("SELECT count(*) FROM failed_login")
        assert kept == 2, "the last failure, with its address and its peer"

    def test_unknown_address_is_throttled_like_known_address(self, api: Api, log_in: Try) -> None:
        email = new_email()

        statuses = []
        for _ in range(ATTEMPTS + 1):
            with api.again() as stranger:
                statuses.append(log_in(stranger, email, "a wrong password").status_code)

        assert statuses == [*[401] * ATTEMPTS, 429]

    def test_successful_logins_are_never_throttled(self, api: Api, log_in: Try) -> None:
        email = self._other(api)

        assert {log_in(api, email, PASSWORD).status_code for _ in range(ATTEMPTS + 3)} == {200}

    def test_ten_concurrent_guesses_do_not_bypass_throttling(self, api: Api, log_in: Try) -> None:
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
        assert set(statuses) <= {401, 429, 503}  # 503: too many passwords at once

    @pytest.mark.usefixtures("own_server")
    def test_ignores_forwarded_for_of_untrusted_peer(self, api: Api, log_in: Try) -> None:
        statuses = []
        with api.again() as peer:
            for _ in range(ATTEMPTS + 1):
                peer.headers["X-Forwarded-For"] = new_peer()
                statuses.append(log_in(peer, new_email(), "a wrong password").status_code)

        assert statuses[-1] == 429

    def test_uses_forwarded_for_of_trusted_proxy(self, opened_api: Api, log_in: Try) -> None:
        first, second = new_peer(), new_peer()
        with opened_api.again(peer=TRUSTED_PROXY) as proxy:
            statuses = [self._through(log_in, proxy, first) for _ in range(ATTEMPTS + 1)]

            assert statuses == [*[401] * ATTEMPTS, 429]
            assert self._through(log_in, proxy, second) == 401

    def test_ignores_client_part_of_forwarded_for_behind_trusted_proxy(
        self, opened_api: Api, log_in: Try
    ) -> None:
        client = new_peer()
        with opened_api.again(peer=TRUSTED_PROXY) as proxy:
            statuses = [
                self._through(log_in, proxy, f"{new_peer()}, {client}") for _ in range(ATTEMPTS + 1)
            ]

        assert statuses == [*[401] * ATTEMPTS, 429]

    def test_counts_addresses_of_one_ipv6_network_as_one_peer(
        self, opened_api: Api, log_in: Try
    ) -> None:
        network = f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}"
        with opened_api.again(peer=TRUSTED_PROXY) as proxy:
            statuses = [
                self._through(log_in, proxy, f"{network}:{each}::1") for each in range(ATTEMPTS + 1)
            ]

        assert statuses == [*[401] * ATTEMPTS, 429]

    def test_ignores_port_of_forwarded_address(self, opened_api: Api, log_in: Try) -> None:
        client = new_peer()
        with opened_api.again(peer=TRUSTED_PROXY) as proxy:
            statuses = [
                self._through(log_in, proxy, f"{client}:{4000 + each}")
                for each in range(ATTEMPTS + 1)
            ]

        assert statuses == [*[401] * ATTEMPTS, 429]

    @staticmethod
    def _through(log_in: Try, proxy: Api, forwarded_for: str) -> int:
        proxy.headers["X-Forwarded-For"] = forwarded_for
        return log_in(proxy, new_email(), "a wrong password").status_code

    @staticmethod
    def _other(api: Api) -> str:
        email = new_email()
        assert register(api, email=email).status_code == 201
        return email


class _Failing:
    """The failed logins, and the time of the first counted one."""

    def __init__(self, log_in: Try, email: str = "") -> None:
        self.email = email
        self._log_in = log_in
        self._begun = (0.0, 0.0)

    def fail(self, api: Api) -> None:
        """Log in with a wrong password."""
        before = time.time()
        answer = self._log_in(api, self.email or new_email(), "a wrong password")
        assert answer.status_code == 401
        self._begun = self._begun if any(self._begun) else (before, time.time())

    def assert_waits(self, api: Api, email: str, password: str) -> None:
        """Check that `Retry-After` ends one minute after the first failure, to the second."""
        before = time.time()
        answer = self._log_in(api, email, password)
        after = time.time()
        assert answer.status_code == 429
        earliest, latest = (each + WINDOW_SECONDS for each in self._begun)
        wait = int(answer.headers["retry-after"])
        assert math.ceil(earliest - after) <= wait <= math.ceil(latest - before)


def _let_failures_be(database: Database, *, seconds_old: int) -> None:
    moment = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=seconds_old)
    # In the text format of each database. PostgreSQL needs the time zone.
    zone = "+00" if database.url.startswith("postgresql") else ""
    written = f"{moment.isoformat(' ', 'microseconds')}{zone}"
    database.run("UPDATE failed_login SET failed_at = %s", written)


@pytest.mark.auth("jwt", "session")
class TestOutdatedHash:
    """A login replaces a hash that was made with other parameters."""

    @pytest.fixture
    def stored(self, service: Service, database: Database, account: Account) -> _StoredHash:
        """A hash of the account's password, made with older parameters."""
        stored = _StoredHash(database, service, account.email)
        stored.current_parameters = _parameters(stored.read())
        stored.write(_hashed(service, rounds=1))
        return stored

    def test_successful_login_replaces_hash(
        self, api: Api, stored: _StoredHash, log_in: Try
    ) -> None:
        assert _parameters(stored.read()) != stored.current_parameters

        assert log_in(api, stored.email, PASSWORD).status_code == 200

        renewed = stored.read()
        assert _parameters(renewed) == stored.current_parameters
        assert log_in(api, stored.email, PASSWORD).status_code == 200
        assert stored.read() == renewed

    def test_wrong_password_keeps_hash(self, api: Api, stored: _StoredHash, log_in: Try) -> None:
        before = stored.read()

        assert log_in(api, stored.email, "a wrong password").status_code == 401

        assert stored.read() == before

    def test_replacing_hash_ends_no_login(
        self, api: Api, account: Account, stored: _StoredHash, log_in: Try
    ) -> None:
        log_in(api, stored.email, PASSWORD)

        assert account.api.get("/api/v1/users/me").status_code == 200

    def test_successful_login_keeps_hash_of_newer_password(
        self, api: Api, service: Service, stored: _StoredHash, log_in: Try
    ) -> None:
        newer = _hashed(service, rounds=2, password=NEW_PASSWORD)

        with stored.changing_to(newer):
            login = Background(partial(log_in, api.again(), stored.email, PASSWORD)).until_blocked()

        assert login.status == 401
        assert stored.read() == newer


class _StoredHash:
    """The stored hash of an account's password."""

    def __init__(self, database: Database, service: Service, email: str) -> None:
        self.email = email
        self.current_parameters = ""
        self._database = database
        self._column = "password" if service.combination.orm == "django" else "password_hash"

    def read(self) -> str:
        """Return the hash."""
        ((found,),) = self._database.run(
            f"SELECT {self._column} FROM user_account WHERE email = %s",  # noqa: S608 - our own
            self.email,
        )
        return str(found)

    def write(self, value: str) -> None:
        """Replace the hash."""
        self._database.run(
            f"UPDATE user_account SET {self._column} = %s WHERE email = %s",  # noqa: S608 - our own
            value,
            self.email,
        )

    def changing_to(self, value: str) -> AbstractContextManager[object]:
        """Replace the hash in a transaction that is committed when the block ends."""
        return self._database.changing(
            f"UPDATE user_account SET {self._column} = %s WHERE email = %s",  # noqa: S608 - our own
            value,
            self.email,
        )


def _hashed(service: Service, *, rounds: int, password: str = PASSWORD) -> str:
    """Return a hash of a password, in the service's format."""
    done = subprocess.run(
        [service.folder / ".venv/bin/python", "-c", HASH, str(rounds), password],
        capture_output=True,
        text=True,
        check=True,
    )
    return f"argon2{done.stdout}" if service.combination.orm == "django" else done.stdout


def _parameters(password_hash: str) -> str:
    return password_hash.rsplit("$", 2)[0]


@pytest.mark.auth("jwt", "session")
class TestManyPasswords:
    @pytest.mark.parametrize("what", ["registration", "login"])
    def test_rejects_parallel_passwords_beyond_limit(
        self, start: Start, service: Service, transcript: Transcript, what: str
    ) -> None:
        auth = service.combination.auth
        answers: list[httpx2.Response] = []
        together = threading.Barrier(CROWD)

        def send(own: Api) -> None:
            own.get("/health/live")
            together.wait()
            if what == "registration":
                answers.append(register(own))
            else:
                answers.append(ASK_TO_LOG_IN[auth](own, new_email(), PASSWORD))

        with start() as server:
            api = Api(server.url, transcript)
            account = new_account(api, auth)
            threads = [threading.Thread(target=send, args=(api.again(),)) for _ in range(CROWD)]
            for each in threads:
                each.start()
            for each in threads:
                each.join()
            assert api.get("/health/ready").status_code == 200
            LOG_IN[auth](api.again(), account.email, account.password)

        rejected = [each for each in answers if each.status_code == 503]
        assert {each.json()["type"] for each in rejected} == {"/problems/hashing-busy"}
        assert all(int(each.headers["retry-after"]) > 0 for each in rejected)
        assert len(rejected) < CROWD
        assert {each.status_code for each in answers} <= {200, 201, 401, 429, 503}


@pytest.mark.auth("jwt", "session")
class TestLoginInFlight:
    """An account that changes between the check of the password and the start of the login."""

    def test_rejects_password_that_has_changed(
        self, api: Api, service: Service, database: Database, email: str, log_in: Try
    ) -> None:
        newer = _hashed(service, rounds=2, password=NEW_PASSWORD)

        with _StoredHash(database, service, email).changing_to(newer):
            login = Background(partial(log_in, api.again(), email, PASSWORD)).until_blocked()

        assert login.status == 401
        assert StoredLogins.of(database, service.combination, email).count() == 0

    def test_rejects_account_that_was_deactivated(
        self, api: Api, service: Service, database: Database, email: str, log_in: Try
    ) -> None:
        deactivate = "UPDATE user_account SET is_active = false WHERE email = %s"

        with database.changing(deactivate, email):
            login = Background(partial(log_in, api.again(), email, PASSWORD)).until_blocked()

        assert login.status == 401
        assert StoredLogins.of(database, service.combination, email).count() == 0


@pytest.mark.auth("jwt", "session")
@pytest.mark.concurrency("async")
@pytest.mark.once_per("framework", "orm")
def test_event_loop_stays_responsive_during_fifty_logins(
    start: Start, service: Service, database: Database, transcript: Transcript, log_in: Try
) -> None:
    """The passwords are wrong, so every check has the full cost and no cheaper hash is stored."""
    dear = _hashed(service, rounds=DEAR_ROUNDS)
    emails = [new_email() for _ in range(AT_ONCE // ATTEMPTS)]
    statuses: list[int] = []
    together = threading.Barrier(AT_ONCE + 1)

    def enter(own: Api, email: str) -> None:
        own.get("/health/live")
        together.wait()
        statuses.append(log_in(own, email, "a wrong password").status_code)

    with start() as server:
        api = Api(server.url, transcript)
        for each in emails:
            register(api, email=each)
            _StoredHash(database, service, each).write(dear)
        threads = [
            threading.Thread(target=enter, args=(api.again(), each)) for each in emails * ATTEMPTS
        ]
        for thread in threads:
            thread.start()
        together.wait()
        waits = []
        while any(each.is_alive() for each in threads):
            begun = time.perf_counter()
            assert api.get("/health/live").status_code == 200
            waits.append(time.perf_counter() - begun)

    assert set(statuses) <= {401, 503}  # 503: too many passwords at once
    checked = statuses.count(401)
    assert checked
    # If the event loop checked one password after the other, each probe would wait for at least one
    # check. Other load on the machine delays both.
    seconds_of_one = sum(waits) / checked
    assert _median_over_time(waits) < max(LIVE_SECONDS, seconds_of_one / 2)


def _median_over_time(waits: list[float]) -> float:
    """Return the wait below which half of the total time was spent.

    The plain median would describe the many short waits between two long ones.
    """
    spent, half = 0.0, sum(waits) / 2
    for each in sorted(waits):
        spent += each
        if spent >= half:
            return each
    return 0.0


class TestGetMe:
    def test_returns_own_account(self, account: Account) -> None:
        answer = account.api.get("/api/v1/users/me")

        assert answer.status_code == 200
        user = answer.json()
        assert set(user) == MEMBERS
        assert (user["id"], user["email"]) == (account.id, account.email)

    def test_rejects_anonymous_request(self, api: Api, service: Service) -> None:
        answer = api.get("/api/v1/users/me")

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == CHALLENGES[service.combination.auth]


class TestAmbiguousCredentials:
    """A request with two credentials, of which frameworks would choose different ones."""

    @pytest.mark.auth("jwt", "api-key")
    def test_rejects_second_credential(self, account: Account, server: Server) -> None:
        ((name, valid),) = account.api.credentials.items()
        for first, second in ((valid, valid), (valid, "Basic eDp5"), ("Bearer x.y.z", valid)):
            credentials = (f"{name}: {first}", f"{name}: {second}")

            (answer,) = send(
                server, written(account.api.again(), "GET", "/api/v1/users/me", *credentials)
            )

            assert answer.status == 401
            assert answer.problem_complaints() == []
            assert json.loads(answer.body)["type"] == "/problems/unknown-caller"

    @pytest.mark.auth("jwt", "api-key")
    def test_rejects_second_credential_before_body(self, account: Account, server: Server) -> None:
        ((name, valid),) = account.api.credentials.items()
        headers = (f"{name}: {valid}", f"{name}: {valid}", "Content-Length: 1")

        (answer,) = send(
            server,
            written(
                account.api.again(),
                "PATCH",
                "/api/v1/users/me",
                *headers,
                "Content-Type: application/json",
                body=b"{",
            ),
        )

        assert answer.status == 401


class TestUpdateMe:
    def test_rejects_anonymous_request(self, api: Api) -> None:
        answer = api.patch("/api/v1/users/me", json={"current_password": PASSWORD})

        assert answer.status_code == 401

    @pytest.mark.auth("jwt", "session", "api-key")
    def test_changes_address(self, api: Api, account: Account, log_in: Try) -> None:
        email = new_email()

        answer = account.api.patch(
            "/api/v1/users/me", json={"email": email, "current_password": PASSWORD}
        )

        assert answer.status_code == 200
        assert answer.json()["email"] == email
        assert log_in(api, email, PASSWORD).status_code == 200
        assert register(api, email=account.email).status_code == 201

    def test_changes_password(self, api: Api, account: Account, log_in: Try) -> None:
        answer = _change_password(account)

        assert answer.status_code == 200
        assert "password" not in answer.text
        assert log_in(api, account.email, NEW_PASSWORD).status_code == 200
        assert log_in(api, account.email, PASSWORD).status_code == 401

    def test_new_password_ends_every_other_login(
        self, api: Api, account: Account, service: Service
    ) -> None:
        other, _ = LOG_IN[service.combination.auth](api, account.email, PASSWORD)

        assert _change_password(account).status_code == 200

        assert other.get("/api/v1/users/me").status_code == 401

    @pytest.mark.auth("jwt", "session", "oidc")
    def test_new_password_ends_login_in_flight(
        self,
        account: Account,
        other_account: Account,
        service: Service,
        database: Database,
    ) -> None:
        """The login begins after the change has started and before it can lock the user."""
        logins = StoredLogins.of(database, service.combination, account.email)
        lock = "UPDATE user_account SET role = role WHERE email = %s"

        with database.changing(lock, account.email) as run:
            change = Background(
                partial(_send_password, account.api, PASSWORD, NEW_PASSWORD)
            ).until_blocked()
            run(logins.taking_those_of(), account.email, other_account.email)

        assert change.status == 200
        assert logins.count() == 1, "the login that changed the password"

    def test_one_of_two_concurrent_password_changes_succeeds(
        self, api: Api, account: Account, service: Service, log_in: Try
    ) -> None:
        other, _ = LOG_IN[service.combination.auth](api, account.email, PASSWORD)
        change = Background(partial(_send_password, other, PASSWORD, OTHER_PASSWORD))

        statuses = {NEW_PASSWORD: _change_password(account).status_code}
        statuses[OTHER_PASSWORD] = change.status

        assert sorted(statuses.values()) == [200, 401]
        (valid,) = [password for password, status in statuses.items() if status == 200]
        assert log_in(api, account.email, valid).status_code == 200

    def test_new_password_keeps_current_login(self, account: Account) -> None:
        _change_password(account)

        assert account.api.get("/api/v1/users/me").status_code == 200
        assert account.api.post("/api/v1/items", json={"title": "a"}).status_code == 201

    def test_new_password_keeps_logins_of_other_accounts(
        self, account: Account, other_account: Account
    ) -> None:
        _change_password(account)

        assert other_account.api.get("/api/v1/users/me").status_code == 200

    @pytest.mark.parametrize("change", [{"email": "x@example.org"}, {"password": NEW_PASSWORD}])
    def test_wrong_current_password_changes_nothing(
        self, account: Account, change: dict[str, str]
    ) -> None:
        before = account.api.get("/api/v1/users/me").json()

        answer = account.api.patch(
            "/api/v1/users/me", json={**change, "current_password": "a wrong password"}
        )

        assert answer.status_code == 401
        assert account.api.get("/api/v1/users/me").json() == before

    def test_guessing_current_password_is_throttled(self, account: Account) -> None:
        statuses = [
            account.api.patch(
                "/api/v1/users/me", json={"email": new_email(), "current_password": "a wrong one!"}
            ).status_code
            for _ in range(ATTEMPTS + 1)
        ]

        assert statuses == [*[401] * ATTEMPTS, 429]

    @pytest.mark.parametrize("change", [{"email": "x@example.org"}, {"password": NEW_PASSWORD}])
    def test_requires_current_password(self, account: Account, change: dict[str, str]) -> None:
        answer = account.api.patch("/api/v1/users/me", json=change)

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/current_password"]

    def test_taken_address_returns_409(self, account: Account, other_account: Account) -> None:
        answer = account.api.patch(
            "/api/v1/users/me",
            json={"email": other_account.email.upper(), "current_password": PASSWORD},
        )

        assert answer.status_code == 409

    def test_accepts_own_address_in_other_case(self, account: Account) -> None:
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
    def test_rejects_invalid_change(
        self, account: Account, change: dict[str, Any], pointer: str
    ) -> None:
        answer = account.api.patch(
            "/api/v1/users/me", json={**change, "current_password": PASSWORD}
        )

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


def _change_password(account: Account) -> httpx2.Response:
    return _send_password(account.api, PASSWORD, NEW_PASSWORD)


def _send_password(api: Api, current: str, new: str) -> httpx2.Response:
    return api.patch("/api/v1/users/me", json={"password": new, "current_password": current})


class TestListUsers:
    def test_rejects_anonymous_request(self, api: Api) -> None:
        assert api.get("/api/v1/users").status_code == 401

    def test_rejects_user_without_admin_role(self, account: Account) -> None:
        assert account.api.get("/api/v1/users").status_code == 403

    def test_administrator_lists_all_users_by_page(
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
    def test_rejects_limit_out_of_range(self, admin: Account, limit: str) -> None:
        answer = admin.api.get("/api/v1/users", params={"limit": limit})

        assert answer.status_code == 422
        assert [each["query"] for each in answer.json()["errors"]] == ["limit"]


class TestUpdateUser:
    def test_rejects_anonymous_request(self, api: Api) -> None:
        assert api.patch(f"/api/v1/users/{NO_USER}", json={}).status_code == 401

    def test_rejects_user_without_admin_role(self, account: Account) -> None:
        answer = account.api.patch(f"/api/v1/users/{account.id}", json={"role": "admin"})

        assert answer.status_code == 403
        assert account.api.get("/api/v1/users/me").json()["role"] == "user"

    def test_user_without_admin_role_cannot_probe_for_users(self, account: Account) -> None:
        answer = account.api.patch(f"/api/v1/users/{NO_USER}", json={"role": "admin"})

        assert answer.status_code == 403

    def test_new_role_applies_immediately(self, admin: Account, account: Account) -> None:
        answer = admin.api.patch(f"/api/v1/users/{account.id}", json={"role": "admin"})

        assert answer.status_code == 200
        assert answer.json()["role"] == "admin"
        assert account.api.get("/api/v1/users").status_code == 200

        admin.api.patch(f"/api/v1/users/{account.id}", json={"role": "user"})
        assert account.api.get("/api/v1/users").status_code == 403

    @pytest.mark.auth("jwt", "session", "api-key")
    def test_deactivation_applies_immediately_and_can_be_undone(
        self, api: Api, admin: Account, account: Account, log_in: Try
    ) -> None:
        answer = admin.api.patch(f"/api/v1/users/{account.id}", json={"is_active": False})

        assert answer.status_code == 200
        assert answer.json()["is_active"] is False
        assert account.api.get("/api/v1/users/me").status_code == 401
        assert log_in(api, account.email, PASSWORD).status_code == 401

        admin.api.patch(f"/api/v1/users/{account.id}", json={"is_active": True})
        assert log_in(api, account.email, PASSWORD).status_code == 200

    def test_empty_change_changes_nothing(self, admin: Account, account: Account) -> None:
        before = account.api.get("/api/v1/users/me").json()

        answer = admin.api.patch(f"/api/v1/users/{account.id}", json={})

        assert answer.status_code == 200
        assert answer.json() == before

    def test_unknown_user_returns_404(self, admin: Account) -> None:
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
    def test_rejects_invalid_change(
        self, admin: Account, account: Account, change: dict[str, Any], pointer: str
    ) -> None:
        answer = admin.api.patch(f"/api/v1/users/{account.id}", json=change)

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


@pytest.mark.once_per(*ALL_BUT_AUTH)
class TestLastAdministrator:
    @pytest.fixture
    def last(self, admin: Account) -> Account:
        """An account that is the only active administrator."""
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
    def test_last_administrator_cannot_be_demoted_or_deactivated(
        self, last: Account, change: dict[str, Any]
    ) -> None:
        answer = last.api.patch(f"/api/v1/users/{last.id}", json=change)

        assert answer.status_code == 409
        me = last.api.get("/api/v1/users/me").json()
        assert (me["role"], me["is_active"]) == ("admin", True)

    def test_inactive_administrators_do_not_count(self, last: Account, account: Account) -> None:
        last.api.patch(f"/api/v1/users/{account.id}", json={"role": "admin", "is_active": False})

        answer = last.api.patch(f"/api/v1/users/{last.id}", json={"role": "user"})

        assert answer.status_code == 409

    def test_one_of_two_administrators_can_be_demoted(
        self, last: Account, account: Account
    ) -> None:
        last.api.patch(f"/api/v1/users/{account.id}", json={"role": "admin"})

        answer = account.api.patch(f"/api/v1/users/{last.id}", json={"role": "user"})

        assert answer.status_code == 200

    def test_two_concurrent_demotions_leave_one_administrator(
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


class TestCaching:
    @pytest.mark.parametrize("path", ["/users/me", "/users", "/items", "/items/unknown"])
    def test_response_with_account_data_is_not_stored(self, admin: Account, path: str) -> None:
        answer = admin.api.get(f"/api/v1{path}")

        assert answer.headers["cache-control"] == "no-store"

    def test_only_responses_of_the_api_are_marked(self, api: Api) -> None:
        assert api.get("/api/v1/users/me").headers["cache-control"] == "no-store"
        assert "cache-control" not in api.get("/health/live").headers
