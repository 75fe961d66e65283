"""The commands of `fleet`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from new_backend.cli import help_pages, parameters
from new_backend.console.fleet import print_status, print_updates
from new_backend.console.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

_FAILED = 1
_TO_DO = 3

Folders = Annotated[
    list[Path],
    typer.Argument(metavar="DIR", help="Folders with services, at any depth."),
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", metavar="N", min=1, help="Services at a time. [default: cores]"),
]


def application() -> typer.Typer:
    """Build the group of commands."""
    app = typer.Typer(cls=help_pages.Group, help="Look at many services, or update them.")
    app.command("status", cls=help_pages.Command)(status)
    app.command("update", cls=help_pages.Command)(update)
    return app


def status(
    context: typer.Context,
    folders: Folders,
    *,
    jobs: Jobs = None,
    as_json: Annotated[bool, parameters.as_json()] = False,
) -> int:
    """Compare services with their template."""
    from new_backend import fleet

    terminal = Terminal()
    with terminal.progress():
        found = fleet.find(folders)
        services = fleet.status(context.obj, found, _jobs(jobs, found), terminal.count)
    print_status(services, as_json=as_json)
    return 0 if all(each.checked.is_current for each in services) else _TO_DO


def update(
    context: typer.Context,
    folders: Folders,
    *,
    jobs: Jobs = None,
    as_json: Annotated[bool, parameters.as_json()] = False,
) -> int:
    """Update services, each in a commit on a branch of its own."""
    from new_backend import fleet

    terminal = Terminal()
    with terminal.progress():
        found = fleet.find(folders)
        services = fleet.update_all(context.obj, found, _jobs(jobs, found), terminal.count)
    print_updates(services, as_json=as_json)
    outcomes = {each.outcome for each in services}
    if fleet.Outcome.FAILED in outcomes:
        return _FAILED
    return _TO_DO if outcomes & {fleet.Outcome.CONFLICTS, fleet.Outcome.REFUSED} else 0


def _jobs(given: int | None, services: Sequence[Path]) -> int:
    return min(given or os.cpu_count() or 1, len(services))
