"""The contents of `copier.yml`, and that Copier and the generator interpret them alike."""

from __future__ import annotations

import json
import keyword
import sys
from typing import TYPE_CHECKING

import pytest
from jinja2 import meta

from new_backend.questions import Questionnaire
from new_backend.template_source import TemplateSource
from tests.harness.toys import CHECKOUT, LAYERS, copy_questions, write_layers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.harness.toys import Run


@pytest.fixture(scope="module")
def real() -> Questionnaire:
    return Questionnaire.read(TemplateSource(CHECKOUT))


def test_every_question_is_in_one_step_in_order(real: Questionnaire) -> None:
    in_steps = [name for group in real.groups for name in group.questions]

    assert in_steps == [question.name for question in real.visible]


def test_every_question_and_choice_has_a_description(real: Questionnaire) -> None:
    for question in real.visible:
        assert question.help, question.name
        assert not question.help.endswith("."), question.name
        for choice in question.choices:
            assert choice.title, choice
            assert choice.description, choice


def test_choices_fit_one_line_of_the_wizard(real: Questionnaire) -> None:
    for question in real.visible:
        width = max((len(choice.title) for choice in question.choices), default=0)
        for choice in question.choices:
            assert 3 + width + 2 + len(choice.description) <= 80, choice


def test_no_question_refers_to_a_later_one(real: Questionnaire) -> None:
    """Copier evaluates in order, so a reference to a later answer gives different results in
    both programs.
    """
    seen: set[str] = set()
    for question in real.questions:
        texts = [question.default, question.when, *(each.validator for each in question.choices)]
        for text in texts:
            parsed = real.environment.parse(str(text))
            later = meta.find_undeclared_variables(parsed) - seen
            assert not later & real.by_name.keys(), question.name
        seen.add(question.name)


def test_flag_has_the_name_of_its_choice_or_a_reason(real: Questionnaire) -> None:
    """A derived flag begins with what it means for a service, and the line before explains it."""
    lines = (CHECKOUT / "copier.yml").read_text(encoding="utf-8").splitlines()
    flags = [
        question
        for question in real.questions
        if question.hidden and "'.'" in str(question.default)
    ]
    of_choices = {
        f"{question.name}_{choice.value.replace('-', '_')}"
        for question in real.visible
        for choice in question.choices
    }

    assert len(flags) > len(real.visible)
    for flag in flags:
        at = next(number for number, line in enumerate(lines) if line.startswith(f"{flag.name}:"))
        derived = flag.name.startswith(("has_", "uses_", "on_"))
        assert derived or flag.name in of_choices, flag.name
        assert derived == lines[at - 1].startswith("# "), flag.name


def test_every_rule_can_exclude_and_has_a_reason(real: Questionnaire) -> None:
    assert all(rule.reason for rule in real.rules)


def test_reserved_names_match_this_python(real: Questionnaire) -> None:
    listed = real.render(
        '{% from "template/partials/names.jinja" import stdlib_modules, keywords %}'
        '{{ {"modules": stdlib_modules, "keywords": keywords} | to_json }}',
        {},
    )
    reserved = json.loads(listed)

    public = {name.lower() for name in sys.stdlib_module_names if not name.startswith("_")}
    assert public <= set(reserved["modules"])
    words = {word.lower() for word in (*keyword.kwlist, *keyword.softkwlist)} - {"_", "type"}
    assert words <= set(reserved["keywords"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "cannot be read"),
        (
            "count: {type: int, default: 3}\n_groups: []\n_combine: []",
            'count has the unknown type "int"',
        ),
        (
            "count: {type: str, vaildator: 'x'}\n_groups: []\n_combine: []",
            'count has the unknown key "vaildator". Use type, help,',
        ),
        (
            "size: {choices: {Big: {value: big, when: false}}}\n_groups: []\n_combine: []",
            'size: Big has the unknown key "when". Use value, validator',
        ),
        (
            "list: {type: yaml, default: '[]'}\n_groups: []\n_combine: []",
            "list has the type yaml, which only computed questions can have",
        ),
    ],
)
def test_broken_copier_yml_is_one_line_and_exits_1(
    run: Run, tmp_path: Path, text: str, message: str
) -> None:
    copy_questions(tmp_path)
    (tmp_path / "copier.yml").write_text(text, encoding="utf-8")
    ended = run("options", source=TemplateSource(tmp_path))

    assert ended.code == 1
    assert message in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("tag", ["include", "import", "from"])
def test_name_is_missed_in_template_that_is_chosen_by_its_name(tmp_path: Path, tag: str) -> None:
    copy_questions(tmp_path)
    ending = {"include": "", "import": " as kind with context", "from": " import x with context"}
    text = f'{{% {tag} "template/kinds/" ~ auth ~ ".jinja"{ending[tag]} %}}\n'
    write_layers(tmp_path, {**LAYERS, "{{common}}/kind.txt.jinja": text})
    (tmp_path / "template/kinds").mkdir()
    (tmp_path / "template/kinds/jwt.jinja").write_text("{% set x = has_acounts %}\n")

    questionnaire = Questionnaire.read(TemplateSource(tmp_path))

    assert ("template/kinds/jwt.jinja", "has_acounts") in questionnaire.unanswered


class TestComputedList:
    @pytest.fixture
    def with_extras(self, tmp_path: Path) -> Callable[[str], TemplateSource]:
        def write(default: str) -> TemplateSource:
            copy_questions(tmp_path)
            with (tmp_path / "copier.yml").open("a", encoding="utf-8") as file:
                file.write(
                    f'extras: {{ type: yaml, when: false, default: "{default}" }}\n'
                    "mail: { type: str, when: false, default: \"{{ '.' if 'mail' in extras }}\" }\n"
                )
            extra = "{% for name in extras %}\n- {{ name }}\n{% endfor %}\n"
            write_layers(tmp_path, {**LAYERS, "{{mail}}/extras.txt.jinja": extra})
            return TemplateSource(tmp_path)

        return write

    @pytest.mark.parametrize(("auth", "lines"), [("jwt", ["- mail", "- sms"]), ("none", None)])
    def test_template_loops_over_it(
        self,
        run: Run,
        workplace: Path,
        with_extras: Callable[[str], TemplateSource],
        auth: str,
        lines: list[str] | None,
    ) -> None:
        source = with_extras("{{ ['mail', 'sms'] if auth == 'jwt' else [] }}")
        ended = run(
            "create", "shop", "--yes", "--no-git", "--no-install", "--auth", auth, source=source
        )

        assert ended.code == 0
        written = workplace / "shop" / "extras.txt"
        assert (written.read_text().splitlines() if written.exists() else None) == lines

    def test_list_that_is_not_yaml_is_one_line(
        self, run: Run, with_extras: Callable[[str], TemplateSource]
    ) -> None:
        ended = run(
            "create", "shop", "--yes", "--no-git", "--no-install", source=with_extras("[mail")
        )

        assert ended.code == 1
        assert ended.err.startswith("new-backend: copier.yml: extras is not YAML: ")
        assert ended.err.count("\n") == 1


def test_options_schema_accepts_valid_answers(run: Run, real: Questionnaire) -> None:
    described = json.loads(run("options", "--json").out)

    assert [each["name"] for each in described["questions"]] == [
        question.name for question in real.visible
    ]
    assert described["schema"]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert described["schema"]["additionalProperties"] is False


def test_options_fit_eighty_columns(run: Run) -> None:
    lines = run("options").out.splitlines()

    assert max(map(len, lines)) <= 80
    assert "  --framework: Web framework [fastapi]" in lines
