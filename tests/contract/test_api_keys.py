"""`auth=api-key`: keys that are shown once, expire, and can be revoked immediately."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.accounts import PASSWORD, Account, log_in_with_key, new_email, register
from tests.harness.api_keys import execute, insert_key

if TYPE_CHECKING:
    import httpx2

    from tests.harness.api import Api
    from tests.harness.databases import Database
    from tests.harness.fixtures import Settings
    from tests.harness.services import Service

pytestmark = pytest.mark.auth("api-key")

KEYS = "/api/v1/api-keys"
ME = "/api/v1/users/me"
MEMBERS = {"id", "name", "prefix", "created_at", "expires_at", "last_used_at"}
NO_KEY = "01900000-0000-7000-8000-000000000000"


def call_with(api: Api, key: str | bytes) -> httpx2.Response:
    """Request the own account."""
    return api.get(ME, headers=[(b"X-API-Key", key.encode() if isinstance(key, str) else key)])


def create(api: Api, name: str = "reports", **fields: Any) -> dict[str, Any]:
    """Create a key."""
    answer = api.post(KEYS, json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    key: dict[str, Any] = answer.json()
    return key


def stored(api: Api, prefix: str) -> dict[str, Any]:
    """Return a key as the list shows it."""
    (found,) = [each for each in api.get(KEYS).json()["items"] if each["prefix"] == prefix]
    return dict(found)


def _assert_refused(answer: httpx2.Response) -> None:
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "ApiKey"


class TestCreate:
    def test_returns_key_only_at_creation(self, api: Api, account: Account) -> None:
        answer = account.api.post(KEYS, json={"name": "  reports  "})

        assert answer.status_code == 201
        assert answer.headers["cache-control"] == "no-store"
        made = answer.json()
        assert set(made) == MEMBERS | {"key"}
        assert made["name"] == "reports"
        assert made["expires_at"] is None
        assert made["last_used_at"] is None
        assert made["created_at"].endswith("Z")
        prefix, _, secret = made["key"].partition(".")
        assert prefix == made["prefix"]
        assert len(secret) >= 43
        assert call_with(api, made["key"]).json()["id"] == account.id
        listed = account.api.get(KEYS)
        assert prefix in listed.text
        assert secret not in listed.text

    def test_stores_only_hash_of_secret(self, account: Account, database: Database) -> None:
        prefix, _, secret = create(account.api)["key"].partition(".")

        contents = database.contents()
        assert prefix in contents
        assert secret not in contents

    def test_keys_are_unique(self, account: Account) -> None:
        made = [create(account.api) for _ in range(5)]

        assert len({each["prefix"] for each in made}) == 5
        assert len({each["key"].partition(".")[2] for each in made}) == 5

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, "/name"),
            ({"name": ""}, "/name"),
            ({"name": " \t "}, "/name"),
            ({"name": "x" * 101}, "/name"),
            ({"name": None}, "/name"),
            ({"name": 1}, "/name"),
            ({"name": "a\u0000b"}, "/name"),
            ({"name": "x", "key": "mine"}, "/key"),
            ({"name": "x", "user_id": NO_KEY}, "/user_id"),
            ({"name": "x", "prefix": "0123456789ab"}, "/prefix"),
        ],
    )
    def test_rejects_invalid_body(
        self, account: Account, body: dict[str, Any], pointer: str
    ) -> None:
        answer = account.api.post(KEYS, json=body)

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]

    @pytest.mark.parametrize("name", ["x", "x" * 100, "Tee \N{TEACUP WITHOUT HANDLE}", "'; --"])
    def test_accepts_any_name(self, account: Account, name: str) -> None:
        assert stored(account.api, create(account.api, name)["prefix"])["name"] == name

    def test_rejects_creation_without_key(self, api: Api) -> None:
        _assert_refused(api.post(KEYS, json={"name": "x"}))


class TestExpiry:
    @pytest.mark.parametrize(
        "sent", ["2100-01-31T12:00:00Z", "2100-01-31T14:30:00.000001+02:30", "9999-12-31T23:59:59Z"]
    )
    def test_keeps_expiry_in_the_future(self, api: Api, account: Account, sent: str) -> None:
        made = create(account.api, expires_at=sent)

        assert made["expires_at"].endswith("Z")
        assert datetime.fromisoformat(made["expires_at"]) == datetime.fromisoformat(sent)
        assert stored(account.api, made["prefix"])["expires_at"] == made["expires_at"]
        assert call_with(api, made["key"]).status_code == 200

    def test_null_expiry_never_expires(self, account: Account) -> None:
        assert create(account.api, expires_at=None)["expires_at"] is None

    @pytest.mark.parametrize(
        "sent",
        [
            "",
            "soon",
            "2100-01-31",
            "2100-01-31T12:00:00",
            "2100-02-31T12:00:00Z",
            "2100-01-31T25:00:00Z",
            "2100-01-31T12:00:00+99:99",
            "2020-01-31T12:00:00Z",
            "0001-01-01T00:00:00+14:00",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59-14:00",
            "10000-01-01T00:00:00Z",
            "+99999-01-01T00:00:00Z",
            "2100-01-31T12:00:00Z\u0000",
            "4102444800",
            4102444800,
            1e400,
            True,
            [],
            {},
        ],
    )
    def test_rejects_invalid_expiry(self, account: Account, sent: object) -> None:
        body = {"name": "x", "expires_at": sent}
        if sent == float("inf"):
            answer = account.api.post(
                KEYS,
                content='{"name": "x", "expires_at": 1e400}',
                headers={"Content-Type": "application/json"},
            )
        else:
            answer = account.api.post(KEYS, json=body)

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/expires_at"]

    def test_rejects_expired_key(self, api: Api, account: Account, database: Database) -> None:
        now = datetime.now(UTC)
        over = insert_key(database.url, account.email, expires_at=now - timedelta(seconds=1))
        later = insert_key(database.url, account.email, expires_at=now + timedelta(minutes=5))

        _assert_refused(call_with(api, over))
        assert call_with(api, later).status_code == 200

    def test_key_expires_during_use(self, api: Api, account: Account, database: Database) -> None:
        made = create(account.api, expires_at="2100-01-31T12:00:00Z")
        assert call_with(api, made["key"]).status_code == 200

        execute(
            database.url,
            "UPDATE api_key SET expires_at = %s WHERE prefix = %s",
            datetime.now(UTC),
            made["prefix"],
        )

        _assert_refused(call_with(api, made["key"]))


class TestKey:
    @pytest.mark.parametrize(
        "sent",
        [
            b"",
            b".",
            b"x",
            b"a.b.c",
            b"0123456789ab",
            b"0123456789ab.",
            b"." + b"x" * 43,
            b"0123456789ab." + b"x" * 43,
            b"x" * 5_000,
            b"\xff\xfe." + b"\xff" * 43,
            b"%00.%00",
            b"' OR 1=1 --",
        ],
    )
    def test_rejects_malformed_key(self, api: Api, sent: bytes) -> None:
        for path in (ME, KEYS, "/api/v1/items"):
            _assert_refused(api.get(path, headers=[(b"X-API-Key", sent)]))

    def test_requires_correct_prefix_and_secret(
        self, api: Api, account: Account, other_account: Account
    ) -> None:
        key = account.tokens["key"]
        prefix, _, secret = key.partition(".")
        other_prefix, _, other_secret = other_account.tokens["key"].partition(".")

        assert call_with(api, key).status_code == 200
        for wrong in (
            f"{prefix}.{other_secret}",
            f"{other_prefix}.{secret}",
            f"{prefix}.{secret[:-1]}",
            f"{prefix}.{secret}x",
            f"{prefix}.{secret.swapcase()}",
            f"{prefix}{secret}",
            f"{prefix}..{secret}",
            f"{prefix.upper()}.{secret}" if prefix.upper() != prefix else f"x{key}",
            secret,
        ):
            _assert_refused(call_with(api, wrong))

    def test_rejects_stored_hash_as_secret(
        self, api: Api, account: Account, database: Database
    ) -> None:
        prefix = account.tokens["key"].partition(".")[0]
        ((stored_hash,),) = database.run(
            "SELECT secret_hash FROM api_key WHERE prefix = %s", prefix
        )

        assert len(stored_hash) == 64
        _assert_refused(call_with(api, f"{prefix}.{stored_hash}"))

    def test_ignores_key_outside_its_header(self, api: Api, account: Account) -> None:
        key = account.tokens["key"]

        _assert_refused(api.get(ME, params={"X-API-Key": key, "api_key": key, "key": key}))
        _assert_refused(api.get(ME, headers={"Authorization": f"Bearer {key}"}))
        _assert_refused(api.get(ME, headers={"Cookie": f"X-API-Key={key}"}))

    def test_header_name_ignores_case(self, api: Api, account: Account) -> None:
        for name in ("x-api-key", "X-API-KEY"):
            assert api.get(ME, headers={name: account.tokens["key"]}).status_code == 200

    def test_rejects_key_of_deactivated_user(
        self, api: Api, admin: Account, account: Account
    ) -> None:
        made = create(account.api)

        admin.api.patch(f"/api/v1/users/{account.id}", json={"is_active": False})

        _assert_refused(call_with(api, made["key"]))
        _assert_refused(account.api.get("/api/v1/items"))
        admin.api.patch(f"/api/v1/users/{account.id}", json={"is_active": True})
        _assert_refused(call_with(api, made["key"]))


class TestLastUse:
    def test_last_use_is_written_at_most_once_a_minute(
        self, account: Account, database: Database
    ) -> None:
        prefix = account.tokens["key"].partition(".")[0]
        first = stored(account.api, prefix)["last_used_at"]
        age = datetime.now(UTC) - datetime.fromisoformat(first)
        assert timedelta() <= age < timedelta(seconds=30)

        assert stored(account.api, prefix)["last_used_at"] == first

        for seconds, noted in ((45, False), (61, True)):
            before = datetime.now(UTC) - timedelta(seconds=seconds)
            execute(
                database.url,
                "UPDATE api_key SET last_used_at = %s WHERE prefix = %s",
                before,
                prefix,
            )
            last_use = datetime.fromisoformat(stored(account.api, prefix)["last_used_at"])
            assert (last_use > before + timedelta(seconds=30)) is noted

    def test_wrong_secret_does_not_count_as_use(self, api: Api, account: Account) -> None:
        made = create(account.api)

        call_with(api, f"{made['prefix']}.{'x' * 43}")

        assert stored(account.api, made["prefix"])["last_used_at"] is None


class TestList:
    def test_lists_keys_by_page(self, account: Account) -> None:
        names = ["first", "second", "third", "fourth"]
        for name in names:
            create(account.api, name)

        found: list[str] = []
        query: dict[str, Any] = {"limit": 2}
        for _ in range(3):
            page = account.api.get(KEYS, params=query).json()
            assert all(set(each) == MEMBERS for each in page["items"])
            found += [each["name"] for each in page["items"]]
            query["after"] = page["next"]
        assert page["next"] is None
        assert found == ["tests", *names]

    @pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "after=1"])
    def test_rejects_invalid_query(self, account: Account, query: str) -> None:
        assert account.api.get(f"{KEYS}?{query}").status_code == 422

    def test_lists_only_own_keys(self, account: Account, other_account: Account) -> None:
        made = create(account.api)

        assert made["prefix"] not in other_account.api.get(KEYS, params={"limit": 100}).text


class TestDelete:
    def test_deleted_key_is_rejected_immediately(self, api: Api, account: Account) -> None:
        made = create(account.api)
        assert call_with(api, made["key"]).status_code == 200

        answer = account.api.delete(f"{KEYS}/{made['id']}")

        assert answer.status_code == 204
        assert answer.content == b""
        for _ in range(4):  # on either worker
            _assert_refused(call_with(api, made["key"]))
        assert account.api.delete(f"{KEYS}/{made['id']}").status_code == 404
        assert account.api.get(ME).status_code == 200

    def test_key_can_revoke_itself(self, account: Account) -> None:
        (own,) = account.api.get(KEYS).json()["items"]

        assert account.api.delete(f"{KEYS}/{own['id']}").status_code == 204
        _assert_refused(account.api.get(ME))

    def test_key_of_another_user_returns_404(
        self, api: Api, account: Account, other_account: Account
    ) -> None:
        made = create(account.api)

        assert other_account.api.delete(f"{KEYS}/{made['id']}").status_code == 404
        assert call_with(api, made["key"]).status_code == 200

    def test_unknown_id_returns_404_and_malformed_id_422(self, account: Account) -> None:
        assert account.api.delete(f"{KEYS}/{NO_KEY}").status_code == 404
        assert account.api.delete(f"{KEYS}/x").status_code == 422


class TestPasswordChange:
    def test_new_password_revokes_all_keys_but_the_current_one(
        self, api: Api, account: Account
    ) -> None:
        other, _ = log_in_with_key(api, account.email, PASSWORD)
        made = create(account.api)

        answer = account.api.patch(
            ME, json={"password": "another correct horse", "current_password": PASSWORD}
        )

        assert answer.status_code == 200
        assert account.api.get(ME).status_code == 200
        _assert_refused(other.get(ME))
        _assert_refused(call_with(api, made["key"]))

    def test_new_address_revokes_no_key(self, api: Api, account: Account) -> None:
        made = create(account.api)

        account.api.patch(ME, json={"email": new_email(), "current_password": PASSWORD})

        assert call_with(api, made["key"]).status_code == 200

    def test_new_password_revokes_key_created_concurrently(
        self, api: Api, account: Account
    ) -> None:
        others = [log_in_with_key(api, account.email, PASSWORD)[0] for _ in range(4)]
        own_prefix = account.tokens["key"].partition(".")[0]
        over = threading.Event()

        def keep_making(other: Api) -> None:
            while not over.is_set() and other.post(KEYS, json={"name": "x"}).is_success:
                pass

        threads = [threading.Thread(target=keep_making, args=(each,)) for each in others]
        for each in threads:
            each.start()
        answer = account.api.patch(
            ME, json={"password": "another correct horse", "current_password": PASSWORD}
        )
        over.set()
        for each in threads:
            each.join()

        assert answer.status_code == 200
        left = account.api.get(KEYS, params={"limit": 100}).json()["items"]
        assert [each["prefix"] for each in left] == [own_prefix]


class TestCommand:
    def test_prints_only_the_key(self, service: Service, production: Settings, api: Api) -> None:
        email = new_email()
        user_id = register(api, email=email).json()["id"]

        done = service.run("create-api-key", f" {email.upper()} ", " first ", settings=production)

        assert done.returncode == 0, done.stdout + done.stderr
        (key,) = done.stdout.splitlines()
        assert key not in done.stderr
        assert call_with(api, key).json()["id"] == user_id
        (listed,) = api.get(KEYS, headers={"X-API-Key": key}).json()["items"]
        assert (listed["name"], listed["expires_at"]) == ("first", None)

    @pytest.mark.parametrize("name", ["", " ", "x" * 101])
    def test_invalid_name_exits_1_with_reason(
        self, service: Service, production: Settings, api: Api, name: str
    ) -> None:
        email = new_email()
        register(api, email=email)

        done = service.run("create-api-key", email, name, settings=production)

        assert done.returncode == 1
        assert not done.stdout
        assert done.stderr.startswith("name: ")
        assert "Traceback" not in done.stderr

    def test_unknown_address_exits_1_with_one_line(
        self, service: Service, production: Settings
    ) -> None:
        done = service.run("create-api-key", new_email(), "first", settings=production)

        assert done.returncode == 1
        assert not done.stdout
        assert len(done.stderr.splitlines()) == 1
        assert "Traceback" not in done.stderr

    def test_unavailable_database_exits_1_with_reason(
        self, service: Service, production: Settings, database: Database
    ) -> None:
        settings = {**production, "DATABASE_URL": database.absence().url}

        done = service.run("create-api-key", new_email(), "first", settings=settings)

        assert done.returncode == 1
        assert "database" in done.stderr.lower()
        assert "Traceback" not in done.stderr

    def test_help_lists_command(self, service: Service) -> None:
        assert "create-api-key" in service.run("--help", settings={}).stdout
