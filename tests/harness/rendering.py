"""Services rendered from this checkout's template."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
"""The folder of `copier.yml`."""

TEMPLATE = CHECKOUT / "template"
LAYERS = TEMPLATE / "layers"


class RenderingError(Exception):
    """The generator refused or failed; the message is what it said."""


def render(answers: Mapping[str, str], folder: Path) -> Path:
    """Write a service into a folder that is not there yet, as `new-backend create` does."""
    options = [
        part
        for name, value in answers.items()
        if name != "project_name"
        for part in (f"--{name.replace('_', '-')}", value)
    ]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "new_backend",
            "create",
            str(folder),
            "--yes",
            "--no-git",
            "--no-install",
            "--project-name",
            answers["project_name"],
            *options,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RenderingError(done.stdout + done.stderr)
    return folder


def render_once(answers: Mapping[str, str], shared: Path) -> Path:
    """Return a service that is rendered once for all workers, in a folder that they share.

    Two workers may render the same at the same moment: the first to be done gives the folder.
    """
    told = repr(sorted(answers.items()))
    folder = shared / hashlib.sha256(told.encode()).hexdigest()[:16] / "service"
    if not folder.exists():
        folder.parent.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent.parent) as own:
            rendered = render(answers, Path(own) / "made" / "service")
            with contextlib.suppress(OSError):
                rendered.parent.rename(folder.parent)
    return folder


def shared_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """Return a folder of the test run that all its workers have in common."""
    base = factory.getbasetemp()
    return (base.parent if base.name.startswith("popen-") else base) / name


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file of a rendered service by its path, with `/` between the parts."""
    return {
        each.relative_to(folder).as_posix(): each.read_bytes()
        for each in sorted(folder.rglob("*"))
        if each.is_file()
    }
