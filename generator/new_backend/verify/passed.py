"""Records of what has passed: one for each stage, tree, and set of tools."""

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
    """A folder of records. Without one, nothing has passed before."""

    folder: Path | None

    def seen(self, *parts: object) -> str | None:
        """Return the output of an earlier pass of these parts, or None."""
        if self.folder is None:
            return None
        try:
            record = json.loads(_path(self.folder, parts).read_text(encoding="utf-8"))
            return str(record["seen"])
        except (OSError, ValueError, KeyError):
            return None

    def add(self, *parts: object, seen: str) -> None:
        """Record that these parts have passed, with the output."""
        if self.folder is not None:
            path = _path(self.folder, parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            record = {"seen": seen, "of": [str(part) for part in parts]}
            path.write_text(json.dumps(record), encoding="utf-8")


def _path(folder: Path, parts: tuple[object, ...]) -> Path:
    key = "\n".join([_program(), sys.version, *map(str, parts)])
    name = hashlib.sha256(key.encode()).hexdigest()
    return folder / name[:2] / f"{name[2:32]}.json"


def digest(*folders: Path) -> str:
    """Return a hash over the path and content of every file below these folders.

    The hash ignores files that tools create, and the service's environment.
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
    """The hash of this program, because its checks may differ between versions."""
    return digest(Path(new_backend.__file__).parent)
