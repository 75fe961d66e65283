"""The command line: it parses options, runs a command and prints its result."""

from __future__ import annotations

import inspect
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.main

from new_backend import completion, help_pages, interruption, streams
from new_backend.console import Console, fail, notes_of
from new_backend.errors import InputRefusedError, NewBackendError, StoppedError
from new_backend.template_source import TemplateSource

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from new_backend.questions import Question, Questionnaire

_PROGRAM = "new-backend"
_FAILED = 1
_INTERRUPTED = 130
_CREATE_HELP = "Create a new service."
_EPILOG = (
    "Exit codes: 0 success, 1 failure, 2 invalid input or usage, 3 drift or conflicts, "
    "130 interrupted."
)


_PART_HELP = "Only the I-th of N even parts."
_Part = Annotated[str | None, typer.Option("--shard", metavar="I/N", help=_PART_HELP)]
_SELECTION, _RUN, _REPORTS = "Combinations", "Run", "Reports"
_MAX_JOBS = 256


def _listed(label: str, choices: type[StrEnum]) -> str:
    return f"{label}: {', '.join(choices)}"


def _completion(choices: type[StrEnum]) -> Callable[[str], list[tuple[str, str]]]:
    return completion.of_choices(dict.fromkeys(choices, ""))


class Format(StrEnum):
    """An output format of combinations."""

    LINES = "lines"
    JSON = "json"
    GITHUB = "github"
    GITLAB = "gitlab"


class Resolution(StrEnum):
    """The releases of libraries that a service gets, in the words of uv."""

    HIGHEST = "highest"
    LOWEST_DIRECT = "lowest-direct"


def main(arguments: Sequence[str] | None = None, source: TemplateSource | None = None) -> None:
    """Run the command line and exit with its code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in words[: _command_position(words)]
    if not streams.prepare():
        fail("standard output is closed. Redirect it to a file or to /dev/null")
        sys.exit(_FAILED)
    interruption.install()
    completion.accept_equals_signs()
    try:
        code = _run(words, source or TemplateSource.bundled())
        sys.stdout.flush()
    except BrokenPipeError:
        streams.discard_output()
        code = _FAILED
    except NewBackendError as error:
        _trace(debug)
        Console().error(error)
        code = error.exit_code
    except OSError as error:
        _trace(debug)
        streams.discard_output()
        where = f"{error.filename}: " if error.filename else ""
        fail(f"operating system error: {where}{error.strerror or error}", notes=notes_of(error))
        code = _FAILED
    except Exception as error:  # noqa: BLE001 - the user gets one line, and the way to the traceback
        _trace(debug)
        fail(
            f"this is a bug: {type(error).__name__}: {error}",
            hint=f"For the traceback: {_PROGRAM} --debug {' '.join(words[:1])} …",
            notes=notes_of(error),
        )
        code = _FAILED
    interruption.end()
    sys.exit(code)


def _trace(debug: bool) -> None:  # noqa: FBT001 - the flag
    if debug:
        import traceback

        traceback.print_exc()


class _Commands(help_pages.Group):
    """A group that reads the questions only for `create`, so that --help stays fast."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if name == "create":
            command = _create_command(ctx.obj)
        if command is not None:  # unknown while the shell completes
            completion.complete_whole_words(command)
        return name, command, rest


