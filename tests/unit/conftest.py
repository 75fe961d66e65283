"""The tests of this folder run in one process, so that all of them together take seconds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALLOWED = {"git"}
"""`create` reads the user's name from git, and a few tests need a repository."""

_guarded = False


def _refuse_processes(event: str, arguments: tuple[Any, ...]) -> None:
    """Raise an error if a test of this folder starts a process. An audit hook of Python."""
    if _guarded and event == "subprocess.Popen":
        executable, words, *_ = arguments
        name = Path(str(executable or words[0])).name
        if name not in _ALLOWED:
            message = f"tests/unit must not start {name}: move the test to tests/commands"
            raise AssertionError(message)


sys.addaudithook(_refuse_processes)


@pytest.fixture(autouse=True)
def _in_process() -> Iterator[None]:
    global _guarded  # noqa: PLW0603 - an audit hook stays for the life of the process
    _guarded = True
    yield
    _guarded = False
