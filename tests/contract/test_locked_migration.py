"""A migration of a table that another transaction uses."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.harness.combinations import PACKAGE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.databases import Database
    from tests.harness.fixtures import Settings
    from tests.harness.services import Service

SECONDS = 30
"""Longer than the limit on lock waits, with the time that the command needs to start."""

CHANGES = {
    "postgresql": ("CREATE TABLE colour (name text)", "ALTER TABLE item ADD colour text"),
    # Each statement of a schema change ends the transaction, so there is only one.
    "mysql": ("ALTER TABLE item ADD colour text",),
}

ALEMBIC = """
from alembic import op

revision = "0000colour00"
down_revision = "{head}"


def upgrade() -> None:
    for statement in {changes}:
        op.execute(statement)
"""

DJANGO = """
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("items", "{head}")]
    operations = [migrations.RunSQL(statement) for statement in {changes}]
"""


@pytest.mark.database("postgresql", "mysql")
@pytest.mark.once_per("orm", "database", "concurrency")
def test_locked_table_ends_migration_which_then_succeeds(
    service: Service, production: Settings, empty_database: Database, tmp_path: Path
) -> None:
    settings = {**production, "DATABASE_URL": empty_database.url}
    done = service.run("migrate", settings=settings)
    assert done.returncode == 0, done.stderr
    settings["PYTHONPATH"] = str(_with_pending_migration(service, tmp_path))
    before = empty_database.contents()

    with empty_database.changing("SELECT id FROM item"):
        done = service.run("migrate", settings=settings, seconds=SECONDS)

    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = [line for line in done.stderr.splitlines() if "lock" in line.lower()]
    assert line.startswith("The database reported an error: ")
    assert "Traceback" not in done.stderr
    assert empty_database.contents() == before
    assert "0000colour00" in service.run("check", settings=settings).stderr
    done = service.run("migrate", settings=settings)
    assert done.returncode == 0, done.stderr
    empty_database.run("SELECT colour FROM item")


def _with_pending_migration(service: Service, folder: Path) -> Path:
    """Return a copy of the service's source with one more migration, which changes items."""
    source = shutil.copytree(service.folder / "src", folder / "src")
    changes = CHANGES[service.combination.database]
    if service.combination.orm == "django":
        migrations = source / PACKAGE / "items" / "migrations"
        head = max(each.stem for each in migrations.glob("[0-9]*.py"))
        text = DJANGO.format(head=head, changes=changes)
    else:
        migrations = source / PACKAGE / "migrations" / "versions"
        head = _head_of(migrations)
        text = ALEMBIC.format(head=head, changes=changes)
    (migrations / "0000colour00.py").write_text(text, encoding="utf-8")
    return source


def _head_of(migrations: Path) -> str:
    """Return the revision that no other one follows."""
    written = "\n".join(each.read_text(encoding="utf-8") for each in migrations.glob("*.py"))
    revisions: list[str] = re.findall(r'^revision = "(\w+)"', written, re.MULTILINE)
    followed = re.findall(r'^down_revision = "(\w+)"', written, re.MULTILINE)
    (head,) = {*revisions}.difference(followed)
    return head
