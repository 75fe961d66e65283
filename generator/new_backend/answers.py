"""Combine flags, answers file, prompts and defaults into one valid set of answers."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from new_backend.errors import InputRefusedError, MissingAnswersError
from new_backend.invocation import program, spelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from new_backend.presets import Preset
    from new_backend.questions import OpenQuestion, Question, Questionnaire, Value


class Source(StrEnum):
    """Where an answer came from."""

    FLAG = "flag"
    FILE = "answers file"
    PRESET = "preset"
    PROMPT = "prompt"
    FOLDER = "folder"
    GIT = "git"
    PYTHON = "running Python"
    DEFAULT = "default"


@dataclass(frozen=True)
class Answer:
    """A value and its source. `label` names the source in messages."""

    value: Value
    source: Source
    label: str


@dataclass(frozen=True)
class Answers:
    """The answers to all questions that apply, in the order of `copier.yml`."""

    by_name: Mapping[str, Answer]

    @property
    def values(self) -> dict[str, Value]:
        """The values by question."""
        return {name: answer.value for name, answer in self.by_name.items()}

    @property
    def sources(self) -> dict[str, str]:
        """The source of each answer."""
        return {name: answer.source.value for name, answer in self.by_name.items()}

    def __getitem__(self, name: str) -> Value:
        """Return the value of one answer."""
        return self.by_name[name].value


@dataclass(frozen=True)
class Given:
    """The answers known before any prompt, and proposals for the others."""

    answers: Mapping[str, Answer]
    proposals: Mapping[str, Answer]
    problems: Sequence[str] = ()
    """Errors in answers that belong to no question, or have the wrong type."""

    def proposal(self, current: OpenQuestion) -> Answer | None:
        """Return the answer of a question whose default is accepted."""
        proposed = self.proposals.get(current.name)
        if proposed is not None and not current.problem(proposed.value):
            return proposed
        if current.default is None:
            return None
        return Answer(current.default, Source.DEFAULT, f"{current.name} (its default)")


def gather(
    questionnaire: Questionnaire,
    *,
    flags: Mapping[str, object],
    file: tuple[str, Mapping[str, object]],
    folder: Path | None,
    preset: Preset | None = None,
) -> Given:
    """Combine flags, answers file and preset. A flag overrides the file, and that the preset.

    A locked answer of the preset can be repeated, not changed.

    Args:
        questionnaire: The questions.
        flags: The answers on the command line.
        file: The name of the answers file, and its answers.
        folder: The folder of the service, whose name is a default.
        preset: Answers that come after those of flags and file, and defaults.
    """
    file_name, in_file = file
    problems = []
    answers = _answers_of(preset) if preset else {}
    for name, raw in {**in_file, **flags}.items():
        by_flag = name in flags
        place = "" if by_flag else f"{file_name}: "
        label = questionnaire.by_name[name].flag if by_flag else name
        try:
            value = cast_answer(questionnaire, name, raw, label)
        except ValueError as error:
            problems.append(f"{place}{error}")
            continue
        if preset and name in preset.locked and value != preset.answers[name]:
            locked = f'the preset "{preset.name}" locks it to {spelled(preset.answers[name])}'
            problems.append(f"{place}{label}: {locked}")
            continue
        source = Source.FLAG if by_flag else Source.FILE
        answers[name] = Answer(value, source, f"{place}{label}")
    if folder is not None and "project_name" not in answers:
        answers["project_name"] = Answer(
            folder.name, Source.FOLDER, "project_name, from the name of the folder"
        )
    proposals = dict(_machine_proposals(questionnaire, answers))
    if preset:
        proposals |= {
            name: Answer(value, Source.PRESET, f'preset "{preset.name}": default of {name}')
            for name, value in preset.defaults.items()
        }
    return Given(answers, proposals, tuple(problems))


def _answers_of(preset: Preset) -> dict[str, Answer]:
    return {
        name: Answer(value, Source.PRESET, f'preset "{preset.name}": {name}')
        for name, value in preset.answers.items()
    }


def settle(questionnaire: Questionnaire, given: Given, *, partial: bool = False) -> Answers:
    """Check the given answers, and return them with the defaults of the others.

    With `partial`, only the given answers are checked: the wizard asks for the others.

    Raises:
        InputRefusedError: Answers are invalid; it has a message for each.
        MissingAnswersError: A question has no answer and no default.
    """
    problems = list(given.problems)
    missing = []
    refused: set[str] = set()
    taken: dict[str, Answer] = {}
    values: dict[str, Value] = {}
    for current in questionnaire.walk(values):
        name = current.name
        answer = given.answers.get(name)
        if not current.applies:
            # A preset serves different stacks.
            if answer is not None and not partial and answer.source is not Source.PRESET:
                problems.append(f"{answer.label}: {_not_applicable(current)}")
            continue
        was_given = answer is not None
        answer = answer or given.proposal(current)
        if answer is None:
            missing.append(name)
            refused.add(name)
            continue
        due = not partial or _can_be_judged(current, answer, given)
        problem = current.problem(answer.value) if due else ""
        if problem:
            if not refused & _causes(current, was_given=was_given):
                problems.append(f"{answer.label}: {problem}")
            refused.add(name)
        # With an unknown choice, the messages of the rules that depend on it would mislead.
        if current.offers(answer.value):
            taken[name] = answer
            values[name] = answer.value
    if problems:
        raise InputRefusedError(*problems)
    if missing and not partial:
        listed = ", ".join(missing)
        message = f"missing answers without a default: {listed}"
        raise MissingAnswersError(message)
    return Answers(taken)


def described_default(questionnaire: Questionnaire, question: Question) -> str:
    """Return a short description of a question's default, before any answer is known."""
    if question.name in _KNOWN_BY_MACHINE:
        return _KNOWN_BY_MACHINE[question.name][1]
    if derived := questionnaire.references(question.default):
        return f"from {', '.join(sorted(derived))}"
    if isinstance(question.default, list):
        return ", ".join(question.default) or "(none)"
    return "" if question.default is None else str(question.default)


