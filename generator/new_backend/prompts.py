"""Prompts on the terminal, wrapped to its width, and the lines above them."""

from __future__ import annotations

import shutil
import sys
from contextlib import contextmanager
from math import ceil
from textwrap import fill
from typing import TYPE_CHECKING, Any

import questionary
from prompt_toolkit.application import get_app
from prompt_toolkit.key_binding import KeyBindings, merge_key_bindings
from prompt_toolkit.output import create_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from new_backend.questions import OpenQuestion, Option, Value

BACK = object()
"""The result of a prompt where the user goes back."""

HEADING = "bold"
PROBLEM = "fg:ansired"
_STYLE = questionary.Style(
    [
        ("disabled", "fg:ansibrightblack"),
        ("instruction", "fg:ansibrightblack"),
        ("answer", "fg:ansicyan"),
        ("highlighted", "fg:ansicyan bold"),
        ("pointer", "fg:ansicyan bold"),
        ("problem", PROBLEM),
        ("bottom-toolbar", "noreverse"),
    ]
)
_NARROWEST = 20
_DESCRIPTION_COLUMNS = 30
"""A description with less space than this goes below its title."""
_POINTER_COLUMNS = 3
_MARK_COLUMNS = 2
"""questionary puts a mark before a disabled choice, and before each choice of a checkbox."""
_ESCAPE_SECONDS = 0.1
"""How long Esc may be the beginning of an arrow key, over a slow connection."""

Line = tuple[str, str]
"""A text and its style."""


class Screen:
    """The lines above the prompt: those that no longer hold are erased and written again."""

    def __init__(self) -> None:
        """Begin below what the terminal shows already."""
        self._output = create_output(stdout=sys.stderr)
        self._lines: list[Line] = []

    def show(self, lines: Sequence[Line]) -> None:
        """Replace the lines on the screen by these."""
        same = 0
        while same < min(len(lines), len(self._lines)) and lines[same] == self._lines[same]:
            same += 1
        self._erase(self._lines[same:])
        for text, style in lines[same:]:
            questionary.print(text, style=style or None, output=self._output)
        self._lines = list(lines)

    def _erase(self, lines: Sequence[Line]) -> None:
        size = shutil.get_terminal_size()
        rows = sum(
            max(1, ceil(len(row) / size.columns)) for text, _ in lines for row in text.split("\n")
        )
        if rows:
            # A row that has scrolled out of the screen cannot be reached.
            self._output.cursor_up(min(rows, size.lines - 1))
            self._output.erase_down()
            self._output.flush()


@contextmanager
def without_echo() -> Iterator[None]:
    """Let the terminal not print keys that are typed between two prompts."""
    try:
        import termios
    except ImportError:  # Windows
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    quiet = [*before]
    quiet[3] &= ~termios.ECHO
    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def wrapped(text: str, indent: int = 0, hanging: int = 0) -> str:
    """Wrap a text between words to the width of the terminal."""
    begin = " " * indent
    return fill(text, _columns(), initial_indent=begin, subsequent_indent=begin + " " * hanging)


def confirm(message: str) -> bool:
    """Ask a yes-or-no question; Enter means no."""
    return bool(questionary.confirm(wrapped(message), default=False, **_terminal()).unsafe_ask())


def choose(message: str, entries: Sequence[questionary.Choice], default: Any = None) -> Any:
    """Ask for one of some entries; Esc and ← give `BACK`."""
    question = questionary.select(
        _message(message),
        entries,
        default=default,
        instruction=" ",
        use_jk_keys=False,
        **_terminal(),
    )
    return _ask(question, "escape", "left")


def ask(
    current: OpenQuestion,
    proposed: Value | None,
    problem: Callable[[str], str],
    *,
    can_go_back: bool,
) -> Any:
    """Ask one question. Return the answer, allowed or not, or `BACK`."""
    if not (current.question.type == "bool" or current.options):
        return _type(current, str(proposed or ""), problem, can_go_back=can_go_back)
    entries = _entries(current)
    if current.question.multiselect:
        return _check(current, entries, proposed or [], can_go_back=can_go_back)
    default = next(
        (entry for entry in entries if entry.value == proposed and not entry.disabled), None
    )
    if can_go_back:
        entries.append(questionary.Choice("← Back", BACK))
    while True:
        value = choose(f"{current.question.help}:", entries, default)
        if value is not BACK or can_go_back:
            return value


