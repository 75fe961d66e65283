"""The output of `create`, and `--dry-run`."""

from __future__ import annotations

import json
import shlex
import shutil
from typing import TYPE_CHECKING

from new_backend import __version__
from tests.harness.toys import left_in, tree

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.harness.toys import Run


class TestResult:
    def test_text_shows_path_and_next_steps(self, run: Run, workplace: Path) -> None:
        ended = run("create", "shop", "--yes", "--no-git", "--no-install")

        lines = ended.out.splitlines()
        assert lines[0] == "Created shop"
        assert lines[1] == f"  {workplace}/shop (7 files)"
        assert lines[3:9] == [
            "Next steps",
            "  1. cd shop",
            "  2. make run                           then open http://127.0.0.1:8000/docs",
            "  3. make test",
            "  4. make check                         format, lint and type checks",
            "  5. make env && docker compose up      in containers",
        ]
        assert max(map(len, lines[:-1])) <= 80 + len(str(workplace))

    def test_current_folder_needs_no_cd(
        self, run: Run, workplace: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (workplace / "shop").mkdir()
        monkeypatch.chdir(workplace / "shop")
        ended = run("create", ".", "--yes", "--no-git", "--no-install")

        assert "1. make run" in ended.out
        assert "cd " not in ended.out.partition("The same")[0]

    def test_printed_command_creates_the_same_service(
        self, run: Run, workplace: Path, tmp_path: Path
    ) -> None:
        text = "say \"hi\" & 'bye' $HOME {{ x }} \\ # 🦄"
        words = ("--no-git", "--no-install")
        ended = run("create", "shop", "--yes", f"--description={text}", "--author=-x", *words)
        first = tree(workplace / "shop")
        replay = ended.out.splitlines()[-1].strip()
        shutil.move(workplace / "shop", tmp_path / "first")

        _, *again = shlex.split(replay)
        (tmp_path / "gitconfig").write_text("")
        assert run(*again, *words).code == 0
        assert tree(workplace / "shop") == first

    def test_json_is_alone_on_standard_output(self, run: Run, workplace: Path) -> None:
        ended = run("create", "shop", "--yes", "--json", "--no-install", "--auth", "none")

        result = json.loads(ended.out)
        assert result["path"] == str(workplace / "shop")
        assert result["answers"]["auth"] == "none"
        assert result["versions"]["new-backend"] == __version__
        assert " create shop --project-name shop " in result["replay"]
        assert {file["path"]: file["size"] for file in result["files"]} == {
            name: len(content) for name, content in tree(workplace / "shop").items()
        }
        assert result["steps"] == [{"name": "git", "status": "done", "detail": ""}]


class TestDryRun:
    def test_dry_run_lists_files_and_dependencies_and_writes_nothing(
        self, run: Run, workplace: Path
    ) -> None:
        ended = run("create", "shop", "--yes", "--dry-run")

        assert ended.code == 0
        assert ended.out.startswith(f"Would create {workplace}/shop\n")
        assert "  database: postgresql (default)" in ended.out
        assert "  author: Ada Example (git)" in ended.out
        assert "    0 src/shop/__init__.py\n" in ended.out
        assert "\nDependencies\n" in ended.out
        assert left_in(workplace) == []

    def test_dry_run_lists_exactly_the_created_files(self, run: Run, workplace: Path) -> None:
        words = ("create", "shop", "--yes", "--json", "--no-git", "--no-install")
        announced = json.loads(run(*words, "--dry-run").out)
        written = json.loads(run(*words).out)

        assert announced["dry_run"] is True
        assert announced["files"] == written["files"]
        assert announced["answers"] == written["answers"]
        assert announced["dependencies"] == {"project": [], "dev": []}
        assert left_in(workplace) == ["shop"]

    def test_dry_run_rejects_what_create_rejects(self, run: Run, workplace: Path) -> None:
        (workplace / "shop").mkdir()
        (workplace / "shop" / "x").touch()
        ended = run("create", "shop", "--yes", "--dry-run")

        assert ended.code == 2
        assert "is not empty: x" in ended.err


def test_leaves_nothing_in_temporary_folder(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    assert run("create", "shop", "--yes", "--no-git", "--no-install", "--dry-run").code == 0

    assert left_in(temporary) == []
