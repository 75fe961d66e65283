"""A change of a service: what `add` and `update` share.

The service is rendered as the template gave it, and as the template gives it now. Git merges the
difference into the work tree, as a commit that is not made yet.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

from new_backend import after, appended, interruption
from new_backend.errors import MissingAnswersError, StoppedError
from new_backend.invocation import spelled, undo
from new_backend.layers import service_files
from new_backend.rendering import broken_template_reported

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from new_backend.questions import OpenQuestion, Questionnaire, Value
    from new_backend.repository import Repository
    from new_backend.service import Service

_LOCK_FILE = "uv.lock"
TESTS = {"test": "make test", "check": "make check"}
"""The steps of `Mode.test` with their commands."""


class Person(Protocol):
    """The user at the terminal."""

    @property
    def can_answer(self) -> bool:
        """Whether there is a terminal for a prompt."""

    def answer(self, current: OpenQuestion) -> Value:
        """Ask one question."""

    def confirms(self, question: str) -> bool:
        """Ask a yes-or-no question."""

    def announce(self, doing: str) -> None:
        """Show a progress message."""


class Absent:
    """A user who is not there, as in a run over many services."""

    can_answer = False

    def answer(self, current: OpenQuestion) -> Value:
        """Fail: a change does not ask where there is no terminal."""
        raise NotImplementedError

    def confirms(self, question: str) -> bool:
        """Fail, as `answer` does."""
        raise NotImplementedError

    def announce(self, doing: str) -> None:
        """Show nothing."""


@dataclass(frozen=True)
class Mode:
    """How a change is made: `test` runs the service's tests afterwards."""

    yes: bool = False
    dry_run: bool = False
    test: bool = False


class Renderings(NamedTuple):
    """The files of a service as the template gave them, and as it gives them now, by path."""

    old: Mapping[str, bytes]
    new: Mapping[str, bytes]


@dataclass(frozen=True)
class Change:
    """An answer before and after; None where the question is not asked."""

    question: str
    before: Value | None
    after: Value | None


@dataclass(frozen=True)
class Changed:
    """What a command did to a service, or with `dry_run` would do."""

    service: Service
    command: str
    """`add` or `update`."""
    versions: tuple[str, str]
    """The versions of the template before and after."""
    changes: Sequence[Change] = ()
    implied: Sequence[Change] = ()
    """The changes that follow from rules."""
    notes: Sequence[str] = ()
    """What the user has to know or to do about the changes."""
    changelog: str = ""
    files: Sequence[str] = ()
    conflicts: Sequence[str] = ()
    difference: str = ""
    steps: Sequence[after.StepResult] = ()
    dry_run: bool = False
    undone: bool = False
    """Whether a failed test has undone it."""

    @property
    def nothing(self) -> bool:
        """Whether the service has these answers and this version already."""
        return not self.changes and not self.implied and self.versions[0] == self.versions[1]

    @property
    def failed(self) -> after.StepResult | None:
        """The first step that failed."""
        return after.first_failed(self.steps)

    @property
    def to_do(self) -> list[str]:
        """The commands of the step that failed and of those after it."""
        return after.to_do(self.steps)


def with_changes(
    planned: Changed,
    recorded: Mapping[str, Value],
    answers: Mapping[str, Value],
    wanted: Mapping[str, Value],
) -> Changed:
    """Add the differences between two sets of answers: those that are wanted, and the others."""
    changes = [
        Change(name, recorded.get(name), answers.get(name))
        for name in {**recorded, **answers}
        if recorded.get(name) != answers.get(name)
    ]
    return replace(
        planned,
        changes=[change for change in changes if change.question in wanted],
        implied=[change for change in changes if change.question not in wanted],
    )


def still_valid(current: OpenQuestion, recorded: Value | None) -> Value | None:
    """Return the recorded answer, or the default of the question if it is not valid now."""
    if recorded is not None:
        with suppress(ValueError):
            value = current.question.cast(recorded)
            if not current.problem(value):
                return value
    default: Value | None = current.default
    return default


