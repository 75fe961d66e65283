"""The commands of `fleet`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from new_backend.cli import help_pages, parameters
from new_backend.console.fleet import print_status, print_updates
from new_backend.console.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from new_backend.template_source import TemplateSource

_FAILED = 1
_TO_DO = 3

Result = TypeVar("Result")
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

    services = _each(context, folders, jobs, fleet.status)
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

    services = _each(context, folders, jobs, fleet.update_all)
    print_updates(services, as_json=as_json)
    outcomes = {each.outcome for each in services}
    if fleet.Outcome.FAILED in outcomes:
        return _FAILED
    return _TO_DO if outcomes & {fleet.Outcome.CONFLICTS, fleet.Outcome.REFUSED} else 0


def _each(
    context: typer.Context,
    folders: Sequence[Path],
    jobs: int | None,
    work: Callable[[TemplateSource, Sequence[Path], int, Callable[[str], None]], list[Result]],
) -> list[Result]:
    """Find the services and do the work for each, with a progress line."""
    from new_backend import fleet

    terminal = Terminal()
    with terminal.progress():
        found = fleet.find(folders)
        at_a_time = min(jobs or os.cpu_count() or 1, len(found))
        return work(context.obj, found, at_a_time, terminal.count)
