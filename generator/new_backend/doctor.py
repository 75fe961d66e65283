"""`new-backend doctor`: whether a service can be developed on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from new_backend import after
from new_backend.errors import NewBackendError
from new_backend.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from new_backend.history import History

_SECONDS = 30
_ABOUT_MIGRATIONS = ("Migrations that the database lacks", "Several migrations")
"""How the message of a service's `check` begins if its database answers."""


class State(StrEnum):
    """The outcome of an examination."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True)
class Finding:
    """What was found about a subject, and what to do about it."""

    subject: str
    state: State
    found: str
    remedy: str = ""


def examine(history: History, folder: Path) -> tuple[Service, Iterator[Finding]]:
    """Return the service in a folder, and an iterator that examines it.

    Raises:
        InputRefusedError: There is no service.
    """
    service = Service.at(folder)
    return service, _findings(history, service)


def _findings(history: History, service: Service) -> Iterator[Finding]:
    folder = service.folder
    yield _python(folder)
    yield _uv(folder)
    yield _git(folder)
    yield _docker(folder)
    yield _lock(folder)
    yield _environment(folder)
    yield _settings(folder)
    yield from _database(service)
    yield _template(history, service)


def _python(folder: Path) -> Finding:
    try:
        manifest = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        wanted = str(manifest["project"]["requires-python"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        found = f"pyproject.toml names no version of Python: {error}"
        return Finding("python", State.FAILURE, found, "Restore it: git checkout pyproject.toml")
    ended = _run(folder, _uv_binary(), "python", "find", "--no-python-downloads", wanted)
    if ended.returncode:
        remedy = f"uv python install {wanted.lstrip('>=~')}"
        return Finding("python", State.FAILURE, f"no Python {wanted} is installed", remedy)
    return Finding("python", State.OK, f"{wanted}: {ended.stdout.strip()}")


def _uv(folder: Path) -> Finding:
    own = folder / ".venv/bin/uv"
    found = shutil.which("uv") or (str(own) if own.exists() else "")
    if not found:
        return Finding("uv", State.WARNING, "not on PATH", "make install, which puts it in .venv")
    return Finding("uv", State.OK, _run(folder, found, "--version").stdout.strip())


def _git(folder: Path) -> Finding:
    if shutil.which("git") is None:
        return Finding("git", State.FAILURE, "not installed", "Install git.")
    if after.repository_of(folder) is None:
        found = "the service is in no repository, so that no change of it can be undone"
        remedy = "git init && git add --all && git commit"
        return Finding("git", State.WARNING, found, remedy)
    return Finding("git", State.OK, _run(folder, "git", "--version").stdout.strip())


def _docker(folder: Path) -> Finding:
    remedy = "Install and start Docker, if you want to run the container."
    if shutil.which("docker") is None:
        return Finding("docker", State.WARNING, "not installed", remedy)
    ended = _run(folder, "docker", "version", "--format", "{{.Server.Version}}")
    if ended.returncode:
        return Finding("docker", State.WARNING, "no engine answers", remedy)
    return Finding("docker", State.OK, ended.stdout.strip())


def _lock(folder: Path) -> Finding:
    if not (folder / "uv.lock").exists():
        return Finding("lock", State.FAILURE, "there is no uv.lock", "uv lock")
    if _run(folder, _uv_binary(), "lock", "--check").returncode:
        found = "uv.lock does not fit pyproject.toml"
        return Finding("lock", State.FAILURE, found, "uv lock")
    return Finding("lock", State.OK, "uv.lock fits pyproject.toml")


def _environment(folder: Path) -> Finding:
    # Frozen: without it, uv would resolve what is missing or does not fit, over the network.
    if _run(folder, _uv_binary(), "sync", "--check", "--frozen").returncode:
        found = "the environment lacks packages of uv.lock"
        return Finding("environment", State.FAILURE, found, "make install")
    return Finding("environment", State.OK, ".venv has the packages of uv.lock")


def _settings(folder: Path) -> Finding:
    example, own = folder / ".env.example", folder / ".env"
    if not own.exists():
        return Finding(".env", State.OK, "none, so that settings have their local defaults")
    missing = [name for name in _names(example) if name not in _names(own)]
    if missing:
        found = f"lacks {', '.join(missing)} of .env.example"
        return Finding(".env", State.WARNING, found, "Add them to .env.")
    return Finding(".env", State.OK, "has every name of .env.example")


def _names(file: Path) -> list[str]:
    """Return the names that a file of environment variables sets."""
    if not file.exists():
        return []
    text = file.read_text(encoding="utf-8", errors="replace")
    lines = (line.strip() for line in text.splitlines())
    return [
        line.partition("=")[0].removeprefix("export ").strip()
        for line in lines
        if "=" in line and not line.startswith("#")
    ]


def _database(service: Service) -> Iterator[Finding]:
    folder = service.folder
    if "DATABASE_URL" not in {*os.environ, *_names(folder / ".env")}:
        found = "DATABASE_URL is not set: make run uses a local one, and migrates it"
        yield Finding("database", State.OK, found)
        return
    program = folder / ".venv/bin" / str(service.answers["project_name"])
    if not program.exists():
        found = "not asked, because the service is not installed"
        yield Finding("database", State.WARNING, found, "make install")
        return
    ended = _run(folder, str(program), "check")
    said = after.last_lines(ended.stderr or ended.stdout).rpartition("\n")[2]
    if ended.returncode and not said.startswith(_ABOUT_MIGRATIONS):
        yield Finding("database", State.FAILURE, said, "Start it, or correct DATABASE_URL.")
        return
    yield Finding("database", State.OK, "answers")
    if ended.returncode:
        yield Finding("migrations", State.FAILURE, said, "make migrate")
    else:
        yield Finding("migrations", State.OK, "all are applied")


def _template(history: History, service: Service) -> Finding:
    try:
        service.template(history)
    except NewBackendError as error:
        return Finding("template", State.WARNING, error.messages[0], error.hint)
    if newest := history.newer_than(service.version):
        found = f"{service.version} is older than {newest}"
        return Finding("template", State.WARNING, found, "new-backend update")
    return Finding("template", State.OK, service.version)


def _uv_binary() -> str:
    from uv import find_uv_bin

    return find_uv_bin()


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a program. One that does not end in time has failed."""
    try:
        return after.run_tool(words, folder, _SECONDS)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(words, 1, "", f"no answer within {_SECONDS} seconds")
