"""Services follow the template from the first release to the third.

Any two choices are in one of them. Nightly, each combination of the core is one.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from new_backend.change import Absent, Mode, contents
from new_backend.rendering import render
from new_backend.update import Request, update
from tests.harness.combinations import RUN
from tests.harness.releases import FIRST, THIRD
from tests.harness.toys import commit, tree

if TYPE_CHECKING:
    from pathlib import Path

    from new_backend.history import History
    from tests.harness.combinations import Combination


@pytest.mark.parametrize("created", RUN, ids=lambda each: each.id)
def test_service_of_the_first_release_equals_one_of_the_third(
    history: History, tmp_path: Path, created: Combination
) -> None:
    answers = {"project_name": "shop", **created.answers()}
    shop = tmp_path / "shop"
    render(history.questionnaire(FIRST), answers, shop)
    commit(shop, "Create")
    readme = (shop / "README.md").read_bytes()
    changed = update(history, Request(shop, Mode(yes=True)), Absent())

    assert not changed.conflicts
    newest = contents(history.questionnaire(THIRD), answers)
    assert tree(shop) == newest | {"README.md": readme}
    shutil.rmtree(tmp_path)
