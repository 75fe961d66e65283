"""The versions of the template that this program has: its own, and the releases before it.

A wheel carries the releases as a git bundle. A checkout has them as the tags of its repository.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from new_backend.errors import InputRefusedError
from new_backend.git import GitError, git
from new_backend.invocation import PROGRAM
from new_backend.questions import Questionnaire
from new_backend.template_source import CHANGELOG, CONFIG_NAME, TEMPLATE_FOLDER, TemplateSource
from new_backend.temporary import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEEDED = frozenset({CONFIG_NAME, TEMPLATE_FOLDER, CHANGELOG})
_RELEASE = re.compile(r"v(\d+)\.(\d+)\.(\d+)")
_SECTION = re.compile(r"^## \[(?P<version>[^]]+)\].*$", re.MULTILINE)


@dataclass(frozen=True)
class History:
    """The template in its versions. A version is named by its tag, such as v1.2.0."""

    current: TemplateSource
    _folder: Path
    _read: dict[str, Questionnaire] = field(default_factory=dict, repr=False)

    @classmethod
    @contextmanager
    def of(cls, current: TemplateSource) -> Iterator[History]:
        """Yield the history of a template. Its older versions are unpacked until the end."""
        with temporary_folder() as folder:
            yield cls(current, folder)

    @property
    def newest(self) -> str:
        """The version of this program's own template.

        Raises:
            InputRefusedError: It has none: the program was built between two releases.
        """
        if not self.current.version:
            message = "the template of this program has no version: it is not a release"
            raise InputRefusedError(message, hint="Name a release: --to VERSION")
        return self.current.version

    def questionnaire(self, version: str) -> Questionnaire:
        """Return the questions of a version, with the source of its files.

        Raises:
            InputRefusedError: This program does not have that version.
        """
        if version not in self._read:
            self._read[version] = Questionnaire.read(self._source(version))
        return self._read[version]

    def changelog(self, before: str, until: str) -> str:
        """Return the changelog's sections of the versions after one, up to and with another."""
        file = self.questionnaire(until).source.root / CHANGELOG
        if not file.exists():
            return ""
        text = file.read_text(encoding="utf-8")
        found = list(_SECTION.finditer(text))
        ends = [*(each.start() for each in found[1:]), len(text)]
        first, last = _numbers(before), _numbers(until)
        sections = []
        for section, end in zip(found, ends, strict=True):
            number = _numbers("v" + section["version"])
            crossed = number is None and section["version"] == "Unreleased" and last is None
            if number is not None:
                crossed = (first is None or number > first) and (last is None or number <= last)
            if crossed and (body := text[section.end() : end].strip()):
                sections.append(f"{section.group()}\n\n{body}\n")
        return "\n".join(sections)

    def _source(self, version: str) -> TemplateSource:
        if version == self.current.version:
            return self.current
        root = self._folder / f"version-{len(self._read)}"
        self._check_out(version, root)
        return TemplateSource(root, version)

    def _check_out(self, version: str, root: Path) -> None:
        """Write the files of a version to a new folder."""
        try:
            commit = self._git("rev-parse", "--verify", "--end-of-options", f"{version}^{{commit}}")
            names = self._git("ls-tree", "--name-only", commit).split("\n")
            root.mkdir()
            self._git("checkout", commit, "--", *sorted(_NEEDED & {*names}), work_tree=root)
        except GitError as error:
            known = ", ".join(self.releases) or "no release"
            message = f"this program has {known} of the template, and not {version}"
            hint = f"If that is newer: uvx {PROGRAM}@latest" if is_release(version) else ""
            raise InputRefusedError(message, hint=hint) from error

    @cached_property
    def releases(self) -> tuple[str, ...]:
        """The releases that this program has, oldest first."""
        tags = self._git("tag").split() if self._repository else []
        if self.current.version and is_release(self.current.version):
            tags.append(self.current.version)
        return tuple(sorted({tag for tag in tags if is_release(tag)}, key=_order))

    def newer_than(self, version: str) -> str:
        """Return the newest release, or nothing if the version is that one or no release."""
        newest = self.releases[-1] if self.releases else ""
        return newest if is_older(version, newest) else ""

    @cached_property
    def _repository(self) -> Path | None:
        """The git directory with the releases, if there is one."""
        if self.current.bundle.exists():
            folder = self._folder / "history.git"
            git(self._folder, "init", "--quiet", "--bare", str(folder))
            git(folder, "fetch", "--quiet", str(self.current.bundle), "refs/tags/*:refs/tags/*")
            return folder
        if not self.current.is_checkout:
            return None
        found = git(self.current.root, "rev-parse", "--absolute-git-dir")
        return Path(found.decode().rstrip("\n"))

    def _git(self, *words: str, work_tree: Path | None = None) -> str:
        if self._repository is None:
            message = "there is no repository"
            raise GitError(message)
        variables = {"GIT_DIR": str(self._repository)}
        if work_tree is not None:
            variables["GIT_WORK_TREE"] = str(work_tree)
            variables["GIT_INDEX_FILE"] = str(self._folder / "index")
        return git(self._folder, *words, variables=variables).decode().strip()


def is_release(version: str) -> bool:
    """Whether a version is a release, and no commit between two of them."""
    return _numbers(version) is not None


def is_older(version: str, other: str) -> bool:
    """Whether both are releases, and the first came before."""
    first, second = _numbers(version), _numbers(other)
    return first is not None and second is not None and first < second


def _numbers(version: str) -> tuple[int, ...] | None:
    found = _RELEASE.fullmatch(version)
    return tuple(map(int, found.groups())) if found else None


def _order(version: str) -> tuple[int, ...]:
    return _numbers(version) or ()
