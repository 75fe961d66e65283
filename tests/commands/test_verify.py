"""`new-backend verify`, on small templates with small suites."""

from __future__ import annotations

import json
import os
import select
import shlex
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from uv import find_uv_bin

from new_backend.invocation import installed
from new_backend.questions import Questionnaire
from new_backend.template_source import TemplateSource
from new_backend.verify.plan import cases
from new_backend.verify.stages import Stage
from tests.harness.services import free_port
from tests.harness.toys import LAYERS, copy_questions, git, left_in, program, write_layers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.harness.toys import Ended, Run

FLASK = "framework=flask,orm=sqlalchemy,database=sqlite,auth=none,concurrency=sync,cache=none"
FLASK_ID = "flask-sqlalchemy-sqlite-none-sync"
FASTAPI = "framework=fastapi,orm=sqlalchemy,database=sqlite,auth=jwt,concurrency=async,cache=none"
FASTAPI_ID = "fastapi-sqlalchemy-sqlite-jwt-async"
BOTH = ("--only", FLASK, "--only", FASTAPI)
FOUR = ("--only", "framework=flask,database=sqlite,auth=none,cache=none", "--strength", "all")
"""Both ORMs, async and sync."""

WITH_TOOLS = LAYERS["{{common}}/pyproject.toml.jinja"].replace(
    "dev = []", 'dev = ["deptry", "mypy", "ruff"]\n\n[tool.mypy]\nfiles = ["src"]'
)
"""The project file of services that depend on the programs of `static`."""

OPTIONS = """\
def pytest_addoption(parser):
    parser.addoption("--service")
    parser.addoption("--address")
"""
PASSING = """\
def test_service(pytestconfig):
    with open("asked", "a") as asked:
        asked.write(pytestconfig.getoption("service") + "\\n")
"""
FAILING = """\
def test_service(pytestconfig):
    assert "flask" not in pytestconfig.getoption("service"), "no flask today"
"""
ENDLESS = """\
import os, threading

def test_service():
    with open("began", "w") as began:
        began.write(str(os.getpid()))
    threading.Event().wait(120)
"""
LEFTOVERS = """\
not-ours = [".copier-answers.yml"]
ignored = ["never"]
[places]
everywhere = { files = ["**"] }
[everywhere.auth]
none = ["jwt"]
[everywhere.concurrency]
sync = ["async"]
"""

TOY_SUITES = {
    "tests/conftest.py": OPTIONS,
    "tests/services/test_service.py": PASSING,
    "tests/contract/test_contract.py": PASSING,
    "tests/security/test_security.py": PASSING,
}


@dataclass(frozen=True)
class Row:
    """A stage in the printed table."""

    passed: int
    as_before: int
    failed: int
    not_run: int
    left_out: int = 0


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of verifications. Their cache is in the test's folder too."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    return folder


@pytest.fixture
def template(tmp_path: Path) -> Callable[..., TemplateSource]:
    """Create a template with its own suites, and with these files added or replaced."""

    def make(
        layers: Mapping[str, str] | None = None, files: Mapping[str, str] | None = None
    ) -> TemplateSource:
        root = tmp_path / "template"
        root.mkdir()
        copy_questions(root)
        write_layers(root, {**LAYERS, **(layers or {})})
        for name, text in {**TOY_SUITES, **(files or {})}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return TemplateSource(root)

    return make


@pytest.fixture(scope="module")
def questionnaire(small_template: TemplateSource) -> Questionnaire:
    return Questionnaire.read(small_template)


@pytest.fixture(scope="module")
def uv_cache() -> str:
    """uv's default cache, before a test changes it."""
    command = [find_uv_bin(), "cache", "dir"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch, uv_cache: str) -> None:
    """Let uv install packages, and use its default cache."""
    monkeypatch.setenv("UV_CACHE_DIR", uv_cache)
    monkeypatch.delenv("UV_OFFLINE")


def rows(ended: Ended) -> dict[str, Row]:
    """Read the printed table."""
    lines = ended.out.splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("stage "))
    read = [line.split() for line in lines[start + 1 :]]
    return {
        stage: Row(*map(int, (passed, as_before, failed, not_run, left_out)))
        for stage, passed, as_before, failed, left_out, not_run, _ in takewhile(
            lambda words: words[0] in list(Stage), read
        )
    }


