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


def service() -> Any:
    """Return the option with the folder of a service."""
    text = "The service; by default the current folder."
    return typer.Option("--service", metavar="FOLDER", help=text, show_default=False)


def dry_run() -> Any:
    """Return the option that shows a change of a service."""
    return typer.Option("--dry-run", help="Show the difference; write nothing.")


def abort() -> Any:
    """Return the option that undoes a change of a service."""
    return typer.Option("--abort", help="Undo the last change that is not committed.")


def as_json() -> Any:
    """Return the option of an output for programs."""
    return typer.Option("--json", help="Print the result as JSON.")
