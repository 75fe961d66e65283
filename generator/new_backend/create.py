"""`new-backend create`: answers, a rendered project, and the steps after it."""

from __future__ import annotations

import shlex
import sys
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from new_backend import __version__, after, interruption, presets
from new_backend.answers import Answers, Given, flag_words, gather, replay_command, settle
from new_backend.answers_file import STANDARD_INPUT, read_answers_file
from new_backend.errors import (
    InputRefusedError,
    MissingAnswersError,
    StoppedError,
    TargetRefusedError,
)
from new_backend.invocation import program
from new_backend.layers import ANSWERS_FILE
from new_backend.rendering import RenderedFile, Target, create_project, preview

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from new_backend.presets import Preset
    from new_backend.questions import Questionnaire, Value


@dataclass(frozen=True)
class Request:
    """The arguments of the command."""

    destination: str | None
    flags: Mapping[str, object]
    answers_file: str | None = None
    preset: str | None = None
    yes: bool = False
    dry_run: bool = False
    git: bool = True
    install: bool = True


class Person(Protocol):
    """The user at the terminal."""

    @property
    def can_answer(self) -> bool:
        """Whether there is a terminal for a prompt."""

    def ask(
        self,
        questionnaire: Questionnaire,
        given: Given,
        refuse: Callable[[str, Value], str],
        answered: dict[str, Value],
    ) -> Answers:
        """Ask the open questions, and have all answers confirmed."""

    def keeps(self, name: str) -> bool:
        """Ask whether an existing file is kept."""

    def announce(self, doing: str) -> None:
        """Show a progress message."""


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
    merged: Sequence[str] = ()
    steps: Sequence[after.StepResult] = ()
    notes: Sequence[str] = ()
    """What the user has to do because of where the project is."""

    @property
    def failed(self) -> after.StepResult | None:
        """The first step that failed."""
        return after.first_failed(self.steps)

    @property
    def enter(self) -> str:
        """The command that changes to the project's folder, unless it is the current one."""
        return "" if self.path == Path.cwd() else f"cd {shlex.quote(self.shown_path)}"

    @property
    def to_do(self) -> list[str]:
        """The commands of the steps that failed and of those after them."""
        return after.to_do(self.steps)


def create(questionnaire: Questionnaire, request: Request, person: Person) -> Created:
    """Create a project, or with `dry_run` return what would be created.

    Raises:
        NewBackendError: Nothing was written, except with a `StoppedError` that says so. Its notes
            hold the command that repeats the answers, if the user was asked for some.
    """
    answered: dict[str, Value] = {}
    try:
        return _create(questionnaire, request, person, answered)
    except Exception as error:
        if answered:
            words = _command(questionnaire, request, {**request.flags, **answered})
            error.add_note(f"To repeat these answers: {shlex.join(words)}")
        raise


def _create(
    questionnaire: Questionnaire, request: Request, person: Person, answered: dict[str, Value]
) -> Created:
    preset = presets.find(questionnaire, request.preset) if request.preset else None
    overlay = preset.overlay if preset else {}
    try:
        answers, target = _input(questionnaire, request, preset, person, answered)
    except (KeyboardInterrupt, EOFError):
        raise StoppedError(interruption.NOTHING_WRITTEN) from None
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
        files, manifest = preview(questionnaire, answers.values, overlay)
        return replace(planned, dry_run=True, files=files, dependencies=_dependencies(manifest))
    person.announce("Rendering")
    keeps = person.keeps if person.can_answer and not request.yes else _keep
    steps = after.steps(git=request.git, install=request.install)
    results: list[after.StepResult] = []
    try:
        written = create_project(questionnaire, answers.values, target, keeps, overlay)
        notes = after.notes(
            target.path, [file.path for file in written.files], questionnaire.at_root
        )
        after.run(target.path, steps, person.announce, results)
    except (KeyboardInterrupt, EOFError, SystemExit) as stop:
        raise _stopped(stop, planned, steps[len(results) :]) from None
    return replace(
        planned,
        files=written.files,
        kept=written.kept,
        merged=written.merged,
        notes=notes,
        steps=results,
    )