def report(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def asked(source: TemplateSource) -> int:
    """Count the runs of a toy suite."""
    return len((source.root / "asked").read_text(encoding="utf-8").splitlines())


def test_rejects_stage_without_its_requirements() -> None:
    unable = "import sys; sys.modules['psycopg'] = None; from new_backend.cli import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", unable, "verify"], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        "new-backend: verify requires psycopg, which is not installed",
        "pip install 'new-backend[verify]'",
    ]


def test_shard_selects_a_part(run: Run, workplace: Path, questionnaire: Questionnaire) -> None:
    ended = run("verify", "--stage", "render", "--shard", "2/7", "--json", "report.json")

    expected = cases(questionnaire, strength="2", only=[], part="2/7")
    results = report(workplace / "report.json")["results"]
    assert ended.code == 0
    assert [each["combination"] for each in results] == [each.choices for each in expected]


class TestRender:
    @pytest.mark.parametrize(
        ("layers", "said"),
        [
            (
                {"{{framework_flask}}/src/{{package}}/wrong.py": "def ("},
                "src/corner_shop/wrong.py: ",
            ),
            ({"{{framework_flask}}/wrong.toml": "= 1"}, "wrong.toml: Invalid"),
            ({"{{framework_flask}}/wrong.json": "{"}, "wrong.json: Expecting property name"),
            (
                {"{{framework_flask}}/wrong.yaml": "a: [b"},
                "wrong.yaml: while parsing a flow sequence",
            ),
            (
                {"{{framework_flask}}/README.md": "# Flask\n"},
                (
                    "README.md comes from 2 layers: "
                    "{{common}}/README.md.jinja, {{framework_flask}}/README.md"
                ),
            ),
            (
                {"{{auth_none}}/docs/tokens.md": "# Keys\n\nA JWT.\n"},
                "docs/tokens.md:3: left over from another choice than auth=none: A JWT.",
            ),
            (
                {"{{auth_none}}/docs/jwt.md": ""},
                "docs/jwt.md: left over from another choice than auth=none: jwt",
            ),
            (
                {"{{framework_flask}}/wrong.md.jinja": "{{ nothing.there }}"},
                "template/layers/{{framework_flask}}/wrong.md.jinja: no question defines nothing",
            ),
            ({"{{framework_flask}}/wrong.md.jinja": "{% if %}"}, "wrong.md.jinja"),
            (
                {"{{framework_flask}}/{{framework_flask and nothing.there}}/x.md": ""},
                "'nothing' is undefined",
            ),
        ],
    )
    def test_finds_error_of_one_combination(
        self,
        run: Run,
        template: Callable[..., TemplateSource],
        scratch: Path,
        layers: Mapping[str, str],
        said: str,
    ) -> None:
        source = template(layers, {"tests/leftovers.toml": LEFTOVERS})
        ended = run("verify", "--stage", "render", "--jobs", "1", *BOTH, source=source)

        assert ended.code == 1
        heading, first, *_ = ended.out.splitlines()
        assert heading == f"FAILED render {FLASK_ID}"
        assert said in first
        assert rows(ended) == {"render": Row(passed=1, as_before=0, failed=1, not_run=0)}
        assert left_in(scratch) == []

    def test_rejects_broken_table_of_leftovers(
        self, run: Run, template: Callable[..., TemplateSource]
    ) -> None:
        source = template(files={"tests/leftovers.toml": "places = 1\n"})
        ended = run("verify", "--stage", "render", "--only", FLASK, source=source)

        assert ended.code == 1
        *_, last = ended.err.splitlines()
        assert last.startswith("new-backend: ")
        assert "tests/leftovers.toml cannot be read: AttributeError: " in last

    def test_failure_skips_later_stages(
        self, run: Run, template: Callable[..., TemplateSource]
    ) -> None:
        source = template({"{{framework_flask}}/wrong.toml": "= 1"})
        ended = run("verify", "--stage", "render,test,contract", *BOTH, source=source)

        assert ended.code == 1
        passed_and_not_run = Row(passed=1, as_before=0, failed=0, not_run=1)
        assert rows(ended) == {
            "render": Row(passed=1, as_before=0, failed=1, not_run=0),
            "test": passed_and_not_run,
            "contract": passed_and_not_run,
        }
        lines = [line for line in ended.err.splitlines() if FLASK_ID in line]
        assert [line.split(": ", 1)[1].split(",")[0] for line in lines] == [
            "failed", "not run", "not run",
        ]  # fmt: skip
        assert asked(source) == 3

    def test_reports_failure_of_earlier_stage(
        self, run: Run, workplace: Path, template: Callable[..., TemplateSource]
    ) -> None:
        source = template({"{{framework_flask}}/wrong.toml": "= 1"})
        words = ("--stage", "test", "--only", FLASK, "--junit", "junit.xml")
        ended = run("verify", *words, source=source)

        assert ended.code == 1
        assert f"FAILED render {FLASK_ID}" in ended.out
        assert rows(ended)["render"].failed == 1
        assert rows(ended)["test"].not_run == 1
        suites = ET.parse(workplace / "junit.xml").getroot()  # noqa: S314 - our own
        assert len(suites.findall(".//failure")) == 1
        first, *details, last = ended.err.splitlines()
        assert (first.split()[0], last.split()[0]) == ("[1/2]", "[2/2]")
        assert any("wrong.toml" in line for line in details)


