"""The plan of a run: the combinations to verify, and the answers to render each with."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from new_backend.answers import Answer, Given, Source, settle
from new_backend.combinations import SEPARATOR, checked_strength, cover, name_of, pairs_of, shard
from new_backend.errors import InputRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from new_backend.combinations import Combination
    from new_backend.questions import Questionnaire, Value

ALL = "all"
PROJECT_NAME = "corner-shop"
"""Contains a hyphen, so that a confusion of the project name with the package name shows."""

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True)
class Case:
    """A combination, and all answers that it is rendered with."""

    id: str
    """The name of the case in folders, reports and test IDs."""
    choices: Combination
    answers: Mapping[str, Value]
    only: str
    """The value of `--only` that selects only this case."""


def cases(
    questionnaire: Questionnaire, *, strength: str, only: Sequence[str], part: str | None
) -> list[Case]:
    """Select combinations, in the order of `new-backend combinations`.

    Args:
        questionnaire: The questions of the template.
        strength: `all` for every combination of the core, or how many choices must meet in some
            combination.
        only: Answers such as `auth=jwt,ci=none`. A combination matches if it has all answers of
            one.
        part: The part for this machine, as `I/N`.

    Raises:
        InputRefusedError: An argument is invalid, or no combination remains.
    """
    wanted = [_read(questionnaire, each) for each in only]
    number = None if strength == ALL else checked_strength(questionnaire, strength, ALL)
    found = cover(questionnaire, number, wanted)
    if not found:
        message = f"--only {' --only '.join(only)}: no valid combination has these answers"
        raise InputRefusedError(message, hint="new-backend combinations lists them.")
    if part is not None:
        found = shard(found, part)
    return [_case(questionnaire, each, wanted) for each in found]


def _read(questionnaire: Questionnaire, text: str) -> dict[str, Value]:
    answers: dict[str, Value] = {}
    for pair in text.split(","):
        name, equals, raw = (part.strip() for part in pair.partition("="))
        question = questionnaire.by_name.get(name)
        if not equals or question is None or question.hidden:
            named = ", ".join(each.name for each in questionnaire.visible)
            message = (
                f'--only {text}: invalid answer "{pair}". Use QUESTION=CHOICE with one of {named}'
            )
            raise InputRefusedError(message)
        if name in answers:
            message = f"--only {text}: {name} has two answers. Repeat --only for each"
            raise InputRefusedError(message)
        offered = [choice.value for choice in question.choices]
        several = raw.split(SEPARATOR) if question.multiselect else [raw]
        unknown = [each for each in several if each not in offered]
        if offered and unknown and not (question.multiselect and not raw):
            message = f'--only {text}: invalid value "{unknown[0]}" for {name}. Choose from '
            raise InputRefusedError(message + ", ".join(offered))
        try:
            answers[name] = question.cast(several if question.multiselect else raw)
        except ValueError as error:
            message = f"--only {text}: {name} {error}"
            raise InputRefusedError(message) from error
    return answers


def _fits(
    questionnaire: Questionnaire, combination: Combination, answers: Mapping[str, Value]
) -> bool:
    return all(
        combination.get(name) == value
        for name, value in answers.items()
        if name in questionnaire.combined
    )


def _case(
    questionnaire: Questionnaire, combination: Combination, wanted: Sequence[Mapping[str, Value]]
) -> Case:
    fitting = [each for each in wanted if _fits(questionnaire, combination, each)]
    others: dict[str, Value] = {}
    for name, value in (pair for each in fitting for pair in each.items()):
        if name not in questionnaire.combined and others.setdefault(name, value) != value:
            both = f"both {others[name]} and {value} for {name_of(questionnaire, combination)}"
            message = f"--only: {name} is {both}"
            raise InputRefusedError(message, hint="Verify one after the other.")
    given = _with_drawn(questionnaire, {"project_name": PROJECT_NAME, **others, **combination})
    answers = settle(
        questionnaire,
        Given({name: Answer(value, Source.FLAG, name) for name, value in given.items()}, {}),
    )
    only = ",".join(pairs_of({**combination, **others}))
    return Case(name_of(questionnaire, combination), combination, answers.values, only)


def _with_drawn(questionnaire: Questionnaire, given: Mapping[str, Value]) -> Mapping[str, Value]:
    """Choose the answers outside the combination, the same for a combination in every run."""
    answers = dict(given)
    for current in questionnaire.walk(answers):
        question = current.question
        drawn = current.applies and question.choices and not question.multiselect
        if current.name in answers or not drawn:
            continue
        seed = f"{current.name} of {sorted(given.items(), key=str)}"
        allowed = current.allowed
        answers[current.name] = (
            _PYTHON if _PYTHON in allowed else allowed[crc32(seed.encode()) % len(allowed)]
        )
    return answers
