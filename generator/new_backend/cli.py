"""The command line: options in, results printed."""

from __future__ import annotations

import inspect
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core
import typer.main

from new_backend import interruption
from new_backend.console import Console, accept_any_character, fail
from new_backend.errors import InputRefusedError, NewBackendError, StoppedError
from new_backend.template_source import TemplateSource

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from new_backend.questions import Question, Questionnaire

_PROGRAM = "new-backend"
_FAILED = 1
_INTERRUPTED = 130
_CREATE_HELP = "Create a service: ask what is not said, write it, lock, commit, install."
_EPILOG = (
    "Exit codes: 0 done, 1 failed, 2 refused input or usage, 3 drift or conflicts found, "
    "130 interrupted."
)


class Format(StrEnum):
    """How combinations are printed."""

    LINES = "lines"
    JSON = "json"
    GITHUB = "github"
    GITLAB = "gitlab"


class Resolution(StrEnum):
    """Which of the releases within their bounds a service takes."""

    HIGHEST = "highest"
    LOWEST_DIRECT = "lowest-direct"


def main(arguments: Sequence[str] | None = None, source: TemplateSource | None = None) -> None:
    """Run the command line and exit with its code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in words[: _command_position(words)]
    interruption.install()
    accept_any_character()
    try:
        code = _run(words, source or TemplateSource.bundled())
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone; what is left in the buffer must not be written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = _FAILED
    except NewBackendError as error:
        _trace(debug)
        Console().error(error)
        code = error.exit_code
    except Exception as error:  # noqa: BLE001 - a person gets a line, and the way to the trace
        _trace(debug)
        fail(
            f"this is a bug: {type(error).__name__}: {error}",
            hint=f"{_PROGRAM} --debug {' '.join(words[:1])} … shows where it comes from.",
        )
        code = _FAILED
    interruption.end()
    sys.exit(code)


def _trace(debug: bool) -> None:  # noqa: FBT001 - the flag itself
    if debug:
        import traceback

        traceback.print_exc()


class _Commands(typer.core.TyperGroup):
    """Reads the questions only when `create` is the command, so that --help need not."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if name == "create":
            command = _create_command(ctx.obj)
        return name, command, rest


def _run(words: list[str], source: TemplateSource) -> int:
    group = typer.main.get_command(_application())
    try:
        code = group.main(words or ["--help"], _PROGRAM, standalone_mode=False, obj=source)
    except typer.Abort:
        code = _INTERRUPTED
    except typer.TyperException as error:
        # Typer's own report begins with the usage; the error is what a person has to see.
        message: Callable[[], str] = getattr(error, "format_message", error.__str__)
        context = getattr(error, "ctx", None)
        at = _command_position(words)
        where = context.command_path if context else " ".join([_PROGRAM, *words[at : at + 1]])
        fail(message(), hint=f"Try '{where} --help'.")
        return error.exit_code
    if code == _INTERRUPTED:
        fail("interrupted, nothing was written")
    return code or 0


def _application() -> typer.Typer:
    app = typer.Typer(
        cls=_Commands,
        epilog=_EPILOG,
        help="Generate production-ready Python backends.",
        context_settings={"help_option_names": ["-h", "--help"]},
        # Importing Rich for a help page costs more than the rest of it.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    # A stand-in: `_Commands` puts the command with its flags in its place.
    app.command("create", help=_CREATE_HELP)(lambda: None)
    app.command("options")(_options)
    app.command("combinations")(_combinations)
    app.command("verify")(_verify)
    return app


def _print_version(value: bool) -> None:  # noqa: FBT001 - Typer calls it with the flag
    if value:
        Console().version()
        raise typer.Exit


def _root(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")] = False,
) -> None:
    """Take the options that stand before the command."""


def _options(
    context: typer.Context,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, with the JSON Schema of answers.")
    ] = False,
) -> None:
    """Show every question, choice, default and rule."""
    Console(as_json=as_json).options(_questionnaire(context.obj))


def _combinations(
    context: typer.Context,
    *,
    count: Annotated[bool, typer.Option("--count", help="Print only how many there are.")] = False,
    style: Annotated[
        Format,
        typer.Option(
            "--format",
            help="A line each, a JSON array, a matrix for GitHub's fromJSON, or a GitLab pipeline.",
        ),
    ] = Format.LINES,
    strength: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Only as many as bring each valid choice of N answers together once."
        ),
    ] = None,
    part: Annotated[
        str | None, typer.Option("--shard", metavar="I/N", help="Only the I-th of N even parts.")
    ] = None,
) -> None:
    """List the valid combinations of the options."""
    from new_backend.combinations import all_combinations, covering, shard

    chosen = all_combinations(_questionnaire(context.obj))
    if strength is not None:
        chosen = covering(chosen, strength)
    if part is not None:
        chosen = shard(chosen, part)
    Console().combinations(chosen, "count" if count else style.value)


