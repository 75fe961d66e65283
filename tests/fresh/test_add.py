"""A service with rows and a migration of its own gets accounts by `add`."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.harness.combinations import Combination
from tests.harness.databases import insert_item
from tests.harness.releases import released_service
from tests.harness.services import Service, secret_key, sync
from tests.harness.toys import commit, program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.harness.databases import Database

REVISION = """\"\"\"Add the colour of an item.\"\"\"

import sqlalchemy as sa
from alembic import op

revision = "c01045c01045"
down_revision = "a7e25b90c41d"


def upgrade() -> None:
    op.add_column("item", sa.Column("colour", sa.String(20)))
"""
MIGRATION = """\"\"\"Add the colour of an item.\"\"\"

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("items", "0001_initial")]
    operations = [migrations.AddField("item", "colour", models.CharField(max_length=20, null=True))]
"""


@pytest.mark.parametrize(
    "fresh_combination",
    [
        Combination("fastapi", "sqlalchemy", "postgresql", "none", "async"),
        Combination("flask", "sqlalchemy", "mysql", "none", "sync"),
        Combination("fastapi", "sqlmodel", "sqlite", "none", "sync"),
        Combination("django", "django", "postgresql", "none", "async", "ninja"),
        Combination("django", "django", "mysql", "none", "sync", "drf"),
        Combination("django", "django", "sqlite", "none", "sync", "ninja"),
    ],
    ids=lambda each: each.id,
)
def test_rows_survive_accounts_that_are_added(
    fresh_combination: Combination,
    tmp_path: Path,
    new_database: Callable[[Combination, str], Database],
) -> None:
    source, folder = released_service(tmp_path, fresh_combination)
    _write_own_migration(folder, fresh_combination)
    sync(folder)
    commit(folder, "Mine")
    database = new_database(fresh_combination, "add")
    settings = {"ENVIRONMENT": "test", "DATABASE_URL": database.url, "SECRET_KEY": secret_key()}
    service = Service.in_folder(fresh_combination, folder)
    assert service.run("migrate", settings=settings).returncode == 0
    insert_item(database, fresh_combination.database, title="Tea", colour="green")

    added = program(source, "add", "auth=jwt", "--service", str(folder))
    done = subprocess.run(added, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    sync(folder)
    with_accounts = Service.in_folder(replace(fresh_combination, auth="jwt"), folder)
    stopped = with_accounts.run("migrate", settings=settings)
    kept = database.run("SELECT title, colour FROM item")
    database.run("DELETE FROM item")
    again = with_accounts.run("migrate", settings=settings)

    assert stopped.returncode == 1
    assert stopped.stderr.splitlines()[-1].startswith("There are items without an owner.")
    assert [*kept] == [("Tea", "green")]
    assert again.returncode == 0, again.stderr
    assert with_accounts.run("check", settings=settings).returncode == 0
    assert [*database.run("SELECT colour, owner_id FROM item")] == []


def _write_own_migration(folder: Path, combination: Combination) -> None:
    package = folder / "src" / "corner_shop"
    if combination.orm == "django":
        (package / "items/migrations/0002_colour.py").write_text(MIGRATION)
        return
    (package / "migrations/versions/c01045c01045_colour.py").write_text(REVISION)
