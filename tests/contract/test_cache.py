"""Items behind a cache: its answers are never outdated, and the service works without it."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.harness.accounts import new_account
from tests.harness.api import Api
from tests.harness.caches import address_of
from tests.harness.databases import Gate

if TYPE_CHECKING:
    from tests.harness.accounts import Account
    from tests.harness.api import Transcript
    from tests.harness.databases import Database
    from tests.harness.fixtures import Start
    from tests.harness.services import Service

ITEMS = "/api/v1/items"
CHANGES = 20
READERS = 4
DOWN, BACK = "The cache is down", "The cache is back"

pytestmark = pytest.mark.cache("redis", "memcached")


def create(caller: Api) -> dict[str, Any]:
    """Create an item with a title that no other item has."""
    answer = caller.post(ITEMS, json={"title": f"0 {uuid.uuid4()}"})
    assert answer.status_code == 201, answer.text
    item: dict[str, Any] = answer.json()
    return item


class TestReads:
    def test_second_read_needs_no_database(self, caller: Api, database: Database) -> None:
        item = create(caller)
        path = f"{ITEMS}/{item['id']}"
        assert caller.get(path).json() == item

        database.run("UPDATE item SET title = %s WHERE title = %s", "behind it", item["title"])

        assert caller.get(path).json() == item

    def test_change_is_read_at_once(self, caller: Api) -> None:
        path = f"{ITEMS}/{create(caller)['id']}"
        for number in range(CHANGES):
            changed = caller.patch(path, json={"title": f"{number}"}).json()

            assert [caller.get(path).json() for _ in range(READERS)] == [changed] * READERS

    def test_reads_during_changes_are_never_outdated(self, caller: Api) -> None:
        path = f"{ITEMS}/{create(caller)['id']}"
        committed = 0

        def read(_: int) -> bool:
            before = committed
            title = caller.get(path).json()["title"]
            return int(title.split()[0]) >= before

        with ThreadPoolExecutor(READERS) as pool:
            for number in range(1, CHANGES + 1):
                reads = pool.map(read, range(READERS * 2))
                assert caller.patch(path, json={"title": f"{number} ."}).status_code == 200
                committed = number
                assert all(reads)
        assert caller.get(path).json()["title"] == f"{CHANGES} ."

    def test_deleted_item_is_gone_at_once(self, caller: Api) -> None:
        path = f"{ITEMS}/{create(caller)['id']}"
        assert caller.get(path).status_code == 200

        assert caller.delete(path).status_code == 204

        assert [caller.get(path).status_code for _ in range(READERS)] == [404] * READERS

    @pytest.mark.accounts
    def test_other_user_does_not_receive_cached_item(
        self, account: Account, other_account: Account
    ) -> None:
        path = f"{ITEMS}/{create(account.api)['id']}"
        assert account.api.get(path).status_code == 200

        assert other_account.api.get(path).status_code == 404
        assert account.api.get(path).status_code == 200


class TestOutage:
    @pytest.mark.parametrize("how", ["closed", "silent"])
    def test_service_works_without_cache(
        self, service: Service, start: Start, transcript: Transcript, how: str
    ) -> None:
        gate = Gate(address_of(service.combination.cache))
        through = urlsplit(address_of(service.combination.cache))
        through = through._replace(netloc=f"127.0.0.1:{gate.port}")
        with start(CACHE_URL=through.geturl()) as server:
            api = Api(server.url, transcript)
            if service.has_accounts:
                api = new_account(api, service.combination.auth).api
            path = f"{ITEMS}/{create(api)['id']}"
            assert api.get(path).status_code == 200
            assert _checks(api) == {"cache": "ok", "database": "ok"}

            with getattr(gate, how)():
                assert _checks(api) == {"cache": "down", "database": "ok"}
                for number in range(READERS):
                    changed = api.patch(path, json={"title": f"{number}"})
                    assert changed.status_code == 200
                    assert api.get(path).json() == changed.json()
                assert api.delete(path).status_code == 204
                assert api.get(path).status_code == 404
                assert server.log().count(DOWN) == 1

            path = f"{ITEMS}/{create(api)['id']}"
            assert api.patch(path, json={"title": "back"}).status_code == 200  # it always asks
            assert server.log().count(BACK) == 1
            assert server.log().count(DOWN) == 1
            assert _checks(api) == {"cache": "ok", "database": "ok"}


def _checks(api: Api) -> object:
    answer = api.get("/health/ready")
    assert answer.status_code == 200
    return answer.json()["checks"]
