"""Which tests of the verification run on every change, and which at night."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

NIGHTLY = "nightly"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark."""
    config.addinivalue_line("markers", f"{NIGHTLY}: runs where COMBINATIONS is all, and is long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is long, unless all combinations are asked for."""
    if os.environ.get("COMBINATIONS") == "all":
        return
    long = [each for each in items if each.get_closest_marker(NIGHTLY)]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [each for each in items if not each.get_closest_marker(NIGHTLY)]
