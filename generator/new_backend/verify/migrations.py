"""Part of the stage `static`: whether the migrations of a service match its models."""

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
    "src/**/migrations/**/*.py",
    "src/**/models.py",
    "src/*/base.py",
    "src/*/engine.py",
)
"""The files that define the schema. Services with the same files are compared once in a run."""

# `alembic upgrade head` and `alembic check` in one process, because imports take most of the time.
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
"""The comparison of migrations with models, as Python's arguments."""


def tool(tree: Path) -> str:
    """Return how to compare a service's migrations with its models, or None without migrations."""
    project = tomllib.loads((tree / MANIFEST).read_text(encoding="utf-8"))
    if "alembic" in project.get("tool", {}):
        return "alembic check"
    return "makemigrations --check" if any(tree.glob("src/**/migrations")) else ""


def has_database(case: Case) -> bool:
    """Whether a database is available for the migrations of a case. SQLite always is.

    Raises:
        StageFailed: There is none, and this is CI, which omits nothing.
    """
    server = databases.SERVERS.get(database_of(case))
    if server is None or server.answers:
        return True
    if databases.required():
        raise StageFailed(server.missing)
    return False


def left_out(cases: Sequence[Case]) -> list[str]:
    """Return what cannot be compared here for these cases, one sentence for each database."""
    kinds = sorted({database_of(case) for case in cases} & databases.SERVERS.keys())
    return [
        f"The migrations on {kind} were not compared with the models: no server answers"
        for kind in kinds
        if not databases.SERVERS[kind].answers
    ]


def complaint(place: Workplace, case: Case, environment: Path, named: str) -> str:
    """Run the migrations on an empty database, and compare the result with the models.

    Args:
        place: Where the run takes place.
        case: The case to compare.
        environment: Contains the libraries that the service imports.
        named: The comparison that `tool` returned.

    Returns:
        The differences, or nothing.
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
