"""`fleet` compares many services with their template, and updates each on its own branch."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from new_backend.rendering import render
from tests.harness.releases import FIRST, THIRD
from tests.harness.toys import commit, git, program, tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from new_backend.history import History
    from tests.harness.toys import Ended, Run

ANSWERS = {"project_name": "shop", "database": "sqlite", "auth": "none", "concurrency": "sync"}
BRANCH = f"new-backend/{{}}-{THIRD}"


@pytest.fixture
def create(workplace: Path, history: History) -> Callable[..., Path]:
    """Create a service with a release of the template, in a repository of its own."""

    def created(name: str, version: str = FIRST, *, repository: bool = True) -> Path:
        folder = workplace / "fleet" / name
        render(history.questionnaire(version), ANSWERS, folder)
        if repository:
            commit(folder, "Create")
        return folder

    return created


@pytest.fixture
def fleet(run: Run, history: History) -> Callable[..., Ended]:
    """Run a command of `fleet` with a program of the third release."""

    def run_it(command: str, *words: str) -> Ended:
        return run("fleet", command, "fleet", *words, source=history.current)

    return run_it


def services(ended: Ended) -> dict[str, Any]:
    """Return the services of an output for programs, by the names of their folders."""
    found = json.loads(ended.out)["services"]
    return {each["path"].rpartition("/")[2]: each for each in found}


class TestStatus:
    def test_table_has_a_row_for_each_service_below_a_folder(
        self, create: Callable[..., Path], fleet: Callable[..., Ended], workplace: Path
    ) -> None:
        create("old")
        create("teams/new", THIRD)
        create(".hidden", THIRD)
        changed = create("changed", THIRD)
        (changed / "Dockerfile").write_text("FROM mine\n")
        create("loose", THIRD, repository=False)
        ended = fleet("status")

        assert ended.code == 3
        assert [line.split() for line in ended.out.splitlines()] == [
            ["service", "version", "choices", "drift", "work", "tree", "problems"],
            ["changed", THIRD, *_CHOICES, "1", "changed"],
            ["loose", THIRD, *_CHOICES, "no", "repository"],
            ["old", FIRST, *_CHOICES, "clean"],
            ["new", THIRD, *_CHOICES, "clean"],
            ["4", "services,", "1", "older", "than", THIRD],
        ]
        assert git(workplace / "fleet/old", "status", "--porcelain") == ""

    def test_unfinished_merge_and_invalid_answers_are_shown(
        self, create: Callable[..., Path], fleet: Callable[..., Ended], run: Run, history: History
    ) -> None:
        conflicting = create("conflicting")
        _conflict(conflicting)
        run("update", "--yes", "--service", str(conflicting), source=history.current)
        broken = create("broken", THIRD) / ".copier-answers.yml"
        broken.write_text(broken.read_text().replace("auth: none", "auth: password"))
        found = services(fleet("status", "--json"))

        assert found["conflicting"]["work_tree"] == "conflicts"
        assert 'invalid value "password"' in found["broken"]["problems"][0]

    def test_current_services_end_with_success(
        self, create: Callable[..., Path], fleet: Callable[..., Ended]
    ) -> None:
        create("one", THIRD)
        create("two", THIRD)

        assert fleet("status", "--jobs", "2").code == 0

    @pytest.mark.parametrize(
        ("folder", "message"),
        [("missing", "no such folder: missing"), (".", "no service of new-backend is in .")],
    )
    def test_folder_without_services(
        self, run: Run, workplace: Path, folder: str, message: str
    ) -> None:
        del workplace
        ended = run("fleet", "status", folder)

        assert (ended.code, ended.err) == (2, f"new-backend: {message}\n")


_CHOICES = ("fastapi", "sqlalchemy", "sqlite", "none", "sync", "none")


def _conflict(service: Path) -> None:
    """Change a line that the releases change, too."""
    manifest = service / "pyproject.toml"
    text = manifest.read_text()
    assert "ruff>=0.17.4" in text
    manifest.write_text(text.replace("ruff>=0.17.4", "ruff>=0.16.0"))
    commit(service, "Mine")


class TestUpdate:
    def test_update_is_a_commit_on_a_branch_of_its_own(
        self, create: Callable[..., Path], fleet: Callable[..., Ended], history: History
    ) -> None:
        shop = create("shop")
        before = tree(shop)
        ended = fleet("update")

        assert ended.code == 0, ended.err
        assert ended.out.splitlines()[1].split() == ["shop", "updated", BRANCH.format("shop")]
        assert tree(shop) == before
        assert git(shop, "status", "--porcelain") == ""
        assert git(shop, "worktree", "list").count("\n") == 0
        git(shop, "checkout", "--quiet", BRANCH.format("shop"))
        render(history.questionnaire(THIRD), ANSWERS, shop.parent / "new")
        readme = {"README.md": before["README.md"]}
        assert tree(shop) == tree(shop.parent / "new") | readme
        assert git(shop, "log", "-1", "--format=%an: %s") == (
            "Ada Example: Update the template from v0.1.0 to v0.3.0"
        )

    def test_services_that_cannot_be_updated_are_left_as_they_are(
        self, create: Callable[..., Path], fleet: Callable[..., Ended]
    ) -> None:
        create("current", THIRD)
        dirty, conflicting, loose = create("dirty"), create("conflicting"), create("loose")
        (dirty / "Makefile").write_text("mine\n")
        _conflict(conflicting)
        (loose / ".git").rename(loose / ".git-gone")
        ended = fleet("update", "--json")

        found = services(ended)
        assert ended.code == 3
        assert {name: each["outcome"] for name, each in found.items()} == {
            "current": "current",
            "dirty": "refused",
            "conflicting": "conflicts",
            "loose": "refused",
        }
        assert found["conflicting"]["conflicts"] == ["pyproject.toml"]
        assert "has uncommitted changes: Makefile" in found["dirty"]["reason"]
        assert git(conflicting, "branch", "--format=%(refname:short)").count("\n") == 0
        assert git(conflicting, "status", "--porcelain") == ""
        assert (dirty / "Makefile").read_text() == "mine\n"

    def test_run_can_be_repeated(
        self, create: Callable[..., Path], fleet: Callable[..., Ended]
    ) -> None:
        first = create("first")
        assert services(fleet("update", "--json"))["first"]["outcome"] == "updated"
        made = git(first, "rev-parse", BRANCH.format("first"))
        create("second")
        ended = fleet("update", "--json")

        found = services(ended)
        assert ended.code == 0
        assert (found["first"]["outcome"], found["second"]["outcome"]) == ("waiting", "updated")
        assert git(first, "rev-parse", BRANCH.format("first")) == made

    def test_services_of_one_repository_get_a_branch_each(
        self,
        create: Callable[..., Path],
        fleet: Callable[..., Ended],
        workplace: Path,
    ) -> None:
        names = ("a", "b", "c", "d")
        for name in names:
            create(name, repository=False)
        commit(workplace / "fleet", "Create")
        ended = fleet("update", "--jobs", "4")

        assert ended.code == 0, ended.out
        for name in names:
            branch = BRANCH.format(name)
            changed = git(workplace / "fleet", "diff", "--name-only", "HEAD", branch).splitlines()
            assert {path.partition("/")[0] for path in changed} == {name}
            assert f"{name}/docs/patterns.md" in changed

    def test_interrupted_run_leaves_complete_branches_only(
        self, create: Callable[..., Path], fleet: Callable[..., Ended], history: History
    ) -> None:
        names = [f"shop{number}" for number in range(6)]
        folders = [create(name) for name in names]
        command = program(history.current, "fleet", "update", "fleet", "--jobs", "2")
        process = subprocess.Popen(
            command,
            cwd=folders[0].parent.parent,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - the tests have no threads
        )
        while not any(_branches(folder) for folder in folders):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)

        assert process.returncode == 130
        assert "services\nRun it again to go on.\n" in said
        assert fleet("update").code == 0
        for folder in folders:
            assert _branches(folder) == [f"new-backend/{folder.name}-{THIRD}"]
            assert git(folder, "worktree", "list").count("\n") == 0
            assert git(folder, "status", "--porcelain") == ""


def _branches(service: Path) -> list[str]:
    return git(
        service, "for-each-ref", "--format=%(refname:short)", "refs/heads/new-backend"
    ).split()
