"""All valid combinations of choices, an n-wise cover of them, and even shards."""

from __future__ import annotations

import re
from itertools import combinations as subsets
from typing import TYPE_CHECKING

from new_backend.errors import InputRefusedError
from new_backend.questions import OpenQuestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from new_backend.questions import Context, Questionnaire, Value

Combination = dict[str, "Value"]


def all_combinations(questionnaire: Questionnaire) -> list[Combination]:
    """Return every combination that no rule excludes, in the order of the choices.

    A question that does not apply has no key. Questions outside the combinations have the
    defaults of `copier.yml`, so that the list is the same on every machine.
    """
    return list(_extend(questionnaire, 0, {}, {}))


def name_of(combination: Mapping[str, Value]) -> str:
    """Return the name of a combination in folders, reports and test ids."""
    return "-".join(str(value).lower() for value in combination.values())


def checked_strength(questionnaire: Questionnaire, value: str, alternative: str = "") -> int:
    """Return the value of `--strength` as a number; messages name the alternative to a number.

    Raises:
        InputRefusedError: It is not between 1 and the number of questions to combine.
    """
    highest = len(questionnaire.combine)
    strength = int(value) if re.fullmatch(r"[0-9]{1,6}", value) else 0
    if not 1 <= strength <= highest:
        allowed = f"{alternative}, or a number" if alternative else "a number"
        message = f'--strength: invalid value "{value}". Use {allowed} from 1 to {highest}'
        raise InputRefusedError(message, hint=f"It combines {', '.join(questionnaire.combine)}.")
    return strength


def covering(combinations: Sequence[Combination], strength: int) -> list[Combination]:
    """Choose combinations so that each valid choice of `strength` answers occurs in one of them.

    Greedy: the next combination is the one with the most choices that do not occur yet. The
    combinations are enumerated, so that every rule holds without being known here.
    """
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
    """Return the I-th of N parts, written `I/N`, whose sizes differ by at most one.

    Raises:
        InputRefusedError: The text has another form, or there are fewer combinations than parts.
    """
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", part)
    index, count = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= index <= count:
        message = f'--shard: invalid value "{part}". Use I/N with I from 1 to N, such as 1/4'
        raise InputRefusedError(message)
    if count > len(combinations):
        message = f"--shard: {count} parts are more than the {len(combinations)} combinations"
        raise InputRefusedError(message)
    return list(combinations[index - 1 :: count])


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
