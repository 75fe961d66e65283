"""The command `add`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from new_backend.console.add import print_aborted, print_added
from new_backend.console.terminal import Terminal
from new_backend.errors import InputRefusedError

_FAILED = 1
_CONFLICTS = 3


def run(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="QUESTION=ANSWER", help="The new answers, such as cache=redis."),
    ] = None,
    *,
    service: Annotated[
        Path, typer.Option(metavar="FOLDER", help="The service; by default the current folder.")
    ] = Path(),
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Accept the changes that follow from the rules.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the difference; write nothing.")
    ] = False,
    test: Annotated[
        bool, typer.Option("--test", help="Run make test and make check afterwards.")
    ] = False,
    abort: Annotated[
        bool, typer.Option("--abort", help="Undo the last change that is not committed.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> int:
    """Change answers of an existing service."""
    from new_backend import add as verb
    from new_backend.questions import Questionnaire

    if abort and changes:
        message = "--abort takes no answers"
        raise InputRefusedError(message)
    if abort:
        print_aborted(*verb.abort(service), as_json=as_json)
        return 0
    if not changes:
        message = "no answers are given. Name one, such as cache=redis"
        raise InputRefusedError(message)
    request = verb.Request(changes, service, yes=yes, dry_run=dry_run, test=test)
    terminal = Terminal()
    with terminal.progress():
        added = verb.add(Questionnaire.read(context.obj), request, terminal)
    print_added(added, as_json=as_json)
    if added.conflicts:
        return _CONFLICTS
    return _FAILED if added.failed else 0