class TestSuites:
    def test_failing_suite_fails_its_combination(
        self, run: Run, template: Callable[..., TemplateSource]
    ) -> None:
        source = template(files={"tests/services/test_service.py": FAILING})
        words = ("verify", "--template", str(source.root), "--stage", "test,contract")
        ended = run(*words, *BOTH)

        assert ended.code == 1
        assert f"FAILED test {FLASK_ID}" in ended.out
        assert "AssertionError: no flask today" in ended.out
        assert rows(ended) == {
            "test": Row(passed=1, as_before=0, failed=1, not_run=0),
            "contract": Row(passed=1, as_before=0, failed=0, not_run=1),
        }

        printed = next(line for line in ended.out.splitlines() if "Repeat it: " in line)
        program_name, *command = shlex.split(printed.partition(": ")[2])
        again = run(*command)
        assert [program_name] == installed()
        assert again.code == 1
        assert f"FAILED test {FLASK_ID}" in again.out
        assert rows(again) == {"test": Row(passed=0, as_before=0, failed=1, not_run=0)}
        assert again.out.count("combinations, 1 failed") == 1

    @pytest.mark.parametrize(
        ("suite", "said"),
        [
            ("", "no tests ran"),
            ("import pytest\n\n@pytest.mark.skip\ndef test_service(): ...\n", "1 skipped"),
            ("import nothing.there\n", "ModuleNotFoundError"),
        ],
    )
    def test_suite_without_tests_fails(
        self, run: Run, template: Callable[..., TemplateSource], suite: str, said: str
    ) -> None:
        source = template(files={"tests/security/test_security.py": suite})
        (source.root / "tests/contract/test_contract.py").unlink()
        ended = run("verify", "--stage", "contract", "--only", FLASK, source=source)

        assert ended.code == 1
        assert f"FAILED contract {FLASK_ID}" in ended.out
        assert said in ended.out

    def test_service_that_cannot_be_installed_fails(
        self, run: Run, template: Callable[..., TemplateSource]
    ) -> None:
        manifest = '[project]\nname = "shop"\nversion = "1"\ndependencies = ["no-such-thing-x"]\n'
        source = template({"{{common}}/pyproject.toml.jinja": manifest})
        ended = run("verify", "--stage", "test", "--only", FLASK, source=source)

        assert ended.code == 1
        assert "uv sync --quiet" in ended.out
        assert "no-such-thing-x" in ended.out


