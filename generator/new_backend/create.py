"""`new-backend create`: answers, a rendered project, and what follows it."""

from __future__ import annotations

import shlex
import sys
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from new_backend import __version__, after
from new_backend.answers import Answers, Given, flag_words, gather, replay_command, settle
from new_backend.answers_file import STANDARD_INPUT, read_answers_file
from new_backend.errors import InputRefusedError, MissingAnswersError, StoppedError
from new_backend.rendering import ANSWERS_FILE, RenderedFile, Target, create_project, preview

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from new_backend.questions import Questionnaire


@dataclass(frozen=True)
class Request:
    """What the command line said."""

    destination: str | None
    flags: Mapping[str, object]
    answers_file: str | None = None
    yes: bool = False
    dry_run: bool = False
    git: bool = True
    install: bool = True


class Person(Protocol):
    """Whoever is at the terminal."""

    @property
    def can_answer(self) -> bool:
        """Whether somebody is there."""

    def ask(self, questionnaire: Questionnaire, given: Given) -> Answers:
        """Ask for what was not given, and have it confirmed."""

    def keeps(self, name: str) -> bool:
        """Ask whether a file that is there already stays as it is."""

    def announce(self, doing: str) -> None:
        """Say what is being done now."""


@dataclass(frozen=True)
class Created:
    """A project that was written, or with `dry_run` would be."""

    path: Path
    shown_path: str
    answers: Answers
    files: Sequence[RenderedFile]
    versions: Mapping[str, str]
    replay: str
    dry_run: bool = False
    dependencies: Mapping[str, Sequence[str]] | None = None
    kept: Sequence[str] = ()
    steps: Sequence[after.StepResult] = ()

    @property
    def failed(self) -> after.StepResult | None:
        """The first step that failed."""
        return next((step for step in self.steps if step.status is after.Status.FAILED), None)

    @property
    def enter(self) -> str:
        """The command that goes into the project, where one is not there already."""
        return "" if self.path == Path.cwd() else f"cd {shlex.quote(self.shown_path)}"

    @property
    def to_do(self) -> list[str]:
        """The commands that finish what failed, in their order."""
        failed = [step for step in self.steps if step.status is after.Status.FAILED]
        commands = [step.command for step in failed]
        if any(step.name == "lock" for step in failed):
            commands.append(after.uv_command("sync"))
        return commands


def create(questionnaire: Questionnaire, request: Request, person: Person) -> Created:
    """Make a project, or with `dry_run` find out what would be made.

    Raises:
        NewBackendError: With what is wrong. Nothing was written then, but for a `StoppedError`.
    """
    answers, target = _input(questionnaire, request, person)
    source = questionnaire.source
    planned = Created(
        path=target.path,
        shown_path=request.destination or str(answers["project_name"]),
        answers=answers,
        files=(),
        versions={
            "new-backend": __version__,
            "template": source.version or "unknown",
            "python": _python(),
        },
        replay=replay_command(answers, questionnaire),
    )
    if request.dry_run:
        files, manifest = preview(source, answers.values)
        return replace(planned, dry_run=True, files=files, dependencies=_dependencies(manifest))
    person.announce("Rendering")
    keeps = person.keeps if person.can_answer and not request.yes else _keep
    steps = after.steps(git=request.git, install=request.install)
    try:
        files, kept = create_project(source, answers.values, target, keeps)
        results = after.run(target.path, steps, person.announce)
    except KeyboardInterrupt:
        if not (target.path / ANSWERS_FILE).exists():
            raise
        message = f"interrupted; the project is written: {target.path}"
        raise StoppedError(message, hint="Go on there with: make run") from None
    return replace(planned, files=files, kept=kept, steps=results)


def _input(
    questionnaire: Questionnaire, request: Request, person: Person
) -> tuple[Answers, Target]:
    """Check all that was said, and ask for the rest, before anything is written."""
    if request.destination == "":
        message = "DEST is empty: name a folder, or . for this one"
        raise InputRefusedError(message)
    target = None if request.destination is None else Target.check(Path(request.destination))
    given = gather(
        questionnaire,
        flags=request.flags,
        preset=read_answers_file(request.answers_file) if request.answers_file else {},
        preset_name=_preset_name(request.answers_file),
        folder=target.path if target else None,
    )
    answers = _answers(questionnaire, request, given, person)
    return answers, target or Target.check(Path(str(answers["project_name"])))


def _answers(
    questionnaire: Questionnaire, request: Request, given: Given, person: Person
) -> Answers:
    can_ask = person.can_answer and request.answers_file != STANDARD_INPUT
    if can_ask and not request.yes:
        settle(questionnaire, given, partial=True)
        return person.ask(questionnaire, given)
    command = _working_command(questionnaire, request, given)
    try:
        answers = settle(questionnaire, given)
    except MissingAnswersError as error:
        raise MissingAnswersError(*error.messages, hint=command) from error
    unsaid = [name for name in answers.by_name if name not in given.answers]
    if unsaid and not request.yes:
        message = f"there is no terminal to ask on, and not answered: {', '.join(unsaid)}"
        raise MissingAnswersError(message, hint=command)
    return answers


def _keep(_: str) -> bool:
    return True


def _working_command(questionnaire: Questionnaire, request: Request, given: Given) -> str:
    """Write a command that would work: the one given, a name where it lacks one, and --yes."""
    words = ["new-backend", "create"]
    named = "project_name" in given.answers
    if request.destination is not None:
        words.append(request.destination)
    elif not named:
        words.append(questionnaire.by_name["project_name"].placeholder or "my-service")
    if request.answers_file:
        words += ["--answers", request.answers_file]
    words += flag_words(questionnaire, request.flags)
    words += ["--no-git"] * (not request.git) + ["--no-install"] * (not request.install)
    return f"This takes the defaults for the rest: {shlex.join([*words, '--yes'])}"


def _preset_name(answers_file: str | None) -> str:
    return "standard input" if answers_file == STANDARD_INPUT else answers_file or ""


def _python() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _dependencies(manifest: str) -> dict[str, list[str]]:
    """Read the dependencies of a rendered `pyproject.toml`, those of each group under its name."""
    data = tomllib.loads(manifest)
    found = {"project": list(data.get("project", {}).get("dependencies", []))}
    for group, members in data.get("dependency-groups", {}).items():
        found[group] = [member for member in members if isinstance(member, str)]
    return found
