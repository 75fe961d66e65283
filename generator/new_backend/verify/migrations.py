"""Part of the stage `static`: whether the migrations of a service make what its models describe."""

from __future__ import annotations

import hashlib
import secrets
import tomllib
from typing import TYPE_CHECKING

from new_backend.verify import databases
from new_backend.verify.libraries import MANIFEST
from new_backend.verify.stages import StageFailed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from new_backend.verify.plan import Case
    from new_backend.verify.stages import Workplace

_SCHEMA = (
    "migrations/**/*.py",
    "src/**/migrations/*.py",
    "src/**/models.py",
    "src/*/base.py",
    "src/*/engine.py",
)
"""The files that make the schema; services that have the same ones are looked at once in a run."""

# `alembic upgrade head` and `alembic check`, in one process: most of the time goes into imports.
_ALEMBIC = """
import sys
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

config = Config(toml_file="pyproject.toml")
command.upgrade(config, "head")
try:
    command.check(config)
except CommandError as error:
    sys.exit(str(error))
"""
_TOOLS = {
    "alembic check": ("-c", _ALEMBIC),
    "makemigrations --check": ("-m", "django", "makemigrations", "--check"),
}
"""What compares migrations with models, as Python's arguments."""


def tool(tree: Path) -> str:
    """Say what compares the migrations of a service with its models, or nothing: it has none."""
    project = tomllib.loads((tree / MANIFEST).read_text(encoding="utf-8"))
    if "alembic" in project.get("tool", {}):
        return "alembic check"
    return "makemigrations --check" if any(tree.glob("src/**/migrations")) else ""


def has_database(case: Case) -> bool:
    """Whether there is a database for the migrations of a case to run on; SQLite is always.

    Raises:
        StageFailed: There is none, and this is CI, where nothing is left out.
    """
    server = databases.SERVERS.get(database_of(case))
    if server is None or server.answers:
        return True
    if databases.required():
        raise StageFailed(server.missing)
    return False


def left_out(cases: Sequence[Case]) -> list[str]:
    """Return a sentence for each database on which no migrations of these cases were run."""
    kinds = sorted({database_of(case) for case in cases} & databases.SERVERS.keys())
    return [
        f"The migrations on {kind} were not compared with the models: no server answers"
        for kind in kinds
        if not databases.SERVERS[kind].answers
    ]


def complaint(place: Workplace, case: Case, environment: Path, named: str) -> str:
    """Run the migrations on an empty database, and compare what they make with the models.

    Args:
        place: Where the run takes place.
        case: Whose service is looked at.
        environment: Has the libraries that the service imports.
        named: What compares them, as `tool` says.

    Returns:
        What differs, or nothing.
    """
    tree = place.tree(case)
    digest = hashlib.sha256()
    for path in sorted({each for pattern in _SCHEMA for each in tree.glob(pattern)}):
        digest.update(f"{path.relative_to(tree)}\n".encode() + path.read_bytes())
    key = ("migrations", database_of(case), digest.digest())
    return place.once(key, lambda: _compare(place, case, environment, named))


def _compare(place: Workplace, case: Case, environment: Path, named: str) -> str:
    with databases.empty(database_of(case)) as url:
        done = place.attempt(
            [environment / "bin" / "python", *_TOOLS[named]],
            cwd=place.tree(case),
            environment=place.environment(
                DATABASE_URL=url,
                ENVIRONMENT="test",
                SECRET_KEY=secrets.token_urlsafe(48),
                DJANGO_SETTINGS_MODULE=f"{case.answers['package']}.config.settings",
                PYTHONPATH="src",
                PYTHONDONTWRITEBYTECODE="1",
            ),
        )
    return f"{named}\n{done.stdout.rstrip()}" if done.returncode else ""


def database_of(case: Case) -> str:
    """Return the database that a case chose."""
    return str(case.answers.get("database", "sqlite"))