class TestStatic:
    def test_service_without_project_file_fails(
        self, run: Run, template: Callable[..., TemplateSource]
    ) -> None:
        source = template()
        (source.root / "template/layers/{{common}}/pyproject.toml.jinja").unlink()
        ended = run("verify", "--stage", "static", "--only", FLASK, source=source)

        assert ended.code == 1
        assert ended.out.splitlines()[:2] == [
            f"FAILED static {FLASK_ID}",
            "  there is no pyproject.toml",
        ]

    @pytest.mark.usefixtures("online")
    def test_finds_errors_of_format_lint_types_and_dependencies(
        self,
        run: Run,
        workplace: Path,
        template: Callable[..., TemplateSource],
    ) -> None:
        source = template(
            {
                "{{common}}/pyproject.toml.jinja": WITH_TOOLS,
                "{{framework_flask}}/src/{{package}}/wrong.py": (
                    "import os\nimport yaml\nx: int = 'a'\n"
                ),
            }
        )
        words = ("verify", "--stage", "static", *BOTH, "--json", "report.json")
        ended = run(*words, source=source)

        assert ended.code == 1
        assert rows(ended) == {"static": Row(passed=1, as_before=0, failed=1, not_run=0)}
        (found,) = (
            each["detail"]
            for each in report(workplace / "report.json")["results"]
            if each["outcome"] == "failed"
        )
        for command in ("ruff format --check", "ruff check", "mypy", "deptry"):
            assert f"\n{command}" in f"\n{found}"

    @pytest.mark.usefixtures("online")
    def test_type_check_uses_files_of_the_service(
        self,
        run: Run,
        template: Callable[..., TemplateSource],
    ) -> None:
        """mypy identifies files by name, second and size, which are equal for the versions of
        `word.py`.
        """
        source = template(
            {
                "{{common}}/pyproject.toml.jinja": WITH_TOOLS,
                "{{concurrency_sync}}/src/{{package}}/word.py": "WORD: str = input()\n",
                "{{concurrency_async}}/src/{{package}}/word.py": "WORD: int = len([])\n",
                "{{common}}/src/{{package}}/said.py": (
                    "from .word import WORD\n\nSAID: str = WORD\n"
                ),
            }
        )
        ended = run("verify", "--stage", "static", "--jobs", "1", *FOUR, source=source)

        assert rows(ended) == {"static": Row(passed=2, as_before=0, failed=2, not_run=0)}
        failed = [line for line in ended.out.splitlines() if line.startswith("FAILED")]
        assert all(line.endswith("-async") for line in failed)

    @pytest.mark.usefixtures("online")
    def test_environment_for_more_services_is_reused_for_fewer(
        self,
        run: Run,
        tmp_path: Path,
        template: Callable[..., TemplateSource],
    ) -> None:
        manifest = WITH_TOOLS.replace(
            '"ruff"]', '"ruff"{{ \', "iniconfig"\' if framework_flask else "" }}]'
        )
        source = template({"{{common}}/pyproject.toml.jinja": manifest})

        def made(*only: str) -> int:
            """Verify these combinations, and return the number of environments."""
            run("verify", "--stage", "static", *only, source=source)
            return len(left_in(tmp_path / "cache" / "new-backend" / "verify" / "environments"))

        assert made(*BOTH) == 1
        assert made("--only", FASTAPI) == 1
        path = source.root / "template/layers/{{common}}/pyproject.toml.jinja"
        path.write_text(manifest.replace("iniconfig", "pluggy"), encoding="utf-8")
        assert made(*BOTH) == 2


ON_SERVERS = {name: FASTAPI.replace("sqlite", name) for name in ("postgresql", "mysql")}
VARIABLES = {"postgresql": "NEW_BACKEND_POSTGRESQL", "mysql": "NEW_BACKEND_MYSQL"}
CONNECTING = """\
import os, psycopg

def test_service(pytestconfig):
    psycopg.connect(os.environ["NEW_BACKEND_POSTGRESQL"]).close()
"""