def _run(words: list[str], source: TemplateSource) -> int:
    group = typer.main.get_command(_application())
    for parameter in group.params:
        if parameter.name == "show_completion":  # Typer's text is two lines long
            parameter.help = "Print the completion script of the shell."  # type: ignore[attr-defined]
    try:
        code = group.main(words or ["--help"], _PROGRAM, standalone_mode=False, obj=source)
    except typer.Abort:
        code = _INTERRUPTED
    except typer.TyperException as error:
        # Typer's own report begins with the usage, above the error.
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
    # A placeholder: `_Commands` replaces it by the command with its flags.
    app.command("create", help=_CREATE_HELP)(lambda: None)
    app.command("options", cls=help_pages.Command)(_options)
    app.command("combinations", cls=help_pages.Command)(_combinations)
    app.command("verify", cls=help_pages.Command)(_verify)
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
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Accept the options before the command."""


def _options(
    context: typer.Context,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, with a JSON Schema of the answers.")
    ] = False,
) -> None:
    """Show every question, choice, default and rule."""
    Console(as_json=as_json).options(_questionnaire(context.obj))


def _combinations(
    context: typer.Context,
    *,
    count: Annotated[
        bool, typer.Option("--count", help="Print only the number of combinations.")
    ] = False,
    style: Annotated[
        Format,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help=_listed("Output format", Format),
            autocompletion=_completion(Format),
        ),
    ] = Format.LINES,
    strength: Annotated[
        str | None,
        typer.Option(metavar="N", help="Cover each valid choice of N answers at least once."),
    ] = None,
    part: _Part = None,
) -> None:
    """List the valid combinations of the options."""
    from new_backend.combinations import all_combinations, checked_strength, covering, shard

    questionnaire = _questionnaire(context.obj)
    chosen = all_combinations(questionnaire)
    if strength is not None:
        chosen = covering(chosen, checked_strength(questionnaire, strength))
    if part is not None:
        chosen = shard(chosen, part)
    Console().combinations(chosen, "count" if count else style.value)


def _verify(  # noqa: PLR0913 - one for each option
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
            autocompletion=completion.of_choices({"all": "every valid combination"}),
            rich_help_panel=_SELECTION,
        ),
    ] = "2",
    part: Annotated[
        str | None,
        typer.Option("--shard", metavar="I/N", help=_PART_HELP, rich_help_panel=_SELECTION),
    ] = None,
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
        typer.Option(
            metavar="CHOICE",
            help=_listed("Releases of the libraries", Resolution),
            autocompletion=_completion(Resolution),
            rich_help_panel=_RUN,
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
    except ModuleNotFoundError as error:
        message = f"verify requires {error.name}, which is not installed"
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
                message = "interrupted. The next run skips what has passed"
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

    def create(  # noqa: PLR0913 - one for each option that is not a question
        dest: Annotated[
            str | None,
            typer.Argument(
                metavar="DEST", help="The new folder. Its name is the default project name."
            ),
        ] = None,
        *,
        answers: Annotated[
            str | None,
            typer.Option(
                metavar="FILE",
                help="Read answers from YAML, JSON or TOML; - is stdin.",
            ),
        ] = None,
        yes: Annotated[
            bool,
            typer.Option("--yes", "-y", help="Accept the default for every unanswered question."),
        ] = False,
        dry_run: Annotated[
            bool,
            typer.Option("--dry-run", help="List files and dependencies; write nothing."),
        ] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
        git: Annotated[
            bool, typer.Option(help="Create a git repository with a first commit.")
        ] = True,
        install: Annotated[bool, typer.Option(help="Lock and install the dependencies.")] = True,
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
    asked = [
        _parameter(questionnaire, questionnaire.by_name[name], group.title)
        for group in questionnaire.groups
        for name in group.questions
    ]
    create.__signature__ = inspect.Signature([*fixed, *asked])  # type: ignore[attr-defined]
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command("create", cls=help_pages.Command, help=_CREATE_HELP)(create)
    return typer.main.get_command(app)


def _parameter(questionnaire: Questionnaire, question: Question, group: str) -> inspect.Parameter:
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
            Annotated[
                bool | None,
                typer.Option(f"{question.flag}/{off}", help=text, rich_help_panel=group),
            ],
            None,
        )
    option = typer.Option(
        question.flag,
        help=text,
        metavar="CHOICE" if question.choices else "TEXT",
        autocompletion=completion.of_choices(
            {choice.value: choice.description or choice.title for choice in question.choices}
        ),
        rich_help_panel=group,
    )
    return _keyword(question.name, Annotated[str | None, option], None)


def _keyword(name: str, annotation: Any, default: object) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _command_position(words: Sequence[str]) -> int:
    return next((index for index, word in enumerate(words) if not word.startswith("-")), len(words))
