"""Closed streams, missing folders, huge input, killed runs: one line and the right exit code."""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.harness.toys import git, left_in, program

if TYPE_CHECKING:
    from pathlib import Path

    from new_backend.template_source import TemplateSource

QUIET = "--yes --no-git --no-install"
ABANDONED = ".new-backend-tmp-abcd1234"


def shell(
    source: TemplateSource, words: str, folder: Path, *, before: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the program through a shell, with redirections and commands before it."""
    command = f"{before} {shlex.join(program(source))} {words}"
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


class TestStreams:
    @pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
    def test_closed_stream_does_not_matter(
        self, small_template: TemplateSource, workplace: Path, closed: str
    ) -> None:
        ended = shell(small_template, f"create shop {QUIET} {closed}", workplace)

        assert ended.returncode == 0
        assert "Created shop" in ended.stdout
        assert "Rendering" not in ended.stdout

    def test_rejects_answers_from_closed_input(
        self, small_template: TemplateSource, workplace: Path
    ) -> None:
        ended = shell(small_template, f"create shop --answers - {QUIET} <&-", workplace)

        assert ended.returncode == 2
        assert ended.stderr == "new-backend: standard input cannot be read: it is closed\n"

    def test_closed_output_fails_before_anything_is_written(
        self, small_template: TemplateSource, workplace: Path
    ) -> None:
        ended = shell(small_template, f"create shop {QUIET} >&-", workplace)

        assert ended.returncode == 1
        assert ended.stderr.startswith("new-backend: standard output is closed.")
        assert left_in(workplace) == []

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux")  # noqa: PTH110
    def test_full_disk_is_one_line(self, small_template: TemplateSource, workplace: Path) -> None:
        ended = shell(small_template, "options >/dev/full", workplace)

        assert ended.returncode == 1
        assert ended.stderr == "new-backend: operating system error: No space left on device\n"


class TestFolders:
    def test_rejects_deleted_working_folder(
        self, small_template: TemplateSource, workplace: Path
    ) -> None:
        before = "mkdir gone; cd gone; rmdir ../gone;"
        ended = shell(small_template, f"create shop {QUIET}", workplace, before=before)

        assert ended.returncode == 2
        assert ended.stderr.startswith("new-backend: the current folder no longer exists\n")

    @pytest.mark.parametrize("path", ["a/" * 3000 + "shop", "x" * 300])
    def test_rejects_path_that_is_too_long(
        self, small_template: TemplateSource, workplace: Path, path: str
    ) -> None:
        ended = shell(small_template, f"create {path} {QUIET}", workplace)

        assert ended.returncode == 2
        assert ended.stderr.count("new-backend: ") == 1
        assert max(map(len, ended.stderr.splitlines())) < 400
        assert left_in(workplace) == []

    @pytest.mark.parametrize(("mask", "mode"), [("077", 0o600), ("002", 0o664), ("022", 0o644)])
    def test_files_have_permissions_of_umask(
        self, small_template: TemplateSource, workplace: Path, mask: str, mode: int
    ) -> None:
        ended = shell(small_template, f"create shop {QUIET}", workplace, before=f"umask {mask};")

        assert ended.returncode == 0
        shop = workplace / "shop"
        assert {path.stat().st_mode & 0o777 for path in shop.rglob("*") if path.is_file()} == {mode}
        assert shop.stat().st_mode & 0o777 == 0o777 & ~int(mask, 8)

    def test_prints_where_workflow_goes_in_larger_repository(
        self, small_template: TemplateSource, workplace: Path
    ) -> None:
        git(workplace, "init", "--quiet")
        workflow = small_template.root / "template/layers/{{ci_github}}/.github/workflows/ci.yml"
        workflow.parent.mkdir(parents=True)
        workflow.write_text("on: push\n")
        try:
            ended = shell(small_template, "create shop --yes --no-install", workplace)
        finally:
            workflow.unlink()

        assert "Move .github/workflows/ci.yml to the root of the repository." in ended.stdout


class TestAnswersFiles:
    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            ("a.json", "[" * 100_000, "a.json: nested too deeply"),
            ("a.yml", "auth: " + "[" * 100_000, "a.yml: nested too deeply"),
            ("a.toml", "auth = " + "[" * 100_000, "a.toml: nested too deeply"),
            ("a.yml", "a" * 300_000, "a.yml is too large"),
        ],
    )
    def test_rejects_deeply_nested_and_large_file(
        self, small_template: TemplateSource, workplace: Path, name: str, text: str, message: str
    ) -> None:
        (workplace / name).write_text(text)
        ended = shell(small_template, f"create shop --answers {name} {QUIET}", workplace)

        assert ended.returncode == 2
        assert ended.stderr.startswith(f"new-backend: {message}")
        assert len(ended.stderr.splitlines()) == 1

    def test_limits_number_of_errors(self, small_template: TemplateSource, workplace: Path) -> None:
        (workplace / "a.yml").write_text("".join(f"key{index}: x\n" for index in range(5000)))
        ended = shell(small_template, f"create shop --answers a.yml {QUIET}", workplace)

        assert ended.returncode == 2
        assert len(ended.stderr.splitlines()) <= 21


class TestKilledRuns:
    def test_next_run_removes_abandoned_folder(
        self, small_template: TemplateSource, workplace: Path
    ) -> None:
        (workplace / ABANDONED / "shop").mkdir(parents=True)
        assert shell(small_template, f"create shop {QUIET}", workplace).returncode == 0

        assert left_in(workplace) == ["shop"]

    def test_keeps_folder_of_running_process(
        self, small_template: TemplateSource, workplace: Path
    ) -> None:
        (workplace / ABANDONED).mkdir()
        lock = os.open(workplace / ABANDONED, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert shell(small_template, f"create shop {QUIET}", workplace).returncode == 0
        finally:
            os.close(lock)

        assert left_in(workplace) == [ABANDONED, "shop"]

    def test_keeps_files_of_user(self, small_template: TemplateSource, workplace: Path) -> None:
        (workplace / ABANDONED / "theirs").mkdir(parents=True)
        assert shell(small_template, f"create shop {QUIET}", workplace).returncode == 0

        assert left_in(workplace) == [ABANDONED, "shop"]

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_signal_after_rendering_names_missing_steps(
        self, small_template: TemplateSource, workplace: Path, number: signal.Signals
    ) -> None:
        code = (
            "import signal, sys; from pathlib import Path; from new_backend import after; "
            "from new_backend.cli import main; "
            "from new_backend.template_source import TemplateSource; "
            f"after.lock = lambda _: signal.raise_signal({number.value}); "
            "main(['create', 'shop', '--yes'], TemplateSource(Path(sys.argv[1])))"
        )
        ended = subprocess.run(
            [sys.executable, "-c", code, str(small_template.root)],
            cwd=workplace,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

        assert ended.returncode == 128 + number
        message, hint = ended.stderr.splitlines()[-2:]
        assert message == f"new-backend: interrupted. The project is written: {workplace}/shop"
        assert hint.startswith("To complete it: cd shop && ")
        assert " lock && git init && " in hint
        assert hint.endswith(" sync")
