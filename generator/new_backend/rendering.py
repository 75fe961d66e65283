"""Answers become files: rendered by Copier into a staging folder, then moved into place at once."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from new_backend import interruption
from new_backend.errors import RenderingError, TargetRefusedError
from new_backend.template_source import TEMPLATE_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from new_backend.questions import Value
    from new_backend.template_source import TemplateSource

ANSWERS_FILE = ".copier-answers.yml"
# What a new repository of the usual hosts holds before anybody has worked in it.
_NEW_REPOSITORY = (".git", ".gitignore", "README*", "LICENSE*", "LICENCE*")
_LISTED = 10


@dataclass(frozen=True)
class Target:
    """The folder that the project goes to; `exists` where it is there already."""

    path: Path
    exists: bool

    @classmethod
    def check(cls, path: Path) -> Target:
        """Make sure that a folder may take the project, before anything is written.

        Raises:
            TargetRefusedError: Something is in the way, or nothing can be written there.
        """
        path = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow a symbolic link
        if path.is_symlink() and not path.exists():
            message = f"{path} is a symbolic link to nothing: remove it, or name another folder"
            raise TargetRefusedError(message)
        if path.exists() and not path.is_dir():
            message = f"{path} is a file: name a folder"
            raise TargetRefusedError(message)
        if path.exists():
            _refuse_foreign(path)
        anchor = path if path.exists() else _nearest_folder(path)
        if not os.access(anchor, os.W_OK | os.X_OK):
            message = (
                f"{anchor} cannot be written: choose another folder, or change its permissions"
            )
            raise TargetRefusedError(message)
        return cls(path, path.exists())


@dataclass(frozen=True)
class RenderedFile:
    """A file of the project, and its size in bytes."""

    path: str
    size: int


def preview(source: TemplateSource, answers: Mapping[str, Value]) -> tuple[list[RenderedFile], str]:
    """Render into a folder that is thrown away: what would be written, and the `pyproject.toml`."""
    with tempfile.TemporaryDirectory(prefix="new-backend-") as folder:
        project = Path(folder) / str(answers["project_name"])
        render(source, answers, project)
        manifest = project / "pyproject.toml"
        text = manifest.read_text(encoding="utf-8") if manifest.is_file() else ""
        return _files_of(project), text


def create_project(
    source: TemplateSource,
    answers: Mapping[str, Value],
    target: Target,
    keep_theirs: Callable[[str], bool],
) -> tuple[list[RenderedFile], list[str]]:
    """Render the project and move it to its folder; give its files, and theirs that stayed.

    `keep_theirs` is asked for each file that a new repository has and the template writes too.
    A failure or an interruption before the move leaves nothing, and the move is made at once.

    Raises:
        RenderingError: The template cannot be rendered, or the disk refuses.
    """
    folder = target.path if target.exists else _nearest_folder(target.path)
    with _staging(folder, target.path.name) as staging:
        if target.exists:
            project = staging / target.path.name
            render(source, answers, project)
            files = _files_of(project)
            kept = [name for name in _present(project, target.path) if keep_theirs(name)]
            _fill(project, target.path, staging, kept)
            return [file for file in files if file.path not in kept], kept
        # The staging folder holds the missing parents too, so that one rename brings all of them.
        missing = target.path.relative_to(folder)
        render(source, answers, staging / missing)
        files = _files_of(staging / missing)
        with interruption.held():
            _move(staging / missing.parts[0], folder / missing.parts[0])
        return files, []


def render(source: TemplateSource, answers: Mapping[str, Value], project: Path) -> None:
    """Let Copier render, and record the template's public address, no path of this machine.

    Raises:
        RenderingError: The template cannot be rendered, or the disk refuses.
    """
    from copier import Settings, run_copy
    from copier.errors import CopierError
    from jinja2 import TemplateError as JinjaError
    from jinja2 import TemplateSyntaxError as JinjaSyntaxError
    from plumbum import local

    try:
        # A plain folder rendered into a new one needs no git; where Copier finds one, it starts it
        # anew for every file.
        with (
            source.plain_folder() as template,
            local.env(PATH=""),
            _compiled_once(source.config.read_bytes()),
        ):
            run_copy(
                str(template),
                project,
                data=dict(answers),
                defaults=True,
                quiet=True,
                # A person's defaults for other templates must not set a flag of this one.
                settings=Settings(),
            )
        _record_source(project / ANSWERS_FILE, source.version)
    except OSError as error:
        message = f"the project cannot be written: {error.strerror or error}"
        raise RenderingError(message) from error
    except (CopierError, JinjaError, ValueError) as error:
        where = (
            f"{error.name}, line {error.lineno}: " if isinstance(error, JinjaSyntaxError) else ""
        )
        message = f"the template cannot be rendered: {where}{' '.join(str(error).split())}"
        raise RenderingError(message) from error


_COMPILED: dict[tuple[object, ...], Any] = {}
"""What Jinja compiled: by the configuration of its environment, the source and its name."""


@contextmanager
def _compiled_once(config: bytes) -> Iterator[None]:
    """Keep what Jinja compiled while Copier renders, and for what it renders next.

    Copier compiles each part of each path again for each file, which is a third of the CPU time of
    `create`. Its environment follows from `copier.yml`, the `config`: under the same one, a source
    compiles to the same code every time. (Its `yield` tag, which no path of this template has,
    depends on compiling anew.)
    """
    from jinja2 import Environment

    compile_anew = Environment.compile

    def compile_once(
        self: Environment, source: Any, name: str | None = None, filename: str | None = None
    ) -> Any:
        key = (config, type(self), source, name)
        if key not in _COMPILED:
            _COMPILED[key] = compile_anew(self, source, name, filename)
        return _COMPILED[key]

    Environment.compile = compile_once  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Environment.compile = compile_anew  # type: ignore[method-assign]


def _record_source(answers_file: Path, version: str) -> None:
    if not answers_file.is_file():
        return
    recorded = answers_file.read_text(encoding="utf-8")
    # A long path is folded: the lines that go on are indented.
    recorded = re.sub(
        r"^_src_path:.*\n(?:[ \t].*\n)*",
        lambda _: (f"_commit: {version}\n" if version else "") + f"_src_path: {TEMPLATE_ADDRESS}\n",
        recorded,
        count=1,
        flags=re.MULTILINE,
    )
    answers_file.write_text(recorded, encoding="utf-8", newline="\n")


def _files_of(project: Path) -> list[RenderedFile]:
    return sorted(
        (
            RenderedFile(path.relative_to(project).as_posix(), path.lstat().st_size)
            for path in project.rglob("*")
            if not path.is_dir()
        ),
        key=lambda file: file.path,
    )


def _refuse_foreign(path: Path) -> None:
    try:
        entries = sorted(path.iterdir())
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise TargetRefusedError(message) from error
    foreign = [entry.name for entry in entries if not _belongs_to_new_repository(entry)]
    if not foreign:
        return
    listed = ", ".join(foreign[:_LISTED])
    more = f" and {len(foreign) - _LISTED} more" if len(foreign) > _LISTED else ""
    message = f"{path} is not empty: {listed}{more}"
    raise TargetRefusedError(message, hint="Name a new folder, or move what is in the way.")


def _belongs_to_new_repository(entry: Path) -> bool:
    if not any(fnmatch(entry.name.upper(), pattern.upper()) for pattern in _NEW_REPOSITORY):
        return False
    return entry.name == ".git" or (entry.is_file() and not entry.is_symlink())


def _nearest_folder(path: Path) -> Path:
    """Find the closest parent that is there.

    Raises:
        TargetRefusedError: A file stands where a folder would have to.
    """
    for parent in path.parents:
        if parent.is_dir():
            return parent
        if parent.exists() or parent.is_symlink():
            message = f"{parent} is no folder: {path} cannot be made below it"
            raise TargetRefusedError(message)
    raise AssertionError(path)  # pragma: no cover - the root is a folder


@contextmanager
def _staging(folder: Path, name: str) -> Iterator[Path]:
    """Make a folder on the target's own file system, and remove it whatever happens."""
    with interruption.held():
        staging = _temporary_folder(folder, f".{name}.")
    try:
        yield Path(staging.name)
    finally:
        with interruption.held():
            staging.cleanup()


