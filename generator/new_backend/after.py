"""What follows a rendering: lock file, git repository, environment; each can be left out."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from new_backend import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
_REASON_LINES = 6
# Would make uv install somewhere else than into the project, or git look at another repository.
_FOREIGN = (
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "UV_PROJECT",
    "UV_PROJECT_ENVIRONMENT",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_WORK_TREE",
)


class Status(StrEnum):
    """How a step ended."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True)
class Step:
    """A thing to do; `doing` is said while it runs, `command` does it by hand."""

    name: str
    doing: str
    command: str
    run: Callable[[Path], StepResult]


@dataclass(frozen=True)
class StepResult:
    """How a step ended, and why it was skipped or failed."""

    name: str
    status: Status
    command: str
    detail: str = ""


def steps(*, git: bool, install: bool) -> list[Step]:
    """List the steps in their order: the first commit holds the lock file."""
    chosen = []
    if install:
        chosen.append(Step("lock", "Locking the dependencies", uv_command("lock"), _lock))
    if git:
        chosen.append(Step("git", "Making the git repository", _GIT_COMMAND, _commit))
    if install:
        chosen.append(Step("install", "Installing", uv_command("sync"), _sync))
    return chosen


def run(project: Path, chosen: Sequence[Step], announce: Callable[[str], None]) -> list[StepResult]:
    """Run the steps in turn; where one failed, installing is left out."""
    results: list[StepResult] = []
    for step in chosen:
        if step.name == "install" and any(result.status is Status.FAILED for result in results):
            continue
        announce(step.doing)
        results.append(step.run(project))
    return results


def uv_command(*arguments: str) -> str:
    """Write a uv command for a person; by its whole path where it is not on theirs."""
    word = "uv"
    if shutil.which(word) is None:
        from uv import find_uv_bin

        word = find_uv_bin()
    return shlex.join([word, *arguments])


def _lock(project: Path) -> StepResult:
    return _uv("lock", project, "lock")


def _sync(project: Path) -> StepResult:
    return _uv("install", project, "sync")


def _uv(name: str, project: Path, *arguments: str) -> StepResult:
    from uv import find_uv_bin

    binary = find_uv_bin()
    command = uv_command(*arguments)
    ended = _run([binary, *arguments, "--no-progress", "--color", "never"], project)
    if ended.returncode:
        return StepResult(name, Status.FAILED, command, _last_lines(ended.stderr))
    return StepResult(name, Status.DONE, command)


_GIT_COMMAND = "git init && git add --all && git commit -m 'Create the service'"


def _commit(project: Path) -> StepResult:
    """Make a repository with a first commit, unless there is one already or nobody to sign it."""

    def skipped(why: str) -> StepResult:
        return StepResult("git", Status.SKIPPED, _GIT_COMMAND, why)

    try:
        if not _run(["git", "rev-parse", "--is-inside-work-tree"], project).returncode:
            return skipped("the folder is inside a git work tree already")
    except FileNotFoundError:
        return skipped("git was not found on this machine")
    for role in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
        if _run(["git", "-c", "user.useConfigOnly=true", "var", role], project).returncode:
            return skipped(
                "git has no identity: git config --global user.name and user.email set one"
            )
    has_branch_name = not _run(["git", "config", "init.defaultBranch"], project).returncode
    message = f"Create {project.name} with new-backend {__version__}"
    for command in (
        ["git", "init", "--quiet", *([] if has_branch_name else ["--initial-branch=main"])],
        ["git", "add", "--all"],
        # A signature could ask for a passphrase behind the progress line, and a hook of the
        # person's own could refuse a project that is not installed yet.
        ["git", "commit", "--quiet", "--no-gpg-sign", "--no-verify", "--message", message],
    ):
        ended = _run(command, project)
        if ended.returncode:
            return StepResult("git", Status.FAILED, _GIT_COMMAND, _last_lines(ended.stderr))
    return StepResult("git", Status.DONE, _GIT_COMMAND)


def _run(command: Sequence[str], project: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=project,
        env=_environment(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Give the environment without what points elsewhere.

    The running Python comes last on the path: uv takes it rather than download one where a person's
    own path has none that fits.
    """
    kept = {name: value for name, value in environment.items() if name not in _FOREIGN}
    running = Path(sys.base_prefix, "" if sys.platform == "win32" else "bin")
    kept["PATH"] = os.pathsep.join([*filter(None, [environment.get("PATH")]), str(running)])
    return kept


def _last_lines(text: str) -> str:
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-_REASON_LINES:])
