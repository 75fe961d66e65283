"""One environment with the libraries of all services of a run, for what only reads their code."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from uv import find_uv_bin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from new_backend.verify.stages import Workplace

MANIFEST = "pyproject.toml"


def requirements_of(tree: Path) -> set[str]:
    """Read what a service and its developers need; nothing where it does not say so."""
    try:
        data = tomllib.loads((tree / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return set()
    groups = data.get("dependency-groups", {}).values()
    listed = [
        *data.get("project", {}).get("dependencies", ()),
        *(each for g in groups for each in g),
    ]
    return {each for each in listed if isinstance(each, str)}


def shared_environment(place: Workplace, requirements: Iterable[str]) -> Path:
    """Give an environment with all of these, made once for the versions that they resolve to.

    Raises:
        StageFailed: They cannot be had together.
    """
    wanted = place.folder / "requirements.txt"
    wanted.write_text("".join(f"{each}\n" for each in sorted(requirements)), encoding="utf-8")
    uv = find_uv_bin()
    python = ("--python", sys.executable)
    locked = place.run(
        [uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate", *python, wanted],
        cwd=place.folder,
    )
    told = hashlib.sha256(f"{sys.version}\n{locked}".encode()).hexdigest()[:16]
    environment = place.kept / "environments" / told
    if not environment.exists():
        environment.parent.mkdir(parents=True, exist_ok=True)
        pins = place.folder / "pins.txt"
        pins.write_text(locked, encoding="utf-8")
        # Made aside and moved: whoever stops in between leaves nothing half installed.
        made = Path(tempfile.mkdtemp(prefix="new-", dir=environment.parent))
        try:
            place.run(
                [uv, "venv", "--quiet", "--clear", "--relocatable", *python, made], cwd=place.folder
            )
            place.run(
                [uv, "pip", "install", "--quiet", "--python", made, "--requirement", pins],
                cwd=place.folder,
            )
            with suppress(OSError):  # another run was first
                made.rename(environment)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return environment
