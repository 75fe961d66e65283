"""The command line: one module for each command, and `main`, which runs one of them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.main

from new_backend import __version__, interruption
from new_backend.cli import (
    add,
    check,
    combinations,
    completion,
    create,
    doctor,
    fleet,
    help_pages,
    options,
    presets,
    streams,
    update,
    verify,
)
from new_backend.console.errors import fail, notes_of, print_error
from new_backend.errors import NewBackendError
from new_backend.template_source import TemplateSource

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PROGRAM = "new-backend"
_FAILED = 1
_INTERRUPTED = 130
_EPILOG = (
    "Exit codes: 0 success, 1 failure, 2 invalid input or usage, 3 drift or conflicts, "
    "130 interrupted."
)


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
        print_error(error)
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
            command = create.command(ctx.obj)
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
        fail(interruption.NOTHING_WRITTEN)
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
    app.command("create", help=create.HELP)(lambda: None)
    app.command("add", cls=help_pages.Command)(add.run)
    app.command("update", cls=help_pages.Command)(update.run)
    app.command("check", cls=help_pages.Command)(check.run)
    app.command("doctor", cls=help_pages.Command)(doctor.run)
    app.add_typer(fleet.application(), name="fleet")
    app.command("options", cls=help_pages.Command)(options.run)
    app.command("presets", cls=help_pages.Command)(presets.run)
    app.command("combinations", cls=help_pages.Command)(combinations.run)
    app.command("verify", cls=help_pages.Command)(verify.run)
    return app


def _print_version(value: bool) -> None:  # noqa: FBT001 - Typer calls it with the flag
    if value:
        typer.echo(f"{_PROGRAM} {__version__}")
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


def _command_position(words: Sequence[str]) -> int:
    return next((index for index, word in enumerate(words) if not word.startswith("-")), len(words))
