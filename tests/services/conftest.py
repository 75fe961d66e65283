"""The database of the tests of a service's own commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness.combinations import Combination
    from tests.harness.databases import Database


@pytest.fixture
def empty_database(
    combination: Combination, new_database: Callable[[Combination, str], Database]
) -> Iterator[Database]:
    """A database without tables, whose name contains "test"."""
    made = new_database(combination, "own")
    yield made
    made.drop()
