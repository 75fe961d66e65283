"""The one place that prints: results on standard output, everything else on standard error."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import textwrap
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from new_backend import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console as RichConsole
    from rich.status import Status

    from new_backend.answers import Answers, Given
    from new_backend.create import Created
    from new_backend.errors import NewBackendError
    from new_backend.questions import Question, Questionnaire

DOCS_ADDRESS = "http://127.0.0.1:8000/docs"
_MAX_WIDTH = 100


class Console:
    """Prints for a person, or with `as_json` one object for a program."""

    def __init__(self, *, as_json: bool = False) -> None:
        """Print to the standard streams."""
        self.as_json = as_json
        self._status: Status | None = None

    @property
    def can_answer(self) -> bool:
        """Whether somebody is there to answer: a terminal both ways, and no CI."""
        in_ci = os.environ.get("CI", "").lower() not in {"", "0", "false"}
        return not in_ci and sys.stdin.isatty() and sys.stderr.isatty()

    @contextmanager
    def progress(self) -> Iterator[None]:
        """Show what is being announced: a moving line on a terminal, otherwise a line each."""
        try:
            yield
        finally:
            self._stop()

    def announce(self, doing: str) -> None:
        """Say what is being done now."""
        if not sys.stderr.isatty():
            print(f"{doing} …", file=sys.stderr)
            return
        from rich.markup import escape

        if self._status is None:
            self._status = _rich(stderr=True).status(escape(doing))
            self._status.start()
        else:
            self._status.update(escape(doing))

    def ask(self, questionnaire: Questionnaire, given: Given) -> Answers:
        """Run the wizard."""
        from new_backend import wizard

        return wizard.ask(questionnaire, given)

    def keeps(self, name: str) -> bool:
        """Ask whether a file that is there already stays as it is."""
        from new_backend import wizard

        self._stop()
        return not wizard.confirm(f"{name} is there already. Replace it?")

    def error(self, error: NewBackendError) -> None:
        """Say what is wrong, and what to do."""
        fail(*error.messages, hint=error.hint)

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
        """Print combinations: a line each, a JSON array, or a matrix for GitHub Actions."""
        if style == "count":
            print(len(combinations))
        elif style == "json":
            _print_json(combinations)
        elif style == "github":
            print(json.dumps({"include": list(combinations)}, separators=(",", ":")))
        else:
            for combination in combinations:
                print(" ".join(f"{name}={_text(value)}" for name, value in combination.items()))

    def created(self, created: Created) -> None:
        """Print what was written and what comes next."""
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


def accept_any_character() -> None:
    """Let no answer stop the output on a terminal that cannot show one of its characters."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def fail(*messages: str, hint: str = "") -> None:
    """Print an error for a person, a line each; no control character of it reaches the terminal."""
    for message in messages:
        print(f"new-backend: {_printable(message)}", file=sys.stderr)
    if hint:
        print(_printable(hint), file=sys.stderr)


def _print_created(created: Created) -> None:
    from new_backend.after import Status

    failed = created.failed
    if failed is not None:
        doing = {"lock": "locking", "git": "making the git repository", "install": "installing"}
        _heading(f"Project written; {doing[failed.name]} failed", "bold red")
        for line in failed.detail.splitlines():
            print(f"  {_printable(line)}")
    else:
        _heading(f"Created {created.answers['project_name']}", "bold green")
    print(f"  {created.path} ({len(created.files)} files)")
    for name in created.kept:
        print(f"  {name}: kept yours")
    for step in created.steps:
        if step.status is Status.SKIPPED:
            print(f"  {step.name}: skipped, {step.detail}")
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
    yield "make check", "format, lint, types"
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
