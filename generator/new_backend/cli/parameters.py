"""Options that several commands have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from new_backend.cli.completion import of_choices

if TYPE_CHECKING:
    from enum import StrEnum


def shard(panel: str | None = None) -> Any:
    """Return the option that selects a part of the combinations."""
    return typer.Option(
        "--shard", metavar="I/N", help="Only the I-th of N even parts.", rich_help_panel=panel
    )


def one_of(
    choices: type[StrEnum], option: str, metavar: str, text: str, panel: str | None = None
) -> Any:
    """Return an option with a fixed list of choices, which the help and the shell know."""
    return typer.Option(
        option,
        metavar=metavar,
        help=f"{text}: {', '.join(choices)}",
        autocompletion=of_choices(dict.fromkeys(choices, "")),
        rich_help_panel=panel,
    )
