"""Presets: named answers and defaults, some of which a user cannot change.

A preset is a file in YAML, JSON or TOML. The template has some, a user has others in the
platform's folder for settings, and a team keeps its own in a git repository.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from new_backend.answers import cast_answer
from new_backend.answers_file import SUFFIXES, read_record
from new_backend.errors import InputRefusedError
from new_backend.git import GitError, git
from new_backend.invocation import PROGRAM
from new_backend.layers import SourceFile
from new_backend.template_source import TEMPLATE_FOLDER
from new_backend.temporary import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from new_backend.questions import Questionnaire, Value
    from new_backend.template_source import TemplateSource

BUILT_IN = "built in"
_TABLES = ("answers", "defaults")
_KEYS = ("description", *_TABLES, "locked", "overlay")
# URL@REVISION:FILE; the first part of a URL may have another @ and other colons.
_IN_GIT = re.compile(
    r"(?P<url>(?:[a-z+]+://|[\w.-]+@).+)@(?P<revision>[^@:/][^@:]*):(?P<file>[^:@]+)"
)
_ADDRESS = re.compile(r"[a-z+]+://|[\w.-]+@[\w.-]+:")


@dataclass(frozen=True)
class Preset:
    """Answers, which flags can override unless they are locked, and defaults."""

    name: str
    origin: str
    """`built in`, a path, or a git address with its revision."""
    description: str
    answers: Mapping[str, Value]
    defaults: Mapping[str, Value]
    locked: frozenset[str]
    overlay: Mapping[str, SourceFile]
    """Files that a new service gets in addition, by their paths."""


def known(questionnaire: Questionnaire) -> list[Preset]:
    """Return the presets with a name: those of the template, and those of the user.

    Raises:
        InputRefusedError: One is invalid.
    """
    return [_read(questionnaire, *each) for each in _files(questionnaire.source).values()]


def names(source: TemplateSource) -> list[str]:
    """Return the names of the presets of the template and of the user."""
    return list(_files(source))


def find(questionnaire: Questionnaire, wanted: str) -> Preset:
    """Return a preset by its name, its file, or its address in git.

    Raises:
        InputRefusedError: There is none, or it is invalid.
    """
    if _ADDRESS.match(wanted):
        return _from_git(questionnaire, wanted)
    if "/" in wanted or Path(wanted).suffix.lower() in SUFFIXES:
        return _read(questionnaire, Path(wanted), wanted)
    named = _files(questionnaire.source)
    if wanted not in named:
        message = f'unknown preset "{wanted}". Choose from {", ".join(named)}, a file or an address'
        raise InputRefusedError(message)
    return _read(questionnaire, *named[wanted])


def _files(source: TemplateSource) -> dict[str, tuple[Path, str]]:
    """Return the files of presets by their names, each with its origin. A user's come first."""
    theirs = Path(typer.get_app_dir(PROGRAM)) / "presets"
    found: dict[str, tuple[Path, str]] = {}
    for folder, built_in in ((theirs, False), (source.root / TEMPLATE_FOLDER / "presets", True)):
        for path in sorted(folder.glob("*")):
            if path.suffix.lower() in SUFFIXES:
                found.setdefault(path.stem, (path, BUILT_IN if built_in else str(path)))
    return found


def _from_git(questionnaire: Questionnaire, address: str) -> Preset:
    found = _IN_GIT.fullmatch(address)
    if found is None:
        message = f"{address} names no revision and file: URL@REVISION:FILE"
        raise InputRefusedError(message, hint="A fixed revision keeps later services the same.")
    with temporary_folder() as folder:
        try:
            git(folder, "init", "--quiet")
            words = ("fetch", "--quiet", "--depth=1", "--end-of-options")
            git(folder, *words, found["url"], found["revision"])
            git(folder, "checkout", "--quiet", "FETCH_HEAD")
        except GitError as error:
            message = f"{address} cannot be read: {error}"
            raise InputRefusedError(message) from error
        return _read(questionnaire, folder / found["file"], address)


def _read(questionnaire: Questionnaire, path: Path, origin: str) -> Preset:
    record = _record(path, origin)
    problems = [
        f'unknown key "{key}". Use {", ".join(_KEYS)}' for key in record if key not in _KEYS
    ]
    answers, defaults = (
        _table(questionnaire, key, record.get(key) or {}, problems) for key in _TABLES
    )
    locked = record.get("locked") or []
    if not isinstance(locked, list):
        problems.append("locked is not a list of questions")
        locked = []
    problems += [f"{name} is locked without an answer" for name in locked if name not in answers]
    overlay: dict[str, SourceFile] = {}
    if wanted := record.get("overlay"):
        try:
            overlay = _files_in(path.parent, str(wanted))
        except (OSError, ValueError) as error:
            problems.append(f"overlay: {error}")
    if problems:
        where = f'preset "{path.stem}"' if origin == BUILT_IN else origin
        raise InputRefusedError(*(f"{where}: {problem}" for problem in problems))
    return Preset(
        name=path.stem,
        origin=origin,
        description=str(record.get("description") or ""),
        answers=answers,
        defaults=defaults,
        locked=frozenset(map(str, locked)),
        overlay=overlay,
    )


def _record(path: Path, origin: str) -> dict[str, object]:
    try:
        return read_record(str(path))
    except InputRefusedError as error:
        # A preset from git was checked out to a temporary folder, which would mean nothing.
        raise InputRefusedError(
            *(message.replace(str(path), origin) for message in error.messages)
        ) from error


def _table(
    questionnaire: Questionnaire, key: str, given: object, problems: list[str]
) -> dict[str, Value]:
    """Return answers, each in the type of its question, and add what is wrong to the problems."""
    if not isinstance(given, dict):
        problems.append(f"{key} is not a table of questions and answers")
        return {}
    answers = {}
    for question, raw in given.items():
        try:
            answers[str(question)] = cast_answer(questionnaire, str(question), raw)
        except ValueError as error:
            problems.append(str(error))
    return answers


def _files_in(place: Path, name: str) -> dict[str, SourceFile]:
    """Return the files of a folder next to the preset.

    Raises:
        ValueError: It is elsewhere or missing, or has a symbolic link, which may lead anywhere.
    """
    folder = place / name
    if not folder.is_dir() or place.resolve() not in folder.resolve().parents:
        message = f"{name} is not a folder next to the preset"
        raise ValueError(message)
    found = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder).as_posix()
        if path.is_symlink():
            message = f"{name}/{relative} is a symbolic link"
            raise ValueError(message)
        if path.is_file():
            found[relative] = SourceFile(path.read_bytes(), os.access(path, os.X_OK))
    return found
