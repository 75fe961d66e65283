"""Connections to the database that were dropped while they were idle."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.harness.accounts import new_account
from tests.harness.api import Api
from tests.harness.combinations import ALL_BUT_AUTH

if TYPE_CHECKING:
    from tests.harness.api import Transcript
    from tests.harness.databases import Database
    from tests.harness.fixtures import Start
    from tests.harness.services import Server, Service

CLIENTS = 8
REQUESTS = 40
IDLE_SECONDS = 6
"""Longer than a connection may be idle until the service asks the server for an answer."""


@pytest.mark.database("postgresql", "mysql")
@pytest.mark.once_per(*ALL_BUT_AUTH)
class TestIdleConnections:
    def test_closed_by_server(
        self, service: Service, database: Database, start: Start, transcript: Transcript
    ) -> None:
        with start() as server:
            api = _client(service, server, transcript)
            _fill_pool(api)
            database.kill_connections()

            assert [_read(api) for _ in range(CLIENTS)] == [404] * CLIENTS

    def test_forgotten_by_network(
        self, service: Service, database: Database, start: Start, transcript: Transcript
    ) -> None:
        gate = database.gate()
        assert gate
        name = urlsplit(database.url).path.removeprefix("/")
        with start(DATABASE_URL=gate.url(name)) as server:
            api = _client(service, server, transcript)
            _fill_pool(api)
            gate.forget()
            # Only the service's own clock shows that the connections were idle.
            time.sleep(IDLE_SECONDS)

            assert [_read(api) for _ in range(CLIENTS)] == [404] * CLIENTS


def _client(service: Service, server: Server, transcript: Transcript) -> Api:
    api = Api(server.url, transcript)
    return new_account(api, service.combination.auth).api if service.has_accounts else api


def _read(api: Api) -> int:
    return api.get("/api/v1/items/018f0000-0000-7000-8000-000000000000").status_code


def _fill_pool(api: Api) -> None:
    with ThreadPoolExecutor(CLIENTS) as pool:
        assert {*pool.map(lambda _: _read(api), range(REQUESTS))} == {404}
