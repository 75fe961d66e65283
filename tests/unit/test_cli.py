"""The command line as a whole: help, errors and exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from new_backend import __version__
from tests.harness.toys import CHECKOUT

if TYPE_CHECKING:
    from tests.harness.toys import Run


class TestHelp:
    @pytest.mark.parametrize("words", [("--help",), ("-h",), ()])
    def test_help_lists_commands_and_exit_codes(self, run: Run, words: tuple[str, ...]) -> None:
        ended = run(*words)

        assert ended.code == 0
        text = " ".join(ended.out.split())
        for command in ("create", "options", "combinations"):
            assert f" {command} " in text
        assert (
            "Exit codes: 0 success, 1 failure, 2 invalid input or usage, 3 drift or conflicts, "
            "130 interrupted." in text
        )

    def test_prints_version(self, run: Run) -> None:
        assert run("--version").out == f"new-backend {__version__}\n"

    def test_version_has_one_source(self) -> None:
        manifest = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")

        assert 'dynamic = ["version"]' in manifest

    def test_create_lists_a_flag_for_every_question(self, run: Run) -> None:
        text = " ".join(run("create", "--help").out.split())

        assert "--package TEXT Import name of the Python package [default: from project_name]" in (
            text
        )
        kinds = "none, jwt, session, api-key, oidc"
        # A line may break at a hyphen.
        assert f"--auth CHOICE Authentication: {kinds} [default: jwt]" in (
            text.replace("api- key", "api-key")
        )
        assert "[default: git's user.email]" in text
        assert "{{" not in text

    @pytest.mark.parametrize("words", [("create",), ("options",), ("combinations",), ()])
    def test_help_fits_eighty_columns(self, run: Run, words: tuple[str, ...]) -> None:
        assert max(map(len, run(*words, "--help").out.splitlines())) <= 80


class TestErrors:
    @pytest.mark.parametrize(
        ("words", "message", "help_of"),
        [
            (("creat",), "No such command 'creat'. Did you mean 'create'?", "new-backend"),
            (("--colour",), "No such option: --colour", "new-backend"),
            (
                ("create", "--frame", "x"),
                "No such option: --frame (Possible options: --framework",
                "new-backend create",
            ),
            (
                ("create", "a", "b"),
                "Got unexpected extra argument",
                "new-backend create",
            ),
            (
                ("create", "--auth"),
                "Option '--auth' requires an argument.",
                "new-backend create",
            ),
            (
                ("verify", "--jobs", "two"),
                "Invalid value for '--jobs'",
                "new-backend verify",
            ),
        ],
    )
    def test_usage_error_is_two_lines_and_exits_2(
        self, run: Run, words: tuple[str, ...], message: str, help_of: str
    ) -> None:
        ended = run(*words)

        assert ended.code == 2
        first, second = ended.err.splitlines()
        assert first.startswith(f"new-backend: {message}")
        assert second == f"Try '{help_of} --help'."
        assert ended.out == ""

    def test_bug_is_one_line_that_names_debug(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def burst(*_: object, **__: object) -> None:
            message = "oh\x1b[31m no"
            raise RuntimeError(message)

        monkeypatch.setattr("new_backend.create.gather", burst)
        ended = run("create", "shop", "--yes")

        assert ended.code == 1
        assert ended.err.splitlines() == [
            "new-backend: this is a bug: RuntimeError: oh\\x1b[31m no",
            "For the traceback: new-backend --debug create …",
        ]

    def test_debug_shows_traceback(self, run: Run) -> None:
        ended = run("--debug", "create", "class", "--yes")

        assert ended.code == 2
        assert "Traceback" in ended.err
        assert "InputRefusedError" in ended.err
        assert ended.err.splitlines()[-1].startswith(
            "new-backend: project_name, from the name of the folder"
        )


@pytest.mark.parametrize(
    "words",
    [
        ("options", "--json"),
        ("combinations", "--format", "json"),
        ("create", "shop", "--yes", "--dry-run", "--json"),
    ],
    ids=["options", "combinations", "create"],
)
def test_json_document_begins_with_its_version(run: Run, words: tuple[str, ...]) -> None:
    document = json.loads(run(*words).out)

    assert next(iter(document.items())) == ("version", 1)
