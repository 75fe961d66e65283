"""Each rendered variant: complete, tidy, and with the chosen license and Python."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path, PurePosixPath

import yaml

from tests.harness.api import problem_kinds
from tests.harness.combinations import CHOICES, FEATURES, PACKAGE, VALID
from tests.harness.rendering import render
from tests.render.conftest import Rendered, pairwise

PIPELINE_FILES = {
    "github": {".github/workflows/ci.yml"},
    "gitlab": {".gitlab-ci.yml"},
    "none": set[str](),
}

MADE_BY = re.compile(r"copier|jinja|\btemplate", re.IGNORECASE)
OF_DJANGO = re.compile(r"django\.template\S*|TEMPLATES = \[")
MAY_NAME_THE_TEMPLATE = {".copier-answers.yml", "renovate.json"}
README_UPDATE_LINES = 2


def test_variants_cover_every_combination_and_every_pair_of_choices() -> None:
    variants = pairwise()
    rows = [
        (*(getattr(each.combination, name) for name in (*CHOICES, *FEATURES)), *each.others)
        for each in variants
    ]
    values = [set(column) for column in zip(*rows, strict=True)]

    assert [each.combination for each in variants] == list(VALID)
    for first in range(len(values)):
        # The oracle checks the pairs within a combination elsewhere.
        for second in range(max(first + 1, len(CHOICES)), len(values)):
            met = {(row[first], row[second]) for row in rows}
            assert len(met) == len(values[first]) * len(values[second])


def test_no_file_is_empty(rendered: Rendered) -> None:
    empty = [
        path
        for path, content in rendered.files.items()
        if not content and PurePosixPath(path).name not in ("__init__.py", "py.typed")
    ]

    assert empty == []


def test_no_folder_or_package_is_empty(rendered: Rendered) -> None:
    for folder in rendered.folder.rglob("*/"):
        inside = {each.name for each in folder.iterdir()}
        assert inside - {"__init__.py", "py.typed"}, folder.relative_to(rendered.folder)


def test_every_module_is_in_a_package(rendered: Rendered) -> None:
    for path in rendered.files:
        if path.startswith(f"src/{PACKAGE}/migrations/"):
            continue  # Alembic loads them by path
        if path.startswith("src/") and path.endswith(".py"):
            for parent in list(PurePosixPath(path).parents)[:-2]:
                assert f"{parent}/__init__.py" in rendered.files, parent


def test_every_module_parses_on_chosen_python(rendered: Rendered) -> None:
    minor = int(rendered.variant.python_version.partition(".")[2])
    for path, text in rendered.texts.items():
        if path.endswith(".py"):
            compile(text, path, "exec", dont_inherit=True)
            ast.parse(text, path, feature_version=(3, minor))


def test_text_is_tidy(rendered: Rendered) -> None:
    complaints = []
    for path, text in rendered.texts.items():
        if not text or path == "LICENSE":  # unchanged from the publisher
            continue
        if not text.endswith("\n") or text.endswith("\n\n"):
            complaints.append(f"{path}: does not end with exactly one newline")
        if text.startswith("\n"):
            complaints.append(f"{path}: starts with a blank line")
        blank_lines = "\n\n\n\n" if path.endswith((".py", ".mako")) else "\n\n\n"
        prose = re.sub(r"^```python\n.*?^```$", "code", text, flags=re.MULTILINE | re.DOTALL)
        if blank_lines in (prose if path.endswith(".md") else text):
            complaints.append(f"{path}: has doubled blank lines")
        if "\r" in text or re.search(r"[ \t]+$", text, re.MULTILINE):
            complaints.append(f"{path}: has trailing white space")
        if "\t" in text and PurePosixPath(path).name != "Makefile":
            complaints.append(f"{path}: a tab")

    assert complaints == []


def test_files_do_not_mention_the_generator(rendered: Rendered) -> None:
    found = [
        f"{path}: {line}"
        for path, text in rendered.texts.items()
        if path not in MAY_NAME_THE_TEMPLATE
        for line in text.splitlines()
        if MADE_BY.search(OF_DJANGO.sub("", line))
    ]
    in_readme = [each for each in found if each.startswith("README.md:")]

    assert [each for each in found if each not in in_readme] == []
    assert len(in_readme) <= README_UPDATE_LINES


def test_no_placeholder_remains(rendered: Rendered) -> None:
    placeholder = re.compile(r"\{[%#] |(?<!\$)\{\{-? ?\w+ ?-?\}\}")

    for path, text in rendered.texts.items():
        assert not placeholder.search(text), path


def test_choice_adds_its_files(rendered: Rendered) -> None:
    files = set(rendered.files)
    for pipeline, expected in PIPELINE_FILES.items():
        assert (expected <= files) == (pipeline == rendered.variant.ci or not expected)
    has_accounts = rendered.variant.combination.auth != "none"
    assert (f"src/{PACKAGE}/users/api.py" in files) == has_accounts


def test_every_service_has_the_common_files(rendered: Rendered) -> None:
    expected = {
        ".copier-answers.yml", ".dockerignore", ".env.example", ".gitignore",
        ".pre-commit-config.yaml", "AGENTS.md", "Dockerfile", "LICENSE", "Makefile", "README.md",
        "compose.yaml", "pyproject.toml", "renovate.json",
    }  # fmt: skip

    assert expected - set(rendered.files) == set()


def test_reference_documents_every_kind_of_problem(rendered: Rendered) -> None:
    rows = r"^\| `(/problems/[a-z-]+)` \| (\d+) \|"
    listed = re.findall(rows, rendered.texts["docs/problems.md"], re.MULTILINE)

    assert {kind: int(status) for kind, status in listed}.items() <= problem_kinds().items()


def test_license_is_the_chosen_one(rendered: Rendered) -> None:
    first = {
        "MIT": "MIT License",
        "Apache-2.0": "Apache License",
        "BSD-3-Clause": "BSD 3-Clause License",
        "proprietary": "All rights reserved",
    }[rendered.variant.license]

    assert first.lower() in rendered.texts["LICENSE"].lower()


def test_python_version_is_the_chosen_one(rendered: Rendered) -> None:
    version = rendered.variant.python_version
    project = tomllib.loads(rendered.texts["pyproject.toml"])

    assert project["project"]["requires-python"] == f">={version}"
    assert re.search(rf"python:{re.escape(version)}-slim", rendered.texts["Dockerfile"])
    assert project["tool"]["mypy"].get("python_version", version) == version
    others = {"3.11", "3.12", "3.13", "3.14"} - {version}
    pipeline = next(iter(PIPELINE_FILES[rendered.variant.ci]), "Makefile")
    for path in ("Dockerfile", pipeline, "README.md"):
        assert not [each for each in others if re.search(rf"\b{each}\b", rendered.texts[path])], (
            path
        )


def test_free_text_is_unchanged(tmp_path: Path) -> None:
    description = """He said "hi" \\ # {{ x }} {% y %} <b> 'it's' & $HOME %s \N{PILE OF POO}"""
    author = 'Zoë "Z" O\'Neil \\ # {{ x }}'
    answers = VALID[0].answers(
        description=description, author=author, email="zoe@example.org", license="MIT", ci="github"
    )

    folder = render(answers, tmp_path / "service")

    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["description"] == description
    assert project["authors"] == [{"name": author, "email": "zoe@example.org"}]
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert description in re.sub(r"\\([<>&*_`\[\]])", r"\1", readme)
    assert author in (folder / "LICENSE").read_text(encoding="utf-8")
    for path, content in {
        each: each.read_text(encoding="utf-8") for each in folder.rglob("*.py")
    }.items():
        compile(content, str(path), "exec", dont_inherit=True)
    for path in (*folder.rglob("*.yml"), *folder.rglob("*.yaml")):
        yaml.safe_load(path.read_text(encoding="utf-8"))