def _verify(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    reports: Annotated[
        list[Path] | None, typer.Argument(metavar="REPORT...", help="Files to --merge.")
    ] = None,
    *,
    strength: Annotated[
        str, typer.Option(metavar="N|all", help="As many as bring any N choices together, or all.")
    ] = "2",
    part: Annotated[
        str | None, typer.Option("--shard", metavar="I/N", help="Only the I-th of N even parts.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ANSWERS", help="Only those with answers such as framework=flask,auth=jwt."
        ),
    ] = None,
    stage: Annotated[
        str, typer.Option(metavar="STAGES", help="Of render,static,test,contract,image.")
    ] = "render,static,test,contract",
    jobs: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="How many at once [default: one for each core]"),
    ] = None,
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write a report to merge.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a report as JUnit XML.")
    ] = None,
    cache: Annotated[
        bool, typer.Option(help="Skip what has passed for the same files and tools.")
    ] = True,
    resolution: Annotated[
        Resolution, typer.Option(help="Which libraries the services take, as uv has it.")
    ] = Resolution.HIGHEST,
    template: Annotated[
        str | None,
        typer.Option(metavar="PATH|URL", help="Another template [default: that of this program]"),
    ] = None,
    merge: Annotated[bool, typer.Option("--merge", help="Bring reports together.")] = False,
) -> int:
    """Put combinations through the stages that prove them."""
    try:
        from new_backend import verify as verb
    except ModuleNotFoundError as error:
        message = f"verify needs {error.name}, which is not installed"
        raise InputRefusedError(message, hint="pip install 'new-backend[verify]'") from error

    console = Console()
    verb.require_writable(as_json, junit)
    if merge or reports:
        report = verb.merge(reports or [], asked=merge)
    else:
        with verb.opened(template, context.obj) as source:
            questionnaire = _questionnaire(source)
            request = verb.Request(
                cases=verb.cases(questionnaire, strength=strength, only=only or [], part=part),
                stages=verb.stages(stage),
                jobs=jobs or os.cpu_count() or 1,
                use_records=cache,
                template=template,
                resolution=resolution.value,
            )
            try:
                with console.verifying(request) as listener:
                    report = verb.verify(questionnaire, request, listener)
            except KeyboardInterrupt:
                message = "interrupted; what has passed is not run again"
                raise StoppedError(message) from None
    console.verified(report)
    verb.write(report, as_json=as_json, junit=junit)
    return _FAILED if report.failures else 0


def _questionnaire(source: TemplateSource) -> Questionnaire:
    from new_backend.questions import Questionnaire

    return Questionnaire.read(source)


def _create_command(source: TemplateSource) -> Any:
    """Build `create`, whose flags are the questions of `copier.yml`."""
    questionnaire = _questionnaire(source)

    def create(  # noqa: PLR0913 - one for each option that is no question
        dest: Annotated[
            str | None,
            typer.Argument(
                metavar="DEST",
                help="The folder to create; its last part is the default of project_name.",
            ),
        ] = None,
        *,
        answers: Annotated[
            str | None,
            typer.Option(
                metavar="FILE",
                help="Answers as YAML, JSON or TOML; - reads standard input. Flags overrule it.",
            ),
        ] = None,
        yes: Annotated[
            bool, typer.Option("--yes", "-y", help="Take the default for all that is not given.")
        ] = False,
        dry_run: Annotated[
            bool,
            typer.Option("--dry-run", help="Write nothing; list the files and the dependencies."),
        ] = False,
        as_json: Annotated[
            bool, typer.Option("--json", help="Print the result as one JSON object.")
        ] = False,
        git: Annotated[bool, typer.Option(help="Make a repository with a first commit.")] = True,
        install: Annotated[bool, typer.Option(help="Run uv lock and uv sync.")] = True,
        **flags: Any,
    ) -> int:
        from new_backend import create as verb

        console = Console(as_json=as_json)
        request = verb.Request(
            destination=dest,
            flags={name: value for name, value in flags.items() if value is not None},
            answers_file=answers,
            yes=yes,
            dry_run=dry_run,
            git=git,
            install=install,
        )
        with console.progress():
            created = verb.create(questionnaire, request, console)
        console.created(created)
        return _FAILED if created.failed else 0

    *fixed, _ = inspect.signature(create, eval_str=True).parameters.values()
    asked = [_parameter(questionnaire, question) for question in questionnaire.visible]
    create.__signature__ = inspect.Signature([*fixed, *asked])  # type: ignore[attr-defined]
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command("create", help=_CREATE_HELP)(create)
    return typer.main.get_command(app)


def _parameter(questionnaire: Questionnaire, question: Question) -> inspect.Parameter:
    from new_backend.answers import described_default

    text = question.help
    if question.choices:
        text += ": " + ", ".join(choice.value for choice in question.choices)
    if default := described_default(questionnaire, question):
        text += f" [default: {default}]"
    if question.type == "bool":
        off = question.flag.replace("--", "--no-", 1)
        return _keyword(
            question.name,
            Annotated[bool | None, typer.Option(f"{question.flag}/{off}", help=text)],
            None,
        )
    option = typer.Option(
        question.flag,
        help=text,
        metavar="CHOICE" if question.choices else "TEXT",
        autocompletion=_completion(question) if question.choices else None,
    )
    return _keyword(question.name, Annotated[str | None, option], None)


def _completion(question: Question) -> Callable[[str], list[tuple[str, str]]]:
    def complete(incomplete: str) -> list[tuple[str, str]]:
        return [
            (choice.value, choice.description or choice.title)
            for choice in question.choices
            if choice.value.startswith(incomplete)
        ]

    return complete


def _keyword(name: str, annotation: Any, default: object) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _command_position(words: Sequence[str]) -> int:
    return next((index for index, word in enumerate(words) if not word.startswith("-")), len(words))
