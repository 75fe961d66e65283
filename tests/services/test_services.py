"""The own tests and checks of a service, run with the commands of its README."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.making import assert_tested, make
from tests.harness.services import Service, bare_environment

if TYPE_CHECKING:
    from tests.harness.databases import Database


def test_make_test_passes_with_full_coverage(service: Service, empty_database: Database) -> None:
    printed = make(service.folder, "test", TEST_DATABASE_URL=empty_database.url)

    assert_tested(printed)


@pytest.mark.once_per("framework")
def test_make_check_passes(service: Service) -> None:
    printed = make(service.folder, "check")

    for tool in ("ruff format", "ruff check", "mypy", "deptry"):
        assert tool in printed, tool


def test_make_help_lists_targets(service: Service) -> None:
    printed = make(service.folder, "help")

    for target in ("test", "check", "run", "env", "migrate", "help"):
        assert re.search(rf"^\W*(make )?{target}\b", printed, re.MULTILINE), target


def test_make_env_creates_env_file_once_with_new_secrets(service: Service, tmp_path: Path) -> None:
    folder, other = (_copied(service, tmp_path / name) for name in ("service", "other"))

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


def _copied(service: Service, folder: Path) -> Path:
    """Copy a service as it was rendered, without its environment."""
    left_out = shutil.ignore_patterns(".venv", ".env")
    return Path(shutil.copytree(service.folder, folder, ignore=left_out))


def _values(path: Path) -> dict[str, str]:
    pairs = (
        line.partition("=")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.match(r"[A-Z_]+=", line)
    )
    return {name: value for name, _, value in pairs}
