"""The migrations, compared with the models."""

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.fixtures.database import Migrate


def test_has_one_head() -> None:
    scripts = ScriptDirectory.from_config(Config(toml_file="pyproject.toml"))

    assert len(scripts.get_heads()) == 1


def test_models_match_schema(schema: None, migrate: Migrate) -> None:
    migrate(command.check)


def test_reverts_and_reapplies_migrations(schema: None, migrate: Migrate) -> None:
    migrate(lambda config: command.downgrade(config, "base"))
    migrate(lambda config: command.upgrade(config, "head"))
    migrate(command.check)


def test_prints_sql(capsys: pytest.CaptureFixture[str]) -> None:
    command.upgrade(Config(toml_file="pyproject.toml"), "head", sql=True)

    assert "CREATE TABLE item" in capsys.readouterr().out
