"""The command `add`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from new_backend.cli import change as shared
from new_backend.cli import completion, parameters
from new_backend.console.terminal import Terminal
from new_backend.errors import InputRefusedError


def run(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    changes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUESTION=ANSWER",
            help="The new answers, such as cache=redis.",
            autocompletion=completion.of_answers,
        ),
    ] = None,
    *,
    service: Annotated[Path, parameters.service()] = Path(),
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Accept the changes that follow from the rules.")
    ] = False,
    dry_run: Annotated[bool, parameters.dry_run()] = False,
    test: Annotated[
        bool, typer.Option("--test", help="Run make test and make check afterwards.")
    ] = False,
    abort: Annotated[bool, parameters.abort()] = False,
    as_json: Annotated[bool, parameters.as_json()] = False,
) -> int:
    """Change answers of an existing service."""
    from new_backend import add as verb
    from new_backend.change import Mode
    from new_backend.history import History

    if abort and changes:
        message = "--abort takes no answers"
        raise InputRefusedError(message)
    if abort:
        return shared.abort(service, as_json=as_json)
    if not changes:
        message = "no answers are given. Name one, such as cache=redis"
        raise InputRefusedError(message)
    request = verb.Request(changes, service, Mode(yes=yes, dry_run=dry_run, test=test))
    terminal = Terminal()
    with History.of(context.obj) as history, terminal.progress():
        changed = verb.add(history, request, terminal)
    return shared.report(changed, as_json=as_json)