def answer(current: OpenQuestion) -> Any:
    """Ask one question until its answer is valid, and leave the answer on the screen."""
    screen = Screen()
    value = current.default
    problem = ""
    while True:
        screen.show([(wrapped(problem, indent=2), PROBLEM)] if problem else [])
        value = ask(current, value, current.problem, can_go_back=False)
        problem = current.problem(value)
        if not problem:
            screen.show(
                [(wrapped(f"✓ {current.question.help}: {described(value)}", hanging=2), "")]
            )
            return value


def described(value: Value) -> str:
    """Return an answer as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or "(none)"
    return value or "(empty)"


def _check(
    current: OpenQuestion,
    entries: Sequence[questionary.Choice],
    proposed: Value,
    *,
    can_go_back: bool,
) -> Any:
    """Ask for any number of choices."""
    for entry in entries:
        chosen = isinstance(proposed, list) and entry.value in proposed
        entry.checked = chosen and not entry.disabled
    question = questionary.checkbox(
        _message(f"{current.question.help}:"),
        entries,
        instruction="(Space selects, Enter confirms)",
        use_jk_keys=False,
        **_terminal(),
    )
    return _ask(question, *(["escape", "left"] if can_go_back else []))


def _type(
    current: OpenQuestion, proposed: str, problem: Callable[[str], str], *, can_go_back: bool
) -> Any:
    """Ask for text. A line below it says what is wrong with it, where the terminal allows that."""

    def below() -> list[Line]:
        text = get_app().current_buffer.text
        return [("class:problem", wrapped(problem(text) if text else "", indent=2))]

    placeholder = current.question.placeholder
    question = questionary.text(
        _message(f"{current.question.help}:"),
        default=proposed,
        instruction=f"(such as {placeholder})" if placeholder else None,
        bottom_toolbar=below,
        reserve_space_for_menu=0,
        **_terminal(),
    )
    return _ask(question, *(["escape"] if can_go_back else []))


def _ask(question: questionary.Question, *keys_back: str) -> Any:
    bindings = KeyBindings()
    for key in keys_back:
        bindings.add(key, eager=True)(lambda event: event.app.exit(result=BACK))
    application = question.application
    application.key_bindings = merge_key_bindings(
        [*filter(None, [application.key_bindings]), bindings]
    )
    application.ttimeoutlen = _ESCAPE_SECONDS
    return question.unsafe_ask()


def _entries(current: OpenQuestion) -> list[questionary.Choice]:
    if current.question.type == "bool":
        return [questionary.Choice("Yes", value=True), questionary.Choice("No", value=False)]
    marked = current.question.multiselect
    marks = [_MARK_COLUMNS if option.reason or marked else 0 for option in current.options]
    pairs = list(zip(current.options, marks, strict=True))
    width = max(len(option.choice.title) + mark for option, mark in pairs)
    return [_entry(option, width, mark) for option, mark in pairs]


def _entry(option: Option, width: int, mark: int) -> questionary.Choice:
    """Return a choice with its description, or greyed out with the reason that excludes it."""
    choice = option.choice
    text = f"not available: {option.reason}" if option.reason else choice.description
    line = _two_columns(choice.title, text, _POINTER_COLUMNS + mark, width - mark)
    if not option.reason:
        return questionary.Choice(line, choice.value)
    # With a text here, questionary would add it in parentheses, and not wrap it.
    return questionary.Choice(line, choice.value, disabled=True)  # type: ignore[arg-type]


def _two_columns(title: str, text: str, begin: int, width: int) -> str:
    """Put a text next to its title, or below it where the terminal is narrow."""
    if not text:
        return title
    indent = begin + width + 2
    if _columns() - indent < _DESCRIPTION_COLUMNS:
        return f"{title}\n{wrapped(text, indent=_POINTER_COLUMNS + 4)}"
    return f"{title:<{width}}  {wrapped(text, indent=indent).strip()}"


def _message(text: str) -> str:
    # questionary puts "? " before it.
    return wrapped(text, indent=2).strip()


def _terminal() -> dict[str, Any]:
    # Standard output is for the result: questions are shown on standard error.
    return {
        "style": _STYLE,
        "output": create_output(stdout=sys.stderr),
        "erase_when_done": True,
    }


def _columns() -> int:
    return max(_NARROWEST, shutil.get_terminal_size().columns - 1)
