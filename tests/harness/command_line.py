"""Ways to run the command line, on a small template."""

from __future__ import annotations

import io
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from new_backend.cli import main
from new_backend.history import History
from new_backend.template_source import TemplateSource
from tests.harness.releases import three_releases
from tests.harness.toys import IDENTITY, LAYERS, Ended, Run, copy_questions, write_layers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def small_template(tmp_path_factory: pytest.TempPathFactory) -> TemplateSource:
    """The real questions and partials with a handful of files."""
    root = tmp_path_factory.mktemp("template")
    copy_questions(root)
    write_layers(root, LAYERS)
    return TemplateSource(root)


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """The template in three releases, with their questions read once."""
    source = three_releases(tmp_path_factory.mktemp("releases") / "template")
    with History.of(source) as opened:
        yield opened


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, git with an identity, and no inherited environment."""
    for name in ("CI", "VIRTUAL_ENV", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    identity = tmp_path / "gitconfig"
    identity.write_text(IDENTITY)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(identity))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("COLUMNS", "80")
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run(
    workplace: Path,  # noqa: ARG001 - the run is in it
    small_template: TemplateSource,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Run]:
    """Run the command line in this process, without a terminal."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    # A shell that starts the tests in the background ignores Ctrl-C, and child processes inherit
    # that.
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)

    def run_it(*words: str, source: TemplateSource = small_template, typed: str = "") -> Ended:
        stdin = io.TextIOWrapper(io.BytesIO(typed.encode()), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(SystemExit) as ended:
            main(words, source)
        captured = capfd.readouterr()
        return Ended(int(ended.value.code or 0), captured.out, captured.err)

    yield run_it
    signal.signal(signal.SIGINT, interrupt)
    for number, handler in handlers.items():
        signal.signal(number, handler)
