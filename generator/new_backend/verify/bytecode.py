"""Bytecode of libraries, shared between the environments of the services.

uv links the same files into every environment, but Python compiles them in each. That costs four
CPU seconds until a service and its tests have been imported once. Bytecode works wherever its
source is linked: Python compares the time and size of the source before it uses the bytecode, and
corrects the path.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LIBRARIES = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
_SUFFIX = f".{sys.implementation.cache_tag}.pyc"


def lend(kept: Path, environment: Path) -> None:
    """Link the stored bytecode into an environment, next to its sources."""
    if kept.is_dir():
        known = {each.name for each in os.scandir(kept)}
        for name, compiled in _files(environment):
            if name in known and not compiled.exists():
                with suppress(OSError):
                    compiled.parent.mkdir(exist_ok=True)
                    compiled.hardlink_to(kept / name)


def keep(kept: Path, environment: Path) -> None:
    """Link the bytecode compiled in an environment to where `lend` finds it."""
    kept.mkdir(parents=True, exist_ok=True)
    known = {each.name for each in os.scandir(kept)}
    for name, compiled in _files(environment):
        if name not in known and compiled.exists():
            with suppress(OSError):  # another job was first, or the file system has no hard links
                (kept / name).hardlink_to(compiled)


def _files(environment: Path) -> Iterator[tuple[str, Path]]:
    """Yield each module that uv has linked: its name in any environment, and its bytecode file."""
    for source in (environment / _LIBRARIES).rglob("*.py"):
        about = source.stat()
        if about.st_nlink > 1:
            name = f"{about.st_ino}-{about.st_mtime_ns}{_SUFFIX}"
            yield name, source.parent / "__pycache__" / f"{source.stem}{_SUFFIX}"
