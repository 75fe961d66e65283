"""The only module that prints: results on standard output, all else on standard error."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import textwrap
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from new_backend import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rich.console import Console as RichConsole
    from rich.progress import Progress, TaskID
    from rich.status import Status

    from new_backend.answers import Answers, Given
    from new_backend.create import Created
    from new_backend.errors import NewBackendError
    from new_backend.questions import Question, Questionnaire, Value
    from new_backend.verify.plan import Case
    from new_backend.verify.report import Report, Result
    from new_backend.verify.run import Listener, Request
    from new_backend.verify.stages import Stage

DOCS_ADDRESS = "http://127.0.0.1:8000/docs"
_MAX_WIDTH = 100
_DETAIL_LINES = 60
_MAX_MESSAGES = 20
_LONG_WORD = re.compile(r"\S{300,}")
_GITLAB_JOB = "verify"


class Console:
    """Output for people, or with `as_json` one object for programs."""

    def __init__(self, *, as_json: bool = False) -> None:
        """Print to the standard streams."""
        self.as_json = as_json
        self._status: Status | None = None

    @property
    def can_answer(self) -> bool:
        """Whether a user can answer a prompt: input and errors are terminals, and not in CI."""
        in_ci = os.environ.get("CI", "").lower() not in {"", "0", "false"}
        streams = (sys.stdin, sys.stderr)
        return not in_ci and all(each is not None and each.isatty() for each in streams)

    @contextmanager
    def progress(self) -> Iterator[None]:
        """Show progress messages: a moving line on a terminal, otherwise a line each."""
        try:
            yield
        finally:
            self._stop()

    def announce(self, doing: str) -> None:
        """Show a progress message."""
        if not sys.stderr.isatty():
            print(f"{doing} …", file=sys.stderr)
            return
        from rich.markup import escape

        if self._status is None:
            self._status = _rich(stderr=True).status(escape(doing))
            self._status.start()
        else:
            self._status.update(escape(doing))

    def ask(
        self,
        questionnaire: Questionnaire,
        given: Given,
        refuse: Callable[[str, Value], str],
        answered: dict[str, Value],
    ) -> Answers:
        """Run the wizard."""
        from new_backend import wizard

        return wizard.ask(questionnaire, given, refuse, answered)

    def keeps(self, name: str) -> bool:
        """Ask whether an existing file is kept."""
        from new_backend import prompts

        self._stop()
        return not prompts.confirm(f"{name} exists already. Replace it?")

    def error(self, error: NewBackendError) -> None:
        """Print what is wrong, and what to do."""
        fail(*error.messages, hint=error.hint, notes=notes_of(error))

    def version(self) -> None:
        """Print the program's version."""
        print(f"new-backend {__version__}")

    def options(self, questionnaire: Questionnaire) -> None:
        """Print every question with its choices, and the rules."""
        from new_backend.schema import describe

        if self.as_json:
            _print_json(describe(questionnaire))
            return
        for group in questionnaire.groups:
            print(group.title)
            for name in group.questions:
                _print_question(questionnaire, questionnaire.by_name[name])
            print()
        if questionnaire.rules:
            print("Rules")
            for rule in questionnaire.rules:
                _print_wrapped(f"{rule.name}: {rule.question} {rule.choice}: {rule.reason}", 2)

    def combinations(self, combinations: Sequence[Mapping[str, Any]], style: str) -> None:
        """Print combinations: a line each, a JSON array, or the matrix of a CI service."""
        if style == "count":
            print(len(combinations))
        elif style == "json":
            _print_json(combinations)
        elif style == "github":
            print(json.dumps({"include": list(combinations)}, separators=(",", ":")))
        elif style == "gitlab":
            # JSON is YAML. One variable holds the value of --only: GitLab allows no empty ones.
            matrix = [
                {"ONLY": ",".join(f"{name}={_text(value)}" for name, value in each.items())}
                for each in combinations
            ]
            job = {"extends": f".{_GITLAB_JOB}", "parallel": {"matrix": matrix}}
            print(json.dumps({_GITLAB_JOB: job}, indent=2))
        else:
            for combination in combinations:
                print(" ".join(f"{name}={_text(value)}" for name, value in combination.items()))

    @contextmanager
    def verifying(self, request: Request) -> Iterator[Listener]:
        """Show the progress of a verification: bars on a terminal, otherwise lines."""
        # Each case is rendered for every selection of stages.
        total = len(request.cases) * len({"render", *request.stages})
        if not sys.stderr.isatty():
            yield _Lines(total)
            return
        with _bars() as progress:
            yield _Bars(progress, total)

    def verified(self, report: Report) -> None:
        """Print the results of a verification, with a command that repeats each failure."""
        for failure in report.failures:
            _heading(f"FAILED {failure.stage} {failure.id}", "bold red")
            for line in failure.detail.splitlines()[-_DETAIL_LINES:]:
                print(f"  {_printable(line)}")
            print(f"  Repeat it: {failure.repeat}")
            print()
        _print_table(
            ("stage", "passed", "as before", "failed", "left out", "not run", "seconds"),
            [_row(report, stage) for stage in report.stages],
        )
        for each in report.left_out:
            print(each)
        names = list(dict.fromkeys(failure.id for failure in report.failures))
        found = f"{len(names)} failed: {', '.join(names)}" if names else "none failed"
        print(
            f"{len({each.id for each in report.results})} combinations, {found}; "
            f"{report.seconds:.1f} s, {report.cpu_seconds:.1f} CPU s, "
            f"largest process {report.peak_megabytes} MB"
        )

    def created(self, created: Created) -> None:
        """Print what was written, and the next steps."""
        if self.as_json:
            _print_json(_created_json(created))
            return
        if created.dry_run:
            _print_preview(created)
            return
        _print_created(created)

    def _stop(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


class _Lines:
    """A line in a log for each stage that ended."""

    def __init__(self, total: int) -> None:
        self._numbers = iter(range(1, total + 1))
        self._total = total

    def began(self, case: Case, stage: Stage) -> None:
        """Print nothing: a log lists results."""

    def ended(self, result: Result) -> None:
        """Print the result of a stage."""
        number = next(self._numbers, self._total)
        how = f"{result.outcome}, as before" if result.cached else str(result.outcome)
        why = "" if result.outcome.value == "failed" else f" ({_printable(result.detail)})"
        line = f"[{number}/{self._total}] {result.id} {result.stage}: {how}"
        print(f"{line}, {result.seconds:.1f} s{why if result.detail else ''}", file=sys.stderr)


class _Bars:
    """A bar for the whole run, and a line for each running stage."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._all = progress.add_task("verify", total=total)
        self._running: dict[tuple[str, Stage], TaskID] = {}

    def began(self, case: Case, stage: Stage) -> None:
        """Show that a stage is running."""
        line = self._progress.add_task(f"{stage} {case.id}", total=None)
        self._running[case.id, stage] = line

    def ended(self, result: Result) -> None:
        """Count a stage, and keep a line for a failure."""
        if (line := self._running.pop((result.id, result.stage), None)) is not None:
            self._progress.remove_task(line)
        self._progress.advance(self._all)
        if result.outcome.value == "failed":
            self._progress.console.print(f"FAILED {result.stage} {result.id}", style="red")


def _bars() -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=_rich(stderr=True),
        transient=True,
    )


def _row(report: Report, stage: Stage) -> list[str]:
    counted = report.count(stage)
    seconds = sum(each.seconds for each in report.results if each.stage is stage)
    numbers = [str(counted[name]) for name in ("passed", "cached", "failed", "left out", "not run")]
    return [stage.value, *numbers, f"{seconds:.1f}"]


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, *rows):
        first, *others = (
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join((first, *others)))


def fail(*messages: str, hint: str = "", notes: Sequence[str] = ()) -> None:
    """Print errors, a line each, without control characters and of limited size."""
    for message in messages[:_MAX_MESSAGES]:
        print(f"new-backend: {_shortened(_printable(message))}", file=sys.stderr)
    if len(messages) > _MAX_MESSAGES:
        print(f"new-backend: {len(messages) - _MAX_MESSAGES} more errors", file=sys.stderr)
    for line in filter(None, [hint, *notes]):
        print(_printable(line), file=sys.stderr)


def _shortened(text: str) -> str:
    """Shorten the words of a text that are too long to read, such as a path of 5,000 characters."""
    return _LONG_WORD.sub(lambda word: f"{word[0][:100]}…{word[0][-100:]}", text)


_STEPS = {"lock": "locking", "git": "creating the git repository", "install": "installing"}


def notes_of(error: BaseException) -> Sequence[str]:
    """Return the notes of an exception."""
    return getattr(error, "__notes__", ())


def _print_created(created: Created) -> None:
    from new_backend.after import Status

    failed = created.failed
    if failed is not None:
        _heading(f"Project written, but {_STEPS[failed.name]} failed", "bold red")
        for line in failed.detail.splitlines():
            print(f"  {_printable(line)}")
    else:
        _heading(f"Created {created.answers['project_name']}", "bold green")
    print(f"  {created.path} ({len(created.files)} files)")
    for name in created.kept:
        print(f"  {name}: yours is kept")
    for name in created.merged:
        print(f"  {name}: yours is kept, with the lines that it lacked")
    for step in created.steps:
        if step.status is Status.SKIPPED:
            print(f"  {step.name}: skipped, {step.detail}")
    for note in created.notes:
        _print_wrapped(note, 2)
    print()
    _heading("Next steps", "bold")
    for number, (command, comment) in enumerate(_next_steps(created), start=1):
        print(f"  {number}. {command:<34} {comment}".rstrip())
    print()
    _heading("The same service again", "bold")
    print(f"  {created.replay}")


def _next_steps(created: Created) -> Iterator[tuple[str, str]]:
    if created.enter:
        yield created.enter, ""
    for command in created.to_do:
        yield command, ""
    yield "make run", f"then open {DOCS_ADDRESS}"
    yield "make test", ""
    yield "make check", "format, lint and type checks"
    yield "make env && docker compose up", "in containers"


def _print_preview(created: Created) -> None:
    _heading(f"Would create {created.path}", "bold")
    for name, answer in created.answers.by_name.items():
        print(f"  {name}: {_printable(_text(answer.value))} ({answer.source.value})")
    print()
    _heading(f"{len(created.files)} files", "bold")
    width = max((len(str(file.size)) for file in created.files), default=0)
    for file in created.files:
        print(f"  {file.size:>{width}} {file.path}")
    for group, members in (created.dependencies or {}).items():
        print()
        _heading("Dependencies" if group == "project" else f"Dependencies: {group}", "bold")
        for member in members:
            print(f"  {member}")


def _created_json(created: Created) -> dict[str, Any]:
    data: dict[str, Any] = {
        "answers": created.answers.values,
        "sources": created.answers.sources,
        "path": str(created.path),
        "dry_run": created.dry_run,
        "files": [{"path": file.path, "size": file.size} for file in created.files],
        "kept": list(created.kept),
        "merged": list(created.merged),
        "notes": list(created.notes),
        "versions": created.versions,
        "steps": [
            {"name": step.name, "status": step.status.value, "detail": step.detail}
            for step in created.steps
        ],
        "replay": created.replay,
    }
    if created.dependencies is not None:
        data["dependencies"] = created.dependencies
    return data


def _print_question(questionnaire: Questionnaire, question: Question) -> None:
    from new_backend.answers import described_default

    default = described_default(questionnaire, question)
    _print_wrapped(f"{question.flag}: {question.help}" + (f" [{default}]" if default else ""), 2)
    width = max((len(choice.value) for choice in question.choices), default=0)
    for choice in question.choices:
        _print_wrapped(f"{choice.value:<{width}}  {choice.description or choice.title}", 6)


def _print_wrapped(text: str, indent: int) -> None:
    width = min(shutil.get_terminal_size().columns, _MAX_WIDTH)
    margin = " " * indent
    print(
        textwrap.fill(
            text,
            width,
            initial_indent=margin,
            subsequent_indent=margin + "    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def _heading(text: str, style: str) -> None:
    if sys.stdout.isatty():
        from rich.text import Text

        _rich().print(Text(text, style=style))
    else:
        print(text)


def _rich(*, stderr: bool = False) -> RichConsole:
    from rich.console import Console as RichConsole

    return RichConsole(stderr=stderr, highlight=False)


def _print_json(data: object) -> None:
    print(json.dumps(data, indent=2))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _printable(text: str) -> str:
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )
