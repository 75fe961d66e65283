"""Each answer that can change becomes each other one: the service equals one created with it.

Each choice is in one of the services. Nightly, any two are.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from new_backend.add import Request, add
from new_backend.change import Absent, Mode, contents
from new_backend.errors import InputRefusedError
from new_backend.questions import Questionnaire
from new_backend.rendering import render
from new_backend.template_source import TemplateSource
from tests.harness.combinations import NIGHTLY, cover
from tests.harness.releases import THIRD
from tests.harness.rendering import CHECKOUT
from tests.harness.toys import commit, tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from new_backend.history import History
    from tests.harness.combinations import Combination

QUESTIONNAIRE = Questionnaire.read(TemplateSource(CHECKOUT))


def changes() -> Iterator[tuple[Combination, str, str]]:
    """Yield each combination of a cover with each question and each other choice."""
    for combination in cover(2 if NIGHTLY else 1):
        answers = combination.answers()
        for current in QUESTIONNAIRE.walk(answers):
            changeable = current.name not in QUESTIONNAIRE.fixed
            if not (changeable and current.applies and current.name in QUESTIONNAIRE.combined):
                continue
            for value in current.allowed:
                if value != answers[current.name]:
                    yield combination, current.name, str(value)


@pytest.mark.parametrize(
    ("old", "question", "value"),
    [pytest.param(*each, id=f"{each[0].id}-to-{each[2]}") for each in changes()],
)
def test_changed_service_equals_one_that_was_created_with_the_answer(
    history: History, tmp_path: Path, old: Combination, question: str, value: str
) -> None:
    questionnaire = history.questionnaire(THIRD)
    answers = old.answers()
    shop = tmp_path / "shop"
    render(questionnaire, answers, shop)
    commit(shop, "Create")
    before = tree(shop)
    expected = contents(questionnaire, answers | {question: value})
    migrations, of_new = ({p for p in each if "/migrations/" in p} for each in (before, expected))
    request = Request([f"{question}={value}"], shop, Mode(yes=True))
    if migrations - of_new:
        with pytest.raises(InputRefusedError, match="its tables would be removed"):
            add(history, request, Absent())
        assert tree(shop) == before
        return
    changed = add(history, request, Absent())
    implied = {each.question: str(each.after) for each in changed.implied}

    assert not changed.conflicts
    assert tree(shop) == contents(questionnaire, answers | {question: value} | implied)
    if migrations == of_new and not implied:
        commit(shop, "Change")
        add(history, Request([f"{question}={answers[question]}"], shop, Mode()), Absent())
        assert tree(shop) == before
    shutil.rmtree(tmp_path)
