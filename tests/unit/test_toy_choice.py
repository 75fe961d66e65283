"""A choice added to `copier.yml` appears everywhere, without a change of Python code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from new_backend.template_source import TemplateSource
from tests.harness.combinations import FEATURES
from tests.harness.toys import LAYERS, copy_questions, left_in, tree, write_layers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.toys import Run

REASON = "Litestar runs on an event loop: choose async, or FastAPI"
NO_WORKFLOW = "no workflow is written for Litestar"
TITLE = "Litestar: layered endpoints on an event loop"


@pytest.fixture(scope="session")
def litestar(tmp_path_factory: pytest.TempPathFactory) -> TemplateSource:
    """The template with an additional framework, a rule, and a question for only that framework."""
    root = tmp_path_factory.mktemp("litestar")
    copy_questions(root)
    write_layers(root, LAYERS)
    write_layers(
        root, {"{{litestar}}/src/{{package}}/litestar.py.jinja": "PORT = '{{ litestar_docs }}'\n"}
    )
    config = root / "copier.yml"
    changed: dict[str, Any] = {}
    for name, details in yaml.safe_load(config.read_text(encoding="utf-8")).items():
        if name == "framework":
            details["choices"][TITLE] = "litestar"
        if name == "concurrency":
            changed["litestar_docs"] = {
                "type": "str",
                "help": "Docs of Litestar",
                "default": "swagger",
                "choices": {"Swagger: by its plugin": "swagger", "None: no docs": "none"},
                "when": "{{ framework == 'litestar' }}",
            }
            changed["rule_litestar_is_async"] = {
                "type": "str",
                "when": False,
                "default": f"{{{{ '{REASON}' if framework == 'litestar' else '' }}}}",
            }
            label = next(label for label, value in details["choices"].items() if value == "sync")
            details["choices"][label] = {
                "value": "sync",
                "validator": "{{ rule_litestar_is_async }}",
            }
        if name == "ci":
            label = next(label for label, value in details["choices"].items() if value == "github")
            details["choices"][label] = {
                "value": "github",
                "validator": f"{{{{ '{NO_WORKFLOW}' if framework == 'litestar' else '' }}}}",
            }
            label = next(label for label, value in details["choices"].items() if value == "gitlab")
            details["choices"][label] = {
                "value": "gitlab",
                "validator": "{{ '' if framework == 'litestar' else 'it builds Litestar only' }}",
            }
        changed[name] = details
    changed["_groups"][1]["questions"].insert(-1, "litestar_docs")
    changed["_combine"].insert(-1, "litestar_docs")
    changed["litestar"] = {
        "type": "str",
        "when": False,
        "default": "{{ '.' if framework == 'litestar' else '' }}",
    }
    config.write_text(yaml.safe_dump(changed, sort_keys=False), encoding="utf-8")
    return TemplateSource(root)


def test_new_choice_is_rendered(run: Run, litestar: TemplateSource, workplace: Path) -> None:
    words = ("create", "shop", "--yes", "--no-git", "--no-install", "--framework", "litestar")
    ended = run(*words, source=litestar)

    assert ended.code == 0
    files = tree(workplace / "shop")
    assert files["src/shop/litestar.py"] == b"PORT = 'swagger'\n"
    assert yaml.safe_load(files[".copier-answers.yml"])["litestar_docs"] == "swagger"


def test_new_choice_is_in_help(run: Run, litestar: TemplateSource) -> None:
    help_text = " ".join(run("create", "--help", source=litestar).out.split())

    assert "Web framework: fastapi, flask, django, litestar [default: fastapi]" in help_text
    assert "--litestar-docs CHOICE Docs of Litestar: swagger, none [default: swagger]" in help_text


def test_new_choice_is_completed(
    run: Run, litestar: TemplateSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_NEW_BACKEND_COMPLETE", "complete_zsh")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "new-backend create --framework l")
    completed = run(source=litestar)

    assert "litestar" in completed.out
    assert "on an event loop" in completed.out
    assert "fastapi" not in completed.out


def test_excluded_pair_is_rejected_with_reason(
    run: Run, litestar: TemplateSource, workplace: Path
) -> None:
    words = ("create", "shop", "--yes", "--framework", "litestar", "--concurrency", "sync")
    ended = run(*words, source=litestar)

    assert ended.code == 2
    assert ended.err == (
        f'new-backend: --concurrency: "sync" is not available: {REASON} (rule litestar_is_async)\n'
    )
    assert left_in(workplace) == []


def test_reason_without_a_rule_is_printed(run: Run, litestar: TemplateSource) -> None:
    words = ("create", "shop", "--yes", "--framework", "litestar", "--ci", "github")

    assert run(*words, source=litestar).err == (
        f'new-backend: --ci: "github" is not available: {NO_WORKFLOW}\n'
    )


def test_excluded_default_is_replaced(run: Run, litestar: TemplateSource) -> None:
    words = ("create", "shop", "--yes", "--dry-run", "--json", "--framework", "litestar")
    result = json.loads(run(*words, source=litestar).out)

    assert result["answers"]["ci"] == "gitlab"


def test_rejects_answer_to_question_that_is_not_asked(
    run: Run, litestar: TemplateSource, workplace: Path
) -> None:
    ended = run("create", "shop", "--yes", "--litestar-docs", "none", source=litestar)

    assert ended.code == 2
    assert ended.err == (
        "new-backend: --litestar-docs: does not apply: framework is fastapi. Leave it out\n"
    )
    assert left_in(workplace) == []


def test_records_no_answer_to_question_that_is_not_asked(
    run: Run, litestar: TemplateSource, workplace: Path
) -> None:
    assert run("create", "shop", "--yes", "--no-git", "--no-install", source=litestar).code == 0

    recorded = yaml.safe_load(tree(workplace / "shop")[".copier-answers.yml"])
    assert "litestar_docs" not in recorded


def test_options_contain_new_choice_and_rule(run: Run, litestar: TemplateSource) -> None:
    described = json.loads(run("options", "--json", source=litestar).out)

    framework = next(each for each in described["questions"] if each["name"] == "framework")
    assert framework["choices"][-1] == {
        "value": "litestar",
        "title": "Litestar",
        "description": "layered endpoints on an event loop",
    }
    assert {
        "name": "litestar_is_async",
        "question": "concurrency",
        "choice": "sync",
        "reason": REASON,
    } in described["rules"]
    jsonschema.validate({"framework": "litestar"}, described["schema"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"framework": "bottle"}, described["schema"])


def test_options_print_rule_as_text(run: Run, litestar: TemplateSource) -> None:
    printed = " ".join(run("options", source=litestar).out.split())

    assert f"litestar_is_async: concurrency sync: {REASON}" in printed


def test_combinations_contain_new_choice(run: Run, litestar: TemplateSource) -> None:
    rows = json.loads(run("combinations", "--format", "json", source=litestar).out)["combinations"]

    with_litestar = [row for row in rows if row["framework"] == "litestar"]
    assert {row["litestar_docs"] for row in with_litestar} == {"swagger", "none"}
    assert {row["concurrency"] for row in with_litestar} == {"async"}
    assert not any("litestar_docs" in row for row in rows if row["framework"] == "fastapi")
    pairs = json.loads(
        run("combinations", "--format", "json", "--strength", "2", source=litestar).out
    )["combinations"]
    assert len(pairs) < len(rows)
    assert all(core_of(row) in map(core_of, rows) for row in pairs)


def core_of(row: dict[str, str]) -> dict[str, str]:
    """Return the answers of a combination without its features."""
    return {name: answer for name, answer in row.items() if name not in FEATURES}
