"""All valid combinations of choices, covers of them, and even shards.

The questions of `_combine` form the core: each valid combination of their choices is enumerated.
The questions of `_features` are covered: a combination has an answer to each feature, and the
combinations contain each valid pair of choices, but not each set of features.
"""

from __future__ import annotations

import re
from itertools import combinations as subsets
from itertools import product
from typing import TYPE_CHECKING

from new_backend.errors import InputRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from new_backend.questions import Question, Questionnaire, Value

    Answer = str | bool | None
    """None means that the question does not apply."""

    _Row = Mapping[str, Answer]
    """Answers by part: a question, or a choice of a multiselect question, such as `extras=mail`."""

Combination = dict[str, "Value"]
_Numbers = tuple[int, ...]
"""Choices as numbers, in the order of the questions: the core first, then the features."""

_PAIRS = 2
SEPARATOR = "+"
"""Separates the choices of a multiselect question in `--only`."""
_IS = "="


def all_combinations(questionnaire: Questionnaire) -> list[Combination]:
    """Return every combination of the core that no rule excludes, in the order of the choices.

    A question that does not apply has no key. Questions outside the combinations have the
    defaults of `copier.yml`, so that the list is the same on every machine.
    """
    space = _Space(questionnaire, questionnaire.combine)
    found: dict[tuple[object, ...], Combination] = {}
    for row in space.rows():
        core = {name: value for name, value in row.items() if name in questionnaire.combine}
        found.setdefault(tuple(core.items()), _asked(core))
    return list(found.values())


def cover(
    questionnaire: Questionnaire,
    strength: int | None = None,
    only: Sequence[Mapping[str, Value]] = (),
) -> list[Combination]:
    """Choose combinations of the core, each with an answer to every feature.

    Args:
        questionnaire: The questions of the template.
        strength: How many choices meet: each valid set of so many occurs in a combination. None
            takes every combination of the core, and each valid pair with a choice of a feature.
        only: Choose only combinations that have all answers of one of these.
    """
    return _Cover(questionnaire, only).chosen(strength)


def name_of(questionnaire: Questionnaire, combination: Mapping[str, Value]) -> str:
    """Return the name of a combination in folders, reports and test IDs.

    It contains the choices of the core, and the features that are on, such as `cache-redis`.
    """
    words = []
    for name, value in combination.items():
        if name not in questionnaire.features:
            words.append(str(value).lower())
        elif value != _off(questionnaire.by_name[name]):
            words += _name_of_feature(name.replace("_", "-"), value)
    return "-".join(words)


def _name_of_feature(name: str, value: Value) -> list[str]:
    if isinstance(value, bool):
        return [name if value else f"no-{name}"]
    return [f"{name}-{each}" for each in (value if isinstance(value, list) else [value])]


def _off(question: Question) -> Value:
    """Return the choice of a feature that names of combinations omit: its default."""
    if question.multiselect:
        return []
    if question.type == "bool":
        return question.default is True
    values = [choice.value for choice in question.choices]
    return next((value for value in values if value == question.default), values[0])


def pairs_of(combination: Mapping[str, Value]) -> list[str]:
    """Return the answers of a combination as `--only` reads them."""
    return [f"{name}={_spelled(value)}" for name, value in combination.items()]


def _spelled(value: Value) -> str:
    if isinstance(value, list):
        return SEPARATOR.join(value)
    return str(value).lower() if isinstance(value, bool) else value


def checked_strength(questionnaire: Questionnaire, value: str, alternative: str = "") -> int:
    """Return the value of `--strength` as a number; messages name the alternative to a number.

    Raises:
        InputRefusedError: It is not between 1 and the number of questions to combine.
    """
    highest = len(questionnaire.combined)
    strength = int(value) if re.fullmatch(r"[0-9]{1,6}", value) else 0
    if not 1 <= strength <= highest:
        allowed = f"{alternative}, or a number" if alternative else "a number"
        message = f'--strength: invalid value "{value}". Use {allowed} from 1 to {highest}'
        raise InputRefusedError(message, hint=f"It combines {', '.join(questionnaire.combined)}.")
    return strength


def covering(combinations: Sequence[Combination], strength: int) -> list[Combination]:
    """Choose from combinations so that each set of `strength` choices in them occurs in one.

    Greedy: the next combination is the one with the most sets that do not occur yet.
    """
    names = list(dict.fromkeys(name for combination in combinations for name in combination))
    size = min(strength, len(names))
    rows = [tuple((name, each.get(name)) for name in names) for each in combinations]
    occurring = [set(subsets(row, size)) for row in rows]
    missing = set().union(*occurring)
    chosen = []
    while missing:
        best = max(range(len(rows)), key=lambda index: len(occurring[index] & missing))
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


def _parts(question: Question) -> list[str]:
    if question.multiselect:
        return [f"{question.name}{_IS}{choice.value}" for choice in question.choices]
    return [question.name]


