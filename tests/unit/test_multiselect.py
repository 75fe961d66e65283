"""A question that is answered with several choices, added to `copier.yml`."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import copier
import jsonschema
import pytest
import yaml

from new_backend.combinations import cover, name_of
from new_backend.questions import Questionnaire
from new_backend.template_source import TemplateSource
from new_backend.verify.plan import cases
from tests.harness.toys import LAYERS, copy_questions, left_in, tree, write_layers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.harness.toys import Run

QUIET = ("--yes", "--no-git", "--no-install")
RULES = """
_groups: [{ title: All, questions: [extras, fast, host] }]
_combine: []
extras: { help: Extras, multiselect: true, choices: [mail, sms] }
fast: { type: bool, help: Fast }
rule_needs_extras: { when: false, default: "{{ 'choose an extra first' if not extras }}" }
rule_is_slow: { when: false, default: "{{ 'fast needs a rented host' if fast }}" }
host:
  help: Host
  choices:
    Rented: rented
    Own: { value: own, validator: "{{ rule_needs_extras or rule_is_slow }}" }
"""
NO_ACCOUNT = "text messages need an account"
TOO_MUCH = "choose two of them at most"


@pytest.fixture(scope="session")
def extras(tmp_path_factory: pytest.TempPathFactory) -> TemplateSource:
    """The template with a question for extras, of which one excludes an answer before it."""
    root = tmp_path_factory.mktemp("extras")
    copy_questions(root)
    mail = "EXTRAS = {{ extras | to_json }}\n"
    write_layers(root, {**LAYERS, "{{extras_mail}}/src/{{package}}/mail.py.jinja": mail})
    config = root / "copier.yml"
    data = yaml.safe_load(config.read_text(encoding="utf-8"))
    data["_groups"][-1]["questions"].append("extras")
    data["_features"] = ["extras"]
    data["rule_sms_needs_accounts"] = {
        "type": "str",
        "when": False,
        "default": f"{{{{ '{NO_ACCOUNT}' if auth == 'none' else '' }}}}",
    }
    data["extras"] = {
        "type": "str",
        "help": "Extras",
        "multiselect": True,
        "default": "{{ {'session': ['push'], 'none': ['sms', 'mail']}.get(auth, []) }}",
        "choices": {
            "Mail: by SMTP": "mail",
            "Text messages: by a provider": {
                "value": "sms",
                "validator": "{{ rule_sms_needs_accounts }}",
            },
            "Push: to phones": "push",
        },
        "validator": f"{{{{ '{TOO_MUCH}' if extras | length > 2 else '' }}}}",
    }
    data["extras_mail"] = {
        "type": "str",
        "when": False,
        "default": "{{ '.' if 'mail' in extras else '' }}",
    }
    config.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return TemplateSource(root)


def answered(run: Run, source: TemplateSource, *words: str, typed: str = "") -> Any:
    ended = run(
        "create", "shop", "--yes", "--dry-run", "--json", *words, source=source, typed=typed
    )
    assert ended.code == 0, ended.err
    return json.loads(ended.out)["answers"]["extras"]


class TestAnswers:
    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ((), []),
            (("--auth", "session"), ["push"]),
            (("--auth", "none"), ["mail"]),
            (("--auth", "session", "--extras="), []),
            (("--extras", "mail,sms"), ["mail", "sms"]),
            (("--extras", "push, mail,push"), ["mail", "push"]),
            (("--extras", "push", "--extras", "mail"), ["mail", "push"]),
        ],
    )
    def test_flag_has_commas_or_is_repeated(
        self, run: Run, extras: TemplateSource, words: Sequence[str], expected: list[str]
    ) -> None:
        assert answered(run, extras, *words) == expected

    @pytest.mark.parametrize(
        "text",
        [
            "extras: [push, mail]\n",
            "extras:\n- mail\n- push\n",
            '{"extras": ["push", "mail"]}',
            'extras = ["push", "mail"]\n',
            "extras: push,mail\n",
        ],
    )
    def test_answers_file_has_a_list(self, run: Run, extras: TemplateSource, text: str) -> None:
        assert answered(run, extras, "--answers", "-", typed=text) == ["mail", "push"]

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (
                ("--extras", "mail,psh"),
                '--extras: invalid value "psh". Did you mean "push"? Choose from mail, sms, push',
            ),
            (
                ("--extras", "mail,sms", "--auth", "none"),
                f'--extras: "sms" is not available: {NO_ACCOUNT} (rule sms_needs_accounts)',
            ),
            (("--extras", "mail,sms,push"), f"--extras: {TOO_MUCH}"),
        ],
    )
    def test_rejects_unsuitable_choices(
        self,
        run: Run,
        workplace: Path,
        extras: TemplateSource,
        words: Sequence[str],
        message: str,
    ) -> None:
        ended = run("create", "shop", *QUIET, *words, source=extras)

        assert ended.code == 2
        assert ended.err == f"new-backend: {message}\n"
        assert left_in(workplace) == []

    @pytest.mark.parametrize("value", ["{mail: true}", "[[mail]]", "true"])
    def test_rejects_other_values_of_an_answers_file(
        self, run: Run, extras: TemplateSource, value: str
    ) -> None:
        words = ("create", "shop", *QUIET, "--answers", "-")
        ended = run(*words, source=extras, typed=f"extras: {value}\n")

        assert ended.code == 2
        assert ended.err == (
            "new-backend: standard input: extras: is not a list of choices, such as mail\n"
        )


class TestRendering:
    @pytest.mark.parametrize(
        ("words", "given"),
        [
            (("--extras", "push,mail"), {"extras": ["push", "mail"]}),
            (("--auth", "session"), {"auth": "session"}),
            (("--extras=",), {"extras": []}),
        ],
    )
    def test_service_equals_plain_copier(
        self,
        run: Run,
        workplace: Path,
        extras: TemplateSource,
        words: Sequence[str],
        given: dict[str, Any],
    ) -> None:
        assert run("create", "shop", *QUIET, *words, source=extras).code == 0
        ours = tree(workplace / "shop")
        answers = yaml.safe_load(ours.pop(".copier-answers.yml"))
        others = {"project_name": "shop", "author": answers["author"], "email": answers["email"]}
        copier.run_copy(
            str(extras.root),
            workplace / "theirs",
            data={**others, "python_version": answers["python_version"], **given},
            defaults=True,
            quiet=True,
        )

        theirs = tree(workplace / "theirs")
        recorded = yaml.safe_load(theirs.pop(".copier-answers.yml"))
        assert ours == theirs
        assert recorded["extras"] == answers["extras"]
        assert ("src/shop/mail.py" in ours) == ("mail" in answers["extras"])

    def test_printed_command_and_recorded_answers_give_the_same_service(
        self, run: Run, workplace: Path, extras: TemplateSource
    ) -> None:
        for given in ("mail,push", ""):
            words = ("create", "shop", *QUIET, "--auth", "session", f"--extras={given}", "--json")
            replay = json.loads(run(*words, source=extras).out)["replay"]
            written = tree(workplace / "shop")
            (workplace / "shop").rename(workplace / f"before-{given}")
            again = shlex.split(replay)[shlex.split(replay).index("create") :]
            assert run(*again, "--no-git", "--no-install", source=extras).code == 0
            assert tree(workplace / "shop") == written

            recorded = f"before-{given}/.copier-answers.yml"
            assert run("create", "other", *QUIET, "--answers", recorded, source=extras).code == 0
            assert tree(workplace / "other") == written
            (workplace / "shop").rename(workplace / f"shop-{given}")
            (workplace / "other").rename(workplace / f"other-{given}")


class TestDescription:
    def test_schema_is_an_array_of_distinct_choices(self, run: Run, extras: TemplateSource) -> None:
        described = json.loads(run("options", "--json", source=extras).out)
        question = next(each for each in described["questions"] if each["name"] == "extras")

        assert question["multiselect"] is True
        jsonschema.validate({"extras": ["sms", "mail"]}, described["schema"])
        for wrong in ("mail", ["mail", "mail"], ["fax"]):
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate({"extras": wrong}, described["schema"])

    def test_options_and_help_list_the_choices(self, run: Run, extras: TemplateSource) -> None:
        help_text = " ".join(run("create", "--help", source=extras).out.split())
        lines = run("options", source=extras).out.splitlines()

        assert "--extras CHOICES Extras: mail, sms, push" in help_text
        assert "      push  to phones" in lines
        assert f"  sms_needs_accounts: extras sms: {NO_ACCOUNT}" in lines

    def test_rules_on_a_list_and_on_a_yes_have_reasons(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "copier.yml").write_text(RULES, encoding="utf-8")
        lines = run("options", source=TemplateSource(tmp_path)).out.splitlines()

        assert "  needs_extras: host own: choose an extra first" in lines
        assert "  is_slow: host own: fast needs a rented host" in lines

    def test_shell_completes_the_last_choice(
        self, run: Run, extras: TemplateSource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("_NEW_BACKEND_COMPLETE", "complete_zsh")
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "new-backend create --extras mail,s")
        completed = run(source=extras)

        assert "mail,sms" in completed.out
        assert "push" not in completed.out


class TestCombinations:
    def test_each_choice_is_on_and_off_with_every_other(self, extras: TemplateSource) -> None:
        questionnaire = Questionnaire.read(extras)
        rows = cover(questionnaire, 2)

        lists = [row["extras"] for row in rows if isinstance(row["extras"], list)]
        assert len(lists) == len(rows)
        for one, other in (("mail", "sms"), ("sms", "push"), ("mail", "push")):
            assert {(one in each, other in each) for each in lists} == {
                (False, False), (False, True), (True, False), (True, True),
            }  # fmt: skip
        assert not any(len(each) > 2 for each in lists)
        assert not any("sms" in each["extras"] for each in rows if each["auth"] == "none")  # type: ignore[operator]
        names = {name_of(questionnaire, row) for row in rows}
        assert len(names) == len(rows)
        assert any(name.endswith("-extras-mail-extras-sms") for name in names)

    def test_only_of_a_case_selects_that_case(self, extras: TemplateSource) -> None:
        questionnaire = Questionnaire.read(extras)
        found = cases(questionnaire, strength="2", only=["auth=session"], part=None)

        assert {len(str(each.answers["extras"])) > 2 for each in found} == {True, False}
        for each in found:
            assert cases(questionnaire, strength="2", only=[each.only], part=None) == [each]

    def test_only_names_choices_with_a_plus(self, run: Run, extras: TemplateSource) -> None:
        questionnaire = Questionnaire.read(extras)
        found = cases(questionnaire, strength="2", only=["extras=sms+mail"], part=None)
        ended = run("verify", "--only", "extras=sms+fax", source=extras)

        assert {tuple(each.answers["extras"]) for each in found} == {("mail", "sms")}  # type: ignore[arg-type]
        assert ended.code == 2
        assert 'invalid value "fax" for extras. Choose from mail, sms, push' in ended.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "extras: {multiselect: true}\n_groups: []\n_combine: []",
            "extras is multiselect. Give it choices and the type str",
        ),
        (
            "extras: {multiselect: true, choices: ['a+b']}\n_groups: []\n_combine: []",
            'extras: "a+b" cannot be listed with other choices. Leave out , + =',
        ),
        (
            "extras: {multiselect: true, choices: [a]}\n_groups: []\n_combine: [extras]",
            "extras is multiselect. Move it from _combine to _features",
        ),
        (
            "extras: {multiselect: true, default: a, choices: [a]}\n_groups: []\n_combine: []",
            "the default of extras is not a list of choices",
        ),
    ],
)
def test_broken_question_is_one_line(run: Run, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "copier.yml").write_text(text, encoding="utf-8")
    ended = run("create", "shop", "--yes", source=TemplateSource(tmp_path))

    assert ended.code == 1
    assert ended.err == f"new-backend: copier.yml: {message}\n"
