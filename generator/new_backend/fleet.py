"""`new-backend fleet`: the state of many services, and an update of each on its own branch."""

from __future__ import annotations

import os
import re
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing import get_context
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from new_backend import interruption
from new_backend.change import Absent, Mode
from new_backend.check import Checked, check
from new_backend.errors import InputRefusedError, NewBackendError, StoppedError
from new_backend.history import History
from new_backend.invocation import PROGRAM
from new_backend.layers import ANSWERS_FILE
from new_backend.repository import Repository
from new_backend.service import Service
from new_backend.update import Request, update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from new_backend.template_source import TemplateSource

_SKIPPED = frozenset({"node_modules", "__pycache__"})
_NOT_IN_A_BRANCH = re.compile(r"[^\w.-]+")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Status:
    """A service of a fleet."""

    checked: Checked
    choices: Sequence[str] = ()
    """The answers that form its combination."""
    work_tree: str = ""
    """`clean`, `changed` or `conflicts`; empty outside a repository."""


class Outcome(StrEnum):
    """What an update did."""

    UPDATED = "updated"
    CURRENT = "current"
    WAITING = "waiting"
    """An earlier run has made the branch."""
    CONFLICTS = "conflicts"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Updated:
    """The update of a service: its branch, or why there is none."""

    folder: Path
    outcome: Outcome
    branch: str = ""
    reason: str = ""
    conflicts: Sequence[str] = ()


def find(folders: Sequence[Path]) -> list[Path]:
    """Return the services in these folders and below, each once.

    Raises:
        InputRefusedError: A folder does not exist, or none has a service.
    """
    if missing := [str(folder) for folder in folders if not folder.is_dir()]:
        message = f"no such folder: {', '.join(missing)}"
        raise InputRefusedError(message)
    found = dict.fromkeys(each for folder in folders for each in _services(folder.resolve()))
    if not found:
        message = f"no service of {PROGRAM} is in {', '.join(map(str, folders))}"
        raise InputRefusedError(message)
    return list(found)


def status(
    source: TemplateSource, folders: Sequence[Path], jobs: int, announce: Callable[[str], None]
) -> list[Status]:
    """Compare services with their template. Nothing is written."""
    return _side_by_side(source, folders, jobs, announce, _status)


def update_all(
    source: TemplateSource, folders: Sequence[Path], jobs: int, announce: Callable[[str], None]
) -> list[Updated]:
    """Update each service to the newest version, in a commit on a branch of its own.

    The work trees stay as they are. A service whose branch exists is left out, so that an
    interrupted run can be repeated.

    Raises:
        StoppedError: The run was interrupted. The branches that exist are complete.
    """
    return _side_by_side(source, folders, jobs, announce, _update)


def _services(folder: Path) -> Iterator[Path]:
    if (folder / ANSWERS_FILE).is_file():
        yield folder
        return
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        hidden = entry.name.startswith(".") or entry.name in _SKIPPED
        if not hidden and entry.is_dir(follow_symlinks=False):
            yield from _services(Path(entry.path))


# ---------------------------------------------------------------- one service


def _status(history: History, folder: Path) -> Status:
    checked = check(history, folder)
    try:
        work_tree = Repository.around(folder).state
    except NewBackendError:
        work_tree = ""
    if checked.answers is None:
        return Status(checked, (), work_tree)
    combined = history.questionnaire(checked.version).combined
    choices = [str(checked.answers[name]) for name in combined if name in checked.answers]
    return Status(checked, choices, work_tree)


def _update(history: History, folder: Path) -> Updated:
    try:
        return _on_branch(history, folder)
    except InputRefusedError as error:
        return Updated(folder, Outcome.REFUSED, reason=" ".join(error.messages))
    except NewBackendError as error:
        return Updated(folder, Outcome.FAILED, reason=" ".join(error.messages))
    except OSError as error:
        return Updated(folder, Outcome.FAILED, reason=f"{error.filename}: {error.strerror}")


def _on_branch(history: History, folder: Path) -> Updated:
    service = Service.at(folder)
    version = history.newest
    if service.version == version:
        return Updated(folder, Outcome.CURRENT)
    branch = f"{PROGRAM}/{_NOT_IN_A_BRANCH.sub('-', folder.name)}-{version}"
    repository = Repository.around(folder)
    if repository.has_branch(branch):
        return Updated(folder, Outcome.WAITING, branch)
    repository.require_clean()
    with repository.copy() as copy:
        changed = update(history, Request(copy, Mode(yes=True)), Absent())
        if changed.conflicts:
            return Updated(folder, Outcome.CONFLICTS, conflicts=changed.conflicts)
        if changed.failed:
            reason = f"{changed.failed.command}: {changed.failed.detail}"
            return Updated(folder, Outcome.FAILED, reason=reason)
        message = f"Update the template from {service.version} to {version}"
        commit = Repository.around(copy).commit(message)
        repository.branch(branch, commit)
    return Updated(folder, Outcome.UPDATED, branch)


# ---------------------------------------------------------------- many services

_kept = ExitStack()
_opened: list[History] = []
"""The history of a process of the pool, which it keeps until its end."""


def _side_by_side(
    source: TemplateSource,
    folders: Sequence[Path],
    jobs: int,
    announce: Callable[[str], None],
    work: Callable[[History, Path], Result],
) -> list[Result]:
    """Do the work for each service in processes of their own, and return the results in order."""
    results: dict[Path, Result] = {}
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_begin, initargs=(source,))
    try:
        futures = {pool.submit(_do, work, folder): folder for folder in folders}
        for number, future in enumerate(as_completed(futures), start=1):
            results[futures[future]] = future.result()
            announce(f"{number} of {len(folders)} services")
    except (KeyboardInterrupt, SystemExit) as stop:
        code = interruption.exit_code(stop)
        message = f"interrupted after {len(results)} of {len(folders)} services"
        raise StoppedError(message, hint="Run it again to go on.", exit_code=code or 1) from None
    finally:
        pool.shutdown(cancel_futures=True)
    return [results[folder] for folder in folders]


def _begin(source: TemplateSource) -> None:
    """Open the history of a process, and leave Ctrl-C to its parent."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _opened.append(_kept.enter_context(History.of(source)))
    Finalize(None, _kept.close, exitpriority=1)


def _do(work: Callable[[History, Path], Result], folder: Path) -> Result:
    return work(_opened[0], folder)
