"""Rendering: the files are written into a staging folder, which is then moved into place."""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from new_backend import interruption
from new_backend.errors import RenderingError, TargetRefusedError, TemplateError
from new_backend.layers import overlay_files, service_files
from new_backend.temporary import ASIDE, remove_abandoned, temporary_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from new_backend.layers import SourceFile
    from new_backend.questions import Questionnaire, Value

# The files of a new repository on the usual hosts.
_NEW_REPOSITORY = (".git", ".gitignore", "README*", "LICENSE*", "LICENCE*")
MERGED = ".gitignore"
"""An existing file that is kept and gets the missing lines: without them, git would add `.env`."""
_LISTED = 10
_NOTHING: Mapping[str, SourceFile] = MappingProxyType({})


@dataclass(frozen=True)
class Target:
    """The folder of the project; `exists` where it exists already."""

    path: Path
    exists: bool

    @classmethod
    def check(cls, path: Path) -> Target:
        """Check that a folder can hold the project, before anything is written.

        Raises:
            TargetRefusedError: It is not empty, or it cannot be written.
        """
        try:
            path = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow a symbolic link
        except FileNotFoundError as error:
            message = "the current folder no longer exists"
            raise TargetRefusedError(message, hint="Change to another folder.") from error
        try:
            return cls._checked(path)
        except OSError as error:
            message = f"{path} cannot be used: {error.strerror}"
            raise TargetRefusedError(message, hint="Name another folder.") from error

    @classmethod
    def _checked(cls, path: Path) -> Target:
        if path.is_symlink() and not path.exists():
            message = f"{path} is a symbolic link to nothing. Remove it, or name another folder"
            raise TargetRefusedError(message)
        if path.exists() and not path.is_dir():
            message = f"{path} is a file. Name a folder"
            raise TargetRefusedError(message)
        if path.exists():
            remove_abandoned(path)
            _refuse_foreign(path)
        anchor = path if path.exists() else _nearest_folder(path)
        if not os.access(anchor, os.W_OK | os.X_OK):
            message = f"{anchor} is not writable. Name another folder, or change its permissions"
            raise TargetRefusedError(message)
        return cls(path, path.exists())


@dataclass(frozen=True)
class RenderedFile:
    """A file of the project, and its size in bytes."""

    path: str
    size: int


@dataclass(frozen=True)
class Written:
    """The files of a project, and those that existed before and were kept or merged."""

    files: Sequence[RenderedFile]
    kept: Sequence[str] = ()
    merged: Sequence[str] = ()


def preview(
    questionnaire: Questionnaire,
    answers: Mapping[str, Value],
    overlay: Mapping[str, SourceFile] = _NOTHING,
) -> tuple[list[RenderedFile], str]:
    """Render into a temporary folder. Return the files, and the text of the `pyproject.toml`."""
    with temporary_folder() as folder:
        project = folder / str(answers["project_name"])
        render(questionnaire, answers, project, overlay)
        manifest = project / "pyproject.toml"
        text = manifest.read_text(encoding="utf-8") if manifest.is_file() else ""
        return _files_of(project), text


def create_project(
    questionnaire: Questionnaire,
    answers: Mapping[str, Value],
    target: Target,
    keep_theirs: Callable[[str], bool],
    overlay: Mapping[str, SourceFile] = _NOTHING,
) -> Written:
    """Render the project and move it to its folder.

    `keep_theirs` is called for each file of a new repository that the template has too. A failure
    or an interruption before the move leaves nothing behind, and the move is atomic.

    Raises:
        RenderingError: The template cannot be rendered, or the disk cannot be written.
    """
    folder = target.path if target.exists else _nearest_folder(target.path)
    with _staging(folder) as staging:
        if target.exists:
            project = staging / target.path.name
            render(questionnaire, answers, project, overlay)
            present = _present(project, target.path)
            merged = [name for name in present if _merge(project, target.path, name)]
            kept = [name for name in present if name not in merged and keep_theirs(name)]
            files = [file for file in _files_of(project) if file.path not in kept]
            _fill(project, target.path, staging, kept)
            return Written(files, kept, merged)
        # The staging folder holds the missing parents too, so that one rename moves all of them.
        missing = target.path.relative_to(folder)
        render(questionnaire, answers, staging / missing, overlay)
        files = _files_of(staging / missing)
        with interruption.delayed():
            _move(staging / missing.parts[0], folder / missing.parts[0])
        return Written(files)


