"""Completion of choices in the shell, also after `--option=`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WORDS, _POSITION = "COMP_WORDS", "COMP_CWORD"
_LINE = "_TYPER_COMPLETE_ARGS"


def of_choices(choices: Mapping[str, str]) -> Callable[[str], list[tuple[str, str]]]:
    """Return a completion of these choices, each with its description."""

    def complete(incomplete: str) -> list[tuple[str, str]]:
        begin = _written_before()
        return [
            (begin + choice, description)
            for choice, description in choices.items()
            if choice.startswith(incomplete)
        ]

    return complete


def _written_before() -> str:
    """Return the `--option=` before the choice: zsh, fish and PowerShell replace it as well."""
    word = os.environ.get(_LINE, "").rpartition(" ")[2]
    option, equals, _ = word.partition("=")
    return option + equals if option.startswith("--") and equals else ""


def accept_equals_signs() -> None:
    """Pass `--option=choice` to Typer as two words: Bash passes three."""
    words = os.environ.get(_WORDS, "").split("\n")
    position = os.environ.get(_POSITION, "")
    if not position.isdecimal():
        return
    last = int(position)
    before = [word for word in words[:last] if word != "="]
    os.environ[_WORDS] = "\n".join([*before, *words[last:]])
    os.environ[_POSITION] = str(last - (len(words[:last]) - len(before)))
