"""A choice that is added to `copier.yml` appears everywhere, with no line of Python changed."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from new_backend.template_source import TemplateSource
from tests.unit.toys import LAYERS, copy_questions, left_in, program, tree, write_layers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.toys import Run

REASON = "Quart runs on an event loop: choose async, or FastAPI"
NO_WORKFLOW = "no workflow is written for Quart"
TITLE = "Quart: Flask's interface on an event loop"


@pytest.fixture(scope="session")
def quart(tmp_path_factory: pytest.TempPathFactory) -> TemplateSource:
    """The template with one more framework, a rule, and a question for that framework alone."""
    root = tmp_path_factory.mktemp("quart")
    copy_questions(root)
    write_layers(root, LAYERS)
    write_layers(root, {"{{quart}}/src/{{package}}/quart.py.jinja": "PORT = '{{ quart_docs }}'\n"})
    config = root / "copier.yml"
    changed: dict[str, Any] = {}
    for name, details in yaml.safe_load(config.read_text(encoding="utf-8")).items():
        if name == "framework":
            details["choices"][TITLE] = "quart"
        if name == "concurrency":
            changed["quart_docs"] = {
                "type": "str",
                "help": "Docs of Quart",
                "default": "swagger",
                "choices": {"Swagger: by Quart-Schema": "swagger", "None: no docs": "none"},
                "when": "{{ framework == 'quart' }}",
            }
            changed["rule_quart_is_async"] = {
                "type": "str",
                "when": False,
                "default": f"{{{{ '{REASON}' if framework == 'quart' else '' }}}}",
            }
            label = next(label for label, value in details["choices"].items() if value == "sync")
            details["choices"][label] = {
                "value": "sync",
                "validator": "{{ rule_quart_is_async }}",
            }
        if name == "ci":
            label = next(label for label, value in details["choices"].items() if value == "github")
            details["choices"][label] = {
                "value": "github",
                "validator": f"{{{{ '{NO_WORKFLOW}' if framework == 'quart' else '' }}}}",
            }
            label = next(label for label, value in details["choices"].items() if value == "gitlab")
            details["choices"][label] = {
                "value": "gitlab",
                "validator": "{{ '' if framework == 'quart' else 'only Quart is built there' }}",
            }
        changed[name] = details
    changed["_groups"][1]["questions"].insert(-1, "quart_docs")
    changed["_combine"].insert(-1, "quart_docs")
    changed["quart"] = {
        "type": "str",
        "when": False,
        "default": "{{ '.' if framework == 'quart' else '' }}",
    }
    config.write_text(yaml.safe_dump(changed, sort_keys=False), encoding="utf-8")
    return TemplateSource(root)


def test_it_is_rendered(run: Run, quart: TemplateSource, workplace: Path) -> None:
    words = ("create", "shop", "--yes", "--no-git", "--no-install", "--framework", "quart")
    ended = run(*words, source=quart)

    assert ended.code == 0
    files = tree(workplace / "shop")
    assert files["src/shop/quart.py"] == b"PORT = 'swagger'\n"
    assert yaml.safe_load(files[".copier-answers.yml"])["quart_docs"] == "swagger"


def test_it_is_a_flag_with_help(run: Run, quart: TemplateSource) -> None:
    help_text = " ".join(run("create", "--help", source=quart).out.split())

    assert "Web framework: fastapi, quart [default: fastapi]" in help_text
    assert "--quart-docs CHOICE Docs of Quart: swagger, none [default: swagger]" in help_text


def test_it_is_completed(quart: TemplateSource) -> None:
    completion = {
        "_NEW_BACKEND_COMPLETE": "complete_zsh",
        "_TYPER_COMPLETE_ARGS": "new-backend create --framework q",
    }
    completed = subprocess.run(
        program(quart),
        env={**os.environ, **completion},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "quart" in completed.stdout
    assert "on an event loop" in completed.stdout
    assert "fastapi" not in completed.stdout


def test_excluded_pair_is_refused_with_the_reason(
    run: Run, quart: TemplateSource, workplace: Path
) -> None:
    words = ("create", "shop", "--yes", "--framework", "quart", "--concurrency", "sync")
    ended = run(*words, source=quart)

    assert ended.code == 2
    assert ended.err == (
        f"new-backend: --concurrency: sync is excluded: {REASON} (rule quart_is_async)\n"
    )
    assert left_in(workplace) == []


def test_reason_without_a_rule_is_told_too(run: Run, quart: TemplateSource) -> None:
    words = ("create", "shop", "--yes", "--framework", "quart", "--ci", "github")

    assert run(*words, source=quart).err == (
        f"new-backend: --ci: github is excluded: {NO_WORKFLOW}\n"
    )


def test_default_that_is_excluded_gives_way(run: Run, quart: TemplateSource) -> None:
    words = ("create", "shop", "--yes", "--dry-run", "--json", "--framework", "quart")
    result = json.loads(run(*words, source=quart).out)

    assert result["answers"]["ci"] == "gitlab"


def test_question_that_does_not_apply_is_refused(
    run: Run, quart: TemplateSource, workplace: Path
) -> None:
    ended = run("create", "shop", "--yes", "--quart-docs", "none", source=quart)

    assert ended.code == 2
    assert ended.err == (
        "new-backend: --quart-docs: does not apply where framework is fastapi: leave it out\n"
    )
    assert left_in(workplace) == []


def test_question_that_does_not_apply_is_not_recorded(
    run: Run, quart: TemplateSource, workplace: Path
) -> None:
    assert run("create", "shop", "--yes", "--no-git", "--no-install", source=quart).code == 0

    recorded = yaml.safe_load(tree(workplace / "shop")[".copier-answers.yml"])
    assert "quart_docs" not in recorded


def test_it_is_among_the_options(run: Run, quart: TemplateSource) -> None:
    described = json.loads(run("options", "--json", source=quart).out)

    framework = next(each for each in described["questions"] if each["name"] == "framework")
    assert framework["choices"][-1] == {
        "value": "quart",
        "title": "Quart",
        "description": "Flask's interface on an event loop",
    }
    assert described["rules"] == [
        {
            "name": "quart_is_async",
            "question": "concurrency",
            "choice": "sync",
            "reason": REASON,
        }
    ]
    jsonschema.validate({"framework": "quart"}, described["schema"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"framework": "flask"}, described["schema"])


def test_rule_is_printed_for_a_person(run: Run, quart: TemplateSource) -> None:
    printed = " ".join(run("options", source=quart).out.split())

    assert f"quart_is_async: concurrency sync: {REASON}" in printed


def test_it_is_combined(run: Run, quart: TemplateSource) -> None:
    rows = json.loads(run("combinations", "--format", "json", source=quart).out)

    with_quart = [row for row in rows if row["framework"] == "quart"]
    assert {row["quart_docs"] for row in with_quart} == {"swagger", "none"}
    assert {row["concurrency"] for row in with_quart} == {"async"}
    assert not any("quart_docs" in row for row in rows if row["framework"] == "fastapi")
    pairs = json.loads(run("combinations", "--format", "json", "--strength", "2", source=quart).out)
    assert len(pairs) < len(rows)
    assert all(row in rows for row in pairs)
