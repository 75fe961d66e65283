"""The wizard in a real terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.harness.toys import left_in, program, tree
from tests.unit.test_multiselect import NO_ACCOUNT, TOO_MUCH, extras
from tests.unit.test_toy_choice import REASON, litestar

if sys.platform == "win32":
    pytest.skip("a pseudo-terminal of POSIX is needed", allow_module_level=True)

import pexpect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from new_backend.template_source import TemplateSource

    Start = Callable[..., "pexpect.spawn[str]"]

__all__ = ["extras", "litestar"]

ENTER, ESCAPE, DOWN, UP, CTRL_C, CTRL_U = "\r", "\x1b", "\x1b[B", "\x1b[A", "\x03", "\x15"
EVERYTHING = """
package: shop
description: x
author: ''
email: ''
license: MIT
python_version: 3.13
framework: fastapi
orm: sqlalchemy
auth: jwt
concurrency: sync
cache: none
ci: none
"""
QUIET = ("--no-git", "--no-install")
LEFT = "\x1b[D"
SPACE = " "
SETTLED = (
    *("shop", "--description", "x", "--author=", "--email=", "--license", "MIT"),
    *("--python-version", "3.13", "--cache", "none"),
    *("--auth", "jwt", "--concurrency", "async", "--ci", "none"),
)
LITESTAR = DOWN + DOWN + DOWN + ENTER


@pytest.fixture
def start(
    workplace: Path, small_template: TemplateSource, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Start]:
    """Start `create` in a terminal wide enough for the paths of tests."""
    # No terminal answers prompt_toolkit's question about the cursor's position.
    monkeypatch.setenv("PROMPT_TOOLKIT_NO_CPR", "1")
    running: list[pexpect.spawn[str]] = []

    def start_it(*words: str, source: TemplateSource = small_template) -> pexpect.spawn[str]:
        command, *arguments = program(source, "create", *words, *QUIET)
        child = pexpect.spawn(
            command,
            arguments,
            cwd=str(workplace),
            dimensions=(40, 160),
            encoding="utf-8",
            timeout=30,
        )
        running.append(child)
        return child

    yield start_it
    for child in running:
        child.close(force=True)


def answer(child: pexpect.spawn[str], question: str, keys: str = ENTER) -> None:
    child.expect_exact(question)
    child.send(keys)


def ended(child: pexpect.spawn[str]) -> int:
    child.expect(pexpect.EOF)
    child.close()
    return int(child.exitstatus or 0)


def recorded(folder: Path) -> dict[str, object]:
    answers: dict[str, object] = yaml.safe_load(tree(folder)[".copier-answers.yml"])
    return answers


def test_enter_accepts_defaults_and_only_open_questions_are_asked(
    start: Start, workplace: Path
) -> None:
    child = start("shop", "--auth", "none")
    child.expect_exact("Step 1 of 4: Project")
    for question in (
        "Import name",
        "One-line description",
        "Maintainer's name",
        "Maintainer's e-mail",
    ):
        answer(child, f"{question}")
    answer(child, "License:")
    child.expect_exact("Step 2 of 4: Stack")
    answer(child, "Oldest supported Python")
    answer(child, "Web framework:")
    answer(child, "Object-relational mapper (ORM):")
    answer(child, "Database:", DOWN + DOWN + ENTER)
    answer(child, "Concurrency model:")
    child.expect_exact("Step 3 of 4: Features")
    answer(child, "Cache:")
    child.expect_exact("Step 4 of 4: Delivery")
    answer(child, "CI pipeline:")
    child.expect_exact("Summary")
    child.expect_exact("framework       fastapi  (default)")
    child.expect_exact("database        sqlite")
    child.expect_exact("auth            none  (flag)")
    answer(child, "Create this service?")

    assert ended(child) == 0
    assert recorded(workplace / "shop")["database"] == "sqlite"
    assert recorded(workplace / "shop")["author"] == "Ada Example"


def test_rejects_invalid_text(start: Start, workplace: Path) -> None:
    child = start()
    answer(child, "such as shop", "class" + ENTER)
    child.expect_exact('"class" is a keyword of Python')
    child.send(CTRL_U + "shop" + ENTER)
    child.expect_exact("and its command: shop")
    child.send(CTRL_C)

    assert ended(child) == 130
    assert left_in(workplace) == []


def test_back_returns_to_previous_question(start: Start, workplace: Path) -> None:
    child = start("shop", "--author=", "--email=", "--license", "MIT")
    answer(child, "Import name", CTRL_U + "one" + ENTER)
    answer(child, "One-line description", ESCAPE)
    child.expect_exact("Import name of the Python package: ")
    child.send(CTRL_U + "two" + ENTER)
    answer(child, "One-line description")
    answer(child, "Oldest supported Python", UP + UP + UP + UP + UP)
    child.expect_exact("← Back")
    child.send(CTRL_C)

    assert ended(child) == 130
    assert left_in(workplace) == []


def test_change_at_summary_updates_dependent_answers(start: Start, workplace: Path) -> None:
    child = start("--python-version", "3.13", "--cache", "none", "--ci", "none", "--auth", "jwt")
    answer(child, "Name of the service", "shop" + ENTER)
    for question in (
        "Import name",
        "One-line",
        "Maintainer's name",
        "Maintainer's e-mail",
        "License",
    ):
        answer(child, f"{question}")
    answer(child, "Web framework:")
    answer(child, "Object-relational mapper (ORM):")
    answer(child, "Database:")
    answer(child, "Concurrency model")
    answer(child, "Create this service?", DOWN + ENTER)
    answer(child, "Which answer?")
    answer(child, "Name of the service", CTRL_U + "store" + ENTER)
    child.expect_exact("package         store  (default)")
    answer(child, "Create this service?")

    assert ended(child) == 0
    assert recorded(workplace / "store")["description"] == "The store service"


def test_cancel_at_summary_writes_nothing(start: Start, workplace: Path) -> None:
    (workplace / "all.yml").write_text(EVERYTHING)
    child = start("shop", "--answers", "all.yml")
    answer(child, "Database:")
    answer(child, "Create this service?", DOWN + DOWN + ENTER)
    child.expect_exact("interrupted, nothing was written")

    assert ended(child) == 130
    assert left_in(workplace) == ["all.yml"]


def test_excluded_choice_is_disabled_with_reason(
    start: Start, litestar: TemplateSource, workplace: Path
) -> None:
    child = start(
        *("shop", "--author=", "--email=", "--license", "MIT", "--ci", "none", "--cache", "none"),
        *("--python-version", "3.13", "--package", "shop", "--description", "x"),
        source=litestar,
    )
    answer(child, "Web framework:", LITESTAR)
    answer(child, "Object-relational mapper (ORM):")
    answer(child, "Database:")
    answer(child, "Authentication:")
    answer(child, "Docs of Litestar:")
    # Only one choice remains: it is shown with the reason for the other.
    child.expect_exact("Concurrency model:")
    child.expect_exact("- Sync")
    answer(child, REASON[:30])
    child.expect_exact("concurrency     async  (default)")
    answer(child, "Create this service?")

    assert ended(child) == 0
    assert recorded(workplace / "shop")["litestar_docs"] == "swagger"


def test_given_answer_that_becomes_excluded_is_asked_again(
    start: Start, litestar: TemplateSource
) -> None:
    child = start(
        *("shop", "--author=", "--email=", "--license", "MIT", "--ci", "none", "--cache", "none"),
        *("--python-version", "3.13", "--package", "shop", "--description", "x"),
        *("--concurrency", "sync"),
        source=litestar,
    )
    answer(child, "Web framework:", LITESTAR)
    answer(child, "Object-relational mapper (ORM):")
    answer(child, "Database:")
    answer(child, "Authentication:")
    answer(child, "Docs of Litestar:")
    child.expect_exact('--concurrency: "sync" is not available: ')
    child.expect_exact("- Sync")
    child.expect_exact(REASON[:30])
    child.send(CTRL_C)

    assert ended(child) == 130


def test_keeps_given_answer_that_only_a_default_excludes(
    start: Start, litestar: TemplateSource, workplace: Path
) -> None:
    (workplace / "all.yml").write_text(EVERYTHING.replace("framework: fastapi\n", ""))
    child = start(
        *("shop", "--answers", "all.yml", "--database", "sqlite"),
        *("--ci", "gitlab", "--concurrency", "async", "--litestar-docs", "none"),
        source=litestar,
    )
    answer(child, "Web framework:", LITESTAR)
    child.expect_exact("ci              gitlab  (flag)")
    answer(child, "Create this service?")

    assert ended(child) == 0
    assert recorded(workplace / "shop")["ci"] == "gitlab"
    assert recorded(workplace / "shop")["litestar_docs"] == "none"


def test_asks_for_name_if_folder_is_not_a_valid_name(start: Start, workplace: Path) -> None:
    child = start("My Shop")
    child.expect_exact('"My Shop" is not a valid name')
    answer(child, "Name of the service", CTRL_U + "shop" + ENTER)
    answer(child, "Import name", CTRL_C)

    assert ended(child) == 130
    assert left_in(workplace) == []


def test_asks_about_existing_file(start: Start, workplace: Path) -> None:
    (workplace / "shop").mkdir()
    (workplace / "shop" / "README.md").write_text("mine\n")
    (workplace / "shop" / ".gitignore").write_text("mine\n")
    (workplace / "all.yml").write_text(EVERYTHING + "database: sqlite\n")
    child = start("shop", "--answers", "all.yml")
    answer(child, "Create this service?")
    answer(child, "README.md exists already. Replace it?", "y")
    child.expect_exact(".gitignore: yours is kept, with the lines that it lacked")

    assert ended(child) == 0
    assert (workplace / "shop" / ".gitignore").read_text() == "mine\n.venv/\n"
    assert (workplace / "shop" / "README.md").read_text().startswith("# shop")


def test_ci_asks_nothing(start: Start, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    child = start("shop")
    child.expect_exact("cannot prompt: no terminal. Missing answers: package")

    assert ended(child) == 2
    assert left_in(workplace) == []


def test_escape_and_left_go_back_in_lists_and_at_summary(start: Start) -> None:
    child = start(*SETTLED, "--package", "shop", "--framework", "fastapi")
    answer(child, "Object-relational mapper (ORM):")
    answer(child, "Database:", LEFT)
    answer(child, "Object-relational mapper (ORM):")
    answer(child, "Database:", ESCAPE)
    answer(child, "Object-relational mapper (ORM):")
    answer(child, "Database:")
    answer(child, "Create this service?", ESCAPE)
    answer(child, "Database:", CTRL_C)

    assert ended(child) == 130


def test_checks_target_as_soon_as_name_is_known(start: Start, workplace: Path) -> None:
    (workplace / "busy").mkdir()
    (workplace / "busy" / "x").touch()
    child = start()
    answer(child, "Name of the service", "busy" + ENTER)
    child.expect_exact("busy is not empty: x")
    child.send(CTRL_U + "shop" + ENTER)
    answer(child, "Import name", CTRL_C)
    child.expect_exact("To repeat these answers: ")
    child.expect_exact("create --project-name shop --no-git")

    assert ended(child) == 130


def test_shows_only_remaining_choice_and_lists_consequences_of_change(start: Start) -> None:
    child = start(*SETTLED, "--package", "shop", "--database", "sqlite")
    answer(child, "Web framework:")
    answer(child, "Object-relational mapper (ORM):")
    answer(child, "Create this service?", DOWN + ENTER)
    answer(child, "Which answer?", ENTER)
    answer(child, "Web framework:", DOWN + DOWN + ENTER)
    child.expect_exact("- Django REST framework")
    answer(child, "DRF has no async views")
    child.expect_exact("Also changed, because framework changed")
    child.expect_exact("orm             sqlalchemy → django")
    answer(child, "Create this service?", CTRL_C)

    assert ended(child) == 130


def test_checkbox_takes_several_choices_and_disables_excluded_ones(
    start: Start, extras: TemplateSource, workplace: Path
) -> None:
    words = ("--package", "shop", "--framework", "flask", "--orm", "sqlalchemy")
    child = start(*SETTLED[:-6], *words, "--concurrency", "sync", "--ci", "none", source=extras)
    answer(child, "Database:", ENTER)
    answer(child, "Authentication:", UP + ENTER)
    child.expect_exact("Space selects, Enter confirms")
    child.expect_exact("- Text messages")
    child.expect_exact(NO_ACCOUNT)
    # Its default, mail, is selected already.
    child.send(DOWN + SPACE + ENTER)
    child.expect_exact("extras          mail, push")
    answer(child, "Create this service?")

    assert ended(child) == 0
    assert recorded(workplace / "shop")["extras"] == ["mail", "push"]


def test_checkbox_shows_the_last_answer_and_its_error(start: Start, extras: TemplateSource) -> None:
    words = ("--package", "shop", "--framework", "flask", "--orm", "sqlalchemy")
    child = start(*SETTLED, *words, "--database", "sqlite", source=extras)
    answer(child, "Extras:", SPACE + DOWN + SPACE + DOWN + SPACE + ENTER)
    child.expect_exact(TOO_MUCH)
    child.expect_exact("● Push")
    child.send(DOWN + SPACE + ENTER)
    child.expect_exact("extras          mail, push")
    answer(child, "Create this service?", ESCAPE)
    child.expect_exact("● Mail")
    child.expect_exact("○ Text messages")
    child.send(CTRL_C)

    assert ended(child) == 130