def _split(questionnaire: Questionnaire, answers: Mapping[str, Value]) -> dict[str, Answer]:
    """Return the parts of the answers to questions that a combination answers."""
    row: dict[str, Answer] = {}
    for name, value in answers.items():
        if name in questionnaire.combined:
            for part in _parts(questionnaire.by_name[name]):
                choice = part.partition(_IS)[2]
                row[part] = choice in value if isinstance(value, list) else value
    return row


def _asked(row: _Row) -> Combination:
    """Return the answers of a row, with a list for each multiselect question."""
    answers: Combination = {}
    for part, value in row.items():
        name, several, choice = part.partition(_IS)
        if value is not None and several:
            before = answers.get(name)
            chosen = [choice] if value else []
            answers[name] = [*(before if isinstance(before, list) else []), *chosen]
        elif value is not None:
            answers[name] = value
    return answers


class _Space:
    """The valid rows of some questions, and of the features that their rules refer to.

    A rule is slow to render. Its result holds for all rows that agree in the answers to which the
    rule refers, and is kept for them.
    """

    def __init__(self, questionnaire: Questionnaire, names: Iterable[str]) -> None:
        self._questionnaire = questionnaire
        causes: dict[str, set[str]] = {}
        waiting = [*names]
        while waiting:
            name = waiting.pop()
            if name not in causes:
                causes[name] = _causes(questionnaire, name)
                waiting += causes[name]
        questions = [each for each in questionnaire.visible if each.name in causes]
        parts = {question.name: _parts(question) for question in questions}
        self.parts = [part for question in questions for part in parts[question.name]]
        self._causes = {
            part: [
                *(cause for name in sorted(causes[question.name]) for cause in parts[name]),
                *(before for before in parts[question.name][:position] if question.validator),
            ]
            for question in questions
            for position, part in enumerate(parts[question.name])
        }
        self._known: dict[tuple[object, ...], Sequence[Answer]] = {}

    def allowed(self, part: str, row: _Row) -> Sequence[Answer]:
        """Return the answers that a part can have under the answers before it."""
        key = (part, *(row.get(cause) for cause in self._causes[part]))
        if key not in self._known:
            self._known[key] = self._evaluated(part, _asked(row))
        return self._known[key]

    def _evaluated(self, part: str, before: Combination) -> Sequence[Answer]:
        name, several, choice = part.partition(_IS)
        current = self._questionnaire.at(name, before)
        if not current.applies:
            return [None]
        if not several:
            return current.allowed
        answers = [True, False] if choice in current.allowed else [False]
        if part != _parts(current.question)[-1]:
            return answers
        others = before.get(name, [])
        chosen = others if isinstance(others, list) else []
        # Only now the whole list is known, which the validator of the question may refuse.
        return [each for each in answers if not current.problem([*chosen, *[choice] * each])]

    def rows(self, before: _Row | None = None) -> Iterator[dict[str, Answer]]:
        """Yield every row, in the order of the choices."""
        row = dict(before or {})
        if len(row) == len(self.parts):
            yield row
            return
        part = self.parts[len(row)]
        for value in self.allowed(part, row):
            yield from self.rows({**row, part: value})

    def complete(
        self,
        fixed: _Row,
        order: Callable[[str, Sequence[Answer], _Row], Sequence[Answer]] | None = None,
    ) -> _Row | None:
        """Return a row with these answers, or None if no valid row has them.

        Where no answer is left, the search returns to the last part that is to blame. The parts in
        between would only be tried in vain.

        Args:
            fixed: The answers that the row must have.
            order: Sorts the answers of a part that is not fixed, best first, by the answers
                that are fixed or were chosen before.
        """
        row: dict[str, Answer] = {}

        def blamed(position: int) -> set[str] | None:
            """Complete the row from a part on, or return the parts that prevent it."""
            if position == len(self.parts):
                return None
            part = self.parts[position]
            allowed = self.allowed(part, row)
            found = set(self._causes[part])
            if part in fixed:
                allowed = [each for each in allowed if each == fixed[part]]
            elif order:
                allowed = order(part, allowed, {**fixed, **row})
            for value in allowed:
                row[part] = value
                causes = blamed(position + 1)
                if causes is None:
                    return None
                del row[part]
                if part not in causes:
                    return causes
                found |= causes - {part}
            return found

        return row if blamed(0) is None else None


def _causes(questionnaire: Questionnaire, name: str) -> set[str]:
    """Return the questions of rows whose answers decide what a question allows."""
    question = questionnaire.by_name[name]
    texts = [choice.validator for choice in question.choices]
    waiting: list[object] = [question.when, question.validator, *texts]
    found: set[str] = set()
    seen: set[object] = set()
    while waiting:
        text = waiting.pop()
        if text in seen:
            continue
        seen.add(text)
        for each in questionnaire.references(text):
            cause = questionnaire.by_name[each]
            if each in questionnaire.combined:
                found.add(each)
            if (
                each not in questionnaire.combined or cause.when is not True
            ):  # it may have its default
                texts = [choice.validator for choice in cause.choices]
                waiting += [cause.default, cause.when, *texts]
    return found - {name}


