"""The migrations make the schema that the models describe."""

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.fixtures.database import Migrate


def test_one_head() -> None:
    scripts = ScriptDirectory.from_config(Config(toml_file="pyproject.toml"))

    assert len(scripts.get_heads()) == 1


def test_models_and_schema_agree(schema: None, migrate: Migrate) -> None:
    migrate(command.check)


def test_down_and_up_again(schema: None, migrate: Migrate) -> None:
    migrate(lambda config: command.downgrade(config, "base"))
    migrate(lambda config: command.upgrade(config, "head"))
    migrate(command.check)


def test_as_sql(capsys: pytest.CaptureFixture[str]) -> None:
    command.upgrade(Config(toml_file="pyproject.toml"), "head", sql=True)

    assert "CREATE TABLE item" in capsys.readouterr().out
