"""Services of every accepted name: they can be locked, imported, committed and checked."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import psycopg
import pytest
import yaml
from psycopg import sql
from uv import find_uv_bin

from tests.harness.combinations import CHECKED, VALID, Combination
from tests.harness.names import accepted
from tests.harness.rendering import render
from tests.harness.services import bare_environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.harness.databases import Database
    from tests.harness.services import Service

DJANGO = Combination("django", "django", "postgresql", "session", "sync", "drf")
"""The service with the most applications, and with migrations that import its package."""

OTHERS = (
    Combination("fastapi", "sqlmodel", "postgresql", "jwt", "async"),
    Combination("flask", "sqlalchemy", "mysql", "oidc", "async"),
    Combination("django", "sqlalchemy", "sqlite", "api-key", "async", "ninja"),
)
"""Other libraries, which no service's package can hide or be hidden by."""

NAMES = accepted() if CHECKED == VALID else accepted()[::6]
"""Every accepted name in the nightly run, each sixth otherwise: one takes some seconds."""

CHECK = """
import importlib, os, sys

package, root = sys.argv[1:]
# As in a developer's environment: the root of the service comes first, its src folder last.
sys.path[:] = [root, *filter(None, sys.path), root + "/src"]
module = importlib.import_module(package)
assert module.__file__ == f"{root}/src/{package}/__init__.py", module.__file__
os.environ["DJANGO_SETTINGS_MODULE"] = package + ".config.settings"
import django
from django.core.checks import run_checks

django.setup()
found = [each for each in run_checks() if each.is_serious()]
assert not found, found
"""

FIND = """
import importlib.util, pathlib, sys

root, *packages = sys.argv[1:]
sys.path[:] = [*filter(None, sys.path), root]
for package in packages:
    folder = pathlib.Path(root) / package
    folder.mkdir()
    (folder / "__init__.py").touch()
for package in packages:
    found = importlib.util.find_spec(package).origin
    assert found == f"{root}/{package}/__init__.py", found
"""


@pytest.mark.parametrize("name", NAMES)
def test_service_of_accepted_name_works(
    name: str, installed: Callable[[Combination], Service], tmp_path: Path
) -> None:
    package = name.replace("-", "_")
    service = installed(DJANGO)
    folder = render(DJANGO.answers(project_name=name), tmp_path / name)

    _run(find_uv_bin(), "lock", "--quiet", cwd=folder)
    _run("git", "init", "--quiet", cwd=folder)
    assert "!!" not in _run("git", "status", "--ignored", "--porcelain", cwd=folder)
    ruff = service.folder / ".venv" / "bin" / "ruff"
    assert f"src/{package}/items/models.py" in _run(ruff, "check", "--show-files", cwd=folder)
    _run(ruff, "check", "--no-cache", "--quiet", cwd=folder)
    assert not (service.folder / ".venv" / "bin" / name).exists()
    _run(_python(service), "-c", CHECK, package, str(folder), cwd=tmp_path)
    compose = yaml.safe_load((folder / "compose.yaml").read_text(encoding="utf-8"))
    database = compose["services"]["database"]["environment"]
    assert (database["POSTGRES_USER"], database["POSTGRES_DB"]) == (package, package)
    assert compose["services"]["migration"]["command"] == [name, "migrate"]


@pytest.mark.parametrize("other", OTHERS, ids=lambda each: each.id)
def test_no_library_hides_or_overwrites_accepted_name(
    other: Combination, installed: Callable[[Combination], Service], tmp_path: Path
) -> None:
    service = installed(other)
    names = set(accepted())
    locked = (service.folder / "uv.lock").read_text(encoding="utf-8")

    assert not {name for name in names if f'\nname = "{name}"\n' in locked}
    assert not names & {each.stem for each in (service.folder / ".venv" / "bin").iterdir()}
    packages = [name.replace("-", "_") for name in sorted(names)]
    _run(_python(service), "-c", FIND, str(tmp_path), *packages, cwd=tmp_path)


def test_postgresql_accepts_role_and_database_of_every_accepted_name(
    new_database: Callable[[Combination, str], Database],
) -> None:
    """Quoted as the entrypoint of the image quotes them."""
    with psycopg.connect(new_database(DJANGO, "names").url) as connection:
        databases = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        for name in accepted():
            role = sql.Identifier(name.replace("-", "_"))
            assert role.as_string(connection).strip('"') not in databases
            connection.execute(sql.SQL("CREATE ROLE {}").format(role))
        connection.rollback()


def _python(service: Service) -> str:
    return str(service.folder / ".venv" / "bin" / "python")


def _run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**bare_environment(), "ENVIRONMENT": "test", "SECRET_KEY": "k" * 64},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout
