"""Reserved names: one rule for each namespace that a service's name enters."""

from __future__ import annotations

import builtins
import json
import re
from typing import TYPE_CHECKING

import pytest
from copier import run_copy

from tests.harness.names import problem
from tests.harness.rendering import CHECKOUT
from tests.harness.toys import left_in

if TYPE_CHECKING:
    from pathlib import Path

    from new_backend.template_source import TemplateSource
    from tests.harness.toys import Run


RULES = {
    "is a keyword of Python": ("class", "true", "none", "match"),
    "is a module of Python's standard library": ("json", "test", "idlelib", "venv"),
    "is a module that Python imports at startup": ("sitecustomize",),
    "is a built-in function or type of Python": ("filter", "map", "object"),
    "is the name of a folder or module that every service has": (
        *("docs", "manage", "scripts", "src", "tests"),
    ),
    "is a device name that Windows reserves": ("aux", "com1", "nul"),
    "is a command of every virtual environment": ("activate", "deactivate", "python", "pip3"),
    "is the name of a library that the services use": (
        *("alembic", "django-stubs", "fastapi", "ninja", "packaging", "pluggy", "requirements"),
        *("tzdata", "uv-build", "colorama", "rest-framework"),
    ),
    "is a command of a library that the services use": ("pygmentize", "stubgen", "uvx"),
    "is a module that a library of the services imports if it exists": ("orjson", "trio"),
    "is a module that pytest loads": ("conftest",),
    "is a name that Django's migrations use": (
        *("models", "migrations", "operations", "initial", "dependencies"),
    ),
    "is a folder that ruff does not check": ("dist", "node-modules"),
    "begins with pg, which PostgreSQL reserves for its own roles": ("pg-shop", "pg-monitor"),
    "is a role or database that PostgreSQL reserves": ("postgres", "public", "template1"),
    "is an account or database that MySQL and MariaDB reserve": (
        *("information-schema", "root", "mysql"),
    ),
    "is a command that the Makefile or the README runs": ("docker", "git", "make", "sed"),
    "is an image name that Docker reserves": ("scratch",),
    "is a module whose imports ruff rewrites": ("mock",),
}
RESERVED = [(name, reason) for reason, names in RULES.items() for name in names]

QUOTED = ("n", "no", "null", "off", "on", "y", "yes", "group", "order", "table", "user")
"""Words of YAML and SQL, which the files of a service quote."""

APPLICATIONS = ("admin", "auth", "authentication", "items", "messages", "sessions", "users")
"""Names of Django applications, which have other labels than the service."""


@pytest.mark.parametrize(("name", "reason"), RESERVED)
def test_refuses_reserved_name_with_reason(name: str, reason: str) -> None:
    package = name.replace("-", "_")

    assert problem("project_name", name).startswith(f'"{name}" {reason}: choose another')
    assert problem("package", package).startswith(f'"{package}" {reason}: choose another')


@pytest.mark.parametrize("name", [names[-1] for names in RULES.values()])
def test_refuses_reserved_name_before_anything_is_written(
    run: Run, workplace: Path, name: str
) -> None:
    ended = run("create", name, "--yes", "--no-install")

    assert ended.code == 2
    assert f'"{name}" is ' in ended.err or f'"{name}" begins ' in ended.err
    assert len(ended.err.splitlines()) == 1
    assert left_in(workplace) == []


@pytest.mark.parametrize("name", [names[-1] for names in RULES.values()])
def test_plain_copier_refuses_same_names_with_same_reason(
    small_template: TemplateSource, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(problem("project_name", name))):
        run_copy(
            str(small_template.root),
            tmp_path / "shop",
            data={"project_name": name},
            defaults=True,
            quiet=True,
        )
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("name", [*QUOTED, *APPLICATIONS, "service", "pg", "shop-api", "a" * 40])
def test_accepts_name_that_clashes_with_nothing(name: str) -> None:
    assert problem("project_name", name) == ""
    assert problem("package", name.replace("-", "_")) == ""


@pytest.mark.parametrize("question", ["project_name", "package"])
def test_suggested_name_is_accepted(question: str) -> None:
    separator = "-" if question == "project_name" else "_"
    derived = json.loads((CHECKOUT / "template/partials/names.json").read_text(encoding="utf-8"))
    names = {name for found in derived.values() for name in found} | {name for name, _ in RESERVED}
    names.add(f"pg-{'a' * 37}")

    for name in names:
        message = problem(question, re.sub("[-_]", separator, name))
        _, found, suggested = message.partition(": choose another, such as ")
        assert found, (name, message)
        assert problem(question, suggested) == ""


def test_built_ins_of_this_python_are_reserved() -> None:
    names = [each for each in dir(builtins) if re.fullmatch("[a-z]+", each)]

    assert names
    assert all(problem("package", name) for name in names)


def test_name_of_300_characters_is_refused_in_one_line(run: Run, workplace: Path) -> None:
    ended = run("create", "--project-name", "a" * 300, "--yes")

    assert ended.code == 2
    assert "The name has 300 characters" in ended.err
    assert len(ended.err.splitlines()) == 1
    assert left_in(workplace) == []
