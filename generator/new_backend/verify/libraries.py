"""One environment with the libraries of all services of a run, for programs that only read code."""

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
"""Print the Python and the versions of an environment."""


def requirements_of(tree: Path) -> set[str]:
    """Read the requirements of a service and its developers, or nothing if it declares none."""
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
    """Return an environment with the newest versions of all of these, and maybe of more.

    The environment of an earlier run is reused, even if it was for more services, because mypy's
    cache belongs to its libraries.

    Raises:
        StageFailed: The requirements have no common solution.
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
    # Created under another name and moved, so that an interruption leaves no incomplete
    # environment.
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
