"""The command `check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from new_backend.cli import parameters
from new_backend.console.check import print_checked

_DRIFT = 3


def run(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="The services; by default the current folder."),
    ] = None,
    *,
    as_json: Annotated[bool, parameters.as_json()] = False,
) -> int:
    """Compare services with their template."""
    from new_backend import check as verb
    from new_backend.history import History

    with History.of(context.obj) as history:
        services = [verb.check(history, path) for path in paths or [Path()]]
    print_checked(services, as_json=as_json)
    return 0 if all(each.is_current for each in services) else _DRIFT
