"""The migrations make the schema that the models describe."""

import pytest
from django.core.management import call_command

from tests.fixtures.database import unmigrate


def test_models_and_migrations_agree(schema: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_down_and_up_again(schema: None) -> None:
    unmigrate()
    call_command("migrate", verbosity=0)


def test_as_sql(schema: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("sqlmigrate", "items", "0001")

    assert "item" in capsys.readouterr().out
