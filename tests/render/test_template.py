"""The rules for the template's own files."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jinja2 import nodes

from new_backend.layers import sources_by_path
from new_backend.questions import Questionnaire
from new_backend.template_source import TemplateSource
from tests.harness.rendering import CHECKOUT, LAYERS, TEMPLATE, files_of
from tests.harness.toys import copy_template
from tests.render.conftest import Rendered, Variant, pairwise, rendered_variants
from tests.render.sources import name, names, tree
from tests.verify.mutations import MUTATIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_copie.plugin import Copie

    from tests.verify.mutations import Mutation

MAX_CONDITIONALS = 6
MAX_FLAGS_IN_A_PATH = 2
FORBIDDEN_IN_PATHS = set("\"'%:|")
SUFFIX = ".jinja"

QUESTIONS: dict[str, Any] = yaml.safe_load((CHECKOUT / "copier.yml").read_text(encoding="utf-8"))
FLAGS = {
    name: question["default"]
    for name, question in QUESTIONS.items()
    if isinstance(question, dict) and question.get("when") is False
}

SOURCES = sorted(
    path for path in LAYERS.rglob("*") if path.is_file() and "__pycache__" not in path.parts
)
TEMPLATED = [path for path in SOURCES if path.suffix == SUFFIX]
# Data for the validators of answers, without output.
NO_OUTPUT = TEMPLATE / "partials" / "names.jinja"
FILLED_IN = [
    *TEMPLATED,
    *sorted({*(TEMPLATE / "partials").rglob("*.jinja")} - {NO_OUTPUT}),
    *sorted((TEMPLATE / "features").glob("*.jinja")),
]


class TestLayers:
    def test_some_variant_uses_every_layer(self) -> None:
        questionnaire = Questionnaire.read(TemplateSource(CHECKOUT))
        used = {
            source
            for each in pairwise()
            for found in sources_by_path(questionnaire, each.answers).values()
            for source in found
        }

        assert {path.relative_to(LAYERS).as_posix() for path in SOURCES} - used == set()


class TestFiles:
    @pytest.mark.parametrize("path", FILLED_IN, ids=name)
    def test_file_has_few_conditionals(self, path: Path) -> None:
        conditionals = list(tree(path).find_all((nodes.If, nodes.CondExpr)))

        assert len(conditionals) <= MAX_CONDITIONALS

    @pytest.mark.parametrize("path", FILLED_IN, ids=name)
    def test_no_string_is_a_line_of_output(self, path: Path) -> None:
        strings = [each.value for each in tree(path).find_all(nodes.Const)]

        assert not [each for each in strings if isinstance(each, str) and "\n" in each.strip()]

    @pytest.mark.parametrize("path", FILLED_IN, ids=name)
    def test_imported_names_exist(self, path: Path) -> None:
        """Jinja writes nothing for a name that the other file does not define."""
        for statement in tree(path).find_all(nodes.FromImport):
            if not isinstance(statement.template, nodes.Const):
                continue
            other = CHECKOUT / statement.template.value
            macros = {each.name for each in tree(other).find_all(nodes.Macro)}
            defined = names(other, "store") | macros
            assert set(statement.names) <= defined, statement.template.value

    @pytest.mark.parametrize("path", FILLED_IN, ids=name)
    def test_conditionals_are_not_nested(self, path: Path) -> None:
        for outer in tree(path).find_all(nodes.If):
            for part in (*outer.body, *outer.else_):
                assert not isinstance(part, nodes.If)
                assert next(part.find_all(nodes.If), None) is None, f"line {outer.lineno}"

    @pytest.mark.parametrize("path", TEMPLATED, ids=name)
    def test_jinja_file_substitutes_something(self, path: Path) -> None:
        parts = [
            part
            for output in tree(path).body
            for part in (output.nodes if isinstance(output, nodes.Output) else [output])
        ]

        assert [part for part in parts if not isinstance(part, nodes.TemplateData)]

    @pytest.mark.parametrize("path", [path for path in SOURCES if path.suffix != SUFFIX], ids=name)
    def test_plain_file_contains_no_jinja(self, path: Path) -> None:
        names = "|".join(each for each in QUESTIONS if not each.startswith("_"))

        text = path.read_text(encoding="utf-8")
        assert not re.search(rf"\{{%|\{{\{{-?\s*({names})\b", text)

    @pytest.mark.parametrize("path", SOURCES, ids=name)
    def test_path_is_valid_on_every_file_system(self, path: Path) -> None:
        relative = path.relative_to(CHECKOUT).as_posix()

        assert not FORBIDDEN_IN_PATHS & set(relative)
        assert not path.is_symlink()
        assert not any(part.endswith((" ", ".")) for part in Path(relative).parts)

    @pytest.mark.parametrize("path", SOURCES, ids=name)
    def test_at_most_two_flags_meet_in_a_path(self, path: Path) -> None:
        parts = path.relative_to(LAYERS).parts
        flags = [part for part in parts if part.strip("{} ") in FLAGS]

        assert len(flags) <= MAX_FLAGS_IN_A_PATH
        assert flags or "answers_file" in parts[0]
        assert parts[: len(flags)] == tuple(flags)

    def test_paths_differ_in_more_than_case(self) -> None:
        lower = [name(path).lower() for path in SOURCES]

        assert len(set(lower)) == len(lower)

    def test_files_use_flags_and_not_answers(self) -> None:
        """A layer or table that compares a question's answer depends on the names of choices."""
        options = "|".join(QUESTIONS["_combine"])
        compares = re.compile(rf"\b({options})\s*(==|!=|\bin\b)")
        for path in (*TEMPLATED, *sorted((TEMPLATE / "partials").rglob("*.jinja"))):
            for tag in re.findall(r"\{[{%].*?[%}]\}", path.read_text(encoding="utf-8"), re.DOTALL):
                assert not compares.search(tag), f"{name(path)}: {tag}"


