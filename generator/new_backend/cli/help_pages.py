"""Help pages: options in groups, wrapped between words, without the names of Python types."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import typer.core

if TYPE_CHECKING:
    from collections.abc import Iterable

_OPTIONS = "Options"
_MAX_NAME = 26
"""An option of more columns has its text on the next line."""


def _format_options(self: Any, ctx: Any, formatter: Any) -> None:
    """Write the arguments, the options without a group, and each group of options."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for parameter in self.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is None:
            continue
        name, text = record
        if parameter.param_type_name == "argument":
            # Typer adds the type of its Python parameter.
            sections.setdefault("Arguments", []).append((parameter.metavar, text))
        else:
            title = parameter.rich_help_panel or _OPTIONS
            sections.setdefault(title, []).append((name, text))
    names = [name for rows in sections.values() for name, _ in rows]
    indent = 4 + max(len(name) for name in names if len(name) <= _MAX_NAME)
    for title, rows in sections.items():
        with formatter.section(title):
            lines = _lines(rows, indent, formatter.width)
            formatter.write("".join(f"{line}\n" for line in lines))


def _lines(rows: Iterable[tuple[str, str]], indent: int, width: int) -> Iterable[str]:
    for name, text in rows:
        begin = f"  {name}"
        if len(begin) + 2 > indent:
            yield begin
            begin = ""
        yield from textwrap.wrap(
            " ".join(text.split()),
            width,
            initial_indent=f"{begin:<{indent}}",
            subsequent_indent=" " * indent,
            break_on_hyphens=False,
            break_long_words=False,
        )


class Command(typer.core.TyperCommand):
    """A command with such a help page."""

    format_options = _format_options


class Group(typer.core.TyperGroup):
    """A group of commands with such a help page."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options, then the commands."""
        _format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)
