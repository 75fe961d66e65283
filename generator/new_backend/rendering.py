"""Rendering: Copier writes the files into a staging folder, which is then moved into place."""

from __future__ import annotations

import os
import re
import stat
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from new_backend import interruption
from new_backend.errors import RenderingError, TargetRefusedError
from new_backend.template_source import TEMPLATE_ADDRESS
from new_backend.temporary import ASIDE, remove_abandoned, temporary_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from new_backend.questions import Value
    from new_backend.template_source import TemplateSource

ANSWERS_FILE = ".copier-answers.yml"
# The files of a new repository on the usual hosts.
_NEW_REPOSITORY = (".git", ".gitignore", "README*", "LICENSE*", "LICENCE*")
MERGED = ".gitignore"
"""An existing file that is kept and gets the missing lines: without them, git would add `.env`."""
_LISTED = 10


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


def preview(source: TemplateSource, answers: Mapping[str, Value]) -> tuple[list[RenderedFile], str]:
    """Render into a temporary folder. Return the files, and the text of the `pyproject.toml`."""
    with temporary_folder() as folder:
        project = folder / str(answers["project_name"])
        render(source, answers, project)
        manifest = project / "pyproject.toml"
        text = manifest.read_text(encoding="utf-8") if manifest.is_file() else ""
        return _files_of(project), text


def create_project(
    source: TemplateSource,
    answers: Mapping[str, Value],
    target: Target,
    keep_theirs: Callable[[str], bool],
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
            render(source, answers, project)
            present = _present(project, target.path)
            merged = [name for name in present if _merge(project, target.path, name)]
            kept = [name for name in present if name not in merged and keep_theirs(name)]
            files = [file for file in _files_of(project) if file.path not in kept]
            _fill(project, target.path, staging, kept)
            return Written(files, kept, merged)
        # The staging folder holds the missing parents too, so that one rename moves all of them.
        missing = target.path.relative_to(folder)
        render(source, answers, staging / missing)
        files = _files_of(staging / missing)
        with interruption.delayed():
            _move(staging / missing.parts[0], folder / missing.parts[0])
        return Written(files)


def render(source: TemplateSource, answers: Mapping[str, Value], project: Path) -> None:
    """Render with Copier, and record the public address of the template instead of a local path.

    Raises:
        RenderingError: The template cannot be rendered, or the disk cannot be written.
    """
    from copier import Settings, run_copy
    from copier.errors import CopierError
    from jinja2 import TemplateError as JinjaError
    from jinja2 import TemplateSyntaxError as JinjaSyntaxError
    from plumbum import local

    try:
        # Copier needs no git for a plain folder, but starts one that it finds for every file.
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
                # The user's defaults for other templates must not set a flag of this one.
                settings=Settings(),
            )
        _record_source(project / ANSWERS_FILE, source.version)
        _apply_umask(project)
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
"""Compiled templates, by the configuration of their environment, their source and their name."""


@contextmanager
def _compiled_once(config: bytes) -> Iterator[None]:
    """Cache the templates that Jinja compiles while Copier renders.

    Copier compiles each part of each path again for each file, which is a third of the CPU time of
    `create`. Its environment follows from `copier.yml`, the `config`: the same source compiles to
    the same code every time. (Copier's `yield` tag depends on compiling again, but no path of this
    template uses it.)
    """
    from jinja2 import Environment

    compile_again = Environment.compile

    def compile_once(
        self: Environment, source: Any, name: str | None = None, filename: str | None = None
    ) -> Any:
        key = (config, type(self), source, name)
        if key not in _COMPILED:
            _COMPILED[key] = compile_again(self, source, name, filename)
        return _COMPILED[key]

    Environment.compile = compile_once  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Environment.compile = compile_again  # type: ignore[method-assign]


def _record_source(answers_file: Path, version: str) -> None:
    if not answers_file.is_file():
        return
    recorded = answers_file.read_text(encoding="utf-8")
    # YAML folds a long path: its other lines are indented.
    recorded = re.sub(
        r"^_src_path:.*\n(?:[ \t].*\n)*",
        lambda _: (f"_commit: {version}\n" if version else "") + f"_src_path: {TEMPLATE_ADDRESS}\n",
        recorded,
        count=1,
        flags=re.MULTILINE,
    )
    answers_file.write_text(recorded, encoding="utf-8", newline="\n")


def _apply_umask(project: Path) -> None:
    """Set the permissions of new files: Copier copies those of the template.

    The project's folder is new, so that its permissions show the umask. Setting the umask to read
    it would change it for other threads.
    """
    allowed = stat.S_IMODE(project.stat().st_mode)
    for path in project.rglob("*"):
        if path.is_file() and not path.is_symlink():
            executable = path.stat().st_mode & stat.S_IXUSR
            path.chmod(allowed & (0o777 if executable else 0o666))


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
