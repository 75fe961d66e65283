"""The stages in their order, how one fails, and how it runs a program."""

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
    from new_backend.verify.plan import Case

_GRACE_SECONDS = 20
# What of this environment reaches the programs: nothing that could configure a service.
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "XDG_CACHE_HOME", "CI")
_KEPT_PREFIXES = ("UV_", "PIP_", "DOCKER_", "NEW_BACKEND_")
_NOT_KEPT = ("UV_PROJECT_ENVIRONMENT", "UV_PROJECT")


class Stage(StrEnum):
    """What a combination is put through, each stage on what the ones before it proved."""

    RENDER = "render"
    STATIC = "static"
    TEST = "test"
    CONTRACT = "contract"
    IMAGE = "image"


def stages(text: str) -> list[Stage]:
    """Read stages such as `render,static`, and put them in order.

    Raises:
        InputRefusedError: There is none of that name.
    """
    named = [each.strip() for each in text.split(",") if each.strip()]
    unknown = [each for each in named if each not in list(Stage)]
    if unknown or not named:
        wrong = f'there is no stage "{unknown[0]}"' if unknown else "no stage is named"
        message = f"--stage {text}: {wrong}; choose from {', '.join(Stage)}"
        raise InputRefusedError(message)
    return [stage for stage in Stage if stage in named]


class StageFailed(Exception):  # noqa: N818 - a finding about a template, no fault of this program
    """A stage found something; the message is what it found."""


@dataclass(frozen=True)
class Workplace:
    """Where a run takes place, and what its stages have in common."""

    questionnaire: Questionnaire
    folder: Path
    """Holds the rendered trees; thrown away at the end."""
    kept: Path
    """Holds environments and records from run to run."""
    resolution: str
    stopped: threading.Event = field(default_factory=threading.Event)
    _known: dict[tuple[object, ...], str] = field(default_factory=dict)
    _running: set[subprocess.Popen[str]] = field(default_factory=set)

    @property
    def root(self) -> Path:
        """The folder of `copier.yml`."""
        return self.questionnaire.source.root

    def tree(self, case: Case) -> Path:
        """Where the service of a case lies."""
        return self.folder / case.id / str(case.answers["project_name"])

    def once(self, key: tuple[object, ...], do: Callable[[], str]) -> str:
        """Return what was found under this key; it is done at its first use in the run."""
        if key not in self._known:
            self._known[key] = do()
        return self._known[key]

    def environment(self, **changes: str) -> dict[str, str]:
        """What the programs see of this process's environment, and what is added."""
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
        """Run a program to its end and return what it printed.

        Raises:
            StageFailed: It ended with another code than 0, or is not there.
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
        """Run a program to its end, however it ends; its errors stand among what it printed."""
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
        if self.stopped.is_set():  # since it was looked at above
            _signal(process, signal.SIGINT)
        try:
            printed, _ = process.communicate()
        finally:
            self._running.discard(process)
        return subprocess.CompletedProcess(command, process.returncode, printed)

    def stop(self) -> None:
        """End the programs that run: asked first, so that they clean up, and then made to."""
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
