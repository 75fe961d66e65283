"""The command `verify`."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from new_backend.cli import parameters
from new_backend.cli.completion import of_choices
from new_backend.console.verify import print_report, verifying
from new_backend.errors import InputRefusedError, StoppedError

_FAILED = 1
_SELECTION, _RUN, _REPORTS = "Combinations", "Run", "Reports"
_MAX_JOBS = 256


class Resolution(StrEnum):
    """The releases of libraries that a service gets, in the words of uv."""

    HIGHEST = "highest"
    LOWEST_DIRECT = "lowest-direct"


def run(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    reports: Annotated[
        list[Path] | None,
        typer.Argument(metavar="REPORT", help="JSON reports for --merge."),
    ] = None,
    *,
    strength: Annotated[
        str,
        typer.Option(
            metavar="N|all",
            help="Cover each choice of N answers, or all combinations.",
            autocompletion=of_choices({"all": "every valid combination"}),
            rich_help_panel=_SELECTION,
        ),
    ] = "2",
    part: Annotated[str | None, parameters.shard(_SELECTION)] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ANSWERS",
            help="Only with answers such as framework=flask,auth=jwt.",
            rich_help_panel=_SELECTION,
        ),
    ] = None,
    template: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|URL",
            help="Another template [default: the one of this program]",
            rich_help_panel=_SELECTION,
        ),
    ] = None,
    stage: Annotated[
        str,
        typer.Option(
            metavar="STAGES",
            help="Any of render,static,test,contract,image.",
            rich_help_panel=_RUN,
        ),
    ] = "render,static,test,contract",
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=_MAX_JOBS,
            help="Number of parallel jobs [default: one per core]",
            rich_help_panel=_RUN,
        ),
    ] = None,
    cache: Annotated[
        bool,
        typer.Option(
            help="Skip what passed before with the same files and tools.", rich_help_panel=_RUN
        ),
    ] = True,
    resolution: Annotated[
        Resolution,
        parameters.one_of(
            Resolution, "--resolution", "CHOICE", "Releases of the libraries", panel=_RUN
        ),
    ] = Resolution.HIGHEST,
    as_json: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="Write a report as JSON.", rich_help_panel=_REPORTS
        ),
    ] = None,
    junit: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a report as JUnit XML.", rich_help_panel=_REPORTS),
    ] = None,
    merge: Annotated[
        bool,
        typer.Option("--merge", help="Merge reports of shards.", rich_help_panel=_REPORTS),
    ] = False,
) -> int:
    """Render, check and test combinations of options."""
    try:
        from new_backend import verify as verb
        from new_backend.questions import Questionnaire
    except ModuleNotFoundError as error:
        message = f"verify requires {error.name}, which is not installed"
        raise InputRefusedError(message, hint="pip install 'new-backend[verify]'") from error

    verb.require_writable(as_json, junit)
    if merge or reports:
        report = verb.merge(reports or [], asked=merge)
    else:
        with verb.opened(template, context.obj) as source:
            questionnaire = Questionnaire.read(source)
            request = verb.Request(
                cases=verb.cases(questionnaire, strength=strength, only=only or [], part=part),
                stages=verb.stages(stage),
                jobs=jobs or os.cpu_count() or 1,
                use_records=cache,
                template=template,
                resolution=resolution.value,
            )
            try:
                with verifying(request) as listener:
                    report = verb.verify(questionnaire, request, listener)
            except KeyboardInterrupt:
                message = "interrupted. The next run skips what has passed"
                raise StoppedError(message) from None
    print_report(report)
    verb.write(report, json_file=as_json, junit=junit)
    return _FAILED if report.failures else 0
