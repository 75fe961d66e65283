"""The command `update`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from new_backend.cli import change as shared
from new_backend.cli import parameters
from new_backend.console.terminal import Terminal


def run(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    *,
    service: Annotated[Path, parameters.service()] = Path(),
    to: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="The version; by default the newest one."),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", help="Accept defaults, and changes that follow from rules."),
    ] = False,
    dry_run: Annotated[bool, parameters.dry_run()] = False,
    test: Annotated[
        bool,
        typer.Option("--test", help="Run make test and make check; undo the update if they fail."),
    ] = False,
    abort: Annotated[bool, parameters.abort()] = False,
    as_json: Annotated[bool, parameters.as_json()] = False,
) -> int:
    """Follow the template to a newer version."""
    from new_backend import update as verb
    from new_backend.change import Mode
    from new_backend.history import History

    if abort:
        return shared.abort(service, as_json=as_json)
    request = verb.Request(service, Mode(yes=yes, dry_run=dry_run, test=test), to)
    terminal = Terminal()
    with History.of(context.obj) as history, terminal.progress():
        changed = verb.update(history, request, terminal)
    return shared.report(changed, as_json=as_json)
