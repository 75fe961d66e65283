"""The stage `image`: build and run the service with its own Dockerfile and compose file."""

from __future__ import annotations

import json
import secrets
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from new_backend.errors import InputRefusedError
from new_backend.verify import suites
from new_backend.verify.stages import Stage, StageFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from new_backend.verify.plan import Case
    from new_backend.verify.stages import Workplace

_SERVICE = "service"
"""The name of the service in the compose file."""

_PORT = "8000"
"""The port inside the container."""

_PROXIES = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
"""The private networks of the engine. Through the published port, all clients share the
address of the network's gateway. So the suite sends the client's address to the service, as
a reverse proxy does.
"""

_COMPOSE_VERSION = ("docker", "compose", "version")
_LOG_LINES = "15"
_CLEAR_LINE = "\x1b[2K"
"""The prefix of each log line, which Compose 2.26 prints with every `--ansi`."""

_UP_SECONDS = "120"
_CLEAN_UP_SECONDS = 60
_MEGABYTE = 1_000_000


def require() -> None:
    """Make sure that services can be built and run here.

    Raises:
        InputRefusedError: Docker, Compose or a running engine is missing.
    """
    for command, missing in (
        (("docker", "--version"), "docker is not on the PATH"),
        (_COMPOSE_VERSION, "docker has no compose plugin"),
        (("docker", "version"), "no Docker engine answers"),
    ):
        said = _said(command)
        if said is None:
            message = f"--stage {Stage.IMAGE}: {missing}"
            raise InputRefusedError(message, hint="Start one, or omit the stage.")


@cache
def has_compose() -> bool:
    """Whether Docker Compose is on this machine. It reads files without an engine too."""
    return _said(_COMPOSE_VERSION) is not None


@cache
def engine() -> str:
    """Return the versions of the engine and of Compose."""
    server = _said(("docker", "version", "--format", "{{.Server.Version}}"))
    compose = _said(("docker", "compose", "version", "--short"))
    return f"docker {server}, compose {compose}"


def check(place: Workplace, case: Case) -> str:
    """Build an image, run it with the compose file, run the contract suite, and stop it.

    Everything except the engine's build cache is removed at the end.

    Returns:
        The image's size and user, its start and stop times, and pytest's closing line.

    Raises:
        StageFailed: With the findings, and the end of the logs if a container failed.
    """
    with _containers(place, case) as containers:
        containers.set_up()
        containers.run("build", "--progress", "plain", "--tag", containers.image, ".")
        image = containers.inspect("image", containers.image)
        _check_user("image", image)
        size, user = image["Size"] // _MEGABYTE, image["Config"]["User"]
        try:
            return f"{size} MB, user {user}, {_run(place, case, containers)}"
        except StageFailed as failed:
            message = f"{containers.log()}\n{failed}"
            raise StageFailed(message) from failed


def _run(place: Workplace, case: Case, containers: _Containers) -> str:
    up = containers.up()
    container = containers.inspect("container", containers.id())
    _check_user("container", container)
    _check_health(container)
    passed = suites.run(place, case, Stage.IMAGE, f"--address={containers.address()}")
    down = containers.end()
    return f"healthy after {up:.1f} s, stopped in {down:.1f} s; {passed}"


def _check_user(what: str, described: Mapping[str, Any]) -> None:
    """Root has too many rights, and Kubernetes cannot see whether a name is root's."""
    user = str(described["Config"]["User"])
    number = user.partition(":")[0]
    if not number.isdecimal() or not int(number):
        message = f"the {what} runs as {user or 'root'}: expected a number other than 0"
        raise StageFailed(message)


def _check_health(container: Mapping[str, Any]) -> None:
    status = container["State"].get("Health", {}).get("Status", "not available")
    if status != "healthy":
        message = f"the service runs, and its health is {status}. Add a HEALTHCHECK that passes"
        raise StageFailed(message)


@dataclass(frozen=True)
class _Containers:
    """The image and the containers of one case, under a unique name."""

    place: Workplace
    tree: Path
    name: str

    @property
    def image(self) -> str:
        """The compose file's name of the image with this tag."""
        return f"{self.tree.name}:{self.name}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the compose file. The engine replaces port 0 by a free one."""
        return self.place.environment(COMPOSE_PROJECT_NAME=self.name, TAG=self.name, PORT="0")

    def set_up(self) -> None:
        """Write the `.env` of a service behind a reverse proxy."""
        self.place.run(["make", "env"], cwd=self.tree)
        with (self.tree / ".env").open("a", encoding="utf-8") as file:
            file.write(f"TRUSTED_PROXIES={_PROXIES}\n")

    def run(self, *arguments: str) -> str:
        """Run a docker command and return its output."""
        return self.place.run(["docker", *arguments], cwd=self.tree, environment=self.environment)

    def inspect(self, kind: str, name: str) -> dict[str, Any]:
        """Return the engine's description of an image or a container."""
        (described,) = json.loads(self.run(kind, "inspect", name))
        return dict(described)

    def up(self) -> float:
        """Start everything, and return after how many seconds all of it is healthy."""
        started = time.monotonic()
        how = ("--no-build", "--wait", "--wait-timeout", _UP_SECONDS)
        self.run("compose", "--progress", "quiet", "up", *how)
        return time.monotonic() - started

    def id(self) -> str:
        """Return the engine's name of the service's container."""
        return self.run("compose", "ps", "--all", "--quiet", _SERVICE).strip()

    def address(self) -> str:
        """Return the URL of the service."""
        return f"http://{self.run('compose', 'port', _SERVICE, _PORT).strip()}"

    def end(self) -> float:
        """Stop the service with SIGTERM, and return how many seconds that took."""
        container = self.id()
        started = time.monotonic()
        self.run("compose", "stop", _SERVICE)
        seconds = time.monotonic() - started
        code = self.inspect("container", container)["State"]["ExitCode"]
        if code:
            message = f"the service exited with code {code}, {seconds:.1f} s after SIGTERM"
            raise StageFailed(message)
        return seconds

    def log(self) -> str:
        """Return the last log lines of each container."""
        printed = self.run("compose", "logs", "--no-color", "--tail", _LOG_LINES)
        return printed.replace(_CLEAR_LINE, "").rstrip()

    def remove(self) -> list[str]:
        """Remove everything, also if the run was interrupted and starts no more programs.

        Returns:
            The commands that failed.
        """
        commands = (
            ("docker", "compose", "down", "--volumes", "--remove-orphans", "--timeout", "0"),
            ("docker", "image", "rm", "--force", self.image),
        )
        return [
            " ".join(command)
            for command in commands
            if _said(command, cwd=self.tree, environment=self.environment) is None
        ]


@contextmanager
def _containers(place: Workplace, case: Case) -> Iterator[_Containers]:
    """Yield a name for the containers of a case, and finally remove everything with that name.

    Raises:
        StageFailed: The removal failed. An earlier failure takes precedence.
    """
    name = f"new-backend-verify-{secrets.token_hex(4)}"
    containers = _Containers(place, place.tree(case), name)
    try:
        yield containers
    except BaseException:
        containers.remove()
        raise
    if left := containers.remove():
        message = f"{name} could not be removed. Failed commands: {', '.join(left)}"
        raise StageFailed(message)


def _said(
    command: tuple[str, ...],
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str | None:
    """Return a program's output, or nothing if it fails. Ctrl-C does not reach the program."""
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_CLEAN_UP_SECONDS,
            start_new_session=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else done.stdout.strip()
