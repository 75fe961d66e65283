"""The command `doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from new_backend.cli import parameters
from new_backend.console.doctor import print_finding, print_findings_json

_FAILED = 1


def run(
    context: typer.Context,
    *,
    service: Annotated[Path, parameters.service()] = Path(),
    as_json: Annotated[bool, parameters.as_json()] = False,
) -> int:
    """Examine the tools, settings and database of a service."""
    from new_backend import doctor as verb
    from new_backend.history import History

    with History.of(context.obj) as history:
        found, findings = verb.examine(history, service)
        listed = []
        for finding in findings:
            listed.append(finding)
            if not as_json:
                print_finding(finding)
    if as_json:
        print_findings_json(found, listed)
    return _FAILED if any(each.state is verb.State.FAILURE for each in listed) else 0
