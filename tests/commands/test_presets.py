"""Presets answer questions for a team, and lock some answers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
import yaml

from new_backend.answers import gather, settle
from new_backend.presets import find
from new_backend.questions import Questionnaire
from new_backend.template_source import TemplateSource
from tests.harness.toys import CHECKOUT, commit, git

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.toys import Ended, Run

TEAM = {
    "description": "Services of the payments team",
    "answers": {"database": "postgresql", "auth": "oidc", "author": "Payments"},
    "defaults": {"license": "MIT", "ci": "gitlab"},
    "locked": ["database", "auth"],
}
SOURCE = TemplateSource(CHECKOUT)


@pytest.fixture
def write(workplace: Path) -> Callable[..., Path]:
    """Write a preset to a file."""

    def written(path: str = "team.yml", **changed: object) -> Path:
        file = workplace / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(TEAM | changed))
        return file

    return written


@pytest.fixture
def create(run: Run) -> Callable[..., Ended]:
    """Run `create`, which writes nothing."""

    def created(*words: str) -> Ended:
        return run("create", "shop", "--yes", "--dry-run", "--json", *words, source=SOURCE)

    return created


def answers(ended: Ended) -> dict[str, object]:
    """Return the answers of an output for programs."""
    assert ended.code == 0, ended.err
    found: dict[str, object] = json.loads(ended.out)["answers"]
    return found


def test_answers_and_defaults_of_preset_are_used(
    write: Callable[..., Path], create: Callable[..., Ended]
) -> None:
    write()
    ended = create("--preset", "team.yml", "--ci", "none")

    found = answers(ended)
    sources = json.loads(ended.out)["sources"]
    assert (found["auth"], found["author"], found["license"]) == ("oidc", "Payments", "MIT")
    assert found["ci"] == "none"
    assert (sources["auth"], sources["license"], sources["ci"]) == ("preset", "preset", "flag")


@pytest.mark.parametrize("place", ["flag", "file"])
def test_locked_answer_cannot_be_changed(
    write: Callable[..., Path], create: Callable[..., Ended], workplace: Path, place: str
) -> None:
    write()
    (workplace / "mine.yml").write_text("database: sqlite\n")
    words = ("--database", "sqlite") if place == "flag" else ("--answers", "mine.yml")
    ended = create("--preset", "team.yml", *words)

    where = "--database" if place == "flag" else "mine.yml: database"
    assert ended.code == 2
    assert ended.err.splitlines()[0] == (
        f'new-backend: {where}: the preset "team" locks it to postgresql'
    )
    assert answers(create("--preset", "team.yml", "--database", "postgresql"))
    assert answers(create("--preset", "team.yml", "--author", "Ada"))["author"] == "Ada"


def test_answer_that_does_not_apply_to_the_stack_is_left_out(
    write: Callable[..., Path], create: Callable[..., Ended]
) -> None:
    write(answers={"django_api": "ninja"}, locked=[])

    assert "django_api" not in answers(create("--preset", "team.yml", "--framework", "flask"))
    django = answers(create("--preset", "team.yml", "--framework", "django"))
    assert django["django_api"] == "ninja"


@pytest.mark.parametrize("name", ["minimal", "standard", "full"])
@pytest.mark.parametrize("framework", ["fastapi", "flask", "django"])
def test_preset_of_the_template_fits_each_framework(name: str, framework: str) -> None:
    questionnaire = Questionnaire.read(SOURCE)
    preset = find(questionnaire, name)
    flags = {"framework": framework, "project_name": "shop"}
    given = gather(questionnaire, flags=flags, file=("", {}), folder=None, preset=preset)

    chosen = settle(questionnaire, given).values
    assert preset.answers.items() <= chosen.items()
    assert preset.description


def test_presets_of_the_user_come_before_those_of_the_template(
    write: Callable[..., Path],
    run: Run,
    create: Callable[..., Ended],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = Path(typer.get_app_dir("new-backend")) / "presets"
    team, minimal = write(str(folder / "team.toml.yml")), write(str(folder / "minimal.yml"))
    team.rename(folder / "team.yml")
    listed = json.loads(run("presets", "--json", source=SOURCE).out)["presets"]

    origins = {each["name"]: each["origin"] for each in listed}
    assert origins == {
        "minimal": str(minimal),
        "team": str(folder / "team.yml"),
        "full": "built in",
        "standard": "built in",
    }
    assert answers(create("--preset", "minimal"))["auth"] == "oidc"
    text = run("presets", source=SOURCE).out
    assert "database=postgresql (locked)" in text
    assert f"team ({folder / 'team.yml'})\n  Services of the payments team\n" in text


def test_preset_of_a_team_is_at_a_revision_of_a_repository(
    write: Callable[..., Path], create: Callable[..., Ended]
) -> None:
    team = write("repository/backend.yml").parent
    commit(team, "First")
    git(team, "tag", "v1")
    write("repository/backend.yml", answers={"auth": "jwt"}, locked=[])
    commit(team, "Second")
    address = f"file://{team}"

    assert answers(create("--preset", f"{address}@v1:backend.yml"))["auth"] == "oidc"
    assert answers(create("--preset", f"{address}@HEAD:backend.yml"))["auth"] == "jwt"
    for wrong, message in (
        (address, "names no revision and file: URL@REVISION:FILE"),
        (f"{address}@v9:backend.yml", "cannot be read: git fetch failed"),
        (f"{address}@v1:other.yml", "cannot be read: No such file or directory"),
    ):
        ended = create("--preset", wrong)
        assert ended.code == 2
        assert f"{wrong} {message}" in ended.err


@pytest.fixture
def overlay(write: Callable[..., Path]) -> Path:
    """The overlay of the preset team.yml."""
    write(overlay="files", answers={"auth": "none", "license": "MIT"}, locked=[])
    folder = Path("files").absolute()
    (folder / "docs").mkdir(parents=True)
    return folder


class TestOverlay:
    def test_files_of_the_preset_are_added_and_replace_those_of_the_template(
        self, overlay: Path, run: Run, workplace: Path
    ) -> None:
        (overlay / "docs/{{ project_name }}.md.jinja").write_text("{{ license }} {{ auth }}\n")
        (overlay / "{{ 'deploy' if auth != 'none' else '' }}").mkdir()
        (overlay / "{{ 'deploy' if auth != 'none' else '' }}/key.txt").touch()
        (overlay / "Dockerfile").write_text("FROM {{ ours }}\n")
        (overlay / "deploy.sh").write_text("#!/bin/sh\n")
        (overlay / "deploy.sh").chmod(0o755)
        words = ("--yes", "--no-git", "--no-install", "--preset", "team.yml")
        ended = run("create", "shop", *words, source=SOURCE)

        shop = workplace / "shop"
        assert ended.code == 0, ended.err
        assert (shop / "docs/shop.md").read_text() == "MIT none\n"
        assert (shop / "Dockerfile").read_text() == "FROM {{ ours }}\n"
        assert os.access(shop / "deploy.sh", os.X_OK)
        assert not (shop / "deploy").exists()
        assert (shop / "docs/security.md").exists()

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("{{ '..' }}/x", "cannot be the file ../x of a service"),
            (".git/hooks/pre-commit", "cannot be the file .git/hooks/pre-commit of a service"),
            (".copier-answers.yml", "cannot be the file .copier-answers.yml of a service"),
            ("docs/{{ nothing", "cannot be rendered"),
            ("docs/broken.md.jinja", "the template cannot be rendered"),
        ],
    )
    def test_file_that_a_service_cannot_have(
        self, overlay: Path, create: Callable[..., Ended], path: str, message: str
    ) -> None:
        (overlay / path).parent.mkdir(parents=True, exist_ok=True)
        (overlay / path).write_text("{{ x")
        ended = create("--preset", "team.yml")

        assert ended.code == 1
        assert message in ended.err
        assert "bug" not in ended.err

    def test_symbolic_link_is_refused(self, overlay: Path, create: Callable[..., Ended]) -> None:
        (overlay / "link").symlink_to("/etc/hostname")
        ended = create("--preset", "team.yml")

        assert ended.code == 2
        assert ended.err == "new-backend: team.yml: overlay: files/link is a symbolic link\n"

    def test_folder_of_git_repository_is_used(
        self, overlay: Path, create: Callable[..., Ended], workplace: Path
    ) -> None:
        (overlay / "docs/team.md").touch()
        repository = workplace / "repository"
        repository.mkdir()
        for name in ("team.yml", "files"):
            (workplace / name).rename(repository / name)
        commit(repository, "First")
        git(repository, "tag", "v1")
        ended = create("--preset", f"file://{repository}@v1:team.yml")

        assert ended.code == 0, ended.err
        files = [file["path"] for file in json.loads(ended.out)["files"]]
        assert "docs/team.md" in files


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"overlay": "missing"}, "overlay: missing is not a folder next to the preset"),
        ({"overlay": ".."}, "overlay: .. is not a folder next to the preset"),
        (
            {"answer": {}},
            'unknown key "answer". Use description, answers, defaults, locked, overlay',
        ),
        ({"answers": {"databse": "sqlite"}}, 'unknown question "databse". Did you mean'),
        ({"answers": ["sqlite"]}, "answers is not a table of questions and answers"),
        ({"locked": ["ci"]}, "ci is locked without an answer"),
        ({"locked": "auth"}, "locked is not a list of questions"),
    ],
)
def test_invalid_preset_is_named(
    write: Callable[..., Path],
    create: Callable[..., Ended],
    changed: dict[str, object],
    message: str,
) -> None:
    write(**changed)
    ended = create("--preset", "team.yml")

    assert ended.code == 2
    assert f"team.yml: {message}" in ended.err
    assert "Traceback" not in ended.err


def test_invalid_answer_of_preset_is_named(
    write: Callable[..., Path], create: Callable[..., Ended]
) -> None:
    write(answers={"database": "oracle"}, locked=[])
    ended = create("--preset", "team.yml")

    assert ended.code == 2
    assert 'preset "team": database: invalid value "oracle"' in ended.err


def test_unknown_preset_lists_the_known_ones(create: Callable[..., Ended]) -> None:
    ended = create("--preset", "minimla")

    assert ended.code == 2
    assert ended.err == (
        'new-backend: unknown preset "minimla". '
        "Choose from full, minimal, standard, a file or an address\n"
    )
