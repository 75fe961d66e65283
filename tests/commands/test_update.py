"""`update` follows the template across real releases, and keeps what the user wrote."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from new_backend.rendering import render
from new_backend.template_source import TEMPLATE_ADDRESS, TemplateSource
from tests.harness.releases import FIRST, SECOND, THIRD
from tests.harness.toys import IDENTITY, commit, git, program, tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from new_backend.history import History
    from tests.harness.toys import Ended, Run

FASTAPI = {"framework": "fastapi", "orm": "sqlalchemy", "database": "sqlite"}
FLASK = {"framework": "flask", "orm": "sqlmodel", "database": "postgresql", "cache": "redis"}
DJANGO = {"framework": "django", "orm": "django", "database": "mysql", "ci": "gitlab"}
PLAIN = {"auth": "none", "concurrency": "sync", "ci": "none"}
OF_USER = {"README.md"}
"""The files that the releases change and that belong to the user."""


@pytest.fixture
def releases(history: History) -> TemplateSource:
    """The template at the last of its releases."""
    return history.current


@pytest.fixture
def at(releases: TemplateSource, tmp_path: Path) -> Callable[[str], TemplateSource]:
    """Return the template with one release checked out, as a program of that version has it."""

    def check_out(version: str) -> TemplateSource:
        folder = tmp_path / version
        if not folder.exists():
            git(tmp_path, "clone", "--quiet", str(releases.root), str(folder))
            git(folder, "checkout", "--quiet", version)
        return TemplateSource(folder)

    return check_out


@pytest.fixture
def create(workplace: Path, history: History) -> Callable[..., Path]:
    """Create a service with a release of the template, and commit it."""

    def created(version: str = FIRST, name: str = "shop", **answers: str) -> Path:
        named = {"project_name": "shop", **answers}
        render(history.questionnaire(version), named, workplace / name)
        commit(workplace / name, "Create")
        return workplace / name

    return created


@pytest.fixture
def shop(create: Callable[..., Path]) -> Path:
    """A small service of the first release."""
    return create(**FASTAPI, **PLAIN)


@pytest.fixture
def update(run: Run, releases: TemplateSource) -> Callable[..., Ended]:
    """Run `update` in the service `shop`, with a program of the last release."""

    def update_it(*words: str, source: TemplateSource = releases) -> Ended:
        return run("update", "--service", "shop", *words, source=source)

    return update_it


def mine(service: Path, path: str, text: str) -> None:
    """Write a file of a service and commit it."""
    (service / path).write_text(text)
    commit(service, "Mine")


class TestVersions:
    @pytest.mark.parametrize("answers", [FASTAPI | PLAIN, FLASK, DJANGO | {"auth": "jwt"}])
    def test_fresh_service_equals_one_that_was_created_with_the_newest_version(
        self, create: Callable[..., Path], update: Callable[..., Ended], answers: dict[str, str]
    ) -> None:
        shop = create(**answers)
        before = tree(shop)
        ended = update("--yes")

        assert ended.code == 0, ended.err
        newest = tree(create(THIRD, "other", **answers))
        assert tree(shop) == newest | {path: before[path] for path in OF_USER}
        assert before["README.md"] != newest["README.md"]
        assert "docs/recipes.md" in before

    def test_two_steps_give_the_same_as_one(
        self, shop: Path, create: Callable[..., Path], update: Callable[..., Ended]
    ) -> None:
        assert update("--to", SECOND).code == 0
        assert "parrot" not in (shop / ".copier-answers.yml").read_text()
        commit(shop, "Second")
        assert update("--yes").code == 0
        stepwise = tree(shop)
        shutil.rmtree(shop)
        create(**FASTAPI, **PLAIN)
        assert update("--yes").code == 0

        assert tree(shop) == stepwise

    def test_prints_the_changelog_of_the_versions_that_it_crosses(
        self, create: Callable[..., Path], update: Callable[..., Ended]
    ) -> None:
        create(SECOND, **FASTAPI, **PLAIN)
        ended = update("--yes")

        assert "  template: v0.2.0 → v0.3.0\n" in ended.out
        assert "  - The question `parrot`.\n" in ended.out
        assert "make audit" not in ended.out
        assert "0.1.0" not in ended.out

    def test_service_of_the_newest_version_is_not_changed(
        self, create: Callable[..., Path], update: Callable[..., Ended]
    ) -> None:
        shop = create(THIRD, **FASTAPI, **PLAIN)
        ended = update()

        assert (ended.code, ended.err) == (0, "")
        assert (
            ended.out == "shop has version v0.3.0 of the template already. Nothing was changed.\n"
        )
        assert git(shop, "status", "--porcelain") == ""

    def test_plain_copier_gives_the_same_files(
        self,
        create: Callable[..., Path],
        update: Callable[..., Ended],
        releases: TemplateSource,
        tmp_path: Path,
    ) -> None:
        shop = create(**FLASK)
        shutil.copytree(shop, tmp_path / "copier/shop")
        bare = tmp_path / "bare"  # Copier adds the suffix .git to an address of GitHub
        git(tmp_path, "clone", "--quiet", "--bare", str(releases.root), f"{bare}.git")
        served = f'{IDENTITY}[url "file://{bare}"]\n\tinsteadOf = {TEMPLATE_ADDRESS}\n'
        (tmp_path / "gitconfig").write_text(served)
        subprocess.run(
            [sys.executable, "-m", "copier", "update", "--defaults", "--quiet"],
            cwd=tmp_path / "copier/shop",
            env={**os.environ, "COPIER_CACHE_DIR": str(tmp_path / "cache")},
            check=True,
        )
        assert update("--yes").code == 0

        assert tree(shop) == tree(tmp_path / "copier/shop")
        assert "v0.3.0" in (shop / ".copier-answers.yml").read_text()

    def test_add_uses_the_version_of_the_service(
        self,
        shop: Path,
        create: Callable[..., Path],
        run: Run,
        releases: TemplateSource,
    ) -> None:
        assert run("add", "--service", "shop", "auth=jwt", source=releases).code == 0

        assert tree(shop) == tree(create(FIRST, "other", **FASTAPI, **PLAIN | {"auth": "jwt"}))


class TestUser:
    def test_keeps_what_the_user_wrote(self, shop: Path, update: Callable[..., Ended]) -> None:
        recipes = (shop / "docs/recipes.md").read_text()
        mine(shop, "docs/recipes.md", f"{recipes}My recipe.\n")
        mine(shop, "Dockerfile", "FROM mine\n")
        assert update("--yes").code == 0

        assert (shop / "docs/patterns.md").read_text() == f"{recipes}My recipe.\n"
        assert not (shop / "docs/recipes.md").exists()
        assert (shop / "Dockerfile").read_text() == "FROM mine\n"

    @pytest.mark.parametrize("text", ["Mine.\n", None])
    def test_file_of_the_user_is_not_offered_again(
        self, shop: Path, update: Callable[..., Ended], text: str | None
    ) -> None:
        if text is None:
            (shop / "README.md").unlink()
            commit(shop, "Mine")
        else:
            mine(shop, "README.md", text)
        ended = update("--yes", "--json")

        assert ended.code == 0
        assert "README.md" not in json.loads(ended.out)["files"]
        assert (shop / "README.md").exists() == (text is not None)

    def test_conflict_is_listed_and_can_be_undone(
        self, shop: Path, update: Callable[..., Ended]
    ) -> None:
        manifest = (shop / "pyproject.toml").read_text()
        mine(shop, "pyproject.toml", manifest.replace("ruff>=0.17.4", "ruff>=0.16.0"))
        before = tree(shop)
        ended = update("--yes")

        assert ended.code == 3
        assert "Resolve the conflicts in\n  pyproject.toml\n" in ended.out
        assert "new-backend update --abort" in ended.out
        assert update("--abort").code == 0
        assert tree(shop) == before
        assert git(shop, "status", "--porcelain", "--ignored") == ""

    def test_dry_run_prints_the_difference_and_writes_nothing(
        self, shop: Path, update: Callable[..., Ended]
    ) -> None:
        before = tree(shop)
        ended = update("--dry-run")

        assert ended.code == 0
        assert "-_commit: v0.1.0\n+_commit: v0.3.0\n" in ended.out
        assert "+audit: $(UV)" in ended.out
        assert tree(shop) == before
        assert git(shop, "status", "--porcelain") == ""

    @pytest.mark.parametrize("target", ["test", "check"])
    def test_update_whose_tests_fail_is_undone(
        self,
        shop: Path,
        update: Callable[..., Ended],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        target: str,
    ) -> None:
        make = tmp_path / "bin/make"
        make.parent.mkdir()
        make.write_text(f'#!/bin/sh\necho "1 failed"; [ "$1" != {target} ]\n')
        make.chmod(make.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{make.parent}{os.pathsep}{os.environ['PATH']}")
        before = tree(shop)
        ended = update("--yes", "--test")

        assert ended.code == 1
        assert ended.out == f"make {target} failed: shop is as before\n  1 failed\n"
        assert tree(shop) == before
        assert git(shop, "status", "--porcelain", "--ignored") == ""


class TestQuestions:
    def test_new_question_needs_a_terminal_or_yes(
        self, shop: Path, update: Callable[..., Ended]
    ) -> None:
        ended = update()

        assert ended.code == 2
        assert ended.err == (
            "new-backend: the template has new questions: parrot\nTo accept their defaults: --yes\n"
        )
        assert git(shop, "status", "--porcelain") == ""

    @pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal of POSIX")
    def test_new_question_is_asked_on_a_terminal(
        self,
        shop: Path,
        releases: TemplateSource,
        workplace: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        import pexpect

        monkeypatch.setenv("PROMPT_TOOLKIT_NO_CPR", "1")
        command, *words = program(releases, "update", "--service", "shop")
        child: pexpect.spawn[str] = pexpect.spawn(
            command, words, cwd=str(workplace), dimensions=(40, 160), encoding="utf-8", timeout=30
        )
        child.expect("Parrot:")
        child.send("\x1b[B\r")  # the second choice
        child.expect("Parrot: loud")
        child.expect(pexpect.EOF)
        child.close()

        assert child.exitstatus == 0
        assert "parrot: loud\n" in (shop / ".copier-answers.yml").read_text()
        assert (shop / "src/shop/parrot.py").exists()

    def test_answer_that_is_gone_becomes_the_default_with_consent(
        self,
        create: Callable[..., Path],
        update: Callable[..., Ended],
        at: Callable[[str], TemplateSource],
    ) -> None:
        shop = create(**FASTAPI, **PLAIN | {"ci": "gitlab"})
        later = at(SECOND)
        config = later.config.read_text()
        (choice,) = (line for line in config.splitlines() if line.endswith(": gitlab"))
        later.config.write_text(config.replace(f"{choice}\n", ""))
        commit(later.root, "Drop GitLab")
        git(later.root, "tag", "v0.2.1")
        refused = update(source=TemplateSource(later.root))
        accepted = update("--yes", "--json", source=TemplateSource(later.root))

        assert refused.err == ("new-backend: this also changes ci=github\nTo accept that: --yes\n")
        assert json.loads(accepted.out)["implied"] == [
            {"question": "ci", "before": "gitlab", "after": "github"}
        ]
        assert not (shop / ".gitlab-ci.yml").exists()
        assert (shop / ".github/workflows/ci.yml").exists()


class TestRefusal:
    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (
                ("--to", "v0.9.0"),
                "this program has v0.1.0, v0.2.0, v0.3.0 of the template, and not v0.9.0",
            ),
            (("--to", "nonsense"), "this program has v0.1.0, v0.2.0, v0.3.0 of the template, and"),
            (
                ("--to=--help",),
                "this program has v0.1.0, v0.2.0, v0.3.0 of the template, and not --",
            ),
            (
                ("--to", "v0.0.1"),
                "the service has version v0.1.0 of the template, newer than v0.0.1",
            ),
        ],
    )
    def test_version_that_cannot_be_reached(
        self, shop: Path, update: Callable[..., Ended], words: tuple[str, ...], message: str
    ) -> None:
        ended = update(*words)

        assert ended.code == 2
        assert ended.err.startswith(f"new-backend: {message}")
        assert git(shop, "status", "--porcelain") == ""

    def test_service_that_is_newer_than_the_program(
        self,
        create: Callable[..., Path],
        update: Callable[..., Ended],
        at: Callable[[str], TemplateSource],
    ) -> None:
        create(THIRD, **FASTAPI, **PLAIN)
        old = at(FIRST)
        for version in (SECOND, THIRD):
            git(old.root, "tag", "--delete", version)
        ended = update(source=old)

        assert ended.code == 2
        assert ended.err == (
            "new-backend: this program has v0.1.0 of the template, and not v0.3.0\n"
            "If that is newer: uvx new-backend@latest\n"
        )

    def test_uncommitted_work(self, shop: Path, update: Callable[..., Ended]) -> None:
        (shop / "Makefile").write_text("mine\n")
        ended = update("--yes")

        assert ended.code == 2
        assert "has uncommitted changes: Makefile" in ended.err
        assert (shop / "Makefile").read_text() == "mine\n"

    def test_version_of_an_unreleased_program(
        self, shop: Path, update: Callable[..., Ended]
    ) -> None:
        answers = yaml.safe_load((shop / ".copier-answers.yml").read_text())
        del answers["_commit"]
        mine(shop, ".copier-answers.yml", yaml.safe_dump(answers))
        ended = update()

        assert ended.code == 2
        assert "records no version of the template" in ended.err
