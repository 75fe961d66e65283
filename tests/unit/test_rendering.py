"""The project is written completely and at once, or not at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import copier
import pytest
import yaml

from new_backend.questions import Questionnaire
from new_backend.rendering import Target, create_project
from new_backend.template_source import TEMPLATE_ADDRESS, TemplateSource
from tests.harness.toys import LAYERS, copy_questions, git, left_in, tree, write_layers

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.toys import Run

SHOP = ("create", "shop", "--yes", "--no-git", "--no-install")


@pytest.fixture
def checkout(tmp_path: Path, workplace: Path) -> TemplateSource:
    """A git checkout of a template, with a release and an uncommitted change."""
    del workplace
    root = tmp_path / "checkout"
    root.mkdir()
    copy_questions(root)
    write_layers(root, LAYERS)
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "One")
    git(root, "tag", "v0.0.9")
    write_layers(root, {"{{common}}/new.txt": "not committed\n"})
    return TemplateSource(root)


class TestFiles:
    def test_files_equal_those_of_plain_copier(
        self, run: Run, workplace: Path, checkout: TemplateSource
    ) -> None:
        git(checkout.root, "add", "--all")
        git(checkout.root, "commit", "--quiet", "--message", "Two")
        git(checkout.root, "tag", "v0.1.0")
        assert run(*SHOP, source=checkout).code == 0
        ours = tree(workplace / "shop")
        answers = yaml.safe_load(ours[".copier-answers.yml"])
        data = {name: value for name, value in answers.items() if not name.startswith("_")}
        shutil.rmtree(workplace / "shop")

        copier.run_copy(
            str(checkout.root), workplace / "shop", data=data, defaults=True, quiet=True
        )

        theirs = tree(workplace / "shop")
        recorded = theirs[".copier-answers.yml"].decode()
        theirs[".copier-answers.yml"] = recorded.replace(
            f"_src_path: {checkout.root}", f"_src_path: {TEMPLATE_ADDRESS}"
        ).encode()
        assert ours == theirs
        assert answers["_commit"] == "v0.1.0"

    def test_checkout_renders_working_tree_and_records_commit(
        self, run: Run, workplace: Path, checkout: TemplateSource
    ) -> None:
        assert run(*SHOP, source=checkout).code == 0

        files = tree(workplace / "shop")
        assert files["new.txt"] == b"not committed\n"
        recorded = yaml.safe_load(files[".copier-answers.yml"])
        assert recorded["_commit"] == "v0.0.9"
        assert recorded["_src_path"] == TEMPLATE_ADDRESS

    def test_folder_without_git_records_no_version(self, run: Run, workplace: Path) -> None:
        assert run(*SHOP).code == 0

        recorded = yaml.safe_load(tree(workplace / "shop")[".copier-answers.yml"])
        assert "_commit" not in recorded
        assert recorded["_src_path"] == TEMPLATE_ADDRESS

    def test_long_template_path_leaves_no_trace(
        self, run: Run, workplace: Path, tmp_path: Path
    ) -> None:
        root = tmp_path / ("a long path with spaces " * 8).strip()
        root.mkdir()
        copy_questions(root)
        write_layers(root, LAYERS)
        assert run(*SHOP, source=TemplateSource(root)).code == 0

        recorded = tree(workplace / "shop")[".copier-answers.yml"].decode()
        assert "a long path" not in recorded
        assert yaml.safe_load(recorded)["_src_path"] == TEMPLATE_ADDRESS

    def test_executable_file_stays_executable(
        self, run: Run, workplace: Path, checkout: TemplateSource
    ) -> None:
        (checkout.root / "template/layers/{{common}}/new.txt").chmod(0o744)
        (checkout.root / "template/layers/{{common}}/other.txt").touch(0o600)
        umask = os.umask(0o027)
        try:
            assert run(*SHOP, source=checkout).code == 0
        finally:
            os.umask(umask)

        modes = {
            name: (workplace / "shop" / name).stat().st_mode for name in ("new.txt", "other.txt")
        }
        assert {name: stat.S_IMODE(mode) for name, mode in modes.items()} == {
            "new.txt": 0o750,
            "other.txt": 0o640,
        }

    def test_names_file_that_is_read_at_the_root_of_a_repository(
        self, run: Run, workplace: Path, checkout: TemplateSource
    ) -> None:
        write_layers(checkout.root, {"{{common}}/.github/workflows/ci.yml": "on: push\n"})
        git(workplace, "init", "--quiet")
        inside = run("create", "services/shop", *SHOP[2:], "--json", source=checkout)
        alone = run("create", "../shop", *SHOP[2:], "--json", source=checkout)

        assert json.loads(inside.out)["notes"] == [
            (
                "Move .github/workflows/ci.yml to the root of the repository. "
                "Set defaults.run.working-directory to services/shop in it."
            )
        ]
        assert json.loads(alone.out)["notes"] == []

    def test_folder_has_default_mode(self, run: Run, workplace: Path) -> None:
        assert run(*SHOP).code == 0
        (workplace / "other").mkdir()

        assert (workplace / "shop").stat().st_mode == (workplace / "other").stat().st_mode


class TestTarget:
    def test_creates_missing_parents(self, run: Run, workplace: Path) -> None:
        assert run("create", "a/b/shop", "--yes", "--no-git", "--no-install").code == 0

        assert (workplace / "a/b/shop/pyproject.toml").is_file()
        assert left_in(workplace) == ["a"]
        assert left_in(workplace / "a/b") == ["shop"]

    def test_failure_removes_created_parents(
        self, run: Run, workplace: Path, broken: TemplateSource
    ) -> None:
        ended = run("create", "a/b/shop", "--yes", "--no-git", "--no-install", source=broken)

        assert ended.code == 1
        assert left_in(workplace) == []

    @pytest.mark.parametrize("dest", ["shop", "."])
    def test_fills_empty_folder(
        self, run: Run, workplace: Path, monkeypatch: pytest.MonkeyPatch, dest: str
    ) -> None:
        (workplace / "shop").mkdir()
        if dest == ".":
            monkeypatch.chdir(workplace / "shop")
        assert run("create", dest, "--yes", "--no-git", "--no-install").code == 0

        assert "pyproject.toml" in left_in(workplace / "shop")
        assert left_in(workplace) == ["shop"]

    def test_lists_existing_files(self, run: Run, workplace: Path) -> None:
        (workplace / "shop").mkdir()
        for index in range(12):
            (workplace / "shop" / f"{index:02}.txt").touch()
        ended = run(*SHOP)

        assert ended.code == 2
        assert ended.err.splitlines() == [
            f"new-backend: {workplace}/shop is not empty: "
            + ", ".join(f"{index:02}.txt" for index in range(10))
            + " and 2 more",
            "Name a new folder, or move these files away.",
        ]
        assert len(left_in(workplace / "shop")) == 12

    def test_fills_new_repository_and_keeps_its_files(self, run: Run, workplace: Path) -> None:
        shop = workplace / "shop"
        shop.mkdir()
        git(shop, "init", "--quiet")
        (shop / "README.md").write_text("mine\n")
        (shop / "LICENSE").write_text("mine\n")
        ended = run("create", "shop", "--yes", "--no-install")

        assert ended.code == 0
        assert (shop / "README.md").read_text() == "mine\n"
        assert (shop / "LICENSE").read_text() == "mine\n"
        assert (shop / "pyproject.toml").is_file()
        assert (shop / ".gitignore").read_text() == ".venv/\n"
        assert "README.md: yours is kept" in ended.out
        assert "LICENSE: yours is kept" not in ended.out
        assert "git: skipped, the folder is inside the git repository" in ended.out
        assert not any(name.startswith(".shop") for name in left_in(shop))

    def test_replaces_files_if_user_agrees(
        self, small_template: TemplateSource, workplace: Path
    ) -> None:
        shop = workplace / "shop"
        shop.mkdir()
        (shop / "README.md").write_text("mine\n")
        asked = []

        def keep(name: str) -> bool:
            asked.append(name)
            return False

        written = create_project(
            Questionnaire.read(small_template),
            {"project_name": "shop", "package": "shop"},
            Target.check(shop),
            keep,
        )

        assert asked == ["README.md"]
        assert written.kept == []
        assert "README.md" in [file.path for file in written.files]
        assert (shop / "README.md").read_text().startswith("# shop")

    def test_adds_missing_lines_to_existing_gitignore(
        self, small_template: TemplateSource, workplace: Path
    ) -> None:
        shop = workplace / "shop"
        shop.mkdir()
        (shop / ".gitignore").write_text("mine\n.venv/  \n*.log")
        added = {"{{common}}/.gitignore": "# Local files\n.venv/\n.env\n"}
        root = workplace.parent / "template"
        shutil.copytree(small_template.root, root)
        write_layers(root, added)
        written = create_project(
            Questionnaire.read(TemplateSource(root)),
            {"project_name": "shop", "package": "shop"},
            Target.check(shop),
            lambda _: True,
        )

        assert (written.kept, written.merged) == ([], [".gitignore"])
        assert (shop / ".gitignore").read_text() == ("mine\n.venv/  \n*.log\n# Local files\n.env\n")

    def test_failure_restores_existing_folder(
        self, run: Run, workplace: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shop = workplace / "shop"
        shop.mkdir()
        (shop / "LICENSE").write_text("mine\n")
        real_rename = Path.rename

        def rename(self: Path, target: Path) -> Path:
            if self.name == "src":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real_rename(self, target)

        monkeypatch.setattr(Path, "rename", rename)
        ended = run(*SHOP)

        assert ended.code == 1
        assert ended.err.splitlines()[-1] == (
            f"new-backend: {shop} cannot be filled: No space left on device"
        )
        assert left_in(shop) == ["LICENSE"]

    @pytest.mark.parametrize(
        ("prepare", "message"),
        [
            (lambda shop: shop.touch(), "shop is a file. Name a folder"),
            (
                lambda shop: shop.symlink_to("nowhere"),
                "shop is a symbolic link to nothing. Remove it, or name",
            ),
            (lambda shop: (shop / "LICENSE").mkdir(parents=True), "shop is not empty: LICENSE"),
            (
                lambda shop: (shop.mkdir(), (shop / "README.md").symlink_to("/etc/passwd")),
                "shop is not empty: README.md",
            ),
        ],
    )
    def test_rejects_target_that_is_not_a_folder(
        self, run: Run, workplace: Path, prepare: Callable[[Path], object], message: str
    ) -> None:
        prepare(workplace / "shop")
        ended = run(*SHOP)

        assert ended.code == 2
        assert f"{workplace}/{message}" in ended.err
        assert left_in(workplace) == ["shop"]

    def test_rejects_parent_that_is_a_file(self, run: Run, workplace: Path) -> None:
        (workplace / "file").touch()
        ended = run("create", "file/shop", "--yes")

        assert ended.code == 2
        assert f"{workplace}/file is not a folder" in ended.err

    def test_rejects_read_only_parent(
        self, run: Run, workplace: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Root may write anywhere, so the test replaces the system's answer.
        monkeypatch.setattr(os, "access", lambda path, _: Path(path) != workplace)
        ended = run(*SHOP)

        assert ended.code == 2
        assert f"{workplace} is not writable" in ended.err

    def test_rejects_empty_target(self, run: Run) -> None:
        ended = run("create", "", "--yes")

        assert ended.code == 2
        assert (
            ended.err == 'new-backend: DEST is empty. Name a folder, or "." for the current one\n'
        )


@pytest.fixture
def broken(tmp_path: Path) -> TemplateSource:
    """A template whose last file cannot be rendered."""
    root = tmp_path / "broken"
    root.mkdir()
    copy_questions(root)
    write_layers(root, {**LAYERS, "{{common}}/z.txt.jinja": "{{ x.y }}\n"})
    return TemplateSource(root)


class TestFailure:
    def test_template_error_leaves_nothing(
        self, run: Run, workplace: Path, broken: TemplateSource
    ) -> None:
        ended = run(*SHOP, source=broken)

        assert ended.code == 1
        assert ended.err.splitlines()[-1] == (
            "new-backend: the template cannot be rendered: 'x' is undefined"
        )
        assert left_in(workplace) == []

    def test_missing_partial_is_reported_as_error_of_the_template(
        self, run: Run, workplace: Path, tmp_path: Path
    ) -> None:
        root = tmp_path / "incomplete"
        root.mkdir()
        copy_questions(root)
        write_layers(root, {"{{common}}/x.txt.jinja": '{% include "template/partials/no.jinja" %}'})
        ended = run(*SHOP, source=TemplateSource(root))

        assert ended.code == 1
        assert ended.err.splitlines()[-1].startswith(
            "new-backend: the template cannot be rendered: 'template/partials/no.jinja' not found"
        )
        assert left_in(workplace) == []

    def test_full_disk_leaves_nothing(
        self, run: Run, workplace: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real_write = Path.write_bytes
        written = []

        def write_bytes(self: Path, data: bytes) -> int:
            written.append(self)
            if len(written) == 4:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real_write(self, data)

        monkeypatch.setattr(Path, "write_bytes", write_bytes)
        ended = run(*SHOP)

        assert ended.code == 1
        assert "the project cannot be written: No space left on device" in ended.err
        assert left_in(workplace) == []

    def test_does_not_overwrite_target_created_meanwhile(
        self, run: Run, workplace: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real_rename = Path.rename

        def rename(self: Path, target: Path) -> Path:
            (workplace / "shop").mkdir()
            (workplace / "shop" / "theirs").touch()
            return real_rename(self, target)

        monkeypatch.setattr(Path, "rename", rename)
        ended = run(*SHOP)

        assert ended.code == 1
        assert "Directory not empty" in ended.err
        assert left_in(workplace) == ["shop"]
        assert left_in(workplace / "shop") == ["theirs"]
