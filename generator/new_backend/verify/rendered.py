"""The stage `render`: a service is rendered completely, without traces of unselected choices."""

from __future__ import annotations

import ast
import json
import os
import re
import tomllib
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from zlib import crc32

import yaml

from new_backend.errors import NewBackendError, TemplateError
from new_backend.layers import sources_by_path
from new_backend.questions import Questionnaire
from new_backend.rendering import render
from new_backend.template_source import TemplateSource
from new_backend.verify.stages import StageFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from new_backend.verify.plan import Case
    from new_backend.verify.stages import Workplace

LEFTOVERS = PurePosixPath("tests/leftovers.toml")
"""The table of words that only an unselected choice would leave."""

_IN_1987, _YEARS_34 = 2**29, 2**30
"""Seconds: a time that every tool accepts, later than 1980 and before now."""


class Renderer:
    """Render in separate processes: Jinja is Python, and would block the other threads."""

    def __init__(self, source: TemplateSource, jobs: int) -> None:
        """Prepare one process for each job, which starts when it is needed.

        The processes render one copy of the template. It is not a checkout, so a service records
        the template's release, and a commit alone changes no service.
        """
        self._pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_leave_interrupts)
        self._kept = ExitStack()
        self._source = TemplateSource(self._kept.enter_context(source.plain_folder()))

    def render(self, place: Workplace, case: Case) -> None:
        """Write the tree of a case.

        Raises:
            StageFailed: The template cannot be rendered.
        """
        tree = place.tree(case)
        tree.parent.mkdir(parents=True)
        if problem := self._pool.submit(_render, self._source, dict(case.answers), tree).result():
            raise StageFailed("\n".join([*_reasons(place.questionnaire, case), problem]))

    def close(self) -> None:
        """Stop the processes after their current work."""
        self._pool.shutdown(cancel_futures=True)
        self._kept.close()


def check(place: Workplace, case: Case) -> str:
    """Check a rendered tree against the layers, the file formats and the table of leftovers.

    Returns:
        The number of files.

    Raises:
        StageFailed: With a line for each error.
    """
    tree = place.tree(case)
    contents = {
        path.relative_to(tree).as_posix(): path.read_bytes()
        for path in sorted(tree.rglob("*"))
        if path.is_file()
    }
    given = sources_by_path(place.questionnaire, case.answers)
    found = [
        *_unanswered(place.questionnaire, given),
        *_collisions(given),
        *_unreadable(contents),
        *_left_over(place.root, case.answers, contents),
    ]
    if found:
        raise StageFailed("\n".join(found))
    return f"{len(contents)} files"


def _leave_interrupts() -> None:
    """Leave Ctrl-C to the parent process."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _render(source: TemplateSource, answers: Mapping[str, Any], tree: Path) -> str:
    """Render, and return the errors of the template."""
    try:
        render(_questionnaire(source), answers, tree)
    except NewBackendError as error:
        return str(error)
    _date_by_content(tree)
    return ""


@cache
def _questionnaire(source: TemplateSource) -> Questionnaire:
    return Questionnaire.read(source)


def _date_by_content(tree: Path) -> None:
    """Set equal times for files of equal content, and different times otherwise.

    mypy's cache identifies a file by its time in seconds and its size. The services of a run have
    files of the same name that are written in the same second.
    """
    for path in tree.rglob("*"):
        if path.is_file():
            seconds = _IN_1987 + crc32(path.read_bytes()) % _YEARS_34
            os.utime(path, (seconds, seconds))


# ---------------------------------------------------------------- Layers


def _unanswered(questionnaire: Questionnaire, given: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield the names in this case's layers and in the partials that no question defines."""
    layers = f"{questionnaire.subdirectory}/"
    concerned = {layers + each for sources in given.values() for each in sources}
    for path, name in questionnaire.unanswered:
        if path in concerned or not path.startswith(layers):
            yield f"{path}: no question defines {name}"


def _reasons(questionnaire: Questionnaire, case: Case) -> list[str]:
    """Yield the errors that explain why a case could not be written."""
    try:
        given = sources_by_path(questionnaire, case.answers)
    except TemplateError:  # an invalid name of a folder, which is reported
        return []
    return [*_unanswered(questionnaire, given), *_collisions(given)]


def _collisions(given: Mapping[str, list[str]]) -> Iterator[str]:
    for path, sources in given.items():
        if len(sources) > 1:
            yield f"{path} comes from {len(sources)} layers: {', '.join(sources)}"


# ---------------------------------------------------------------- Formats


def _unreadable(contents: Mapping[str, bytes]) -> Iterator[str]:
    for path, content in contents.items():
        try:
            _parse(PurePosixPath(path), content.decode("utf-8"))
        except (ValueError, SyntaxError, yaml.YAMLError) as error:
            yield f"{path}: {' '.join(str(error).split())}"


def _parse(path: PurePosixPath, text: str) -> None:
    if path.suffix == ".py":
        ast.parse(text, str(path))
    elif path.suffix == ".toml":
        tomllib.loads(text)
    elif path.suffix == ".json":
        json.loads(text)
    elif path.suffix in {".yaml", ".yml"}:
        list(yaml.safe_load_all(text))


# ---------------------------------------------------------------- Leftovers


@dataclass(frozen=True)
class Leftover:
    """Expressions that must not match where an answer was given, and the files to search."""

    answer: tuple[str, str]
    pattern: re.Pattern[str]
    where: tuple[str, ...]
    but: tuple[str, ...]


@dataclass(frozen=True)
class _Table:
    leftovers: tuple[Leftover, ...]
    ignored: re.Pattern[str]


@cache
def _table(path: Path) -> _Table:
    """Read `tests/leftovers.toml`. A template without this file has no known leftovers.

    Raises:
        TemplateError: It cannot be read.
    """
    if not path.is_file():
        return _Table((), re.compile(r"\A(?!)"))
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        leftovers = tuple(
            Leftover(
                (question, answer),
                re.compile("|".join(expressions), re.IGNORECASE),
                tuple(place["files"]),
                (*data["not-ours"], *place.get("but", ())),
            )
            for name, place in data["places"].items()
            for question, answers in data.get(name, {}).items()
            for answer, expressions in answers.items()
        )
        return _Table(leftovers, re.compile("|".join(data["ignored"])))
    except (ValueError, KeyError, TypeError, AttributeError, re.error) as error:
        message = f"{path} cannot be read: {type(error).__name__}: {error}"
        raise TemplateError(message) from error


def _left_over(
    root: Path, answers: Mapping[str, Any], contents: Mapping[str, bytes]
) -> Iterator[str]:
    table = _table(root / LEFTOVERS)
    taken = {(name, str(value)) for name, value in answers.items()}
    looked_for = [each for each in table.leftovers if each.answer in taken]
    for path, content in contents.items():
        here = [each for each in looked_for if _speaks_of(each, path)]
        text = table.ignored.sub("", content.decode("utf-8", errors="replace"))
        for leftover in here:
            said = f"left over from another choice than {'='.join(leftover.answer)}"
            if match := leftover.pattern.search(path):
                yield f"{path}: {said}: {match[0]}"
            for number, line in enumerate(text.splitlines(), start=1):
                if leftover.pattern.search(line):
                    yield f"{path}:{number}: {said}: {line.strip()}"


def _speaks_of(leftover: Leftover, path: str) -> bool:
    return any(_is_in(path, place) for place in leftover.where) and not any(
        _is_in(path, place) for place in leftover.but
    )


def _is_in(path: str, place: str) -> bool:
    if place.endswith("**"):
        return path.startswith(place.removesuffix("**"))
    return PurePosixPath(path).match(place)
