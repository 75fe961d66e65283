"""The wheel of a service, installed without its checkout."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from uv import find_uv_bin

from tests.harness.combinations import PROJECT_NAME, RUNNING_PYTHON
from tests.harness.fixtures import local_settings
from tests.harness.services import Service, bare_environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.databases import Database


@pytest.mark.once_per("framework", "orm", "database")
def test_installed_wheel_migrates_from_any_folder(
    service: Service, empty_database: Database, tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    _uv("build", "--wheel", "--quiet", "--out-dir", tmp_path, folder=service.folder)
    _uv("venv", "--quiet", "--python", RUNNING_PYTHON, environment, folder=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    locked = tmp_path / "requirements.txt"
    _uv(
        *("export", "--quiet", "--frozen", "--no-dev", "--no-emit-project"),
        *("--output-file", locked),
        folder=service.folder,
    )
    python = environment / "bin" / "python"
    _uv("pip", "install", "--quiet", "--python", python, "-r", locked, wheel, folder=tmp_path)

    settings = local_settings(service, empty_database)
    done = subprocess.run(
        [environment / "bin" / PROJECT_NAME, "migrate"],
        cwd="/",
        env={**bare_environment(), **settings},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert not [*empty_database.run("SELECT id FROM item")]


def _uv(*arguments: str | Path, folder: Path) -> None:
    done = subprocess.run(
        [find_uv_bin(), *arguments],
        cwd=folder,
        env={**bare_environment(), "UV_LINK_MODE": "hardlink"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
