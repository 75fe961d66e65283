"""The second feature that `docs/patterns.md` of a service shows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from tests.harness.accounts import new_account
from tests.harness.api import Api, Document, Transcript
from tests.harness.making import make
from tests.harness.services import serving
from tests.services.patterns import add_orders

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.databases import Database
    from tests.harness.fixtures import Settings
    from tests.harness.services import Service

ORDERS = "/api/v1/orders"
# Three orders have one time, so that pages end between them. The last one repeats the first.
TIMES = [f"2026-01-0{day} 03:04:05.123456" for day in (1, 2, 2, 2, 3)]
STATUSES = ["new", "paid", "new", "paid", "new"]
IDS = [str(UUID(int=number)) for number in range(1, 6)]
LITERALS = {"postgresql": "'{}'", "mysql": "X'{0.hex}'", "sqlite": "'{0.hex}'"}


@pytest.fixture
def settings(own_service: Service, empty_database: Database, production: Settings) -> Settings:
    """The settings of a service with the feature, on a migrated database."""
    add_orders(own_service)
    settings = {**production, "DATABASE_URL": empty_database.url}
    local = {**settings, "ENVIRONMENT": "test"}
    make(own_service.folder, "revision", MESSAGE="Add orders", **local)
    make(own_service.folder, "migrate", **local)
    return settings


@pytest.fixture
def caller(own_service: Service, settings: Settings, tmp_path: Path) -> Iterator[Api]:
    """A client of the service. Each response follows the document."""
    transcript = Transcript()
    with (
        serving(own_service, settings, tmp_path / "server.log") as server,
        Api(server.url, transcript) as api,
    ):
        document = Document(api.get("/openapi.json").json())
        auth = own_service.combination.auth
        yield new_account(api, auth).api if own_service.has_accounts else api
    transcript.close()
    assert transcript.complaints(document) == []


def add_rows(service: Service, database: Database, item: str) -> None:
    """Add orders of an item to the database."""
    literal = LITERALS[service.combination.database]
    zone = "+00" if service.combination.database == "postgresql" else ""
    item_id, *ids = (literal.format(UUID(each)) for each in (item, *IDS))
    owner = f"(SELECT owner_id FROM item WHERE id = {item_id})"  # noqa: S608 - constants
    for order_id, time, status in zip(ids, TIMES, STATUSES, strict=True):
        order = {"id": order_id, "status": f"'{status}'", "placed_at": f"'{time}{zone}'"}
        order |= {"note": "''"} | ({"owner_id": owner} if service.has_accounts else {})
        if order_id == ids[-1]:
            order["repeats_id"] = ids[0]
        line = {"id": order_id, "order_id": order_id, "item_id": item_id, "quantity": "2"}
        for table, row in (("customer_order", order), ("order_line", line)):
            columns, values = ", ".join(row), ", ".join(row.values())
            database.run(f"INSERT INTO {table} ({columns}) VALUES ({values})")  # noqa: S608 - constants


def listed(caller: Api, **query: str) -> list[dict[str, Any]]:
    """Return the orders of all pages, of two each."""
    orders: list[dict[str, Any]] = []
    page: dict[str, Any] = {"next": None}
    while not orders or page["next"]:
        after = {"after": page["next"]} if page["next"] else {}
        answer = caller.get(ORDERS, params={"limit": "2", **query, **after})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert 1 <= len(page["items"]) <= 2
        orders += page["items"]
    return orders


def delete_first_order(service: Service, settings: Settings, database: Database) -> None:
    """Delete an order as the code of the service does."""
    if service.combination.orm == "django":
        code = (
            "from corner_shop.orders.models import Order; "
            f"Order.objects.get(pk='{IDS[0]}').delete()"
        )
        done = service.run("shell", "-c", code, settings=settings)
        assert done.returncode == 0, done.stderr
        return
    first = LITERALS[service.combination.database].format(UUID(IDS[0]))
    statement = f"DELETE FROM customer_order WHERE id = {first}"  # noqa: S608 - constants
    if service.combination.database == "sqlite":
        with closing(sqlite3.connect(database.url.removeprefix("sqlite:///"))) as file, file:
            file.execute("PRAGMA foreign_keys = ON")
            file.execute(statement)
    else:
        database.run(statement)


@pytest.mark.once_per("framework", "orm", "concurrency", "django_api")
def test_feature_works_as_the_page_says(
    own_service: Service, settings: Settings, caller: Api, empty_database: Database
) -> None:
    item = caller.post("/api/v1/items", json={"title": "Tea"}).json()["id"]
    add_rows(own_service, empty_database, item)
    found = listed(caller)

    assert [each["id"] for each in found] == IDS
    assert {each["lines"][0]["item"]["title"] for each in found} == {"Tea"}
    assert [each["id"] for each in listed(caller, sort="-placed_at")] == IDS[::-1]
    assert [each["id"] for each in listed(caller, status="paid")] == [IDS[1], IDS[3]]
    for query in ({"after": "x"}, {"sort": "note"}, {"status": "lost"}):
        answer = caller.get(ORDERS, params=query)
        assert answer.status_code == 422, (query, answer.text)
        assert [each["query"] for each in answer.json()["errors"]] == [*query]
    assert caller.delete(f"/api/v1/items/{item}").status_code == 409

    delete_first_order(own_service, settings, empty_database)
    (lines,), (repeats,) = (
        empty_database.run("SELECT count(*) FROM order_line")[0],
        empty_database.run("SELECT count(repeats_id) FROM customer_order")[0],
    )
    assert (lines, repeats) == (len(IDS) - 1, 0)
    make(own_service.folder, "format")
    make(own_service.folder, "check")
