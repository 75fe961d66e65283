"""The steps after rendering: lock file, git repository, environment. Each can be left out."""

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
# They would make uv install outside the project, or git use another repository.
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
    """The outcome of a step."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Step:
    """A step: `doing` is its progress message, `command` does it by hand."""

    name: str
    doing: str
    command: str
    run: Callable[[Path], StepResult]


@dataclass(frozen=True)
class StepResult:
    """The outcome of a step, and why it was skipped, failed or not run."""

    name: str
    status: Status
    command: str
    detail: str = ""


def steps(*, git: bool, install: bool) -> list[Step]:
    """Return the steps in their order: the first commit contains the lock file."""
    chosen = []
    if install:
        chosen.append(Step("lock", "Locking the dependencies", uv_command("lock"), lock))
    if git:
        chosen.append(Step("git", "Making the git repository", _GIT_COMMAND, _commit))
    if install:
        chosen.append(Step("install", "Installing", uv_command("sync"), _sync))
    return chosen


def run(
    project: Path,
    chosen: Sequence[Step],
    announce: Callable[[str], None],
    results: list[StepResult],
) -> None:
    """Run the steps in turn, and none after one that failed.

    Args:
        project: The folder of the project.
        chosen: The steps.
        announce: Called with the progress message of each step.
        results: Receives the result of each step as it ends, so that a signal loses none.
    """
    failed = ""
    for step in chosen:
        if failed:
            detail = f"{failed} failed"
            results.append(StepResult(step.name, Status.NOT_RUN, step.command, detail))
            continue
        announce(step.doing)
        results.append(step.run(project))
        if results[-1].status is Status.FAILED:
            failed = step.name


def first_failed(results: Sequence[StepResult]) -> StepResult | None:
    """Return the step that failed. Those after it were not run."""
    return next((each for each in results if each.status is Status.FAILED), None)


def to_do(results: Sequence[StepResult]) -> list[str]:
    """Return the commands of the step that failed and of those after it."""
    open_ = (Status.FAILED, Status.NOT_RUN)
    return [each.command for each in results if each.status in open_]


def notes(project: Path, files: Sequence[str], at_root: Mapping[str, str]) -> list[str]:
    """Return what the user has to do where the project is a folder of a larger repository.

    Args:
        project: The folder of the project.
        files: Its files.
        at_root: What to do with a file that is read at the root of a repository only, by the
            first part of its path.
    """
    root = repository_of(project)
    if root is None or root == project.resolve():
        return []
    folder = project.resolve().relative_to(root).as_posix()
    return [
        note.format(file=file, folder=folder)
        for file in files
        for start, note in at_root.items()
        if Path(file).parts[0] == start
    ]


def uv_command(*arguments: str) -> str:
    """Return a uv command for the user's shell, with the path of uv where PATH lacks it."""
    word = "uv"
    if shutil.which(word) is None:
        from uv import find_uv_bin

        word = find_uv_bin()
    return shlex.join([word, *arguments])


def lock(project: Path) -> StepResult:
    """Resolve the dependencies, as far as possible with the versions of the lock file."""
    return _uv("lock", project, "lock")


def _sync(project: Path) -> StepResult:
    return _uv("install", project, "sync")


def _uv(name: str, project: Path, *arguments: str) -> StepResult:
    from uv import find_uv_bin

    binary = find_uv_bin()
    command = uv_command(*arguments)
    ended = run_tool([binary, *arguments, "--no-progress", "--color", "never"], project)
    if ended.returncode:
        return StepResult(name, Status.FAILED, command, last_lines(ended.stderr))
    return StepResult(name, Status.DONE, command)


def run_command(name: str, command: str, project: Path) -> StepResult:
    """Run a command in a project's folder."""
    try:
        ended = run_tool(shlex.split(command), project)
    except OSError as error:
        return StepResult(name, Status.FAILED, command, f"{command}: {error.strerror}")
    if ended.returncode:
        return StepResult(name, Status.FAILED, command, last_lines(ended.stdout + ended.stderr))
    return StepResult(name, Status.DONE, command)


_GIT_COMMAND = "git init && git add --all && git commit -m 'Create the service'"


def _commit(project: Path) -> StepResult:
    """Create a repository with a first commit, unless one exists or git has no identity."""

    def skipped(why: str) -> StepResult:
        return StepResult("git", Status.SKIPPED, _GIT_COMMAND, why)

    if shutil.which("git", path=environment_of_tools()["PATH"]) is None:
        return skipped("git is not installed")
    if root := repository_of(project):
        return skipped(f"the folder is inside the git repository {root}")
    for role in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
        if run_tool(["git", "-c", "user.useConfigOnly=true", "var", role], project).returncode:
            return skipped("git has no identity. Set git config --global user.name and user.email")
    has_branch_name = not run_tool(["git", "config", "init.defaultBranch"], project).returncode
    message = f"Create {project.name} with new-backend {__version__}"
    for command in (
        ["git", "init", "--quiet", *([] if has_branch_name else ["--initial-branch=main"])],
        ["git", "add", "--all"],
        # A signature could ask for a passphrase behind the progress line, and a hook of the user
        # could refuse a project that is not installed yet.
        ["git", "commit", "--quiet", "--no-gpg-sign", "--no-verify", "--message", message],
    ):
        ended = run_tool(command, project)
        if ended.returncode:
            return StepResult("git", Status.FAILED, _GIT_COMMAND, last_lines(ended.stderr))
    return StepResult("git", Status.DONE, _GIT_COMMAND)


def repository_of(project: Path) -> Path | None:
    """Return the root of the git repository that contains the project."""
    try:
        found = run_tool(["git", "rev-parse", "--show-toplevel"], project)
    except OSError:
        return None
    return Path(found.stdout.rstrip("\n")) if found.returncode == 0 else None


def run_tool(
    command: Sequence[str], project: Path, seconds: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program in a project's folder, without input.

    Args:
        command: The program and its arguments.
        project: The folder.
        seconds: When it is stopped; None means never.

    Raises:
        OSError: It cannot be started.
        subprocess.TimeoutExpired: It was stopped.
    """
    return subprocess.run(
        command,
        cwd=project,
        env=environment_of_tools(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
    )


def environment_of_tools() -> dict[str, str]:
    """Return the environment without the variables that point outside the project.

    The running Python comes last in PATH: uv uses it instead of a download where the user's own
    PATH has no suitable one.
    """
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    running = Path(sys.base_prefix, "" if sys.platform == "win32" else "bin")
    kept["PATH"] = os.pathsep.join([*filter(None, [os.environ.get("PATH")]), str(running)])
    return kept


def last_lines(text: str) -> str:
    """Return the end of a program's output, without blank lines."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-_REASON_LINES:])
