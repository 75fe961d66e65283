"""The service behind a connection pooler."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.harness.accounts import new_account
from tests.harness.api import Api, Transcript
from tests.harness.combinations import ALL_BUT_AUTH
from tests.harness.pooler import transaction_pooling

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.combinations import Combination
    from tests.harness.databases import Database
    from tests.harness.fixtures import Settings, Start
    from tests.harness.services import Service

CLIENTS = 16
REQUESTS = 160

SLOW_CHANGES = """
CREATE FUNCTION slow() RETURNS event_trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(0.15); END $$;
CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('CREATE TABLE')
EXECUTE FUNCTION slow();
"""


@pytest.mark.database("postgresql")
@pytest.mark.once_per(*ALL_BUT_AUTH)
class TestTransactionPooling:
    def test_concurrent_requests_get_their_own_rows(
        self,
        service: Service,
        production: Settings,
        database: Database,
        start: Start,
        transcript: Transcript,
    ) -> None:
        with transaction_pooling(database.url) as url:
            pooled = {"DATABASE_URL": url, "DATABASE_TRANSACTION_POOLING": "true"}
            migrated = service.run("migrate", settings={**production, **pooled})
            assert migrated.returncode == 0, migrated.stderr
            with start(**pooled) as server:
                client = Api(server.url, transcript)
                if service.has_accounts:
                    client = new_account(client, service.combination.auth).api

                def change_and_read(number: int) -> str:
                    made = client.post("/api/v1/items", json={"title": f"title {number}"})
                    if made.status_code != 201:
                        return made.text
                    path = f"/api/v1/items/{made.json()['id']}"
                    listed = client.get("/api/v1/items", params={"limit": number % 100 + 1})
                    changed = client.patch(path, json={"title": f"new {number}"})
                    found = client.get(path)
                    answers = (listed, changed, found)
                    if any(each.status_code != 200 for each in answers):
                        return str([each.text for each in answers])
                    return "" if found.json()["title"] == f"new {number}" else found.text

                with ThreadPoolExecutor(CLIENTS) as pool:
                    failures = [*filter(None, pool.map(change_and_read, range(REQUESTS)))]

            assert failures == []

    def test_limits_of_role_do_not_apply_to_migrations(
        self,
        service: Service,
        production: Settings,
        new_database: Callable[[Combination, str], Database],
    ) -> None:
        database = new_database(service.combination, "pooled")
        database.run(SLOW_CHANGES)
        name = urlsplit(database.url).path.removeprefix("/")
        database.run(f"ALTER DATABASE {name} SET statement_timeout = '100ms'")

        with transaction_pooling(database.url) as url:
            pooled = {"DATABASE_URL": url, "DATABASE_TRANSACTION_POOLING": "true"}
            migrated = service.run("migrate", settings={**production, **pooled})

        assert migrated.returncode == 0, migrated.stderr
