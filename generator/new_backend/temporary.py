"""Temporary folders. Those of a killed run are removed by the next one."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from new_backend import interruption

if TYPE_CHECKING:
    from collections.abc import Iterator

# A prefix that no folder of a user has. The random part is the one of Python's tempfile.
_PREFIX = "new-backend-tmp-"
_NAME = re.compile(rf"\.?{_PREFIX}[a-z0-9_]{{8}}")
ASIDE = "theirs"
"""A folder with this entry holds files of the user: a run was killed while it replaced them."""


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """Create a folder that this process owns, and remove it at the end.

    Args:
        parent: The folder it is in; by default the one for temporary files of the system.

    Raises:
        OSError: The folder cannot be created.
    """
    place = Path(tempfile.gettempdir()) if parent is None else parent
    remove_abandoned(place)
    folder: Path | None = None
    lock: int | None = None
    try:
        with interruption.delayed():
            folder, lock = _create(place, hidden=parent is not None)
        yield folder
    finally:
        with interruption.delayed():
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            if lock is not None:
                os.close(lock)


def remove_abandoned(parent: Path) -> None:
    """Remove the temporary folders in `parent` whose process ended without removing them."""
    with suppress(OSError):
        for entry in [*os.scandir(parent)]:
            if _NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                _remove_if_abandoned(Path(entry.path))


def _remove_if_abandoned(folder: Path) -> None:
    if (lock := _lock(folder)) is None:
        return
    try:
        if not (folder / ASIDE).exists() and os.fstat(lock).st_uid == os.geteuid():
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _create(parent: Path, *, hidden: bool) -> tuple[Path, int | None]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}" if hidden else _PREFIX, dir=parent))
        lock = _lock(folder)
        # Another run may have removed it before it was locked.
        if folder.exists():
            return folder, lock
        if lock is not None:
            os.close(lock)


def _lock(folder: Path) -> int | None:
    """Lock a folder for the life of this process, or return nothing where that is impossible.

    The kernel releases the lock however the process ends. A process number would not do: it is
    used again, and containers that share a folder do not share their numbers.
    """
    if sys.platform == "win32":
        return None
    import fcntl

    with suppress(OSError):
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
        else:
            return lock
    return None
