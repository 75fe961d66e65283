"""`new-backend add`: change an answer of an existing service, and merge what follows from it.

The service is rendered with its old and its new answers. Git merges the difference into the work
tree, as a commit that is not made yet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from new_backend import after, appended, interruption
from new_backend.answers import cast_answer
from new_backend.errors import InputRefusedError, MissingAnswersError, StoppedError
from new_backend.invocation import UNDO
from new_backend.layers import ANSWERS_FILE, service_files
from new_backend.repository import Repository
from new_backend.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from new_backend.questions import OpenQuestion, Questionnaire, Value

_LOCK_FILE = "uv.lock"
_TESTS = {"test": "make test", "check": "make check"}


class Person(Protocol):
    """The user at the terminal."""

    @property
    def can_answer(self) -> bool:
        """Whether there is a terminal for a prompt."""

    def confirms(self, question: str) -> bool:
        """Ask a yes-or-no question."""

    def announce(self, doing: str) -> None:
        """Show a progress message."""


@dataclass(frozen=True)
class Request:
    """The arguments of the command."""

    changes: Sequence[str]
    folder: Path
    yes: bool = False
    dry_run: bool = False
    test: bool = False


@dataclass(frozen=True)
class Change:
    """An answer before and after; None where the question is not asked."""

    question: str
    before: Value | None
    after: Value | None


@dataclass(frozen=True)
class Added:
    """What a change did to a service, or with `dry_run` would do."""

    service: Service
    changes: Sequence[Change]
    implied: Sequence[Change] = ()
    """The changes that follow from rules."""
    files: Sequence[str] = ()
    conflicts: Sequence[str] = ()
    difference: str = ""
    steps: Sequence[after.StepResult] = ()
    dry_run: bool = False

    @property
    def failed(self) -> after.StepResult | None:
        """The first step that failed."""
        return after.first_failed(self.steps)

    @property
    def to_do(self) -> list[str]:
        """The commands of the step that failed and of those after it."""
        return after.to_do(self.steps)


def add(questionnaire: Questionnaire, request: Request, person: Person) -> Added:
    """Change answers of a service.

    Raises:
        InputRefusedError: An answer is invalid, or the service cannot be changed.
        RepositoryError: Git failed. Nothing has changed.
    """
    service = Service.at(request.folder)
    service.require_version(questionnaire.source)
    recorded = _recorded(questionnaire, service)
    given = _parsed(questionnaire, request.changes)
    answers = _new_answers(questionnaire, recorded, given)
    planned = _planned(service, recorded, answers, given)
    if not planned.changes:
        return planned
    repository = Repository.around(service.folder)
    repository.require_clean()
    _confirm(planned, request, person)
    person.announce("Rendering")
    old = _contents(questionnaire, recorded)
    theirs = {path: (service.folder / path).read_bytes() for path in repository.migrations()}
    new = appended.append(theirs, old, _contents(questionnaire, answers))
    repository.require_free([path for path in new if path not in old])
    if request.dry_run:
        changed = [path for path in {**old, **new} if old.get(path) != new.get(path)]
        difference = repository.difference(old, new)
        return replace(planned, files=sorted(changed), difference=difference, dry_run=True)
    person.announce("Merging")
    steps = list(_steps(repository, service, request))
    results: list[after.StepResult] = []
    try:
        conflicts = repository.merge(old, new)
        if not conflicts:
            after.run(service.folder, steps, person.announce, results)
    except (KeyboardInterrupt, EOFError, SystemExit) as stop:
        raise _stopped(stop, repository, service, steps[len(results) :]) from None
    return replace(planned, files=repository.changed(), conflicts=conflicts, steps=results)


def abort(folder: Path) -> tuple[Service, Sequence[str]]:
    """Undo the last change of a service that is not committed. Return the files that were reset.

    Raises:
        InputRefusedError: There is none.
    """
    service = Service.at(folder)
    return service, Repository.around(service.folder).abort()


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


def _recorded(questionnaire: Questionnaire, service: Service) -> dict[str, Value]:
    """Return the answers of a service, each in the type of its question."""
    answers: dict[str, Value] = {}
    problems = []
    for name, raw in service.answers.items():
        try:
            answers[name] = cast_answer(questionnaire, name, raw)
        except ValueError as error:
            problems.append(f"{ANSWERS_FILE}: {error}")
    if problems:
        raise InputRefusedError(*problems)
    return answers


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
        value = changes.get(name, _still_valid(current, recorded.get(name)))
        if value is None:
            problems.append(f"{name} has no answer. Add {name}=ANSWER")
            continue
        if problem := current.problem(value):
            problems.append(f"{name}: {problem}")
        answers[name] = value
    if problems:
        raise InputRefusedError(*problems)
    return answers


def _still_valid(current: OpenQuestion, recorded: Value | None) -> Value | None:
    if recorded is not None and not current.problem(recorded):
        return recorded
    default: Value | None = current.default
    return default


def _planned(
    service: Service,
    recorded: Mapping[str, Value],
    answers: Mapping[str, Value],
    given: Mapping[str, Value],
) -> Added:
    changes = [
        Change(name, recorded.get(name), answers.get(name))
        for name in {**recorded, **answers}
        if recorded.get(name) != answers.get(name)
    ]
    return Added(
        service,
        [change for change in changes if change.question in given],
        [change for change in changes if change.question not in given],
    )


def _confirm(planned: Added, request: Request, person: Person) -> None:
    if not planned.implied or request.yes or request.dry_run:
        return
    listed = ", ".join(f"{each.question}={each.after or '(none)'}" for each in planned.implied)
    if not person.can_answer:
        message = f"this also changes {listed}"
        raise MissingAnswersError(message, hint="To accept that: --yes")
    if not person.confirms(f"This also changes {listed}. Continue?"):
        raise StoppedError(interruption.NOTHING_WRITTEN)


def _contents(questionnaire: Questionnaire, answers: Mapping[str, Value]) -> dict[str, bytes]:
    return {file.path: file.content for file in service_files(questionnaire, answers)}


def _steps(repository: Repository, service: Service, request: Request) -> Iterator[after.Step]:
    """Yield what follows a merge without conflicts."""
    if (service.folder / _LOCK_FILE).exists():
        lock = partial(_lock, repository)
        yield after.Step("lock", "Locking the dependencies", after.uv_command("lock"), lock)
    for name, command in _TESTS.items() if request.test else ():
        test = partial(after.run_command, name, command)
        yield after.Step(name, f"Running {command}", command, test)


def _lock(repository: Repository, project: Path) -> after.StepResult:
    result = after.lock(project)
    if result.status is after.Status.DONE:
        repository.stage(_LOCK_FILE)
    return result


def _stopped(
    stop: BaseException, repository: Repository, service: Service, missing: Sequence[after.Step]
) -> StoppedError | BaseException:
    """Return the error for a signal: whether the service is changed, and what is missing."""
    code = interruption.exit_code(stop)
    if code is None:
        return stop
    if not repository.changed():
        return StoppedError(interruption.NOTHING_WRITTEN, exit_code=code)
    message = f"interrupted. The service is changed and not committed: {service.folder}"
    to_do = " && ".join(step.command for step in missing)
    undo = f"To undo it: {UNDO}"
    hint = f"To complete it: {to_do}. {undo}" if to_do else undo
    return StoppedError(message, hint=hint, exit_code=code)
