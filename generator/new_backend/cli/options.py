"""The command `options`."""

from __future__ import annotations

from typing import Annotated

import typer

from new_backend.console.options import print_options


def run(
    context: typer.Context,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, with a JSON Schema of the answers.")
    ] = False,
) -> None:
    """Show every question, choice, default and rule."""
    from new_backend.questions import Questionnaire

    print_options(Questionnaire.read(context.obj), as_json=as_json)