def _stopped(
    stop: BaseException, planned: Created, missing: Sequence[after.Step]
) -> StoppedError | BaseException:
    """Return the error for a signal: what was written, and which steps are missing."""
    code = interruption.exit_code(stop)
    if code is None:
        return stop
    if not (planned.path / ANSWERS_FILE).exists():
        return StoppedError(interruption.NOTHING_WRITTEN, exit_code=code)
    message = f"interrupted. The project is written: {planned.path}"
    commands = [planned.enter, *(step.command for step in missing)]
    to_do = " && ".join(filter(None, commands)) if missing else ""
    hint = f"To complete it: {to_do}" if to_do else "It is complete. Start it with: make run"
    return StoppedError(message, hint=hint, exit_code=code)


def _input(
    questionnaire: Questionnaire,
    request: Request,
    preset: Preset | None,
    person: Person,
    answered: dict[str, Value],
) -> tuple[Answers, Target]:
    """Check the arguments and ask for missing answers, before anything is written."""
    if request.destination == "":
        message = 'DEST is empty. Name a folder, or "." for the current one'
        raise InputRefusedError(message)
    target = None if request.destination is None else Target.check(Path(request.destination))
    given = gather(
        questionnaire,
        flags=request.flags,
        file=_answers_in(request.answers_file),
        folder=target.path if target else None,
        preset=preset,
    )
    can_ask = person.can_answer and request.answers_file != STANDARD_INPUT
    if can_ask and not request.yes:
        settle(questionnaire, given, partial=True)
        refuse = _accept if target else _target_problem
        answers = person.ask(questionnaire, given, refuse, answered)
    else:
        answers = _without_prompts(questionnaire, request, given)
    return answers, target or Target.check(Path(str(answers["project_name"])))


def _accept(_name: str, _value: Value) -> str:
    return ""


def _target_problem(name: str, value: Value) -> str:
    """Return why the folder of a project name cannot contain the project."""
    if name != "project_name":
        return ""
    try:
        Target.check(Path(str(value)))
    except TargetRefusedError as error:
        return " ".join(error.messages)
    return ""


def _without_prompts(questionnaire: Questionnaire, request: Request, given: Given) -> Answers:
    words = [*_command(questionnaire, request, request.flags, named=_named(given)), "--yes"]
    hint = f"To accept the defaults for the rest: {shlex.join(words)}"
    try:
        answers = settle(questionnaire, given)
    except MissingAnswersError as error:
        raise MissingAnswersError(*error.messages, hint=hint) from error
    missing = [name for name in answers.by_name if name not in given.answers]
    if missing and not request.yes:
        message = f"cannot prompt: no terminal. Missing answers: {', '.join(missing)}"
        raise MissingAnswersError(message, hint=hint)
    return answers


def _named(given: Given) -> bool:
    return "project_name" in given.answers


def _keep(_: str) -> bool:
    return True


def _command(
    questionnaire: Questionnaire,
    request: Request,
    flags: Mapping[str, object],
    *,
    named: bool = True,
) -> list[str]:
    """Return the command of this request with other flags, and a name where it has none."""
    words = [*program(questionnaire.source), "create"]
    if request.destination is not None:
        words.append(request.destination)
    elif not named:
        words.append(questionnaire.by_name["project_name"].placeholder or "my-service")
    if request.answers_file:
        words += ["--answers", request.answers_file]
    if request.preset:
        words += ["--preset", request.preset]
    words += flag_words(questionnaire, flags)
    words += ["--dry-run"] * request.dry_run
    words += ["--no-git"] * (not request.git) + ["--no-install"] * (not request.install)
    return words


def _answers_in(file: str | None) -> tuple[str, Mapping[str, object]]:
    """Return the name of an answers file in messages, and its answers."""
    if file is None:
        return "", {}
    name = "standard input" if file == STANDARD_INPUT else file
    return name, read_answers_file(file)


def _python() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _dependencies(manifest: str) -> dict[str, list[str]]:
    """Return the dependencies of a rendered `pyproject.toml`, by the name of their group."""
    data = tomllib.loads(manifest)
    found = {"project": list(data.get("project", {}).get("dependencies", []))}
    for group, members in data.get("dependency-groups", {}).items():
        found[group] = [member for member in members if isinstance(member, str)]
    return found
