"""Headings, wrapped lines, JSON, and text without control characters."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Any

from new_backend.documents import as_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console as RichConsole

_MAX_WIDTH = 100


def print_wrapped(text: str, indent: int) -> None:
    """Print a paragraph, indented, with its later lines indented further."""
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


def print_heading(text: str, style: str) -> None:
    """Print a line, styled on a terminal."""
    if sys.stdout.isatty():
        from rich.text import Text

        rich_console().print(Text(text, style=style))
    else:
        print(text)


def print_json(document: Mapping[str, Any]) -> None:
    """Print a document for programs."""
    print(as_json(document))


def print_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = False
) -> None:
    """Print columns with their headers. `numbers` aligns all columns but the first to the right."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, *rows):
        first, *others = (
            cell.rjust(width) if numbers and column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join((first, *others)).rstrip())


def printable(text: str) -> str:
    """Replace control characters by their escapes."""
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )


def rich_console(*, stderr: bool = False) -> RichConsole:
    """Return Rich's console, which is slow to import."""
    from rich.console import Console as RichConsole

    return RichConsole(stderr=stderr, highlight=False)
