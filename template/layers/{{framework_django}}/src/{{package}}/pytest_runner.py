"""The test runner of `manage.py test`: pytest."""

import subprocess
import sys
from collections.abc import Sequence
from typing import Any


class PytestRunner:
    """A runner that starts pytest in a new process, so that the tests choose their settings."""

    def __init__(self, *, failfast: bool = False, **_: Any) -> None:
        self.options = ["--exitfirst"] if failfast else []

    def run_tests(self, test_labels: Sequence[str], **_: Any) -> int:
        """Run the tests in these files or folders, or all tests. Return the exit code of pytest."""
        command = [sys.executable, "-m", "pytest", *self.options, *test_labels]
        return subprocess.call(command)  # noqa: S603 - our own command
