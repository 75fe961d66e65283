"""`check` compares services with their version of the template."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from new_backend.rendering import render
from new_backend.template_source import TemplateSource
from tests.harness.releases import FIRST, THIRD
from tests.harness.toys import commit, git

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from new_backend.history import History
    from tests.harness.toys import Ended, Run

ANSWERS = {"project_name": "shop", "framework": "django", "orm": "django", "django_api": "drf"}


@pytest.fixture
def create(workplace: Path, history: History) -> Callable[..., Path]:
    """Create a service with a release of the template."""

    def created(version: str = THIRD, name: str = "shop", **answers: str) -> Path:
        chosen = {**ANSWERS, "auth": "jwt", "concurrency": "sync", **answers}
        render(history.questionnaire(version), chosen, workplace / name)
        return workplace / name

    return created


@pytest.fixture
def check(run: Run, history: History) -> Callable[..., Ended]:
    """Run `check` with a program of the third release."""

    def check_it(*words: str, source: TemplateSource = history.current) -> Ended:
        return run("check", *words, source=source)

    return check_it


def test_service_of_the_newest_version_is_current(
    create: Callable[..., Path], check: Callable[..., Ended]
) -> None:
    """Also if its developers changed what is theirs, and the shared files."""
    shop = create()
    (shop / "README.md").write_text("Mine.\n")
    (shop / "src/shop/settings.py").write_text("# Mine.\n")
    (shop / "src/shop/orders.py").write_text("# Mine.\n")
    ended = check("shop/src")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "shop  v0.3.0  current\n"


def test_older_service_names_the_newest_release(
    create: Callable[..., Path], check: Callable[..., Ended]
) -> None:
    create(FIRST)
    ended = check("shop")

    assert ended.code == 3
    assert ended.out == ("shop  v0.1.0\n  older than v0.3.0. To update it: new-backend update\n")


def test_files_of_the_template_that_differ_are_drift(
    create: Callable[..., Path], check: Callable[..., Ended]
) -> None:
    """Line ends of Windows are none."""
    shop = create()
    (shop / "Dockerfile").write_text("FROM mine\n")
    (shop / "scripts/env.py").unlink()
    workflow = shop / ".github/workflows/ci.yml"
    workflow.write_bytes(workflow.read_bytes().replace(b"\n", b"\r\n"))
    ended = check("shop", "--json")

    assert ended.code == 3
    (found,) = json.loads(ended.out)["services"]
    assert found["drift"] == ["Dockerfile", "scripts/env.py (deleted)"]
    assert (found["version"], found["newest"], found["problems"]) == (THIRD, THIRD, [])
    assert found["answers"]["django_api"] == "drf"


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("concurrency: sync", "concurrency: async", "DRF has no async views"),
        ("auth: jwt", "auth: password", 'auth: invalid value "password"'),
        ("auth: jwt", "auht: jwt", 'unknown question "auht"'),
        ("_commit: v0.3.0", "_commit: v0.9.0", "this program has v0.1.0, v0.2.0, v0.3.0"),
        ("_commit: v0.3.0\n", "", "records no version of the template"),
        ("auth: jwt", "auth: [", ".copier-answers.yml: line"),
    ],
)
def test_invalid_answers_are_named(
    create: Callable[..., Path],
    check: Callable[..., Ended],
    before: str,
    after: str,
    problem: str,
) -> None:
    file = create() / ".copier-answers.yml"
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))
    ended = check("shop", "--json")

    assert ended.code == 3
    (found,) = json.loads(ended.out)["services"]
    assert problem in found["problems"][0]


def test_several_services_are_checked_in_one_run(
    create: Callable[..., Path], check: Callable[..., Ended], workplace: Path
) -> None:
    create()
    create(FIRST, "old")
    (workplace / "other").mkdir()
    ended = check("shop", "old", "other", "missing")

    assert ended.code == 3
    lines = ended.out.splitlines()
    assert lines[:2] == ["shop  v0.3.0  current", "old  v0.1.0"]
    assert [line for line in lines if "is not a service of new-backend" in line] == [
        f"  {workplace}/{name} is not a service of new-backend: it has no .copier-answers.yml"
        for name in ("other", "missing")
    ]


def test_broken_template_of_a_version_is_one_line(
    create: Callable[..., Path], check: Callable[..., Ended], history: History, tmp_path: Path
) -> None:
    create(FIRST)
    source = TemplateSource(tmp_path / "later")
    git(tmp_path, "clone", "--quiet", str(history.current.root), str(source.root))
    dockerfile = source.root / "template/layers/{{common}}/Dockerfile.jinja"
    dockerfile.write_text("{{ broken")
    commit(source.root, "Broken")
    git(source.root, "tag", "--force", FIRST)
    ended = check("shop", source=source)

    assert ended.code == 3
    assert ended.out.splitlines()[1].startswith("  the template cannot be rendered: ")


def test_path_that_cannot_be_read_does_not_stop_the_run(
    create: Callable[..., Path], check: Callable[..., Ended]
) -> None:
    create()
    ended = check("x" * 300, "shop")

    assert ended.code == 3
    assert "File name too long" in ended.out
    assert ended.out.splitlines()[-1] == "shop  v0.3.0  current"


def test_nothing_is_written(create: Callable[..., Path], check: Callable[..., Ended]) -> None:
    shop = create(FIRST)
    git(shop, "init", "--quiet")
    git(shop, "add", "--all")
    before = git(shop, "status", "--porcelain")
    check("shop")

    assert git(shop, "status", "--porcelain") == before
