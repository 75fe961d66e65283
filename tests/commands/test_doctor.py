"""`doctor` examines a service that is not installed, or broken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from new_backend.rendering import render
from tests.harness.releases import FIRST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from new_backend.history import History
    from tests.harness.toys import Ended, Run


@pytest.fixture
def shop(workplace: Path, history: History, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A service of the first release, on a machine without a database."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    answers = {"project_name": "shop", "database": "sqlite"}
    render(history.questionnaire(FIRST), answers, workplace / "shop")
    return workplace / "shop"


@pytest.fixture
def doctor(run: Run, history: History) -> Callable[..., Ended]:
    """Run `doctor` with a program of the third release."""

    def doctor_of(*words: str) -> Ended:
        return run("doctor", "--service", "shop", *words, source=history.current)

    return doctor_of


def findings(ended: Ended) -> dict[str, Any]:
    """Return what was found, by subject."""
    return {each["subject"]: each for each in json.loads(ended.out)["findings"]}


def test_each_line_has_a_state_and_each_fault_a_remedy(
    shop: Path, doctor: Callable[..., Ended]
) -> None:
    del shop
    ended = doctor()

    lines = ended.out.splitlines()
    assert ended.code == 1
    assert "✗ lock         failure  there is no uv.lock" in lines
    assert lines[lines.index("✗ lock         failure  there is no uv.lock") + 1].endswith(
        "→ uv lock"
    )
    assert "✓ .env         ok       none, so that settings have their local defaults" in lines
    assert lines[-2:] == [
        "! template     warning  v0.1.0 is older than v0.3.0",
        "                        → new-backend update",
    ]
    found = findings(doctor("--json")).values()
    assert all(bool(each["remedy"]) == (each["state"] != "ok") for each in found)


@pytest.mark.parametrize("text", ["[project", "[project]\n", "project = 1\n", None])
def test_broken_manifest_is_a_finding(
    shop: Path, doctor: Callable[..., Ended], text: str | None
) -> None:
    manifest = shop / "pyproject.toml"
    if text is None:
        manifest.unlink()
    else:
        manifest.write_text(text)
    ended = doctor("--json")

    assert ended.code == 1
    assert "names no version of Python" in findings(ended)["python"]["found"]


def test_names_that_the_environment_file_lacks_are_listed(
    shop: Path, doctor: Callable[..., Ended]
) -> None:
    example = shop / ".env.example"
    example.write_text("# A=1\nSECRET_KEY=\nexport PORT=8000\nDEBUG=false\n")
    (shop / ".env").write_bytes(b"DEBUG = true\n# SECRET_KEY=x\n\xff\n")

    assert findings(doctor("--json"))[".env"]["found"] == "lacks SECRET_KEY, PORT of .env.example"
