"""The command `combinations`."""

from __future__ import annotations

from typing import Annotated

import typer

from new_backend.cli import parameters
from new_backend.console.combinations import Format, print_combinations, print_count


def run(
    context: typer.Context,
    *,
    count: Annotated[
        bool, typer.Option("--count", help="Print only the number of combinations.")
    ] = False,
    style: Annotated[
        Format, parameters.one_of(Format, "--format", "FORMAT", "Output format")
    ] = Format.LINES,
    strength: Annotated[
        str | None,
        typer.Option(metavar="N", help="Cover each valid choice of N answers at least once."),
    ] = None,
    part: Annotated[str | None, parameters.shard()] = None,
) -> None:
    """List the valid combinations of the options."""
    from new_backend.combinations import checked_strength, cover, shard
    from new_backend.questions import Questionnaire

    questionnaire = Questionnaire.read(context.obj)
    number = None if strength is None else checked_strength(questionnaire, strength)
    chosen = cover(questionnaire, number)
    if part is not None:
        chosen = shard(chosen, part)
    if count:
        print_count(chosen)
    else:
        print_combinations(chosen, style)
