"""The command `presets`."""

from __future__ import annotations

from typing import Annotated

import typer

from new_backend.cli import parameters
from new_backend.console.presets import print_presets


def run(context: typer.Context, *, as_json: Annotated[bool, parameters.as_json()] = False) -> None:
    """List the presets for `create --preset`."""
    from new_backend import presets
    from new_backend.questions import Questionnaire

    print_presets(presets.known(Questionnaire.read(context.obj)), as_json=as_json)
