"""The source of the template: the copy in the wheel, or the checkout of this file."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from new_backend import __version__
from new_backend.temporary import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPLATE_ADDRESS = "https://github.com/new-backend/new-backend"
"""The public git address that a service records for updates."""

CONFIG_NAME = "copier.yml"
TEMPLATE_FOLDER = "template"
CHANGELOG = "CHANGELOG.md"
_BUNDLED = Path(__file__).resolve().parent / "_template"
"""Where a wheel has its template."""


@dataclass(frozen=True)
class TemplateSource:
    """A folder with `copier.yml` and `template/`. `tag` names a release of the history."""

    root: Path
    tag: str = ""

    @classmethod
    def bundled(cls) -> TemplateSource:
        """Return the template of this installation: the wheel's, or the checkout's."""
        return cls(_BUNDLED if _BUNDLED.is_dir() else _BUNDLED.parents[2])

    @property
    def config(self) -> Path:
        """The file with the questions."""
        return self.root / CONFIG_NAME

    @property
    def bundle(self) -> Path:
        """The git bundle with the releases, which a wheel has."""
        return self.root / "history.bundle"

    @cached_property
    def version(self) -> str:
        """What a service records as `_commit`, or nothing where it cannot be determined.

        A wheel of a release is the release's tag; a checkout is what git calls its commit. A
        wheel of a version under development and a copy without git are neither.
        """
        if self.tag:
            return self.tag
        if self.root == _BUNDLED:
            return "" if ".dev" in __version__ else f"v{__version__}"
        if not self.is_checkout:
            return ""
        try:
            described = subprocess.run(
                ["git", "-C", str(self.root), "describe", "--tags", "--always"],
                capture_output=True,
                text=True,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError):
            return ""
        return described.stdout.strip()

    @contextmanager
    def plain_folder(self) -> Iterator[Path]:
        """Return the template as a folder that is not a checkout.

        A copy of a checkout's working tree does not change while it is rendered many times, and
        records no commit.
        """
        if not self.is_checkout:
            yield self.root
            return
        with temporary_folder() as copy:
            shutil.copy2(self.config, copy)
            shutil.copytree(self.root / TEMPLATE_FOLDER, copy / TEMPLATE_FOLDER)
            yield copy

    @property
    def is_checkout(self) -> bool:
        """Whether the folder is the work tree of a git repository."""
        return (self.root / ".git").exists()
