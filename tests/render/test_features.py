"""Features: what each adds to the shared files of a service, through slots."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jinja2 import nodes

from new_backend.questions import Questionnaire
from new_backend.rendering import render
from new_backend.template_source import TemplateSource
from tests.harness.rendering import CHECKOUT, LAYERS, TEMPLATE, files_of
from tests.harness.toys import copy_with_feature
from tests.render.sources import name, names, tree

if TYPE_CHECKING:
    from pathlib import Path

FEATURES = sorted((TEMPLATE / "features").glob("*.jinja"))
SOURCES = [*LAYERS.rglob("*.jinja"), *(TEMPLATE / "partials").rglob("*.jinja"), *FEATURES]
SHARED = [
    path
    for layer in ("{{common}}", "{{ci_github}}", "{{ci_gitlab}}")
    for path in (LAYERS / layer).rglob("*.jinja")
    if not {"src", "tests"} & set(path.parts) or path.name == "settings.py.jinja"
]


def answers(**changed: str) -> dict[str, Any]:
    """Return the answers of a service without accounts and without a database server."""
    return {
        "project_name": "corner-shop",
        "package": "corner_shop",
        "auth": "none",
        "database": "sqlite",
        **changed,
    }


@pytest.fixture(scope="module")
def with_toy(tmp_path_factory: pytest.TempPathFactory) -> TemplateSource:
    """The template with one more feature."""
    return copy_with_feature(tmp_path_factory.mktemp("with-toy"))


def files_with(
    source: TemplateSource, folder: Path, **changed: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Render a service without and with the toy. Return the files of both, as text by path."""
    found = []
    for parrot in ("none", "loud"):
        project = folder / parrot
        render(Questionnaire.read(source), answers(parrot=parrot, **changed), project)
        (project / ".copier-answers.yml").unlink()
        found.append({path: content.decode() for path, content in files_of(project).items()})
    without, with_it = found
    return without, with_it


class TestNewFeature:
    @pytest.mark.parametrize("framework", ["fastapi", "flask", "django"])
    def test_is_in_every_shared_file_and_leaves_no_trace(
        self, tmp_path: Path, with_toy: TemplateSource, framework: str
    ) -> None:
        without, with_it = files_with(with_toy, tmp_path, framework=framework)
        of_framework = (
            {"src/corner_shop/management/commands/parrot.py"}
            if framework == "django"
            else {
                "src/corner_shop/cli.py",
                "src/corner_shop/parrot_cli.py",
                "tests/fixtures/resources.py",
            }
        )

        assert not [path for path, text in without.items() if "parrot" in text.lower()]
        assert {path for path, text in with_it.items() if text != without.get(path)} == {
            ".env.example",
            ".github/workflows/ci.yml",
            "AGENTS.md",
            "Makefile",
            "README.md",
            "compose.yaml",
            "docs/problems.md",
            "docs/security.md",
            "pyproject.toml",
            "src/corner_shop/parrot.py",
            "src/corner_shop/parrot_settings.py",
            "src/corner_shop/resources.py",
            "src/corner_shop/settings.py",
            "tests/test_health.py",
        } | of_framework

    def test_files_are_valid_and_contain_its_entries(
        self, tmp_path: Path, with_toy: TemplateSource
    ) -> None:
        _, files = files_with(with_toy, tmp_path, auth="jwt", database="postgresql")

        project = tomllib.loads(files["pyproject.toml"])
        assert "parrot-client[fast]>=1.2.3,<2" in project["project"]["dependencies"]
        compose = yaml.safe_load(files["compose.yaml"])
        assert compose["services"].keys() == {"service", "migration", "database", "parrot"}
        assert compose["x-service"]["environment"]["PARROT_URL"] == "parrot://parrot"
        test = yaml.safe_load(files[".github/workflows/ci.yml"])["jobs"]["test"]
        assert test["services"].keys() == {"database", "parrot"}
        assert test["env"].keys() == {"TEST_DATABASE_URL", "PARROT_URL"}
        assert "PARROT_PASSWORD=change-me\n" in files[".env.example"]
        assert "# PARROT_URL=parrot://127.0.0.1\n" in files[".env.example"]
        assert "| `PARROT_URL` | `parrot://127.0.0.1` | URL of the parrot |" in files["README.md"]
        assert "| `/problems/no-parrot` | 503 | the parrot is silent |" in files["docs/problems.md"]
        assert re.search(r"^\.PHONY: .*\bparrot\b", files["Makefile"], re.MULTILINE)

    def test_is_in_pipeline_of_gitlab(self, tmp_path: Path, with_toy: TemplateSource) -> None:
        _, files = files_with(with_toy, tmp_path, ci="gitlab")

        test = yaml.safe_load(files[".gitlab-ci.yml"])["test"]
        assert test["services"] == [{"name": "parrot:1"}]
        assert test["variables"] == {"PARROT_URL": "parrot://parrot"}


class TestFeatureFiles:
    def test_every_feature_has_the_name_of_a_flag_and_can_be_chosen(self) -> None:
        questionnaire = Questionnaire.read(TemplateSource(CHECKOUT))
        listed = questionnaire.by_name["features"].default

        files = {path.stem for path in FEATURES}
        assert set(re.findall(r"'(\w+)': (\w+)", str(listed))) == {(each, each) for each in files}
        assert files <= questionnaire.by_name.keys()

    @pytest.mark.parametrize("path", SHARED, ids=name)
    def test_shared_file_names_no_feature(self, path: Path) -> None:
        used = names(path, "load") | names(path, "store")
        including = {
            each.name
            for tag in tree(path).find_all(nodes.Include)
            for each in tag.find_all(nodes.Name)
        }

        assert (used - including) & {path.stem for path in FEATURES} == set()

    @pytest.mark.parametrize("path", FEATURES, ids=name)
    def test_shared_files_use_every_contribution(self, path: Path) -> None:
        """A misspelled slot would be ignored."""
        others = "".join(each.read_text(encoding="utf-8") for each in SOURCES if each != path)
        used = set(re.findall(r'(?:feature|chosen_\w+|sqlite)\.(\w+)|attribute="(\w+)"', others))
        slots = {word for pair in used for word in pair}
        included = [tag.template.as_const() for tag in tree(path).find_all(nodes.Include)]
        own = set[str]().union(
            *(names(each, "load") for each in (path, *(CHECKOUT / name for name in included)))
        )

        assert names(path, "store") - own - slots == set()
