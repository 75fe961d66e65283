"""The command `create`, whose flags are the questions of `copier.yml`."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.main

from new_backend.cli import help_pages
from new_backend.cli.completion import of_choices, of_names
from new_backend.console.create import print_created
from new_backend.console.terminal import Terminal

if TYPE_CHECKING:
    from new_backend.questions import Question, Questionnaire
    from new_backend.template_source import TemplateSource

HELP = "Create a new service."
_FAILED = 1
_PRESET = "preset"


def command(source: TemplateSource) -> Any:
    """Build the command for the questions of a template."""
    from new_backend.questions import Questionnaire

    questionnaire = Questionnaire.read(source)

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

        preset = flags.pop(_PRESET)
        request = verb.Request(
            destination=dest,
            flags={name: value for name, value in flags.items() if value is not None},
            answers_file=answers,
            preset=preset,
            yes=yes,
            dry_run=dry_run,
            git=git,
            install=install,
        )
        terminal = Terminal()
        with terminal.progress():
            created = verb.create(questionnaire, request, terminal)
        print_created(created, as_json=as_json)
        return _FAILED if created.failed else 0

    *fixed, _ = inspect.signature(create, eval_str=True).parameters.values()
    asked = [
        _parameter(questionnaire, questionnaire.by_name[name], group.title)
        for group in questionnaire.groups
        for name in group.questions
    ]
    create.__signature__ = inspect.Signature([*fixed, _preset(source), *asked])  # type: ignore[attr-defined]
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command("create", cls=help_pages.Command, help=HELP)(create)
    return typer.main.get_command(app)


def _preset(source: TemplateSource) -> inspect.Parameter:
    option = typer.Option(
        f"--{_PRESET}",
        metavar="NAME|FILE|URL",
        help="Start from a preset; `new-backend presets` lists those with a name.",
        autocompletion=of_names(partial(_names_of_presets, source)),
    )
    return _keyword(_PRESET, Annotated[str | None, option], None)


def _names_of_presets(source: TemplateSource) -> list[str]:
    from new_backend import presets

    return presets.names(source)


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
    choices = {choice.value: choice.description or choice.title for choice in question.choices}
    metavar = "CHOICES" if question.multiselect else "CHOICE" if choices else "TEXT"
    option = typer.Option(
        question.flag,
        help=text,
        metavar=metavar,
        autocompletion=of_choices(choices, several=question.multiselect),
        rich_help_panel=group,
    )
    kind = list[str] if question.multiselect else str
    return _keyword(question.name, Annotated[kind | None, option], None)


def _keyword(name: str, annotation: Any, default: object) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )
