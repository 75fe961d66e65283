"""What has passed already: a record for each stage, tree, and set of tools that it passed with."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import new_backend

_SKIPPED = {"__pycache__", ".git", ".venv", ".mypy_cache", ".ruff_cache"}


@dataclass(frozen=True)
class Records:
    """A folder of records; without one, nothing has passed before."""

    folder: Path | None

    def has(self, *parts: object) -> bool:
        """Whether what these parts describe has passed."""
        return self.folder is not None and self._path(parts).is_file()

    def add(self, *parts: object) -> None:
        """Note that what these parts describe has passed."""
        if self.folder is not None:
            path = self._path(parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps([str(part) for part in parts]), encoding="utf-8")

    def _path(self, parts: tuple[object, ...]) -> Path:
        if self.folder is None:
            raise AssertionError(parts)
        told = "\n".join([_program(), sys.version, *map(str, parts)])
        name = hashlib.sha256(told.encode()).hexdigest()
        return self.folder / name[:2] / f"{name[2:32]}.json"


def digest(*folders: Path) -> str:
    """Return the hash of every file below these folders, and of its path.

    What tools leave behind counts for nothing, nor does a service's own environment.
    """
    total = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            if path.is_file() and not _SKIPPED & set(relative.parts):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                total.update(f"{relative.as_posix()} {content}\n".encode())
    return total.hexdigest()


@cache
def _program() -> str:
    """The hash of this program: what it checks may differ between two versions of it."""
    return digest(Path(new_backend.__file__).parent)
