"""Hatch's hook that puts the released versions of the template into a distribution.

`new-backend update` renders a service as its version did. A wheel carries the releases as a git
bundle: for each tag vX.Y.Z one commit, with only the template, its questions and the changelog.
A source distribution has the same file, from which its wheel takes it.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLE = "history.bundle"
_RELEASE = re.compile(r"v(\d+)\.(\d+)\.(\d+)")
_FILES = ("CHANGELOG.md", "copier.yml", "template")
_IDENTITY = ("new-backend", "new-backend@localhost")


class HistoryHook(BuildHookInterface[Any]):
    """Add the bundle to a wheel or to a source distribution, except in an editable installation."""

    PLUGIN_NAME = "custom"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Create the folder of the bundle."""
        super().__init__(*arguments, **options)
        self._folder = tempfile.TemporaryDirectory()

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the bundle, unless this is a source distribution that has it, or has no release."""
        if version == "editable":
            return
        root = Path(self.root)
        bundle = root / BUNDLE
        if (root / ".git").exists():
            bundle = Path(self._folder.name, BUNDLE)
            write_bundle(root, bundle)
        if bundle.exists():
            place = "new_backend/_template/" if self.target_name == "wheel" else ""
            build_data["force_include"][str(bundle)] = f"{place}{BUNDLE}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the bundle: the distribution has it."""
        del version, build_data, artifact_path
        self._folder.cleanup()


def write_bundle(checkout: Path, bundle: Path) -> None:
    """Write the releases of a checkout, or nothing if there is none.

    Args:
        checkout: A git work tree with tags.
        bundle: The new file.

    Raises:
        subprocess.CalledProcessError: Git failed.
    """
    tags = [tag for tag in _git(checkout, "tag").split() if _RELEASE.fullmatch(tag)]
    with tempfile.TemporaryDirectory() as folder:
        history = Path(folder)
        _git(history, "init", "--quiet", "--bare", ".")
        objects = _git(checkout, "rev-parse", "--path-format=absolute", "--git-path", "objects")
        (history / "objects/info/alternates").write_text(f"{objects}\n", encoding="utf-8")
        parent: list[str] = []
        for tag in sorted(tags, key=_numbers):
            commit = _git(checkout, "rev-parse", f"{tag}^{{commit}}")
            tree = _git(history, "mktree", given=_git(history, "ls-tree", commit, *_FILES) + "\n")
            date = _git(checkout, "show", "--no-patch", "--format=%ct +0000", commit)
            made = _git(history, "commit-tree", tree, *parent, "-m", tag, date=date)
            _git(history, "update-ref", f"refs/tags/{tag}", made)
            parent = ["-p", made]
        if parent:
            # One thread, so that the same releases give the same bytes.
            _git(history, "-c", "pack.threads=1", "bundle", "create", str(bundle), "--tags")


def _git(folder: Path, *words: str, given: str = "", date: str = "") -> str:
    name, email = _IDENTITY
    identity = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", name), ("EMAIL", email), ("DATE", date))
        if value
    }
    ended = subprocess.run(
        ["git", *words],
        cwd=folder,
        env={**os.environ, **identity},
        input=given,
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.rstrip("\n")


def _numbers(tag: str) -> list[int]:
    found = _RELEASE.fullmatch(tag)
    return [int(number) for number in found.groups()] if found else []
