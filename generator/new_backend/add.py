"""`new-backend add`: change answers of an existing service, and merge what follows from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from new_backend import change
from new_backend.answers import cast_answer
from new_backend.errors import InputRefusedError
from new_backend.repository import Repository
from new_backend.service import Service

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from new_backend.change import Changed, Mode, Person
    from new_backend.history import History
    from new_backend.questions import Questionnaire, Value

COMMAND = "add"


@dataclass(frozen=True)
class Request:
    """The arguments of the command."""

    changes: Sequence[str]
    folder: Path
    mode: Mode


def add(history: History, request: Request, person: Person) -> Changed:
    """Change answers of a service, with the template in the version of the service.

    Raises:
        InputRefusedError: An answer is invalid, or the service cannot be changed.
        GitError: Git failed. Nothing has changed.
    """
    service = Service.at(request.folder)
    questionnaire = service.template(history)
    recorded = service.recorded(questionnaire)
    given = _parsed(questionnaire, request.changes)
    answers = _new_answers(questionnaire, recorded, given)
    planned = change.Changed(service, COMMAND, (service.version, service.version))
    planned = change.with_changes(planned, recorded, answers, given)
    if planned.nothing:
        return planned
    changed = [each.question for each in (*planned.changes, *planned.implied)]
    notes = [questionnaire.notes[name] for name in changed if name in questionnaire.notes]
    planned = replace(planned, notes=notes)
    repository = Repository.around(service.folder)
    repository.require_clean()
    change.confirm(planned, request.mode, person)
    person.announce("Rendering")
    renderings = change.Renderings(
        change.contents(questionnaire, recorded), change.contents(questionnaire, answers)
    )
    return change.merge(planned, repository, renderings, request.mode, person)


def _parsed(questionnaire: Questionnaire, words: Sequence[str]) -> dict[str, Value]:
    changes: dict[str, Value] = {}
    problems = []
    for word in words:
        name, separator, text = word.partition("=")
        if not separator:
            problems.append(f'"{word}" is not QUESTION=ANSWER, such as cache=redis')
        elif name in changes:
            problems.append(f"{name} has two answers")
        elif name in questionnaire.fixed:
            problems.append(f"{name} cannot be changed: {questionnaire.fixed[name]}")
        else:
            try:
                changes[name] = cast_answer(questionnaire, name, text)
            except ValueError as error:
                problems.append(str(error))
    if problems:
        raise InputRefusedError(*problems)
    return changes


def _new_answers(
    questionnaire: Questionnaire, recorded: Mapping[str, Value], changes: Mapping[str, Value]
) -> dict[str, Value]:
    """Return all answers, with the default of each question whose old answer a rule excludes."""
    problems = []
    answers: dict[str, Value] = {}
    for current in questionnaire.walk(answers):
        name = current.name
        if not current.applies:
            if name in changes:
                problems.append(f"{name} does not apply to these answers")
            continue
        value = changes.get(name, change.still_valid(current, recorded.get(name)))
        if value is None:
            problems.append(f"{name} has no answer. Add {name}=ANSWER")
            continue
        if problem := current.problem(value):
            problems.append(f"{name}: {problem}")
        answers[name] = value
    if problems:
        raise InputRefusedError(*problems)
    return answers
