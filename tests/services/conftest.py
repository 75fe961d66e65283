"""A service that a test may change."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.harness.services import Service, sync

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def own_service(service: Service, tmp_path: Path) -> Service:
    """A copy of the service that a test may change, in a folder whose path has a space."""
    folder = tmp_path / "two words" / "service"
    shutil.copytree(service.folder, folder, ignore=shutil.ignore_patterns(".venv", ".env"))
    sync(folder)
    return Service.in_folder(service.combination, folder)
