"""A signal at any moment leaves the complete project or nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.toys import left_in, program, tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from new_backend.template_source import TemplateSource
    from tests.harness.toys import Run

SHOP = ("create", "shop", "--yes", "--no-git", "--no-install")

SIGNED = (*SHOP, "--author", "Ada Example", "--email", "ada@example.org")


@pytest.fixture(scope="module")
def undisturbed(
    small_template: TemplateSource, tmp_path_factory: pytest.TempPathFactory
) -> tuple[float, dict[str, bytes]]:
    """The duration without an interruption, and the resulting files."""
    folder = tmp_path_factory.mktemp("undisturbed")
    began = time.monotonic()
    subprocess.run(program(small_template, *SIGNED), cwd=folder, check=True, capture_output=True)
    return time.monotonic() - began, tree(folder / "shop")


class TestInterruption:
    def test_ctrl_c_during_rendering_leaves_nothing(
        self, run: Run, workplace: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real_write = Path.write_bytes

        def write_bytes(self: Path, data: bytes) -> int:
            os.kill(os.getpid(), signal.SIGINT)
            return real_write(self, data)

        monkeypatch.setattr(Path, "write_bytes", write_bytes)
        ended = run(*SHOP)

        assert ended.code == 130
        assert ended.err.splitlines()[-1] == "new-backend: interrupted, nothing was written"
        assert left_in(workplace) == []

    def test_ctrl_c_after_the_move_keeps_project_and_says_so(
        self, run: Run, workplace: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stop(*_: object, **__: object) -> None:
            os.kill(os.getpid(), signal.SIGINT)

        monkeypatch.setattr("new_backend.after.run", stop)
        ended = run(*SHOP)

        assert ended.code == 130
        assert ended.err.splitlines()[-2] == (
            f"new-backend: interrupted. The project is written: {workplace}/shop"
        )
        assert (workplace / "shop" / "pyproject.toml").is_file()

    def test_ctrl_c_waits_until_folder_is_filled(
        self, run: Run, workplace: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shop = workplace / "shop"
        shop.mkdir()
        (shop / "LICENSE").write_text("mine\n")
        real_rename = Path.rename

        def rename(self: Path, target: Path) -> Path:
            os.kill(os.getpid(), signal.SIGINT)
            return real_rename(self, target)

        monkeypatch.setattr(Path, "rename", rename)
        ended = run(*SHOP)

        assert ended.code == 130
        names = [".copier-answers.yml", ".gitignore", "LICENSE", "README.md"]
        assert left_in(shop) == [*names, "pyproject.toml", "src"]

    @pytest.mark.parametrize("moment", range(20))
    def test_signal_at_any_moment_leaves_nothing_or_everything(
        self,
        moment: int,
        small_template: TemplateSource,
        workplace: Path,
        undisturbed: tuple[float, dict[str, bytes]],
    ) -> None:
        duration, complete = undisturbed
        number = (signal.SIGINT, signal.SIGTERM)[moment % 2]
        process = _start(program(small_template, *SIGNED), workplace)
        time.sleep(duration * (moment + 1) / 20)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)

        left = left_in(workplace)
        assert left in ([], ["shop"]), err
        if left:
            assert tree(workplace / "shop") == complete
        if process.returncode == 0:
            assert left == ["shop"]
        if "Traceback" in err:
            # The signal came while Python itself was starting, before the handler existed.
            assert left == [], err

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_signal_survives_callbacks_that_drop_exceptions(
        self, workplace: Path, number: signal.Signals
    ) -> None:
        dropping = (
            "import os\n"
            "from new_backend import create\n"
            "from new_backend.cli import main\n"
            "class Last:\n"
            f"    def __del__(self): os.kill(os.getpid(), {number.value}); [None for _ in 'ab']\n"
            "real = create.create_project\n"
            "def create_project(*a, **k):\n"
            "    Last()\n"
            "    return real(*a, **k)\n"
            "create.create_project = create_project\n"
            "main(['create', 'shop', '--yes', '--no-git', '--no-install'])\n"
        )
        code, err = self.ended(dropping, workplace)

        assert code == 128 + number
        assert "Traceback" not in err
        assert left_in(workplace) == []

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_signal_at_the_end_changes_nothing(
        self, workplace: Path, number: signal.Signals
    ) -> None:
        late = (
            "import atexit, os, signal; from new_backend.cli import main; "
            f"atexit.register(os.kill, os.getpid(), {number.value}); main(['options'])"
        )
        code, err = self.ended(late, workplace)

        assert code == 0
        assert err == ""

    @staticmethod
    def ended(code: str, folder: Path) -> tuple[int, str]:
        """Run Python code in a separate process to its end."""
        process = _start([sys.executable, "-c", code], folder)
        _, err = process.communicate(timeout=60)
        return process.returncode, err


def _start(command: Sequence[str], folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell ignores the signal for background jobs, and their child processes inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - takes no lock
    )
