"""Run git in a folder, with settings that a user's own cannot change."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from new_backend.after import environment_of_tools, last_lines
from new_backend.errors import NewBackendError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# A user's settings must not change the result, and their hooks not see a state in between.
_CONFIG = {
    "core.autocrlf": "false",
    "core.hooksPath": os.devnull,
    "core.quotePath": "false",
    "diff.renames": "true",
    "merge.conflictStyle": "merge",
    "merge.directoryRenames": "true",
    "merge.renames": "true",
    "rerere.enabled": "false",
}


class GitError(NewBackendError):
    """Git failed."""


def git(
    folder: Path,
    *words: str,
    given: bytes = b"",
    lock: int | None = None,
    variables: Mapping[str, str] | None = None,
) -> bytes:
    """Run git and return its output.

    Args:
        folder: Where it runs.
        words: Its arguments.
        given: Its standard input.
        lock: An open file that it keeps locked if this process is killed.
        variables: Further environment variables.

    Raises:
        GitError: It failed; the message is its own.
        FileNotFoundError: It is not installed.
    """
    settings = [word for name, value in _CONFIG.items() for word in ("-c", f"{name}={value}")]
    ended = subprocess.run(
        ["git", *settings, *words],
        cwd=folder,
        env={**environment_of_tools(), "LC_ALL": "C", **(variables or {})},
        input=given,
        capture_output=True,
        check=False,
        # Ctrl-C stops this program between two commands, and no command in the middle.
        start_new_session=True,
        pass_fds=() if lock is None or sys.platform == "win32" else (lock,),
    )
    if ended.returncode:
        said = last_lines(ended.stderr.decode(errors="replace"))
        message = f"git {words[0]} failed: {' '.join(said.split())}"
        raise GitError(message)
    return ended.stdout
