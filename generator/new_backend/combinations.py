"""All valid combinations of the option questions, an n-wise cover of them, and even shards."""

from __future__ import annotations

from itertools import combinations as subsets
from typing import TYPE_CHECKING

from new_backend.errors import InputRefusedError
from new_backend.questions import OpenQuestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from new_backend.questions import Context, Questionnaire, Value

Combination = dict[str, "Value"]


def all_combinations(questionnaire: Questionnaire) -> list[Combination]:
    """List every combination that no rule excludes, in the order of the choices.

    A question that does not apply has no key; the other questions count by the defaults of
    `copier.yml`, so that the list is the same on every machine.
    """
    return list(_extend(questionnaire, 0, {}, {}))


def name_of(combination: Mapping[str, Value]) -> str:
    """Return what a combination is called in folders, reports and test ids."""
    return "-".join(str(value).lower() for value in combination.values())


def covering(combinations: Sequence[Combination], strength: int) -> list[Combination]:
    """Choose combinations so that each valid choice of `strength` answers occurs in one of them.

    Greedy: the next combination is the one with the most choices that do not occur yet. The
    combinations are enumerated, so that every rule holds without being known here.

    Raises:
        InputRefusedError: The strength is below 1.
    """
    if strength < 1:
        message = f"--strength {strength}: give 1 or more"
        raise InputRefusedError(message)
    names = list(dict.fromkeys(name for combination in combinations for name in combination))
    columns = list(subsets(names, min(strength, len(names))))
    occurring = [
        {tuple((name, each.get(name)) for name in column) for column in columns}
        for each in combinations
    ]
    missing = set().union(*occurring)
    chosen = []
    while missing:
        best = max(range(len(combinations)), key=lambda index: len(occurring[index] & missing))
        chosen.append(best)
        missing -= occurring[best]
    return [combinations[index] for index in sorted(chosen)]


def shard(combinations: Sequence[Combination], part: str) -> list[Combination]:
    """Take the I-th of N parts, written `I/N`; their sizes differ by one at most.

    Raises:
        InputRefusedError: It is not of that form.
    """
    index, _, count = part.partition("/")
    if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        message = f"--shard {part}: give I/N with I from 1 to N, such as 1/4"
        raise InputRefusedError(message)
    return list(combinations[int(index) - 1 :: int(count)])


def _extend(
    questionnaire: Questionnaire, position: int, context: Context, chosen: Combination
) -> Iterator[Combination]:
    last = questionnaire.questions.index(questionnaire.visible[-1])
    context = dict(context)
    for index in range(position, last + 1):
        question = questionnaire.questions[index]
        current = OpenQuestion(question, context, questionnaire)
        if question.name in questionnaire.combine and current.applies:
            for value in current.allowed:
                picked = {question.name: value}
                yield from _extend(
                    questionnaire, index + 1, {**context, **picked}, {**chosen, **picked}
                )
            return
        if current.default is not None:
            context[question.name] = current.default
    yield chosen
