"""`new-backend update`: follow the template to another version."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from new_backend import change, interruption
from new_backend.errors import InputRefusedError, MissingAnswersError, StoppedError
from new_backend.history import is_older
from new_backend.repository import Repository
from new_backend.service import Service

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from new_backend.change import Changed, Mode, Person
    from new_backend.history import History
    from new_backend.questions import OpenQuestion, Questionnaire, Value

COMMAND = "update"


@dataclass(frozen=True)
class Request:
    """The arguments of the command. `to` is a version; None means the newest one."""

    folder: Path
    mode: Mode
    to: str | None = None


def update(history: History, request: Request, person: Person) -> Changed:
    """Merge what the template changed between the service's version and another one.

    If the tests that `mode.test` runs fail, the service is as before.

    Raises:
        InputRefusedError: The version is unknown, or the service cannot be changed.
        MissingAnswersError: The version asks new questions, and there is no terminal.
        GitError: Git failed. Nothing has changed.
    """
    service = Service.at(request.folder)
    before = service.template(history)
    version = request.to or history.newest
    if is_older(version, service.version):
        message = f"the service has version {service.version} of the template, newer than {version}"
        raise InputRefusedError(message)
    planned = change.Changed(service, COMMAND, (service.version, version))
    if planned.nothing:
        return planned
    after = history.questionnaire(version)
    recorded = service.recorded(before)
    repository = Repository.around(service.folder)
    repository.require_clean()
    answers, new_questions = _answers(after, recorded, request.mode, person)
    planned = change.with_changes(planned, recorded, answers, new_questions)
    planned = replace(planned, changelog=history.changelog(service.version, version))
    change.confirm(planned, request.mode, person)
    person.announce("Rendering")
    old = change.contents(before, recorded)
    new = {**change.contents(after, answers), **after.of_user(old)}
    renderings = change.Renderings(old, new)
    changed = change.merge(planned, repository, renderings, request.mode, person)
    if changed.failed and changed.failed.name in change.TESTS:
        repository.abort()
        return replace(changed, undone=True)
    return changed


def _answers(
    questionnaire: Questionnaire, recorded: Mapping[str, Value], mode: Mode, person: Person
) -> tuple[dict[str, Value], dict[str, Value]]:
    """Return the answers for another version, and those of them that are new."""
    missing = []
    answers: dict[str, Value] = {}
    new: dict[str, Value] = {}
    for current in questionnaire.walk(answers):
        name = current.name
        if not current.applies:
            continue
        if name in recorded:
            value = change.still_valid(current, recorded[name])
        elif mode.yes or mode.dry_run or not person.can_answer:
            value = new[name] = current.default
            if not (mode.yes or mode.dry_run) or value is None:
                missing.append(name)
        else:
            value = new[name] = _asked(current, person)
        if value is not None:
            answers[name] = value
    if missing:
        message = f"the template has new questions: {', '.join(missing)}"
        raise MissingAnswersError(message, hint="To accept their defaults: --yes")
    return answers, new


def _asked(current: OpenQuestion, person: Person) -> Value:
    try:
        return person.answer(current)
    except (KeyboardInterrupt, EOFError):
        raise StoppedError(interruption.NOTHING_WRITTEN) from None