def confirm(planned: Changed, mode: Mode, person: Person) -> None:
    """Ask for consent to the changes that follow from rules.

    Raises:
        MissingAnswersError: There is no terminal to ask.
        StoppedError: The user does not consent.
    """
    if not planned.implied or mode.yes or mode.dry_run:
        return
    listed = ", ".join(
        f"{each.question}={spelled(each.after) or '(none)'}" for each in planned.implied
    )
    if not person.can_answer:
        message = f"this also changes {listed}"
        raise MissingAnswersError(message, hint="To accept that: --yes")
    if not person.confirms(f"This also changes {listed}. Continue?"):
        raise StoppedError(interruption.NOTHING_WRITTEN)


def contents(questionnaire: Questionnaire, answers: Mapping[str, Value]) -> dict[str, bytes]:
    """Return the files of the service with these answers.

    Raises:
        RenderingError: The template is broken.
    """
    with broken_template_reported():
        return {file.path: file.content for file in service_files(questionnaire, answers)}


def merge(
    planned: Changed,
    repository: Repository,
    renderings: Renderings,
    mode: Mode,
    person: Person,
) -> Changed:
    """Merge the difference between the renderings into the service, and run what follows.

    Migrations are appended to those of the service. With `dry_run`, only the difference is made.

    Raises:
        InputRefusedError: The service cannot be changed in this way.
        GitError: Git failed. Nothing has changed.
    """
    folder, old = planned.service.folder, renderings.old
    theirs = {path: (folder / path).read_bytes() for path in repository.migrations()}
    new = appended.append(theirs, old, renderings.new)
    repository.require_free([path for path in new if path not in old])
    if mode.dry_run:
        changed = [path for path in {**old, **new} if old.get(path) != new.get(path)]
        difference = repository.difference(old, new)
        return replace(planned, files=sorted(changed), difference=difference, dry_run=True)
    person.announce("Merging")
    steps = list(_steps(repository, planned.service, mode))
    results: list[after.StepResult] = []
    try:
        conflicts = repository.merge(old, new)
        if not conflicts:
            after.run(folder, steps, person.announce, results)
    except (KeyboardInterrupt, EOFError, SystemExit) as stop:
        raise _stopped(stop, repository, planned, steps[len(results) :]) from None
    return replace(planned, files=repository.changed(), conflicts=conflicts, steps=results)


def _steps(repository: Repository, service: Service, mode: Mode) -> Iterator[after.Step]:
    """Yield what follows a merge without conflicts."""
    if (service.folder / _LOCK_FILE).exists():
        lock = partial(_lock, repository)
        yield after.Step("lock", "Locking the dependencies", after.uv_command("lock"), lock)
    for name, command in TESTS.items() if mode.test else ():
        test = partial(after.run_command, name, command)
        yield after.Step(name, f"Running {command}", command, test)


def _lock(repository: Repository, project: Path) -> after.StepResult:
    result = after.lock(project)
    if result.status is after.Status.DONE:
        repository.stage(_LOCK_FILE)
    return result


def _stopped(
    stop: BaseException, repository: Repository, planned: Changed, missing: Sequence[after.Step]
) -> StoppedError | BaseException:
    """Return the error for a signal: whether the service is changed, and what is missing."""
    code = interruption.exit_code(stop)
    if code is None:
        return stop
    if not repository.changed():
        return StoppedError(interruption.NOTHING_WRITTEN, exit_code=code)
    folder = planned.service.folder
    message = f"interrupted. The service is changed and not committed: {folder}"
    to_do = " && ".join(step.command for step in missing)
    reverse = f"To undo it: {undo(planned.command)}"
    hint = f"To complete it: {to_do}. {reverse}" if to_do else reverse
    return StoppedError(message, hint=hint, exit_code=code)