def flag_words(questionnaire: Questionnaire, answers: Mapping[str, object]) -> list[str]:
    """Return answers as flags of `create`."""
    words = []
    for name, value in answers.items():
        flag = questionnaire.by_name[name].flag
        if isinstance(value, bool):
            words.append(flag if value else flag.replace("--", "--no-", 1))
            continue
        text = spelled(value)
        # One word: a value may begin with a hyphen.
        words += [f"{flag}={text}"] if text.startswith("-") else [flag, text]
    return words


def replay_command(answers: Answers, questionnaire: Questionnaire) -> str:
    """Return the shell command that creates the same service again with this version."""
    words = [*program(questionnaire.source), "create", str(answers["project_name"])]
    return shlex.join([*words, *flag_words(questionnaire, answers.values), "--yes"])


def _can_be_judged(current: OpenQuestion, answer: Answer, given: Given) -> bool:
    """Whether an answer is valid or not, independently of the open questions."""
    if answer.source not in {Source.FLAG, Source.FILE, Source.PRESET}:
        return False
    causes = _causes(current, was_given=True)
    return not current.offers(answer.value) or causes <= given.answers.keys()


def _causes(current: OpenQuestion, *, was_given: bool) -> frozenset[str]:
    """Return the questions whose invalid answers can make this one's invalid."""
    question = current.question
    texts = [choice.validator for choice in question.choices]
    if not was_given:
        texts.append(str(question.default))
    return frozenset().union(*map(current.questionnaire.references, texts))


def cast_answer(
    questionnaire: Questionnaire, name: str, raw: object, label: str | None = None
) -> Value:
    """Convert an answer to the type of its question.

    Raises:
        ValueError: There is no such question, or the value has another type. The message begins
            with the label, by default the name.
    """
    question = questionnaire.by_name.get(name)
    if question is None or question.hidden:
        raise ValueError(_unknown_key(questionnaire, name))
    try:
        return question.cast(raw)
    except ValueError as error:
        message = f"{label or name}: {error}"
        raise ValueError(message) from error


def _unknown_key(questionnaire: Questionnaire, name: str) -> str:
    names = [question.name for question in questionnaire.visible]
    near = get_close_matches(name.lower().replace("-", "_"), names, n=1)
    if near:
        return f'unknown question "{name}". Did you mean "{near[0]}"?'
    return f'unknown question "{name}". The questions are {", ".join(names)}'


def _not_applicable(current: OpenQuestion) -> str:
    because = sorted(current.questionnaire.references(current.question.when))
    state = ", ".join(f"{name} is {current.context.get(name)}" for name in because)
    return f"does not apply: {state}. Leave it out"


def _machine_proposals(
    questionnaire: Questionnaire, answers: Mapping[str, Answer]
) -> Iterator[tuple[str, Answer]]:
    for name, (source, place, find) in _KNOWN_BY_MACHINE.items():
        if name in answers or name not in questionnaire.by_name:
            continue
        if value := find():
            yield name, Answer(value, source, f"{name} ({place})")


def _git_setting(variable: str, key: str) -> str:
    if value := os.environ.get(variable):
        return value
    try:
        found = subprocess.run(["git", "config", key], capture_output=True, check=False)
    except OSError:
        return ""
    return found.stdout.decode(errors="replace").strip()


_KNOWN_BY_MACHINE: Mapping[str, tuple[Source, str, Callable[[], str]]] = {
    "author": (
        Source.GIT,
        "git's user.name",
        partial(_git_setting, "GIT_AUTHOR_NAME", "user.name"),
    ),
    "email": (
        Source.GIT,
        "git's user.email",
        partial(_git_setting, "GIT_AUTHOR_EMAIL", "user.email"),
    ),
    "python_version": (
        Source.PYTHON,
        "the running Python",
        lambda: f"{sys.version_info.major}.{sys.version_info.minor}",
    ),
}