def render(
    questionnaire: Questionnaire,
    answers: Mapping[str, Value],
    project: Path,
    overlay: Mapping[str, SourceFile] = _NOTHING,
) -> None:
    """Write the files of a service into a new folder. Those of an overlay replace the template's.

    Raises:
        RenderingError: The template cannot be rendered, or the disk cannot be written.
    """
    try:
        with broken_template_reported():
            project.mkdir(parents=True)
            files = service_files(questionnaire, answers)
            for file in chain(files, overlay_files(questionnaire, answers, overlay)):
                path = project / file.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.content)
                if file.executable:
                    # A new folder shows which permissions the umask leaves.
                    path.chmod(stat.S_IMODE(path.parent.stat().st_mode) & 0o777)
    except OSError as error:
        message = f"the project cannot be written: {error.strerror or error}"
        raise RenderingError(message) from error


@contextmanager
def broken_template_reported() -> Iterator[None]:
    """Report what is wrong with a template that is rendered in the block.

    Raises:
        RenderingError: It is broken.
    """
    from jinja2 import TemplateError as JinjaError
    from jinja2 import TemplateSyntaxError as JinjaSyntaxError

    try:
        yield
    except (JinjaError, TemplateError, UnicodeDecodeError) as error:  # some are an OSError, too
        where = (
            f"{error.name}, line {error.lineno}: " if isinstance(error, JinjaSyntaxError) else ""
        )
        message = f"the template cannot be rendered: {where}{' '.join(str(error).split())}"
        raise RenderingError(message) from error


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
    raise TargetRefusedError(message, hint="Name a new folder, or move these files away.")


def _belongs_to_new_repository(entry: Path) -> bool:
    if not any(fnmatch(entry.name.upper(), pattern.upper()) for pattern in _NEW_REPOSITORY):
        return False
    return entry.name == ".git" or (entry.is_file() and not entry.is_symlink())


def _nearest_folder(path: Path) -> Path:
    """Return the closest parent that exists.

    Raises:
        TargetRefusedError: A parent is a file.
    """
    for parent in path.parents:
        if parent.is_dir():
            return parent
        if parent.exists() or parent.is_symlink():
            message = f"{parent} is not a folder. {path} cannot be created in it"
            raise TargetRefusedError(message)
    raise AssertionError(path)  # pragma: no cover - the root is a folder


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """Create a temporary folder on the file system of the target.

    Raises:
        TargetRefusedError: The folder cannot be written.
    """
    with ExitStack() as stack:
        try:
            staging = stack.enter_context(temporary_folder(folder))
        except OSError as error:
            message = f"{folder} is not writable: {error.strerror}"
            raise TargetRefusedError(message) from error
        yield staging


def _move(rendered: Path, place: Path) -> None:
    try:
        rendered.rename(place)
    except OSError as error:
        message = f"{place} cannot be written: {error.strerror}"
        raise RenderingError(message) from error


def _present(project: Path, target: Path) -> list[str]:
    return sorted(entry.name for entry in project.iterdir() if os.path.lexists(target / entry.name))


def _merge(project: Path, target: Path, name: str) -> bool:
    """Write the user's file into the project, with the template's lines that it lacks."""
    if name != MERGED or not (target / name).is_file():
        return False
    theirs = (target / name).read_bytes()
    known = {line.strip() for line in theirs.splitlines()}
    ours = (project / name).read_bytes().splitlines()
    missing = [line for line in ours if line.strip() and line.strip() not in known]
    separator = b"" if not theirs or theirs.endswith(b"\n") else b"\n"
    (project / name).write_bytes(theirs + separator + b"".join(line + b"\n" for line in missing))
    return True


def _fill(project: Path, target: Path, staging: Path, kept: list[str]) -> None:
    """Move the entries into a folder that exists already: all of them, or none."""
    aside = staging / ASIDE
    aside.mkdir()
    undo: list[tuple[Path, Path]] = []

    def move(path: Path, place: Path) -> None:
        path.rename(place)
        undo.append((place, path))

    with interruption.delayed():
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
