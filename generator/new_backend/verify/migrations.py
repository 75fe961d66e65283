"""Part of the stage `static`: whether the migrations of a service make what its models describe."""

from __future__ import annotations

import hashlib
import secrets
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from new_backend.verify import databases
from new_backend.verify.libraries import MANIFEST

if TYPE_CHECKING:
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


def tool(tree: Path) -> str:
    """Say what compares the migrations of a service with its models, or nothing: it has none."""
    project = tomllib.loads((tree / MANIFEST).read_text(encoding="utf-8"))
    if "alembic" in project.get("tool", {}):
        return "alembic check"
    return "makemigrations --check" if any(tree.glob("src/**/migrations")) else ""


def has_database(case: Case) -> bool:
    """Whether there is a database for the migrations of a case to run on."""
    return databases.answers(_database(case))


def complaint(place: Workplace, case: Case, environment: Path) -> str:
    """Run the migrations on an empty database, and compare what they make with the models.

    Args:
        place: Where the run takes place.
        case: Whose service is looked at.
        environment: Has the libraries that the service imports.

    Returns:
        What differs, or nothing.
    """
    tree = place.tree(case)
    digest = hashlib.sha256()
    for path in sorted({each for pattern in _SCHEMA for each in tree.glob(pattern)}):
        digest.update(f"{path.relative_to(tree)}\n".encode() + path.read_bytes())
    key = ("migrations", _database(case), digest.digest())
    if key not in place.known:
        place.known[key] = _compare(place, case, environment)
    return place.known[key]


def _compare(place: Workplace, case: Case, environment: Path) -> str:
    tree = place.tree(case)
    name = tool(tree)
    words = ["-c", _ALEMBIC] if name == "alembic check" else ["-m", "django", *name.split()]
    with (
        tempfile.TemporaryDirectory(dir=place.folder) as folder,
        databases.empty(_database(case), Path(folder)) as url,
    ):
        done = place.attempt(
            [environment / "bin" / "python", *words],
            cwd=tree,
            environment=place.environment(
                DATABASE_URL=url,
                ENVIRONMENT="test",
                SECRET_KEY=secrets.token_urlsafe(48),
                DJANGO_SETTINGS_MODULE=f"{case.answers['package']}.config.settings",
                PYTHONPATH="src",
                PYTHONDONTWRITEBYTECODE="1",
            ),
        )
    return f"{name}\n{done.stdout.rstrip()}" if done.returncode else ""


def _database(case: Case) -> str:
    return str(case.answers.get("database", "sqlite"))
