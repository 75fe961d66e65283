"""Names of any length need no formatting."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.harness.combinations import CHECKED, VALID, Combination, cover
from tests.harness.rendering import render

if TYPE_CHECKING:
    from pathlib import Path

LONGEST = "abcdefghij_abcdefghij_abcdefghij_abcdefg"
NAMED = VALID if CHECKED == VALID else cover(2)


@pytest.mark.parametrize("named", NAMED, ids=lambda each: each.id)
def test_longest_name_needs_no_formatting(named: Combination, tmp_path: Path) -> None:
    """Long names wrap imports, and Python 3.14 formats some statements differently."""
    answers = named.answers(
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
