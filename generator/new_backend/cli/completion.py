"""Completion of choices in the shell, also after `--option=`."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WORDS, _POSITION = "COMP_WORDS", "COMP_CWORD"
_LINE = "_TYPER_COMPLETE_ARGS"


def of_choices(
    choices: Mapping[str, str], *, several: bool = False
) -> Callable[[str], list[tuple[str, str]]]:
    """Return a completion of these choices, each with its description.

    With `several`, it completes the last of some choices with commas between them.
    """

    def complete(incomplete: str) -> list[tuple[str, str]]:
        begin = incomplete[: incomplete.rfind(",") + 1] if several else ""
        found = [(begin + value, description) for value, description in choices.items()]
        return [pair for pair in found if pair[0].startswith(incomplete)]

    return complete


def of_names(find: Callable[[], list[str]]) -> Callable[[str], list[str]]:
    """Return a completion of the names that a function finds."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in find() if name.startswith(incomplete)]

    return complete


def of_answers(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete the answers of `add`, such as `cache=redis`, with the descriptions of the choices.

    Bash passes the words before and after the equals sign as two, and replaces the second.
    """
    from new_backend.questions import Questionnaire

    questionnaire = Questionnaire.read(ctx.find_root().obj)
    given = ctx.params.get("changes") or [""]
    begin = f"{given[-1]}=" if given[-1] in questionnaire.by_name else ""
    found = [
        (f"{question.name}={choice.value}", choice.description or choice.title)
        for question in questionnaire.visible
        if question.name not in questionnaire.fixed
        for choice in question.choices
    ]
    return [
        (answer.removeprefix(begin), description)
        for answer, description in found
        if answer.startswith(begin + incomplete)
    ]


def complete_whole_words(command: Any) -> None:
    """Let completions of the command's options begin with `--option=` where the word does.

    Bash replaces the part after the equals sign; zsh, fish and PowerShell replace the whole word.
    """
    word = os.environ.get(_LINE, "").rpartition(" ")[2]
    option, equals, _ = word.partition("=")
    if not (option.startswith("--") and equals):
        return
    for parameter in command.params:
        parameter.shell_complete = partial(
            _complete_word, option + equals, parameter.shell_complete
        )


def _complete_word(begin: str, complete: Callable[..., list[Any]], *arguments: Any) -> list[Any]:
    items = complete(*arguments)
    for item in items:
        item.value = begin + item.value
    return items


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