def _temporary_folder(parent: Path, prefix: str) -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True)
    except OSError as error:
        message = f"{parent} cannot be written: {error.strerror}"
        raise TargetRefusedError(message) from error


def _move(rendered: Path, place: Path) -> None:
    try:
        rendered.rename(place)
    except OSError as error:
        message = f"{place} cannot be written: {error.strerror}"
        raise RenderingError(message) from error


def _present(project: Path, target: Path) -> list[str]:
    return sorted(entry.name for entry in project.iterdir() if os.path.lexists(target / entry.name))


def _fill(project: Path, target: Path, staging: Path, kept: list[str]) -> None:
    """Move the entries into a folder that is there already; all of them, or none."""
    aside = staging / "theirs"
    aside.mkdir()
    undo: list[tuple[Path, Path]] = []

    def move(path: Path, place: Path) -> None:
        path.rename(place)
        undo.append((place, path))

    with interruption.held():
        try:
            for entry in sorted(project.iterdir()):
                place = target / entry.name
                if entry.name in kept:
                    continue
                if os.path.lexists(place):
                    move(place, aside / entry.name)
                move(entry, place)
        except OSError as error:
            for place, path in reversed(undo):
                place.rename(path)
            message = f"{target} cannot be filled: {error.strerror}"
            raise RenderingError(message) from error
