"""Bytecode that `verify` shares between environments."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from new_backend.verify import bytecode

if TYPE_CHECKING:
    from pathlib import Path

LIBRARIES = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A module of a library, in an environment that has imported it and in another that has not."""
    first, second = (tmp_path / name / LIBRARIES for name in ("first", "second"))
    first.mkdir(parents=True)
    second.mkdir(parents=True)
    (first / "spoken.py").write_text("WORD = 'hello'\n", encoding="utf-8")
    (second / "spoken.py").hardlink_to(first / "spoken.py")
    assert imported(first / "spoken.py") == "compiled hello"
    bytecode.keep(tmp_path / "kept", tmp_path / "first")
    bytecode.lend(tmp_path / "kept", tmp_path / "second")
    return second / "spoken.py"


def imported(module: Path) -> str:
    """Import a module, and return whether Python compiled it, its value and its path."""
    code = f"import {module.stem}; print({module.stem}.WORD)"
    done = subprocess.run(
        [sys.executable, "-v", "-c", code],
        env={"PYTHONPATH": str(module.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    matches = any("matches" in line and module.stem in line for line in done.stderr.splitlines())
    return f"{'taken' if matches else 'compiled'} {done.stdout.strip()}"


def test_next_environment_reuses_bytecode(module: Path) -> None:
    assert imported(module) == "taken hello"


def test_changed_module_is_compiled(module: Path) -> None:
    module.unlink()
    module.write_text("WORD = 'good evening'\n", encoding="utf-8")

    assert imported(module) == "compiled good evening"
