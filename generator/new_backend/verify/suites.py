"""The stages `test` and `contract`: the suites of the template's repository, on one service."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from uv import find_uv_bin

from new_backend.errors import InputRefusedError
from new_backend.verify import bytecode
from new_backend.verify.stages import Stage, StageFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from new_backend.verify.plan import Case
    from new_backend.verify.stages import Workplace

SUITES = {
    Stage.TEST: ("tests/services",),
    Stage.CONTRACT: ("tests/contract", "tests/security"),
    Stage.IMAGE: ("tests/contract",),
}
"""The folders of pytest suites that accept `--service FOLDER`, below the folder of `copier.yml`."""

_BYTECODE = "bytecode"
_CLOSING_LINE = re.compile(r"^=* ?(\d+ (?:passed|failed|error)[^=]*)", re.MULTILINE)


def require(root: Path, stages: Sequence[Stage]) -> None:
    """Make sure that the suites of these stages exist.

    Raises:
        InputRefusedError: One is missing.
    """
    for stage in stages:
        for suite in SUITES.get(stage, ()):
            if not (root / suite).is_dir():
                message = f"--stage {stage}: {root} has no {suite}, which this stage runs"
                hint = "Name a checkout of the template's repository: --template PATH or URL"
                raise InputRefusedError(message, hint=hint)


def install(place: Workplace, case: Case) -> None:
    """Lock a service, and install it as its developers do. A second call changes nothing.

    Raises:
        StageFailed: Its dependencies cannot be installed.
    """
    place.run(
        [find_uv_bin(), "sync", "--quiet"],
        cwd=place.tree(case),
        environment=place.environment(UV_PYTHON=sys.executable),
    )
    bytecode.lend(place.kept / _BYTECODE, place.tree(case) / ".venv")


def run(
    place: Workplace,
    case: Case,
    stage: Stage,
    *arguments: str,
    among: Sequence[Case] = (),
) -> str:
    """Run the suites of a stage on an installed service, and return pytest's closing line.

    `among` contains all cases of the run. Tests that run once per kind go to the first of these.

    Raises:
        StageFailed: A test failed, or none ran.
    """
    command = [
        *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--quiet", "--no-header"),
        # One argument: before pytest knows the option, it takes a separate value for a folder of
        # tests.
        *(f"--service={place.tree(case)}", *arguments, *SUITES[stage]),
    ]
    others = ",".join(each.id for each in among)
    done = place.attempt(
        command, cwd=place.root, environment=place.environment(COMBINATIONS=others or case.id)
    )
    bytecode.keep(place.kept / _BYTECODE, place.tree(case) / ".venv")
    closing = _CLOSING_LINE.findall(done.stdout)
    if done.returncode or not closing:
        message = done.stdout.rstrip() or "pytest printed nothing"
        raise StageFailed(message)
    return str(closing[-1]).strip()
