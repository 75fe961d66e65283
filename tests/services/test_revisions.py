"""Migrations that `make revision` writes: they keep rows, and pass checks and tests."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from new_backend.verify.databases import connect_to_mysql, connect_to_postgresql
from tests.harness.databases import ID_LITERALS
from tests.harness.fixtures import local_settings
from tests.harness.making import make
from tests.harness.services import bare_environment
from tests.services.revisions import add_model, change_models

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness.combinations import Combination
    from tests.harness.databases import Database
    from tests.harness.services import Service

ITEM, ORDER = (UUID(int=number) for number in (1, 2))
TIME = "2026-01-02 03:04:05"


@pytest.fixture
def empty_databases(
    combination: Combination, new_database: Callable[[Combination, str], Database]
) -> Iterator[tuple[Database, Database]]:
    """Two empty databases: one to develop on, and one for the service's own tests."""
    made = new_database(combination, "revision"), new_database(combination, "own")
    yield made
    for each in made:
        each.drop()


@pytest.mark.once_per("orm", "database", "concurrency")
def test_revisions_keep_rows_and_pass_checks_and_tests(
    own_service: Service, empty_databases: tuple[Database, Database]
) -> None:
    database, test_database = empty_databases
    settings = local_settings(own_service, database)

    add_model(own_service)
    make(own_service.folder, "revision", MESSAGE="Add orders", **settings)
    make(own_service.folder, "migrate", **settings)
    _insert_rows(own_service, database, settings)
    change_models(own_service)
    make(own_service.folder, "format")
    make(own_service.folder, "revision", MESSAGE="Change columns", **settings)
    make(own_service.folder, "migrate", **settings)
    after_up = _rows(database)
    _downgrade(own_service, settings)
    after_down = _rows(database)
    make(own_service.folder, "migrate", **settings)

    rows = [("Tea", "Two bags", 12.5, "new")]
    assert after_up == rows
    assert after_down == rows
    assert _rows(database) == rows
    make(own_service.folder, "check")
    _run_tests(own_service, test_database)


def _run_tests(service: Service, database: Database) -> None:
    """Run the tests of the service that depend on its models."""
    python = service.folder / ".venv" / "bin" / "python"
    done = subprocess.run(
        [python, "-m", "pytest", "tests/test_migrations.py", "tests/items"],
        cwd=service.folder,
        env={**bare_environment(), "TEST_DATABASE_URL": database.url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8_000:]


def _insert_rows(service: Service, database: Database, settings: dict[str, str]) -> None:
    """Insert an order of an item, which belongs to a user where there are accounts."""
    literal = ID_LITERALS[service.combination.database]
    item_id, order_id = (literal.format(each) for each in (ITEM, ORDER))
    item = {
        "id": item_id,
        "title": "'Tea'",
        "created_at": f"'{TIME}'",
        "updated_at": f"'{TIME}'",
    }
    if service.has_accounts:
        done = service.run(
            "create-admin", "owner@example.org", settings=settings, stdin="correct horse battery\n"
        )
        assert done.returncode == 0, done.stderr
        item["owner_id"] = "(SELECT id FROM user_account)"
    order = {
        "id": order_id,
        "item_id": item_id,
        "note": "'Two bags'",
        "price": "12.5",
        "placed_at": f"'{TIME}'",
        "status": "'new'",
    }
    for table, row in (("item", item), ("order_line", order)):
        columns, values = ", ".join(row), ", ".join(row.values())
        _execute(database, f"INSERT INTO {table} ({columns}) VALUES ({values})")  # noqa: S608 - constants


def _rows(database: Database) -> list[tuple[object, ...]]:
    rows = _execute(
        database,
        "SELECT title, note, price, status FROM item JOIN order_line ON item_id = item.id",
    )
    return [(title, note, float(price), status) for title, note, price, status in rows]


def _execute(database: Database, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement, and return its rows."""
    scheme = database.url.partition("://")[0]
    if scheme == "sqlite":
        with closing(sqlite3.connect(database.url.removeprefix("sqlite:///"))) as file, file:
            return file.execute(statement).fetchall()
    connect = connect_to_postgresql if scheme == "postgresql" else connect_to_mysql
    with connect(database.url) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return [*cursor.fetchall()] if cursor.description else []


def _downgrade(service: Service, settings: dict[str, str]) -> None:
    """Take the last revision back."""
    if service.combination.orm != "django":
        service.alembic("downgrade", "-1", settings=settings)
        return
    released = {"items": "0002", "users": "0001"} if service.has_accounts else {"items": "0001"}
    for label, last in released.items():
        done = service.run("migrate", label, last, settings=settings)
        assert done.returncode == 0, done.stdout + done.stderr