@pytest.fixture(scope="module")
def bounds() -> dict[str, str]:
    """The lower bound of each library, from the one table that contains them."""
    table = (TEMPLATE / "partials" / "dependencies.jinja").read_text(encoding="utf-8")
    found = re.findall(r'^  "([^"]+)": "([^"]+)",$', table, re.MULTILINE)
    assert len(dict(found)) == len(found), "a library occurs twice in the table"
    return dict(found)


class TestDependencies:
    def test_every_dependency_takes_its_bounds_from_the_table(
        self, rendered: Rendered, bounds: dict[str, str]
    ) -> None:
        for requirement in requirements(rendered):
            match = re.match(
                r"([a-z0-9_-]+)(\[[a-z0-9,-]+\])?>=([^,]+),<([0-9.]+)(;.*)?\Z", requirement
            )
            assert match, requirement
            assert bounds[match[1]] == match[3], requirement

    def test_some_service_uses_every_library_of_the_table(
        self, rendering: Callable[[Variant], Rendered], bounds: dict[str, str]
    ) -> None:
        used = {
            re.match(r"[a-z0-9_-]+", requirement)[0]  # type: ignore[index]
            for variant in rendered_variants()
            for requirement in requirements(rendering(variant))
        }

        assert set(bounds) - used == set()

    def test_no_other_file_contains_a_library_version(self, bounds: dict[str, str]) -> None:
        names = "|".join(re.escape(each) for each in bounds)
        versioned = re.compile(rf"\b({names})(\[\w+\])?\s*(==|>=|~=|@)\s*v?\d")
        for path in SOURCES:
            match = versioned.search(path.read_text(encoding="utf-8"))
            assert match is None, f"{name(path)}: {match and match[0]}"


def requirements(rendered: Rendered) -> list[str]:
    """Return the build, runtime and development requirements of a rendered service."""
    project = tomllib.loads(rendered.texts["pyproject.toml"])
    return [
        requirement.replace(" ", "")
        for listed in (
            project["build-system"]["requires"],
            project["project"]["dependencies"],
            *project["dependency-groups"].values(),
        )
        for requirement in listed
    ]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the checkout that Copier needs, and no others."""
    folder = tmp_path_factory.mktemp("bare") / "template"
    copy_template(folder)
    return folder


class TestPlainCopier:
    @pytest.mark.parametrize("chosen", rendered_variants()[::5], ids=lambda each: each.id)
    def test_renders_the_same_bytes_without_trust(
        self,
        chosen: Variant,
        rendering: Callable[[Variant], Rendered],
        bare: Path,
        copie: Copie,
    ) -> None:
        done = copie.copy(extra_answers=chosen.answers, template_dir=bare)
        assert done.exception is None
        assert done.project_dir is not None

        plain, ours = files_of(done.project_dir), dict(rendering(chosen).files)
        answers = [
            {
                key: value
                for key, value in yaml.safe_load(each.pop(".copier-answers.yml")).items()
                if key not in ("_src_path", "_commit")
            }
            for each in (plain, ours)
        ]
        assert answers[0] == answers[1]
        assert plain == ours

    def test_template_needs_no_trust(self) -> None:
        assert not {"_tasks", "_migrations", "_jinja_extensions"} & set(QUESTIONS)


class TestMutations:
    @pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.name.replace(" ", "-"))
    def test_text_to_break_exists_once(self, mutation: Mutation) -> None:
        mutation.planted_in(CHECKOUT)
