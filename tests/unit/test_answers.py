"""The sources of answers, and the messages for invalid ones."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.harness.toys import left_in, tree

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.toys import Ended, Run

QUIET = ("--no-git", "--no-install")


def created(run: Run, *words: str, typed: str = "") -> dict[str, dict[str, str]]:
    ended = run("create", *words, "--yes", "--json", *QUIET, typed=typed)
    assert ended.code == 0, ended.err
    result: dict[str, dict[str, str]] = json.loads(ended.out)
    return result


def refused(ended: Ended, *messages: str) -> None:
    assert ended.code == 2, ended
    assert ended.err.splitlines() == [f"new-backend: {message}" for message in messages]
    assert ended.out == ""


class TestPrecedence:
    def test_flag_overrides_file_and_file_overrides_default(
        self, run: Run, workplace: Path
    ) -> None:
        (workplace / "preset.toml").write_text('database = "sqlite"\nauth = "none"\n')
        result = created(run, "shop", "--answers", "preset.toml", "--auth", "jwt")

        assert result["answers"]["database"] == "sqlite"
        assert result["answers"]["auth"] == "jwt"
        assert result["sources"]["database"] == "answers file"
        assert result["sources"]["auth"] == "flag"
        assert result["sources"]["framework"] == "default"

    def test_folder_sets_project_name_and_project_name_sets_package(self, run: Run) -> None:
        result = created(run, "some/where/shop-api/")

        assert result["answers"]["project_name"] == "shop-api"
        assert result["answers"]["package"] == "shop_api"
        assert result["sources"]["project_name"] == "folder"

    def test_name_in_file_overrides_folder(self, run: Run, workplace: Path) -> None:
        (workplace / "preset.yml").write_text("project_name: shop\n")
        result = created(run, "elsewhere", "--answers", "preset.yml")

        assert result["answers"]["project_name"] == "shop"

    def test_project_name_creates_folder(self, run: Run, workplace: Path) -> None:
        created(run, "--project-name", "shop")

        assert (workplace / "shop").is_dir()

    def test_author_and_python_come_from_the_machine(self, run: Run) -> None:
        result = created(run, "shop")

        assert result["answers"]["author"] == "Ada Example"
        assert result["answers"]["email"] == "ada@example.org"
        assert result["sources"]["email"] == "git"
        assert result["answers"]["python_version"] == ".".join(
            result["versions"]["python"].split(".")[:2]
        )

    def test_ignores_invalid_email_of_git(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GIT_AUTHOR_EMAIL", "ada at example")
        result = created(run, "shop")

        assert result["answers"]["email"] == ""
        assert result["sources"]["email"] == "default"


class TestAnswersFile:
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("a.yml", "python_version: 3.11\nlicense: MIT\n"),
            ("a.YAML", "# a comment\nlicense: MIT\npython_version: '3.11'\n"),
            ("a.json", '{"python_version": 3.11, "license": "MIT"}'),
            ("a.toml", 'python_version = 3.11\nlicense = "MIT"\n'),
        ],
    )
    def test_reads_each_file_format(self, run: Run, workplace: Path, name: str, text: str) -> None:
        (workplace / name).write_text(text)
        answers = created(run, "shop", "--answers", name)["answers"]

        assert answers["python_version"] == "3.11"
        assert answers["license"] == "MIT"

    @pytest.mark.parametrize(
        "text",
        ["license: MIT\n", '{"license": "MIT"}', '# x\nlicense = "MIT"\n', "\ufefflicense: MIT"],
    )
    def test_reads_standard_input_without_suffix(self, run: Run, text: str) -> None:
        answers = created(run, "shop", "--answers", "-", typed=text)["answers"]

        assert answers["license"] == "MIT"

    def test_accepts_answers_file_of_a_service(self, run: Run, workplace: Path) -> None:
        created(run, "shop", "--database", "sqlite", "--auth", "none")
        recorded = "shop/.copier-answers.yml"
        assert "_src_path" in (workplace / recorded).read_text()

        again = created(run, "again", "--answers", recorded, "--project-name", "shop")
        assert again["answers"]["database"] == "sqlite"
        assert tree(workplace / "again") == tree(workplace / "shop")

    @pytest.mark.parametrize("name", ["empty.yml", "empty.toml"])
    def test_empty_file_has_no_answers(self, run: Run, workplace: Path, name: str) -> None:
        (workplace / name).write_text("")

        assert created(run, "shop", "--answers", name)["answers"]["license"] == "proprietary"

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            ("a.yml", "auth: jwt\nlicense: [\n", "a.yml: line 3: expected the node content"),
            ("a.yml", "auth: jwt\nauth: none\n", "a.yml: line 2: auth is answered twice"),
            ("a.json", '{"auth": "jwt",\n"x"}', "a.json: line 2: "),
            ("a.json", '{"auth": "jwt", "auth": "none"}', "a.json: auth is answered twice"),
            ("a.toml", 'auth = "jwt"\nauth = "none"\n', "a.toml: Cannot overwrite a value"),
            ("a.toml", "auth = jwt", "a.toml: Invalid value (at line 1, column 8)"),
            ("a.yml", "- auth\n", "a.yml: not a table of questions and answers"),
            ("a.json", "[]", "a.json: not a table of questions and answers"),
            (
                "a.ini",
                "auth=jwt",
                "a.ini: unknown format. The suffix must be one of .yml, .yaml, .json, .toml",
            ),
            ("a.yml", "auth: !!python/object:os.system x", "a.yml: line 1: could not determine"),
            ("a.yml", "auth: [jwt]", "a.yml: auth: is a list, not text"),
            ("a.yml", "auth: {jwt: 1}", "a.yml: auth: is a table, not text"),
            ("a.yml", "auth:\n", "a.yml: auth: has no value. Add one"),
            ("a.yml", "ci: no", "a.yml: ci: is the boolean false, not text"),
            ("a.yml", "framwork: x", 'a.yml: unknown question "framwork". Did you mean "fram'),
            ("a.yml", "zzz: x", 'a.yml: unknown question "zzz". The questions are project_n'),
            ("a.yml", "jwt: .", 'a.yml: unknown question "jwt"'),
            ("a.yml", "_tasks: x", 'a.yml: unknown question "_tasks"'),
            ("a.yml", "python_version: 3.1", 'a.yml: python_version: invalid value "3.1". Did you'),
            ("a.yml", "python_version: 3.10", 'a.yml: python_version: invalid value "3.10"'),
            ("a.yml", "auth: \x1b[31m", "a.yml: "),
        ],
    )
    def test_rejects_invalid_file(
        self, run: Run, workplace: Path, name: str, text: str, message: str
    ) -> None:
        (workplace / name).write_text(text)
        ended = run("create", "shop", "--yes", "--answers", name)

        assert ended.code == 2, ended
        assert ended.err.startswith(f"new-backend: {message}")
        assert ended.err.count("\n") == 1
        assert left_in(workplace) == [name]

    def test_rejects_file_that_is_not_text(self, run: Run, workplace: Path) -> None:
        (workplace / "a.yml").write_bytes(b"auth: jwt\nauthor: \xff\n")

        refused(
            run("create", "shop", "--yes", "--answers", "a.yml"), "a.yml: line 2 is not UTF-8 text"
        )

    @pytest.mark.parametrize(
        ("name", "reason"), [("none.yml", "No such file or directory"), (".", "Is a directory")]
    )
    def test_rejects_unreadable_file(self, run: Run, name: str, reason: str) -> None:
        refused(
            run("create", "shop", "--yes", "--answers", name),
            f"{name} cannot be read: {reason}",
        )


class TestNames:
    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("class", '"class" is a keyword of Python: choose another, such as class-service'),
            ("json", '"json" is a module of Python\'s standard library: choose another, such'),
            ("fastapi", '"fastapi" is the name of a library that the services use: choose'),
            ("test", '"test" is a module of Python\'s standard library'),
            ("tests", '"tests" is the name of a folder or module that every service has'),
            ("aux", '"aux" is a device name that Windows reserves'),
            ("a" * 51, "The name has 51 characters. At most "),
            ("", "The name is empty. Use lower-case letters, digits and single hyphens"),
            *(
                (name, f'"{shown or name}" is not a valid name. Use lower-case letters a to z')
                for name, shown in [
                    ("Shop", ""),
                    ("my shop", ""),
                    ('sh"op', ""),
                    ("shop'", ""),
                    ("../shop", ""),
                    ("a/b", ""),
                    ("a\\b", ""),
                    ("..", ""),
                    ("1shop", ""),
                    ("shop-", ""),
                    ("sh--op", ""),
                    ("shop_api", ""),
                    ("магазин", ""),
                    ("\uff53\uff48op", ""),
                    ("shop\n", "shop\\n"),
                    ("shop\x1b[31m", "shop\\x1b[31m"),
                    ("{{ 1 }}", ""),
                    ("[red]", ""),
                ]
            ),
        ],
    )
    def test_rejects_invalid_project_name_once(
        self, run: Run, workplace: Path, name: str, message: str
    ) -> None:
        ended = run("create", "shop", f"--project-name={name}", "--yes")

        assert ended.code == 2
        assert ended.err.startswith(f"new-backend: --project-name: {message}")
        assert ended.err.count("new-backend:") == 1
        assert left_in(workplace) == []

    def test_rejects_folder_that_is_not_a_valid_name(self, run: Run, workplace: Path) -> None:
        ended = run("create", "My Shop", "--yes")

        assert ended.code == 2
        assert ended.err.startswith(
            'new-backend: project_name, from the name of the folder: "My Shop" is not a valid name'
        )
        assert left_in(workplace) == []

    def test_rejects_invalid_package(self, run: Run) -> None:
        ended = run("create", "shop", "--package", "import", "--yes")

        refused(
            ended,
            '--package: "import" is a keyword of Python: choose another, such as import_service',
        )


class TestChecks:
    def test_reports_problems_of_file_and_flags_together(self, run: Run, workplace: Path) -> None:
        (workplace / "a.yml").write_text("autor: x\nlicense: [MIT]\nci: jenkins\n")
        ended = run("create", "class", "--yes", "--answers", "a.yml")

        refused(
            ended,
            'a.yml: unknown question "autor". Did you mean "author"?',
            "a.yml: license: is a list, not text",
            'project_name, from the name of the folder: "class" is a keyword of Python: '
            "choose another, such as class-service",
            'a.yml: ci: invalid value "jenkins". Choose from github, gitlab, none',
        )

    def test_reports_all_problems_together(self, run: Run, workplace: Path) -> None:
        ended = run(
            *("create", "class", "--yes", "--framework", "fastapl", "--database", "oracle"),
            *("--email", "ada at home", "--description", "two\nlines", "--author", " x"),
        )

        refused(
            ended,
            'project_name, from the name of the folder: "class" is a keyword of Python: '
            "choose another, such as class-service",
            "--description: The text has a line break, a tab or another character that cannot be "
            "printed. Use one line of plain text",
            "--author: The text begins or ends with a space. Remove it",
            '--email: "ada at home" is not an email address. Use an address like '
            "dev@example.org, or leave it empty",
            '--framework: invalid value "fastapl". Did you mean "fastapi"? '
            "Choose from fastapi, flask, django",
            '--database: invalid value "oracle". Choose from postgresql, mysql, sqlite',
        )
        assert left_in(workplace) == []

    @pytest.mark.parametrize("name", ["description", "author"])
    @pytest.mark.parametrize(
        "text",
        [
            "say \"hi\" & 'bye'",
            "back\\slash \\n",
            "# no comment",
            "{{ 7 * 7 }} {% raw %} {# x #}",
            "emoji 🦄 ümläut 漢字",
            "[bold]markup[/bold]",
            "colon: and - dash",
            "--looks-like-a-flag",
            "null",
            "%s $HOME `id`",
        ],
    )
    def test_free_text_is_unchanged(self, run: Run, workplace: Path, name: str, text: str) -> None:
        result = created(run, "shop", f"--{name}={text}")

        assert result["answers"][name] == text
        recorded = yaml.safe_load((workplace / "shop/.copier-answers.yml").read_text())
        assert recorded[name] == text

    @pytest.mark.parametrize("name", ["description", "author", "email"])
    @pytest.mark.parametrize(
        "text", ["a\nb", "a\tb", "a\x1b[31mb", "a\x07b", "a\u202eb", "a\u2028b", "a\x7fb"]
    )
    def test_rejects_control_characters(
        self, run: Run, workplace: Path, name: str, text: str
    ) -> None:
        ended = run("create", "shop", "--yes", f"--{name}={text}")

        assert ended.code == 2
        assert ended.err.startswith(f"new-backend: --{name}: ")
        assert "\x1b" not in ended.err
        assert left_in(workplace) == []


class TestWithoutTerminal:
    def test_names_missing_answers_and_a_working_command(self, run: Run, workplace: Path) -> None:
        ended = run("create", "shop", "--auth", "none", "--no-git")

        assert ended.code == 2
        first, second = ended.err.splitlines()
        assert first == (
            "new-backend: cannot prompt: no terminal. Missing answers: package, description, "
            "author, email, license, python_version, framework, orm, database, concurrency, "
            "cache, ci"
        )
        label, _, command = second.partition(": ")
        assert label == "To accept the defaults for the rest"
        assert command.partition(" create ")[2] == "shop --auth none --no-git --yes"
        assert left_in(workplace) == []

    def test_printed_command_works(self, run: Run, workplace: Path) -> None:
        ended = run("create", *QUIET)
        command = ended.err.splitlines()[1].partition(" create ")[2]

        assert run("create", *command.split()).code == 0
        assert left_in(workplace) == ["shop"]

    def test_missing_name_fails_even_with_yes(self, run: Run) -> None:
        ended = run("create", "--yes", *QUIET)

        assert ended.code == 2
        assert "without a default: project_name" in ended.err
        assert "new-backend create shop" in ended.err

    def test_reports_invalid_answers_first(self, run: Run) -> None:
        refused(
            run("create", "shop", "--auth", "jtw"),
            '--auth: invalid value "jtw". Did you mean "jwt"? '
            "Choose from none, jwt, session, api-key, oidc",
        )

    def test_complete_answers_need_no_yes(self, run: Run, workplace: Path) -> None:
        answers = created(run, "first")["answers"]
        (workplace / "all.json").write_text(json.dumps({**answers, "project_name": "shop"}))

        assert run("create", "--answers", "all.json", *QUIET).code == 0
        assert os.path.lexists(workplace / "shop")
