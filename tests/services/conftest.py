"""A service that a test may change."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from uv import find_uv_bin

from tests.harness.combinations import RUNNING_PYTHON
from tests.harness.services import Service, bare_environment

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def own_service(service: Service, tmp_path: Path) -> Service:
    """A copy of the service that a test may change, in a folder whose path has a space."""
    folder = tmp_path / "two words" / "service"
    shutil.copytree(service.folder, folder, ignore=shutil.ignore_patterns(".venv", ".env"))
    subprocess.run(
        [find_uv_bin(), "sync", "--quiet"],
        cwd=folder,
        env={**bare_environment(), "UV_PYTHON": RUNNING_PYTHON, "UV_LINK_MODE": "hardlink"},
        check=True,
    )
    return Service.in_folder(service.combination, folder)
