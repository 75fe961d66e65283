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
_UNFINISHED = "_"
_PINS = "pins.txt"
"""Tells in an environment which Python and which versions it has."""


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
    """Give an environment with all of these in the newest versions, and maybe more.

    One that an earlier run has made is taken, also where it was for more services: mypy remembers
    the libraries of that one.

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
    pinned = f"# {sys.version.replace(chr(10), ' ')}\n{locked}"
    environments = place.kept / "environments"
    environments.mkdir(parents=True, exist_ok=True)
    has = {
        each.parent: {*each.read_text(encoding="utf-8").splitlines()}
        for each in environments.glob(f"[!{_UNFINISHED}]*/{_PINS}")
    }
    if fitting := [each for each in has if has[each].issuperset(pinned.splitlines())]:
        return max(fitting, key=lambda each: len(has[each]))
    environment = environments / hashlib.sha256(pinned.encode()).hexdigest()[:16]
    # Made aside and moved: whoever stops in between leaves nothing half installed.
    made = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=environments))
    try:
        place.run(
            [uv, "venv", "--quiet", "--clear", "--relocatable", *python, made], cwd=place.folder
        )
        (made / _PINS).write_text(pinned, encoding="utf-8")
        place.run(
            [uv, "pip", "install", "--quiet", "--python", made, "--requirement", made / _PINS],
            cwd=place.folder,
        )
        with suppress(OSError):  # another run was first
            made.rename(environment)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return environment