@pytest.fixture
def without_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the database servers of this machine, as outside CI."""
    monkeypatch.delenv("CI", raising=False)
    for scheme, name in (("postgresql", "postgresql"), ("mariadb", "mysql")):
        monkeypatch.setenv(VARIABLES[name], f"{scheme}://absent@127.0.0.1:{free_port()}/none")


@pytest.mark.usefixtures("without_servers")
class TestMissingServer:
    def test_omits_its_combinations_and_prints_how_to_include_them(
        self, run: Run, template: Callable[..., TemplateSource]
    ) -> None:
        words = ("--stage", "test,contract", "--only", ON_SERVERS["mysql"], "--only", FLASK)
        ended = run("verify", *words, source=template())

        assert ended.code == 0
        row = Row(passed=1, as_before=0, failed=0, not_run=0, left_out=1)
        assert rows(ended) == {"test": row, "contract": row}
        left_out, include, _ = ended.out.splitlines()[-3:]
        assert left_out.startswith(
            "Left out of test and contract: 1 of 2 combinations, as no MySQL or MariaDB answers on "
        )
        assert "docker run" in left_out
        command = f"verify --stage test,contract --only {ON_SERVERS['mysql']}"
        assert include == f"Then include them: {shlex.join(installed())} {command}"

    @pytest.mark.parametrize("kind", ["postgresql", "mysql"])
    def test_fails_its_combinations_in_ci(
        self,
        run: Run,
        template: Callable[..., TemplateSource],
        monkeypatch: pytest.MonkeyPatch,
        kind: str,
    ) -> None:
        monkeypatch.setenv("CI", "true")
        words = ("--stage", "test", "--only", ON_SERVERS[kind], "--only", FLASK)
        ended = run("verify", *words, source=template())

        assert ended.code == 1
        assert rows(ended) == {"test": Row(1, as_before=0, failed=1, not_run=0)}
        assert "docker run" in ended.out

    def test_postgresql_comes_from_its_wheel(
        self,
        run: Run,
        template: Callable[..., TemplateSource],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        # If root starts the server, it runs as another user, who cannot enter pytest's folders.
        monkeypatch.delenv("TMPDIR")
        monkeypatch.setattr(tempfile, "tempdir", None)
        source = template(files={"tests/services/test_service.py": CONNECTING})
        ended = run("verify", "--stage", "test", "--only", ON_SERVERS["postgresql"], source=source)

        assert ended.code == 0, ended.out
        assert rows(ended) == {"test": Row(1, as_before=0, failed=0, not_run=0)}


class TestOutcome:
    def test_success_exits_0(self, run: Run, template: Callable[..., TemplateSource]) -> None:
        ended = run("verify", "--stage", "render", *BOTH, source=template())

        assert ended.code == 0
        header, row, last = ended.out.splitlines()
        assert " ".join(header.split()) == "stage passed as before failed left out not run seconds"
        assert row.split()[:5] == ["render", "2", "0", "0", "0"]
        assert last.startswith("2 combinations, none failed; ")
        assert len(ended.err.splitlines()) == 2

    def test_merged_shards_equal_the_whole_run(
        self, run: Run, workplace: Path, template: Callable[..., TemplateSource]
    ) -> None:
        source = template(
            {
                "{{framework_flask}}/docs/{{concurrency_async}}/x.md": "",
                "{{concurrency_sync}}/docs/x.md": "async\n",
            },
            {"tests/leftovers.toml": LEFTOVERS},
        )
        words = ("verify", "--stage", "render", "--jobs", "1", *FOUR)
        files = ("--json", "whole.json", "--junit", "whole.xml")
        whole = run(*words, *files, source=source)
        shards = [
            run(*words, "--shard", f"{index}/3", "--json", f"{index}.json", source=source)
            for index in (1, 2, 3)
        ]
        merged = run(
            "verify", "--merge", "1.json", "2.json", "3.json", "--json", "merged.json",
            "--junit", "merged.xml",
        )  # fmt: skip

        assert whole.code == merged.code == 1
        assert {each.code for each in shards} == {0, 1}
        assert rows(whole) == rows(merged)
        assert rows(merged) == {"render": Row(passed=2, as_before=0, failed=2, not_run=0)}
        assert merged.out.count(f"Repeat it: {shlex.join(installed())} verify --only ") == 2

        expected, found = (report(workplace / name) for name in ("whole.json", "merged.json"))
        assert expected["version"] == found["version"] == 1
        assert sorted(found["failed"], key=str) == sorted(expected["failed"], key=str)
        assert all(str(each).endswith("-sync render") for each in found["failed"])
        assert expected["stages"] == found["stages"] == ["render"]
        assert expected["versions"] == found["versions"]
        for name in ("seconds", "cpu_seconds", "peak_megabytes"):
            assert isinstance(found[name], (int, float))
            assert isinstance(expected[name], (int, float))
        assert found["results"][0].keys() == {
            "id", "combination", "stage", "outcome", "seconds", "cached", "detail", "repeat",
        }  # fmt: skip
        assert Counter(each["outcome"] for each in expected["results"]) == {
            "passed": 2,
            "failed": 2,
        }

        for name in ("whole.xml", "merged.xml"):
            suites = ET.parse(workplace / name).getroot()  # noqa: S314 - our own
            (suite,) = suites
            assert suite.get("name") == "render"
            assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == (
                ("4", "2", "0")
            )
            assert len(suite.findall("testcase")) == 4
            assert len(suite.findall("testcase/failure")) == 2

    def test_unchecked_parts_are_reported_once(
        self, run: Run, workplace: Path, template: Callable[..., TemplateSource]
    ) -> None:
        missed = "The migrations on mysql were not compared with the models: no server answers"
        source = template()
        for number, only in enumerate((FLASK, FASTAPI)):
            name = f"{number}.json"
            run("verify", "--stage", "render", "--only", only, "--json", name, source=source)
            changed = {**report(workplace / name), "left_out": [missed]}
            (workplace / name).write_text(json.dumps(changed), encoding="utf-8")

        assert run("verify", "--merge", "0.json", "1.json").out.count(missed) == 1

    def test_rejects_reports_of_the_same_combination(
        self, run: Run, template: Callable[..., TemplateSource]
    ) -> None:
        run("verify", "--stage", "render", "--only", FLASK, "--json", "a.json", source=template())
        ended = run("verify", "--merge", "a.json", "a.json")

        assert ended.code == 2
        first, _ = ended.err.splitlines()
        said = f"--merge: several of these reports contain {FLASK_ID} render"
        assert first == f"new-backend: {said}"


class TestCache:
    def test_passed_stage_does_not_run_again(
        self, run: Run, template: Callable[..., TemplateSource]
    ) -> None:
        source = template()
        words = ("verify", "--stage", "test", "--only", FLASK)

        def passes(*more: str) -> tuple[int, int]:
            """Return how often the suite has run, and what the table reports as cached."""
            ended = run(*words, *more, source=source)
            assert ended.code == 0
            assert rows(ended)["test"].passed == 1
            return asked(source), rows(ended)["test"].as_before

        assert passes() == (1, 0)
        assert passes() == (1, 1)
        assert passes("--no-cache") == (2, 0)
        readme = source.root / "template" / "layers" / "{{common}}" / "README.md.jinja"
        readme.write_text("# Changed\n")
        assert passes() == (3, 0)
        suite = source.root / "tests" / "services" / "test_service.py"
        suite.write_text(f"{PASSING}\n# Changed\n")
        assert passes() == (4, 0)
        assert passes() == (4, 1)
        git(source.root, "init", "--quiet")
        for _ in range(2):
            git(source.root, "commit", "--quiet", "--allow-empty", "--message", "Say nothing")
            assert passes() == (4, 1)

    def test_failed_stage_runs_again(
        self, run: Run, template: Callable[..., TemplateSource]
    ) -> None:
        source = template(files={"tests/services/test_service.py": f"{PASSING}    assert False\n"})
        words = ("verify", "--stage", "test", "--only", FLASK)

        assert run(*words, source=source).code == run(*words, source=source).code == 1
        assert asked(source) == 2


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is another thing there")
class TestInterruption:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_ends_programs_and_leaves_nothing(
        self,
        workplace: Path,
        scratch: Path,
        template: Callable[..., TemplateSource],
        number: signal.Signals,
    ) -> None:
        source = template(files={"tests/services/test_service.py": ENDLESS})
        began = source.root / "began"
        os.mkfifo(began)
        words = ("--stage", "test,contract", "--jobs", "1", "--json", "report.json")
        process = subprocess.Popen(
            program(source, "verify", *words, *BOTH),
            cwd=workplace,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell ignores the signal for background jobs, and their child processes inherit
            # that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - takes no lock
        )
        suite = _written(began)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)

        assert process.returncode == 128 + number
        assert out == ""
        assert "Traceback" not in err
        with pytest.raises(ProcessLookupError):
            os.kill(suite, 0)
        assert [each for each in left_in(scratch) if not each.startswith("uv-")] == []
        assert left_in(workplace) == []
        if number == signal.SIGINT:
            assert err.splitlines()[-1].startswith("new-backend: interrupted")


def _written(fifo: Path) -> int:
    """Read a number as soon as a process writes it."""
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        ready, _, _ = select.select([reading], [], [], 60)
        assert ready, "the suite did not begin"
        return int(os.read(reading, 100))
    finally:
        os.close(reading)
