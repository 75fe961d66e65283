"""The command line as a separate process: imports, streams, completion."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from new_backend import __version__
from tests.harness.toys import program, tree

if TYPE_CHECKING:
    from pathlib import Path

    from new_backend.template_source import TemplateSource

_HEAVY = {"jinja2", "questionary", "prompt_toolkit", "rich", "yaml", "uv"}


class TestCost:
    @pytest.mark.parametrize(
        ("words", "heavy"),
        [
            (("--help",), set()),
            (("--version",), set()),
            (("create", "--no-such-flag"), {"jinja2", "yaml"}),
            (("options",), {"jinja2", "yaml"}),
        ],
    )
    def test_imports_only_needed_modules(
        self, small_template: TemplateSource, words: tuple[str, ...], heavy: set[str]
    ) -> None:
        command = program(small_template, *words)
        command.insert(1, "-Ximporttime")
        imported = {
            line.rpartition("|")[2].strip().partition(".")[0]
            for line in subprocess.run(
                command, capture_output=True, text=True, check=False
            ).stderr.splitlines()
            if line.startswith("import time:")
        }

        assert imported & _HEAVY <= heavy

    def test_create_without_terminal_does_not_import_rich(
        self, small_template: TemplateSource, workplace: Path
    ) -> None:
        words = ("create", "shop", "--yes", "--no-git", "--no-install")
        command = program(small_template, *words)
        code = (
            "import atexit, sys; "
            "atexit.register(lambda: print('rich' in sys.modules, file=sys.stderr)); "
        )
        command[2] = code + command[2]
        ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=workplace)

        assert ended.stderr.splitlines()[-1] == "False"


def test_closed_pipe_is_not_an_error(small_template: TemplateSource) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as gone:
        ended = subprocess.run(
            program(small_template, "options", "--json"),
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert ended.returncode == 1
    assert ended.stderr == ""


def test_missing_character_of_terminal_is_escaped(
    small_template: TemplateSource, workplace: Path
) -> None:
    words = ("shop", "--yes", "--no-git", "--no-install", "--dry-run", "--description=🦄")
    ended = subprocess.run(
        program(small_template, "create", *words),
        cwd=workplace,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert rb"description: \U0001f984 (flag)" in ended.stdout


def test_runs_as_module(workplace: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "new_backend", "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=workplace,
    )

    assert ended.stdout == f"new-backend {__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_offers_commands_and_choices(small_template: TemplateSource, shell: str) -> None:
    def complete(line: str) -> str:
        words = line.split(" ")
        if shell == "bash":  # it splits words at equals signs
            words = line.replace("=", " = ").split(" ")
        environment = {
            "_NEW_BACKEND_COMPLETE": f"complete_{shell}",
            "_TYPER_COMPLETE_ARGS": line,
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            "COMP_WORDS": "\n".join(words),
            "COMP_CWORD": str(len(words) - 1),
        }
        return subprocess.run(
            program(small_template),
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        ).stdout

    assert "combinations" in complete("new-backend ")
    assert "--database" in complete("new-backend create --data")
    assert "sqlite" in complete("new-backend create --database sq")
    begin = "" if shell == "bash" else "--database="
    completed = complete("new-backend create --database=sq")
    assert f"{begin}sqlite" in completed
    assert "mysql" not in completed
    begin = "" if shell == "bash" else "cache="
    completed = complete("new-backend add ci=none cache=re")
    assert f"{begin}redis" in completed
    assert "memcached" not in completed
    assert "auth=oidc" in complete("new-backend add au")
    assert "framework" not in complete("new-backend add fr")  # its answer stays


def test_checkout_prints_command_that_creates_the_same_service_anywhere(
    workplace: Path, tmp_path: Path
) -> None:
    words = ["create", "shop", "--yes", "--no-git", "--no-install"]
    ended = subprocess.run(
        [sys.executable, "-m", "new_backend", *words],
        cwd=workplace,
        capture_output=True,
        text=True,
        check=True,
    )
    replay = ended.stdout.splitlines()[-1].strip()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    subprocess.run(
        ["sh", "-c", f"{replay} --no-git --no-install"],
        cwd=elsewhere,
        env={"PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
    )

    assert tree(elsewhere / "shop") == tree(workplace / "shop")
