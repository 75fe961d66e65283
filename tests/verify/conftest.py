"""Selection of the verification tests that run on every change, and of those that run at night."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

NIGHTLY = "nightly"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", f"{NIGHTLY}: slow, runs only with COMBINATIONS=all")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect slow tests, unless all combinations are requested."""
    if os.environ.get("COMBINATIONS") == "all":
        return
    long = [each for each in items if each.get_closest_marker(NIGHTLY)]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [each for each in items if not each.get_closest_marker(NIGHTLY)]
