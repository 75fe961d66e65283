"""The stage `static`: format, lint, types, dependencies, and the files that other tools read."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from new_backend.verify.stages import StageFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from new_backend.verify.plan import Case
    from new_backend.verify.stages import Workplace

_IN_THE_SERVICE = (
    ("ruff", "format", "--check", "--quiet", "--no-cache"),
    ("ruff", "check", "--quiet", "--no-cache"),
    ("mypy", "--no-error-summary"),
    ("deptry", ".", "--no-ansi"),
)
"""What a service's `make check` runs, by the programs and settings that it brings along."""

_SCHEMAS = {
    ".github/workflows/*.yml": "vendor.github-workflows",
    ".gitlab-ci.yml": "vendor.gitlab-ci",
    "compose.yaml": "vendor.compose-spec",
    "renovate.json": "vendor.renovate",
}
"""The schemas that check-jsonschema carries, by the files that they describe."""


def check(place: Workplace, case: Case, environment: Path, slot: int) -> str:
    """Run every program over a service, and say what each found.

    Args:
        place: Where the run takes place.
        case: Whose tree is looked at.
        environment: Has the libraries that the service imports.
        slot: Which of the parallel jobs this is: mypy's memory is no two programs' at once.

    Returns:
        How many programs ran.

    Raises:
        StageFailed: With what the programs found.
    """
    tree = place.tree(case)
    variables = place.environment(
        PATH=f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
        MYPY_CACHE_DIR=str(_memory(place, tree, environment, slot)),
    )
    commands = [*_in_the_service(environment), *_beside_it(tree)]
    found = []
    for command in commands:
        try:
            place.run(command, cwd=tree, environment=variables)
        except StageFailed as failed:
            found.append(str(failed))
    if found:
        raise StageFailed("\n".join(found))
    return f"{len(commands)} programs"


def _in_the_service(environment: Path) -> Iterator[list[str | Path]]:
    for program, *arguments in _IN_THE_SERVICE:
        yield [environment / "bin" / program, *arguments]


def _beside_it(tree: Path) -> Iterator[list[str | Path]]:
    tools = Path(sys.executable).parent
    for pattern, schema in _SCHEMAS.items():
        if files := sorted(str(path.relative_to(tree)) for path in tree.glob(pattern)):
            yield [tools / "check-jsonschema", "--builtin-schema", schema, *files]
    if (tree / "Dockerfile").is_file():
        yield [tools / "hadolint", "--no-color", "Dockerfile"]
    if (tree / "compose.yaml").is_file() and has_compose():
        yield ["docker", "compose", "config", "--quiet", "--no-interpolate"]


@cache
def has_compose() -> bool:
    """Whether Docker Compose is on this machine; it reads files without an engine, too."""
    import subprocess

    docker = shutil.which("docker")
    command = [docker or "docker", "compose", "version"]
    return bool(docker) and not subprocess.run(command, capture_output=True, check=False).returncode


def _memory(place: Workplace, tree: Path, environment: Path, slot: int) -> Path:
    """Where mypy remembers: it forgets all where its settings or the libraries differ."""
    data = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))
    settings = hashlib.sha256(repr(data.get("tool", {}).get("mypy")).encode()).hexdigest()[:8]
    return place.kept / "mypy" / environment.name / f"{settings}-{slot}"
