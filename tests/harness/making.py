"""The make targets of a service, which its developers use to test it."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from tests.harness.combinations import PACKAGE
from tests.harness.services import bare_environment

if TYPE_CHECKING:
    from pathlib import Path

COVERAGE_GATE = 90
MODULES = 15
"""The minimum number of files in the report. With fewer, it does not describe the service."""

SECONDS = 300


def make(folder: Path, target: str, **settings: str) -> str:
    """Run a make target of a service, check that it succeeds, and return its output."""
    done = subprocess.run(
        ["make", target],
        cwd=folder,
        env={**bare_environment(), "CI": "true", **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"make {target} in {folder}:\n{done.stdout[-8_000:]}"
    return done.stdout


def assert_tested(printed: str) -> None:
    """Check the output of `make test` against what every service guarantees."""
    assert re.search(r"\b[1-9]\d* passed", printed), printed[-2_000:]
    assert not re.search(r"\b[1-9]\d* (skipped|xfailed|xpassed|deselected|warnings?)\b", printed)
    total = re.search(r"^TOTAL\s.*?(\d+)(?:\.\d+)?%", printed, re.MULTILINE)
    assert total, printed[-2_000:]
    assert int(total[1]) >= COVERAGE_GATE
    named = re.findall(rf"^src/{PACKAGE}/\S+\.py", printed, re.MULTILINE)
    complete = re.search(r"(\d+) files? skipped due to complete coverage", printed)
    assert len(named) + int(complete[1] if complete else 0) >= MODULES, printed[-2_000:]
