"""The migrations, compared with the models."""

import pytest
from django.core.management import call_command

from tests.fixtures.database import unmigrate


def test_models_match_migrations(schema: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_reverts_and_reapplies_migrations(schema: None) -> None:
    unmigrate()
    call_command("migrate", verbosity=0)


def test_prints_sql(schema: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("sqlmigrate", "items", "0001")

    assert "item" in capsys.readouterr().out
