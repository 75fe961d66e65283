"""The steps of `create` after rendering: lock, commit, install."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from new_backend import __version__
from tests.harness.toys import git, left_in, tree

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.toys import Run


@pytest.fixture
def fake_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A uv that records its arguments, and fails at the command that a file names."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "uv"
    script.write_text(
        "#!/bin/sh\n"
        'echo "$PWD $1 ${VIRTUAL_ENV-unset} ${UV_PROJECT_ENVIRONMENT-unset}"'
        f" >> {folder}/calls\n"
        f'if [ "$(cat {folder}/fails 2>/dev/null)" = "$1" ]; then\n'
        '  echo "Resolving" >&2; echo "error: no network [red]" >&2; exit 2; fi\n'
        '[ "$1" = lock ] && touch uv.lock; true\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr("uv.find_uv_bin", lambda: str(script))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


class TestSteps:
    def test_first_commit_contains_everything_and_the_lock_file(
        self, run: Run, workplace: Path, fake_uv: Path
    ) -> None:
        ended = run("create", "shop", "--yes")

        shop = workplace / "shop"
        assert ended.code == 0
        assert git(shop, "log", "--format=%s|%an|%ae") == (
            f"Create shop with new-backend {__version__}|Ada Example|ada@example.org"
        )
        assert set(git(shop, "ls-files").splitlines()) == tree(shop).keys()
        assert "uv.lock" in tree(shop)
        assert git(shop, "status", "--porcelain") == ""
        assert git(shop, "branch", "--show-current") == "main"
        assert (fake_uv / "calls").read_text().splitlines() == [
            f"{shop} lock unset unset",
            f"{shop} sync unset unset",
        ]

    def test_active_environment_is_not_changed(
        self, run: Run, fake_uv: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VIRTUAL_ENV", "/somewhere")
        monkeypatch.setenv("UV_PROJECT_ENVIRONMENT", "/somewhere")
        assert run("create", "shop", "--yes").code == 0

        assert "/somewhere" not in (fake_uv / "calls").read_text()

    def test_reports_progress(self, run: Run, fake_uv: Path) -> None:
        del fake_uv
        assert run("create", "shop", "--yes").err.splitlines() == [
            "Rendering …",
            "Locking the dependencies …",
            "Making the git repository …",
            "Installing …",
        ]

    def test_no_install_creates_no_lock_file(
        self, run: Run, workplace: Path, fake_uv: Path
    ) -> None:
        assert run("create", "shop", "--yes", "--no-install", "--no-git").code == 0

        assert not {"uv.lock", ".venv", ".git"} & set(left_in(workplace / "shop"))
        assert not (fake_uv / "calls").exists()

    def test_uses_default_branch_of_user(self, run: Run, workplace: Path, tmp_path: Path) -> None:
        with (tmp_path / "gitconfig").open("a") as config:
            config.write("[init]\n\tdefaultBranch = trunk\n[commit]\n\tgpgSign = true\n")
        assert run("create", "shop", "--yes", "--no-install").code == 0

        assert git(workplace / "shop", "branch", "--show-current") == "trunk"

    @pytest.mark.parametrize("fails", ["lock", "sync"])
    def test_failed_step_keeps_project_and_is_first_next_step(
        self, run: Run, workplace: Path, fake_uv: Path, fails: str
    ) -> None:
        (fake_uv / "fails").write_text(fails)
        ended = run("create", "shop", "--yes")

        assert ended.code == 1
        lines = ended.out.splitlines()
        doing = {"lock": "locking", "sync": "installing"}[fails]
        assert lines[:3] == [
            f"Project written, but {doing} failed",
            "  Resolving",
            "  error: no network [red]",
        ]
        steps = [line.split(". ")[1].strip() for line in lines if line[3:5] == ". "]
        commit = "git init && git add --all && git commit -m 'Create the service'"
        todo = {"lock": ["uv lock", commit, "uv sync"], "sync": ["uv sync"]}[fails]
        assert steps[: len(todo) + 1] == ["cd shop", *todo]
        # A commit without the lock file would go unnoticed.
        assert (".git" in left_in(workplace / "shop")) == (fails == "sync")

    def test_creates_no_repository_without_identity(
        self, run: Run, workplace: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "gitconfig").write_text("")
        ended = run("create", "shop", "--yes", "--no-install")

        assert ended.code == 0
        assert "git: skipped, git has no identity. Set git config --global user.name" in ended.out
        assert ".git" not in left_in(workplace / "shop")

    def test_creates_no_repository_inside_a_work_tree(self, run: Run, workplace: Path) -> None:
        git(workplace, "init", "--quiet")
        ended = run("create", "shop", "--yes", "--no-install")

        assert "git: skipped, the folder is inside the git repository" in ended.out
        assert ".git" not in left_in(workplace / "shop")

    def test_creates_no_repository_without_git(
        self, run: Run, workplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        # The running Python's folder is last on the path, and may contain git as well.
        monkeypatch.setattr("sys.base_prefix", str(tmp_path))
        ended = run("create", "shop", "--yes", "--no-install")

        assert ended.code == 0
        assert "git: skipped, git is not installed" in ended.out
        assert ".git" not in left_in(workplace / "shop")

    def test_uv_locks_and_installs(self, run: Run, workplace: Path) -> None:
        ended = run(
            *("create", "shop", "--yes", "--json"),
            *("--python-version", "3.11"),
        )

        steps = json.loads(ended.out)["steps"]
        assert [(step["name"], step["status"]) for step in steps] == [
            ("lock", "done"),
            ("git", "done"),
            ("install", "done"),
        ]
        assert {"uv.lock", ".venv", ".git"} <= set(left_in(workplace / "shop"))
