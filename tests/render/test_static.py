"""Types and dependencies of the services, checked as their own `make check` does.

All of them share one environment with the libraries of each, and what mypy knows of those.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest
from uv import find_uv_bin

from tests.harness.combinations import CHECKED, RUNNING_PYTHON, Combination
from tests.harness.rendering import render, render_once, shared_folder
from tests.harness.services import bare_environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Run = tuple[int, str]


@pytest.fixture(scope="session")
def rendered_for_this_python(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Combination], Path]:
    """Render a combination for the running Python."""
    shared = shared_folder(tmp_path_factory, "static")

    def of(combination: Combination) -> Path:
        return render_once(combination.answers(), shared)

    return of


@pytest.fixture(scope="session")
def tools(
    tmp_path_factory: pytest.TempPathFactory,
    rendered_for_this_python: Callable[[Combination], Path],
) -> Path:
    """The programs of an environment with all that any combination depends on."""
    # Of two workers one begins at the end, so that each combination is rendered once.
    backwards = os.environ.get("PYTEST_XDIST_WORKER") == "gw1"
    requirements = {
        requirement
        for combination in (reversed(CHECKED) if backwards else CHECKED)
        for requirement in _requirements(rendered_for_this_python(combination))
    }
    environment = tmp_path_factory.mktemp("all-libraries") / "environment"
    for command in (
        ["venv", "--python", RUNNING_PYTHON, str(environment)],
        ["pip", "install", "--python", str(environment), *sorted(requirements)],
    ):
        subprocess.run([find_uv_bin(), *command, "--quiet"], env=bare_environment(), check=True)
    return environment / "bin"


def _requirements(folder: Path) -> list[str]:
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    return [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]


@pytest.mark.parametrize("static", CHECKED, ids=lambda each: each.id)
def test_types_and_dependencies_are_in_order(
    static: Combination,
    tools: Path,
    rendered_for_this_python: Callable[[Combination], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = rendered_for_this_python(static)
    # mypy drops what it knows where the plugins differ.
    cache = tmp_path_factory.getbasetemp() / f"mypy-{static.framework}-{static.orm}"
    for program, arguments in (
        ("mypy", ("--cache-dir", str(cache), "--no-error-summary")),
        ("deptry", (".", "--no-ansi")),
    ):
        done = subprocess.run(
            [tools / program, *arguments],
            cwd=folder,
            env={**bare_environment(), "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{program}:\n{done.stdout}{done.stderr}"


LONGEST = "abcdefghij_abcdefghij_abcdefghij_abcdefg"


@pytest.mark.parametrize("static", CHECKED, ids=lambda each: each.id)
def test_the_longest_name_leaves_nothing_to_format(static: Combination, tmp_path: Path) -> None:
    """Where a name is long, imports are wrapped; and Python 3.14 has its own ways to write some."""
    answers = static.answers(
        project_name=LONGEST.replace("_", "-"), package=LONGEST, python_version="3.14"
    )
    folder = render(answers, tmp_path / "service")

    for command in (("format", "--check"), ("check",)):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "--quiet", "."],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