class _Cover:
    """The choice of rows: each is a combination of the core, completed by the features."""

    def __init__(self, questionnaire: Questionnaire, only: Sequence[Mapping[str, Value]]) -> None:
        self._space = _Space(questionnaire, questionnaire.combined)
        self._core = [part for part in self._space.parts if part in questionnaire.combine]
        self._features: dict[str, Question] = {
            part: question
            for question in questionnaire.visible
            if question.name in questionnaire.features
            for part in _parts(question)
        }
        # A row has all answers of one of these.
        self._only = [_split(questionnaire, each) for each in only] or [{}]
        combinations = [_split(questionnaire, each) for each in all_combinations(questionnaire)]
        cores = [{part: each.get(part) for part in self._core} for each in combinations]
        self._cores = [core for core in cores if self._is_valid(core)]
        self._numbers: dict[tuple[str, Answer], int] = {}
        self._size = 0
        self._missing: set[_Numbers] = set()

    def chosen(self, strength: int | None) -> list[Combination]:
        """Return the rows, in the order of the core."""
        if not self._features:
            cores = [_asked(core) for core in self._cores]
            return cores if strength is None else covering(cores, strength)
        self._size = min(strength or _PAIRS, len(self._core) + len(self._features))
        self._missing = self._sets()
        rows = list(self._greedy() if strength else self._one_of_each_core())
        rows += self._rest()
        rows.sort(key=lambda row: self._cores.index({name: row[name] for name in self._core}))
        parts = [*self._core, *self._features]
        return [_asked({part: row[part] for part in parts}) for row in rows]

    def _greedy(self) -> Iterator[_Row]:
        """Take the row with the most missing sets, as long as one has some."""
        while (row := self._best(self._cores)) and self._gain(row):
            yield self._taken(row)

    def _one_of_each_core(self) -> Iterator[_Row]:
        for core in self._cores:
            if row := self._best([core]):
                yield self._taken(row)

    def _rest(self) -> Iterator[_Row]:
        """Take a row for each set that is still missing, unless no valid row contains it."""
        answers = {number: answer for answer, number in self._numbers.items()}
        for numbers in sorted(self._missing):
            if numbers not in self._missing:
                continue
            wanted = dict(answers[number] for number in numbers)
            if self._is_valid(wanted):
                row = self._best(
                    {**core, **wanted}
                    for core in self._cores
                    if all(core[name] == wanted.get(name, core[name]) for name in core)
                )
                if row:
                    yield self._taken(row)

    def _is_valid(self, answers: _Row) -> bool:
        """Whether some row has these answers."""
        return any(self._space.complete(fixed) for fixed in self._agreeing(answers))

    def _agreeing(self, answers: _Row) -> Iterator[_Row]:
        """Yield the answers with those of each `only` that agrees."""
        for only in self._only:
            if all(answers.get(name, value) == value for name, value in only.items()):
                yield {**only, **answers}

    def _best(self, candidates: Iterable[_Row]) -> _Row | None:
        """Complete each candidate, and return the row with the most missing sets."""
        completed = (
            self._space.complete(fixed, self._preferred)
            for candidate in candidates
            for fixed in self._agreeing(candidate)
        )
        return max(filter(None, completed), key=self._gain, default=None)

    def _preferred(self, part: str, allowed: Sequence[Answer], row: _Row) -> Sequence[Answer]:
        """Sort the choices of a feature by the missing sets that they complete; off wins a tie."""
        before = self._numbered(row)
        feature = self._features[part]

        def worth(answer: Answer) -> tuple[int, bool]:
            number = self._number(part, answer)
            met = sum((*each, number) in self._missing for each in subsets(before, self._size - 1))
            return met, answer == (_off(feature) if part == feature.name else False)

        return sorted(allowed, key=worth, reverse=True)

    def _gain(self, row: _Row) -> int:
        return sum(each in self._missing for each in subsets(self._numbered(row), self._size))

    def _taken(self, row: _Row) -> _Row:
        self._missing -= {*subsets(self._numbered(row), self._size)}
        return row

    def _sets(self) -> set[_Numbers]:
        """Return the sets of choices that must meet, also those that no valid row contains."""
        cores = [self._numbered(core) for core in self._cores]
        values = [
            [self._number(part, answer) for answer in _answers(part, feature)]
            for part, feature in self._features.items()
        ]
        found: set[_Numbers] = set()
        for count in range(self._size + 1):
            of_core = {each for core in cores for each in subsets(core, self._size - count)}
            for features in subsets(values, count):
                found |= {(*a, *b) for a, b in product(of_core, product(*features))}
        return found

    def _numbered(self, row: _Row) -> _Numbers:
        parts = [*self._core, *self._features]
        return tuple(self._number(part, row[part]) for part in parts if part in row)

    def _number(self, part: str, answer: Answer) -> int:
        return self._numbers.setdefault((part, answer), len(self._numbers))


def _answers(part: str, feature: Question) -> list[Answer]:
    """Return the answers to a part of a feature, with None if it may not apply."""
    values = [choice.value for choice in feature.choices]
    answers: list[Answer] = [*values] if values and part == feature.name else [True, False]
    return [*answers, *([] if feature.when is True else [None])]
