"""The service's own tests and checks, by the commands that its README gives."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from uv import find_uv_bin

from tests.harness.combinations import PACKAGE, PROJECT_NAME, Combination
from tests.harness.issuer import settings_of
from tests.harness.rendering import render
from tests.harness.services import Service, bare_environment, secret_key, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness.databases import Database

COVERAGE_GATE = 90
MODULES = 15
"""Fewer in the report, and it is not the service that was measured."""

SECONDS = 300


def make(folder: Path, target: str, **settings: str) -> str:
    """Run a make target of a service and return what it printed; it must succeed."""
    done = subprocess.run(
        ["make", target],
        cwd=folder,
        env={**bare_environment(), "CI": "true", **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"make {target} in {folder}:\n{done.stdout[-8_000:]}"
    return done.stdout


@pytest.fixture
def empty_database(
    combination: Combination, new_database: Callable[[Combination, str], Database]
) -> Iterator[Database]:
    """An empty database whose name says test."""
    made = new_database(combination, "own")
    yield made
    made.drop()


def test_its_tests_pass_and_cover_it(service: Service, empty_database: Database) -> None:
    printed = make(service.folder, "test", TEST_DATABASE_URL=empty_database.url)

    _assert_tested(printed)


@pytest.mark.parametrize("concurrency", ["sync", "async"])
def test_its_tests_run_on_sqlite_where_no_mysql_is_named(
    concurrency: str, installed: Callable[[Combination], Service]
) -> None:
    service = installed(Combination("fastapi", "sqlalchemy", "mysql", "jwt", concurrency))

    printed = make(service.folder, "test")

    _assert_tested(printed)
    (header,) = re.findall("^database: .*", printed, re.MULTILINE)
    assert "SQLite" in header


def _assert_tested(printed: str) -> None:
    assert re.search(r"\b[1-9]\d* passed", printed), printed[-2_000:]
    assert not re.search(r"\b[1-9]\d* (skipped|xfailed|xpassed|deselected|warnings?)\b", printed)
    total = re.search(r"^TOTAL\s.*?(\d+)(?:\.\d+)?%", printed, re.MULTILINE)
    assert total, printed[-2_000:]
    assert int(total[1]) >= COVERAGE_GATE
    named = re.findall(rf"^src/{PACKAGE}/\S+\.py", printed, re.MULTILINE)
    complete = re.search(r"(\d+) files? skipped due to complete coverage", printed)
    assert len(named) + int(complete[1] if complete else 0) >= MODULES, printed[-2_000:]


def test_its_checks_pass(service: Service) -> None:
    printed = make(service.folder, "check")

    for tool in ("ruff format", "ruff check", "mypy", "deptry"):
        assert tool in printed, tool


def test_its_help_lists_the_targets(service: Service) -> None:
    printed = make(service.folder, "help")

    for target in ("test", "check", "run", "env", "migrate", "help"):
        assert re.search(rf"^\W*(make )?{target}\b", printed, re.MULTILINE), target


def test_its_environment_file_is_made_once_with_fresh_secrets(
    service: Service, tmp_path: Path
) -> None:
    folder = render(service.combination.answers(), tmp_path / "service")
    other = render(service.combination.answers(), tmp_path / "other")

    make(folder, "env")
    made = (folder / ".env").read_text(encoding="utf-8")
    make(other, "env")

    example = _values(folder / ".env.example")
    for name, value in _values(folder / ".env").items():
        if "SECRET" in name or "PASSWORD" in name:
            assert value not in ("", example.get(name)), name
            assert value != _values(other / ".env")[name], name
    assert set(_values(folder / ".env")) >= set(example)
    assert (folder / ".env").stat().st_mode & 0o077 == 0
    subprocess.run(
        ["make", "env"], cwd=folder, env=bare_environment(), check=False, capture_output=True
    )
    assert (folder / ".env").read_text(encoding="utf-8") == made


def _values(path: Path) -> dict[str, str]:
    pairs = (
        line.partition("=")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.match(r"[A-Z_]+=", line)
    )
    return {name: value for name, _, value in pairs}


FRESH = (
    Combination("fastapi", "sqlalchemy", "postgresql", "session", "sync"),
    Combination("fastapi", "sqlalchemy", "postgresql", "jwt", "async"),
    Combination("flask", "sqlalchemy", "postgresql", "api-key", "sync"),
    Combination("flask", "sqlalchemy", "postgresql", "oauth2", "async"),
    Combination("django", "django", "postgresql", "oauth2", "sync", "ninja"),
    Combination("django", "django", "postgresql", "session", "async", "ninja"),
)
"""Each framework and concurrency, as it is installed from nothing."""


@pytest.fixture
def bare_folder() -> Iterator[Path]:
    """A folder that is not pytest's: a server that root starts runs as another user.

    Every pytest run takes the right to enter its folders from other users, also the service's own.
    """
    with tempfile.TemporaryDirectory(prefix="fresh-") as folder:
        yield Path(folder)


@pytest.fixture
def fresh(fresh_combination: Combination, bare_folder: Path) -> Fresh:
    """A service in an environment from its own lock, with an empty cache and an empty home."""
    folder = render(fresh_combination.answers(), bare_folder / "service")
    environment = {"UV_CACHE_DIR": str(bare_folder / "cache"), "HOME": str(bare_folder)}
    for arguments in (["lock"], ["sync", "--locked", "--no-dev", "--compile-bytecode"]):
        subprocess.run(
            [find_uv_bin(), *arguments, "--quiet"], cwd=folder, env=_with(environment), check=True
        )
    command = str(folder / ".venv" / "bin" / PROJECT_NAME)
    return Fresh(Service(fresh_combination, folder, (command,)), environment)


@dataclass(frozen=True)
class Fresh:
    """A service that is installed from nothing, and the variables under which it was."""

    service: Service
    environment: dict[str, str]


@pytest.mark.parametrize("fresh_combination", FRESH, ids=lambda each: each.id)
def test_it_runs_in_production_from_nothing_but_its_own_lock(
    fresh_combination: Combination,
    fresh: Fresh,
    new_database: Callable[[Combination, str], Database],
    tmp_path: Path,
) -> None:
    """Installed without its development dependencies, as in its image."""
    settings = {
        "ENVIRONMENT": "production",
        "SECRET_KEY": secret_key(),
        **settings_of(fresh_combination.auth),
        "DATABASE_URL": new_database(fresh_combination, "fresh").url,
        "ALLOWED_HOSTS": "127.0.0.1",
    }
    for command in ("migrate", "check"):
        done = fresh.service.run(command, settings=settings)
        assert done.returncode == 0, done.stdout + done.stderr

    with serving(fresh.service, settings, tmp_path / "log", workers=2) as server:
        with urllib.request.urlopen(f"{server.url}/health/ready") as answer:  # noqa: S310 - ours
            assert json.load(answer) == {"status": "ok", "checks": {"database": "ok"}}
        assert server.stop() == 0


@pytest.mark.parametrize("fresh_combination", FRESH[1:2], ids=lambda each: each.id)
def test_its_tests_pass_with_no_database_named(fresh: Fresh) -> None:
    """As on a new colleague's machine."""
    folder = fresh.service.folder

    _assert_tested(make(folder, "test", **fresh.environment))
    lock = (folder / "uv.lock").read_bytes()
    subprocess.run(
        [find_uv_bin(), "lock", "--check", "--quiet"],
        cwd=folder,
        env=_with(fresh.environment),
        check=True,
    )
    assert (folder / "uv.lock").read_bytes() == lock


def _with(settings: dict[str, str]) -> dict[str, str]:
    return {**bare_environment(), **settings, "PATH": os.environ["PATH"]}
