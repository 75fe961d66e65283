"""The migrations, compared with the models."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader


def test_models_match_migrations(schema: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_reverts_and_reapplies_migrations(empty_database: None) -> None:
    call_command("migrate", verbosity=0)
    for label in sorted(MigrationLoader(connection).migrated_apps):
        call_command("migrate", label, "zero", verbosity=0)
    call_command("migrate", verbosity=0)


def test_prints_sql(schema: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("sqlmigrate", "items", "0001")

    assert "item" in capsys.readouterr().out
