"""The stages in their order, their failure, and how they run programs."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from new_backend.errors import InputRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from new_backend.questions import Questionnaire
    from new_backend.verify.facts import Facts
    from new_backend.verify.plan import Case

_GRACE_SECONDS = 20
# The variables that programs inherit. None of them could configure a service.
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "XDG_CACHE_HOME", "CI")
_KEPT_PREFIXES = ("UV_", "PIP_", "DOCKER_", "NEW_BACKEND_")
_NOT_KEPT = ("UV_PROJECT_ENVIRONMENT", "UV_PROJECT")


class Stage(StrEnum):
    """A stage of verification. Each builds on what the earlier ones proved."""

    RENDER = "render"
    STATIC = "static"
    TEST = "test"
    CONTRACT = "contract"
    IMAGE = "image"


def stages(text: str) -> list[Stage]:
    """Read stages such as `render,static`, and sort them.

    Raises:
        InputRefusedError: A stage is unknown.
    """
    named = [each.strip() for each in text.split(",") if each.strip()]
    unknown = [each for each in named if each not in list(Stage)]
    if unknown or not named:
        wrong = f'unknown stage "{unknown[0]}"' if unknown else "no stage is named"
        message = f"--stage {text}: {wrong}. Choose from {', '.join(Stage)}"
        raise InputRefusedError(message)
    return [stage for stage in Stage if stage in named]


class StageFailed(Exception):  # noqa: N818 - a finding about a template, no fault of this program
    """A stage found errors. The message contains them."""


@dataclass(frozen=True)
class Workplace:
    """The place of a run, and the data that its stages share."""

    questionnaire: Questionnaire
    facts: Facts
    folder: Path
    """Contains the rendered trees. It is deleted at the end."""
    kept: Path
    """Contains environments and records, and stays between runs."""
    resolution: str
    stopped: threading.Event = field(default_factory=threading.Event)
    _known: dict[tuple[object, ...], str] = field(default_factory=dict)
    _running: set[subprocess.Popen[str]] = field(default_factory=set)

    @property
    def root(self) -> Path:
        """The folder of `copier.yml`."""
        return self.questionnaire.source.root

    def tree(self, case: Case) -> Path:
        """The folder of a case's service."""
        return self.folder / case.id / str(case.answers["project_name"])

    def once(self, key: tuple[object, ...], do: Callable[[], str]) -> str:
        """Return the result for this key, computed at its first use in the run."""
        if key not in self._known:
            self._known[key] = do()
        return self._known[key]

    def environment(self, **changes: str) -> dict[str, str]:
        """The variables of the programs: selected ones of this process, and additions."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in _KEPT or (name.startswith(_KEPT_PREFIXES) and name not in _NOT_KEPT)
        }
        return {**kept, "UV_RESOLUTION": self.resolution, "UV_LINK_MODE": "hardlink", **changes}

    def run(
        self,
        command: Sequence[str | Path],
        *,
        cwd: Path,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Run a program to its end and return its output.

        Raises:
            StageFailed: It exited with a code other than 0, or is not installed.
        """
        done = self.attempt(command, cwd=cwd, environment=environment)
        if done.returncode:
            named = " ".join([Path(command[0]).name, *map(str, command[1:])])
            message = f"{named}\n{done.stdout.rstrip()}"
            raise StageFailed(message)
        return done.stdout

    def attempt(
        self,
        command: Sequence[str | Path],
        *,
        cwd: Path,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, with any exit code. Its output includes standard error."""
        if self.stopped.is_set():
            message = "interrupted"
            raise StageFailed(message)
        try:
            process = subprocess.Popen(
                [str(word) for word in command],
                cwd=cwd,
                env=self.environment() if environment is None else dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            message = f"{command[0]} cannot be started: {error.strerror}"
            raise StageFailed(message) from error
        self._running.add(process)
        if self.stopped.is_set():  # it ended after the check above
            _signal(process, signal.SIGINT)
        try:
            printed, _ = process.communicate()
        finally:
            self._running.discard(process)
        return subprocess.CompletedProcess(command, process.returncode, printed)

    def stop(self) -> None:
        """Stop the running programs: with a signal that lets them clean up, and then by force."""
        self.stopped.set()
        running = list(self._running)
        for process in running:
            _signal(process, signal.SIGINT)
        for process in running:
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[str], number: int) -> None:
    if process.poll() is None:
        os.killpg(process.pid, number)
