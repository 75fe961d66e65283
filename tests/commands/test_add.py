"""`add` changes answers of an existing service, and keeps what the user wrote."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.harness.toys import commit, git, program, released, tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from new_backend.template_source import TemplateSource
    from tests.harness.toys import Ended, Run

FASTAPI = {"framework": "fastapi", "orm": "sqlalchemy", "database": "sqlite"}
FLASK = {**FASTAPI, "framework": "flask"}
DJANGO = {"framework": "django", "orm": "django", "database": "sqlite"}
PLAIN = {"auth": "none", "concurrency": "sync", "cache": "none", "ci": "none"}
VERSIONS = "src/shop/migrations/versions"
REVISION = '"""Colours."""\n\nrevision = "{}"\ndown_revision = "{}"\n'
MIGRATION = (
    "from django.db import migrations\n\n\n"
    "class Migration(migrations.Migration):\n"
    '    dependencies = [("items", "{}")]\n'
    "    operations = []\n"
)


@pytest.fixture
def source(tmp_path: Path, workplace: Path) -> TemplateSource:
    """The template of this checkout, as a release."""
    del workplace
    return released(tmp_path / "template")


@pytest.fixture
def created(run: Run, workplace: Path, source: TemplateSource) -> Callable[..., Path]:
    """Create a service with a commit."""

    def create(name: str = "shop", **answers: str) -> Path:
        words = [f"--{question.replace('_', '-')}={answer}" for question, answer in answers.items()]
        fixed = ("--yes", "--no-install", "--package=shop", "--project-name=shop")
        ended = run("create", name, *fixed, *words, source=source)
        assert ended.code == 0, ended.err
        return workplace / name

    return create


@pytest.fixture
def shop(created: Callable[..., Path]) -> Path:
    """A small service without accounts."""
    return created(**FASTAPI, **PLAIN)


@pytest.fixture
def add(run: Run, source: TemplateSource) -> Callable[..., Ended]:
    """Run `add` in the service `shop`."""

    def add_to(*words: str, service: str = "shop") -> Ended:
        return run("add", "--service", service, *words, source=source)

    return add_to


def change(service: Path, **texts: str) -> None:
    """Write files of a service and commit them."""
    for path, text in texts.items():
        (service / path).parent.mkdir(parents=True, exist_ok=True)
        (service / path).write_text(text)
    commit(service, "Mine")


class TestChange:
    @pytest.mark.parametrize(
        ("stack", "changes"),
        [
            (FASTAPI, {"auth": "jwt", "cache": "redis"}),
            (FASTAPI, {"concurrency": "async", "ci": "gitlab", "license": "MIT"}),
            (FLASK, {"auth": "oidc"}),
            (DJANGO, {"auth": "session", "cache": "memcached"}),
            ({**FASTAPI, "database": "mysql"}, {"auth": "api-key"}),
        ],
    )
    def test_service_equals_one_that_was_created_with_the_answers(
        self,
        created: Callable[..., Path],
        add: Callable[..., Ended],
        stack: dict[str, str],
        changes: dict[str, str],
    ) -> None:
        shop = created(**stack, **PLAIN)
        ended = add(*(f"{question}={answer}" for question, answer in changes.items()))

        assert ended.code == 0, ended.err
        assert tree(shop) == tree(created("other", **stack, **PLAIN | changes))
        assert git(shop, "ls-files", "--others", "--exclude-standard") == ""

    def test_change_and_its_reverse_give_the_same_service(
        self, shop: Path, add: Callable[..., Ended]
    ) -> None:
        before = tree(shop)
        assert add("cache=redis", "ci=github").code == 0
        change(shop)
        assert add("cache=none", "ci=none").code == 0

        assert tree(shop) == before

    def test_keeps_what_the_user_wrote(self, shop: Path, add: Callable[..., Ended]) -> None:
        readme, services = (
            (shop / path).read_text() for path in ("README.md", "src/shop/items/services.py")
        )
        mine = {
            "README.md": readme + "\nMy own line.\n",
            "src/shop/items/services.py": services + "\n\nMINE = 1\n",
            "src/shop/orders/services.py": "ORDERS = 1\n",
        }
        change(shop, **mine)
        (shop / "Dockerfile").unlink()
        change(shop)
        assert add("auth=jwt", "cache=redis").code == 0

        after = tree(shop)
        assert after["README.md"].endswith(b"\nMy own line.\n")
        assert after["src/shop/items/services.py"].endswith(b"\nMINE = 1\n")
        assert after["src/shop/orders/services.py"] == b"ORDERS = 1\n"
        assert "Dockerfile" not in after
        assert "src/shop/users/services.py" in after

    def test_changes_a_service_in_a_folder_of_a_larger_repository(
        self, workplace: Path, created: Callable[..., Path], add: Callable[..., Ended]
    ) -> None:
        git(workplace, "init", "--quiet")
        change(workplace, **{"other.txt": "theirs\n"})
        shop = created("services/my shop", **FASTAPI, **PLAIN)
        change(workplace)
        assert add("cache=redis", service="services/my shop/src").code == 0

        assert tree(shop) == tree(created("other", **FASTAPI, **PLAIN | {"cache": "redis"}))
        assert add("--abort", service="services/my shop").code == 0
        assert not (shop / "src/shop/cache").exists()

    def test_answers_that_the_service_has_change_nothing(
        self, shop: Path, add: Callable[..., Ended]
    ) -> None:
        ended = add("cache=none", "auth=none")

        assert (ended.code, ended.err) == (0, "")
        assert ended.out == "shop has these answers already. Nothing was changed.\n"
        assert git(shop, "status", "--porcelain") == ""

    def test_change_that_follows_from_a_rule_needs_consent(
        self, created: Callable[..., Path], add: Callable[..., Ended]
    ) -> None:
        drf = {**DJANGO, "django_api": "drf"}
        shop = created(**drf, **PLAIN)
        refused = add("concurrency=async")

        assert refused.code == 2
        assert refused.err == (
            "new-backend: this also changes django_api=ninja\nTo accept that: --yes\n"
        )
        assert git(shop, "status", "--porcelain") == ""
        accepted = add("concurrency=async", "--yes", "--json")
        assert json.loads(accepted.out)["implied"] == [
            {"question": "django_api", "before": "drf", "after": "ninja"}
        ]

    def test_dry_run_prints_the_difference_and_writes_nothing(
        self, shop: Path, add: Callable[..., Ended]
    ) -> None:
        before = tree(shop)
        ended = add("cache=redis", "--dry-run")

        assert ended.code == 0
        assert "-cache: none\n+cache: redis\n" in ended.out
        assert tree(shop) == before
        assert (
            git(shop, "status", "--porcelain")
            == git(shop, "for-each-ref", "refs/new-backend", "refs/worktree")
            == ""
        )

    def test_resolves_the_lock_file_again(
        self,
        shop: Path,
        add: Callable[..., Ended],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        uv = tmp_path / "uv"
        uv.write_text('#!/bin/sh\n[ "$1" = lock ] && grep cache .copier-answers.yml > uv.lock\n')
        uv.chmod(uv.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr("uv.find_uv_bin", lambda: str(uv))
        change(shop, **{"uv.lock": "old\n"})
        ended = add("cache=redis", "--json")

        assert json.loads(ended.out)["steps"] == [{"name": "lock", "status": "done", "detail": ""}]
        assert "uv.lock" in json.loads(ended.out)["files"]
        assert git(shop, "show", ":uv.lock") == "cache: redis"

    @pytest.fixture
    def make(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A `make` that fails at the target that a file names."""
        folder = tmp_path / "bin"
        folder.mkdir()
        script = folder / "make"
        script.write_text(
            f'#!/bin/sh\necho "1 failed in $PWD"; [ "$1" != "$(cat {folder}/fails)" ]\n'
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return folder

    @pytest.mark.parametrize(
        ("fails", "code", "statuses"),
        [("no", 0, ["done", "done"]), ("test", 1, ["failed", "not run"])],
    )
    @pytest.mark.usefixtures("shop")
    def test_runs_the_tests_of_the_service(
        self, add: Callable[..., Ended], make: Path, fails: str, code: int, statuses: list[str]
    ) -> None:
        (make / "fails").write_text(fails)
        ended = add("cache=redis", "--test", "--json")

        steps = json.loads(ended.out)["steps"]
        assert ended.code == code
        assert [step["status"] for step in steps] == statuses
        assert steps[0]["detail"].startswith("1 failed in ") == bool(code)

    def test_signal_after_the_merge_names_what_is_left(
        self, shop: Path, source: TemplateSource, make: Path, workplace: Path
    ) -> None:
        (make / "make").write_text("#!/bin/sh\nkill -INT $PPID\n")
        command = program(source, "add", "cache=redis", "--test", "--service", "shop")
        ended = subprocess.run(
            command,
            cwd=workplace,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

        assert ended.returncode == 130
        assert ended.stderr.splitlines()[-2:] == [
            f"new-backend: interrupted. The service is changed and not committed: {shop}",
            "To complete it: make test && make check. To undo it: new-backend add --abort",
        ]
        assert (shop / "src/shop/cache").exists()


class TestConflict:
    def test_conflict_is_listed_and_can_be_undone(
        self, shop: Path, add: Callable[..., Ended]
    ) -> None:
        settings = (shop / "src/shop/settings.py").read_text()
        change(shop, **{"src/shop/settings.py": settings.replace("class Settings(", "class Mine(")})
        before = tree(shop)
        ended = add("cache=redis")

        assert ended.code == 3
        assert "Resolve the conflicts in\n  src/shop/settings.py\n" in ended.out
        text = (shop / "src/shop/settings.py").read_text()
        assert "<<<<<<< " in text
        assert "class Mine(" in text
        assert add("--abort").out.startswith("Undid the last change of shop: ")
        assert tree(shop) == before
        assert git(shop, "status", "--porcelain", "--ignored") == ""

    def test_undo_keeps_what_the_user_wrote_after_the_change(
        self, shop: Path, add: Callable[..., Ended]
    ) -> None:
        """Also where the user has undone the change without the command."""
        before = tree(shop)
        assert add("cache=redis").code == 0
        git(shop, "reset", "--quiet", "--hard")
        (shop / "README.md").write_text("Mine.\n")
        (shop / "src/shop/orders.py").write_text("ORDERS = 1\n")
        ended = add("--abort")

        assert ended.out.endswith(
            "\nThe files as they were: git checkout refs/new-backend/undone -- FILE\n"
        )
        assert tree(shop) == before | {"src/shop/orders.py": b"ORDERS = 1\n"}
        git(shop, "checkout", "--quiet", "refs/new-backend/undone", "--", "README.md")
        assert (shop / "README.md").read_text() == "Mine.\n"
        assert git(shop, "show", "refs/new-backend/undone:src/shop/orders.py") == "ORDERS = 1"

    @pytest.mark.parametrize("journal", [None, "", '{"head": "'])
    def test_nothing_to_undo(
        self, shop: Path, add: Callable[..., Ended], journal: str | None
    ) -> None:
        """Also where a journal was not written to its end, which is before the merge."""
        if journal is not None:
            (shop / ".git/new-backend-change.json").write_text(journal)
        ended = add("--abort")

        assert ended.code == 2
        assert ended.err == f"new-backend: there is nothing to undo in {shop}\n"

    def test_committed_change_is_not_undone(self, shop: Path, add: Callable[..., Ended]) -> None:
        assert add("cache=redis").code == 0
        change(shop)
        ended = add("--abort")

        assert ended.code == 2
        assert "was committed, or another commit was checked out" in ended.err
        assert (shop / "src/shop/cache").exists()


class TestMigrations:
    def test_alembic_revisions_follow_the_newest_of_the_service(
        self, shop: Path, add: Callable[..., Ended]
    ) -> None:
        change(shop, **{f"{VERSIONS}/mine.py": REVISION.format("c0104", "a7e25b90c41d")})
        assert add("auth=jwt").code == 0

        users = (shop / VERSIONS / "3c1f8a5d20b7_create_user_account.py").read_text()
        owner = (shop / VERSIONS / "d7f2a41c9e60_add_owner_of_item.py").read_text()
        assert '\ndown_revision = "c0104"\n' in users
        assert '\ndown_revision = "3c1f8a5d20b7"\n' in owner

    def test_another_database_brings_its_migrations_and_says_that_data_is_not_moved(
        self, created: Callable[..., Path], add: Callable[..., Ended]
    ) -> None:
        shop = created(**FASTAPI | {"database": "postgresql"}, **PLAIN | {"auth": "jwt"})
        mine = REVISION.format("c0104", "d7f2a41c9e60")
        change(shop, **{f"{VERSIONS}/mine.py": mine})
        ended = add("database=mysql")

        assert ended.code == 0, ended.err
        assert "  database: postgresql → mysql\n  Data is not moved. Start with" in ended.out
        after = tree(shop)
        assert after.pop(f"{VERSIONS}/mine.py").decode() == mine
        mysql = FASTAPI | {"database": "mysql"}
        assert after == tree(created("other", **mysql, **PLAIN | {"auth": "jwt"}))

    def test_rejects_two_heads(self, shop: Path, add: Callable[..., Ended]) -> None:
        for name in ("c1", "c2"):
            change(shop, **{f"{VERSIONS}/{name}.py": REVISION.format(name, "a7e25b90c41d")})
        ended = add("auth=jwt")

        assert ended.code == 2
        assert ended.err.splitlines()[-2:] == [
            "new-backend: the migrations have 2 heads: c1, c2",
            "Merge them first: alembic merge heads",
        ]

    def test_django_migrations_follow_the_newest_of_the_service(
        self, created: Callable[..., Path], add: Callable[..., Ended]
    ) -> None:
        shop = created(**DJANGO, **PLAIN)
        folder = "src/shop/items/migrations"
        change(shop, **{f"{folder}/0002_colour.py": MIGRATION.format("0001_initial")})
        assert add("auth=jwt").code == 0

        assert not (shop / folder / "0002_owner.py").exists()
        owner = (shop / folder / "0003_owner.py").read_text()
        assert '("items", "0002_colour")' in owner
        assert '("items", "0001_initial")' not in owner

    def test_rejects_application_without_its_migrations(
        self, created: Callable[..., Path], add: Callable[..., Ended]
    ) -> None:
        shop = created(**DJANGO, **PLAIN)
        (shop / "src/shop/items/migrations/0001_initial.py").unlink()
        change(shop)
        ended = add("auth=jwt")

        assert ended.code == 2
        assert "new-backend: the migrations of items have 0 leaves" in ended.err

    def test_rejects_change_that_removes_tables(
        self, created: Callable[..., Path], add: Callable[..., Ended]
    ) -> None:
        shop = created(**FASTAPI, **PLAIN | {"auth": "jwt"})
        ended = add("auth=none")

        assert ended.code == 2
        assert "tables would be removed, which needs a migration of yours: src/shop" in ended.err
        assert git(shop, "status", "--porcelain") == ""


class TestRefusal:
    @pytest.mark.parametrize(
        ("words", "message"),
        [
            ((), "no answers are given. Name one, such as cache=redis"),
            (("cache",), '"cache" is not QUESTION=ANSWER, such as cache=redis'),
            (("cahce=redis",), 'unknown question "cahce". Did you mean "cache"?'),
            (("cache=redis", "cache=none"), "cache has two answers"),
            (
                ("orm=django",),
                "orm cannot be changed: your models and use cases are written for it",
            ),
            (("django_api=drf",), "django_api does not apply to these answers"),
            (("auth=password",), 'auth: invalid value "password". Choose from none, jwt'),
            (("--abort", "cache=redis"), "--abort takes no answers"),
        ],
    )
    def test_invalid_answer(
        self, shop: Path, add: Callable[..., Ended], words: tuple[str, ...], message: str
    ) -> None:
        ended = add(*words)

        assert ended.code == 2
        assert ended.err.startswith(f"new-backend: {message}")
        assert len(ended.err.splitlines()) == 1
        assert git(shop, "status", "--porcelain") == ""

    @pytest.mark.parametrize(
        ("prepare", "message"),
        [
            (lambda shop: (shop / "new.txt").touch(), "has uncommitted changes: new.txt"),
            (lambda shop: (shop / "Makefile").unlink(), "has uncommitted changes: Makefile"),
            (lambda shop: shutil.rmtree(shop / ".git"), "is not in a git repository"),
            (
                lambda shop: (shop / ".git/config").write_text("[core"),
                "git rev-parse failed: fatal: bad config line",
            ),
            (
                lambda shop: git(shop, "update-ref", "-d", "HEAD"),
                "has no commit yet",
            ),
            (
                lambda shop: (shop / ".git/MERGE_HEAD").write_text(git(shop, "rev-parse", "HEAD")),
                "has an unfinished merge or rebase",
            ),
            (
                lambda shop: (shop / ".git/rebase-apply").mkdir(),
                "has an unfinished merge or rebase",
            ),
            (
                lambda shop: (shop / ".copier-answers.yml").unlink(),
                "is not a service of new-backend: it has no .copier-answers.yml",
            ),
            (
                lambda shop: _replace_answer(shop, "new-backend/new-backend", "someone/else"),
                "was created from another template: https://github.com/someone/else",
            ),
            (
                lambda shop: _replace_answer(shop, "_commit: v0.0.9", "_commit: v0.0.8"),
                "this program has v0.0.9 of the template, and not v0.0.8",
            ),
            (
                lambda shop: _replace_answer(shop, "_commit: v0.0.9\n", ""),
                ".copier-answers.yml records no version of the template",
            ),
            (
                lambda shop: _replace_answer(shop, "ci: none", "ci: none\nnews: daily"),
                '.copier-answers.yml: unknown question "news"',
            ),
            (
                lambda shop: _write_ignored(shop, "src/shop/cache/cache.py"),
                "src/shop/cache/cache.py is in the way",
            ),
        ],
    )
    def test_service_that_cannot_be_changed(
        self,
        shop: Path,
        add: Callable[..., Ended],
        prepare: Callable[[Path], object],
        message: str,
    ) -> None:
        prepare(shop)
        before = tree(shop)
        ended = add("cache=redis")

        assert ended.code in (1, 2)
        assert message in ended.err
        assert "Traceback" not in ended.err
        assert tree(shop) == before


def _replace_answer(shop: Path, before: str, after: str) -> None:
    text = (shop / ".copier-answers.yml").read_text()
    assert before in text
    change(shop, **{".copier-answers.yml": text.replace(before, after)})


def _write_ignored(shop: Path, path: str) -> None:
    change(shop, **{".gitignore": path})
    (shop / path).parent.mkdir()
    (shop / path).write_text("mine\n")


class TestKill:
    def test_killed_change_is_undone(
        self, shop: Path, add: Callable[..., Ended], source: TemplateSource, workplace: Path
    ) -> None:
        before = tree(shop)
        command = program(source, "add", "auth=jwt", "cache=redis", "--service", "shop")
        begun = time.monotonic()
        subprocess.run(command, cwd=workplace, check=True, capture_output=True)
        duration = time.monotonic() - begun
        assert add("--abort").code == 0
        for moment in range(12):
            process = subprocess.Popen(command, cwd=workplace, stderr=subprocess.PIPE)
            time.sleep(duration * (0.5 + moment / 20))
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=30)

            undone = add("--abort")
            assert undone.code == 0 or "there is nothing to undo" in undone.err
            assert tree(shop) == before
            assert git(shop, "status", "--porcelain", "--ignored") == ""
