"""The arguments that `new-backend verify` rejects, and the combinations that it selects."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from new_backend.questions import Questionnaire
from new_backend.verify.plan import cases
from tests.harness.toys import left_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from new_backend.questions import Value
    from new_backend.template_source import TemplateSource
    from tests.harness.toys import Run

FLASK = "framework=flask,orm=sqlalchemy,database=sqlite,auth=none,concurrency=sync"
FLASK_ID = "flask-sqlalchemy-sqlite-none-sync"


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


@pytest.fixture(scope="module")
def questionnaire(small_template: TemplateSource) -> Questionnaire:
    return Questionnaire.read(small_template)


class TestBadInput:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("--stage", "render,nope"), '--stage render,nope: unknown stage "nope". Choose'),
            (("--stage", ""), "--stage : no stage is named. Choose from render, static, test"),
            (("--only", "colour=red"), '--only colour=red: invalid answer "colour=red". Use'),
            (("--only", "flask"), '--only flask: invalid answer "flask". Use QUESTION=CHOICE'),
            (("--only", ""), '--only : invalid answer "". Use QUESTION=CHOICE'),
            (("--only", "jwt=."), '--only jwt=.: invalid answer "jwt=."'),
            (("--only", "auth=jwt,auth=none"), "auth has two answers"),
            (("--only", "auth=magic"), 'invalid value "magic" for auth. Choose from none, jwt'),
            (("--only", "ci=jenkins"), 'invalid value "jenkins" for ci. Choose from github'),
            (
                ("--only", "framework=flask,orm=django"),
                "--only framework=flask,orm=django: no valid combination has these answers",
            ),
            (("--only", f"{FLASK},project_name=../x"), '"../x" is not a valid name'),
            (
                ("--only", f"{FLASK},ci=github", "--only", f"{FLASK},ci=gitlab"),
                f"--only: ci is both github and gitlab for {FLASK_ID}",
            ),
            (
                ("--strength", "most"),
                '--strength: invalid value "most". Use all, or a number from 1 to 7',
            ),
            (
                ("--strength", "0"),
                '--strength: invalid value "0". Use all, or a number from 1 to 7',
            ),
            (
                ("--strength=-1",),
                '--strength: invalid value "-1". Use all, or a number from 1 to 7',
            ),
            (("--shard", "3/2"), '--shard: invalid value "3/2". Use I/N with I from 1 to N'),
            (("--shard", "half"), '--shard: invalid value "half". Use I/N'),
            (
                ("--strength", "99"),
                '--strength: invalid value "99". Use all, or a number from 1 to 7',
            ),
            (("--strength", "9" * 5000), "Use all, or a number from 1 to 7"),
            (("--shard", "1/1000"), "--shard: 1000 parts are more than the "),
            (("--jobs", "0"), "'--jobs'"),
            (("--jobs", "100000"), "'--jobs'"),
            (("--resolution", "oldest"), "'oldest' is not one of 'highest', 'lowest-direct'"),
            (
                ("--template", "nowhere"),
                '--template: "nowhere" is not a folder and cannot be cloned',
            ),
            (("--template", "."), "--template .: there is no copier.yml in it"),
            (("--template", ""), '--template: "" is not a folder and cannot be cloned'),
            (("--stage", "test"), "has no tests/services, which this stage runs"),
            (("--stage", "contract"), "has no tests/contract, which this stage runs"),
            (("--merge",), "--merge: name one or more reports written by --json"),
            (("--merge", "gone.json"), "--merge: gone.json cannot be read: No such file"),
            (("report.json",), "report.json: reports need --merge"),
            (("--json", "gone/report.json"), "gone/report.json cannot be written"),
            (("--junit", "."), ". cannot be written"),
        ],
    )
    def test_rejects_invalid_arguments_before_any_work(
        self, run: Run, scratch: Path, workplace: Path, words: Sequence[str], said: str
    ) -> None:
        stage = () if "--stage" in words else ("--stage", "render")
        ended = run("verify", *stage, *words)

        assert ended.code == 2
        first, *hint = ended.err.splitlines()
        assert first.startswith("new-backend: ")
        assert said in first
        assert len(hint) <= 1
        assert ended.out == ""
        assert left_in(scratch) == left_in(workplace) == []

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "{}",
            '{"results": [1]}',
            '{"results": [{"combination": {}, "stage": "paint", "outcome": "passed"}]}',
            (
                '{"results": [{"combination": 1, "stage": "render", "outcome": "passed"}], '
                '"stages": [], "seconds": 1, "cpu_seconds": 1, "peak_megabytes": 1, "versions": {}}'
            ),
            '{"results": [], "stages": [], "seconds": null}',
        ],
    )
    def test_rejects_broken_report(self, run: Run, workplace: Path, text: str) -> None:
        (workplace / "broken.json").write_text(text)
        ended = run("verify", "--merge", "broken.json")

        assert ended.code == 2
        said = "new-backend: --merge: broken.json is not a report written by --json\n"
        assert ended.err == said


class TestSelection:
    def test_only_selects_combinations_with_the_answers(self, questionnaire: Questionnaire) -> None:
        found = cases(questionnaire, strength="all", only=["framework=flask,auth=jwt"], part=None)

        assert {(each.choices["framework"], each.choices["auth"]) for each in found} == {
            ("flask", "jwt")
        }
        assert len(found) == 2 * 3 * 2  # ORMs, databases, async and sync

    def test_repeated_only_is_a_union(self, questionnaire: Questionnaire) -> None:
        def cores(*only: str) -> set[tuple[Value | None, ...]]:
            return {
                tuple(each.choices.get(name) for name in questionnaire.combine)
                for each in cases(questionnaire, strength="all", only=only, part=None)
            }

        assert cores("auth=jwt", "database=sqlite") == cores("auth=jwt") | cores("database=sqlite")

    @pytest.mark.parametrize("ci", ["github", "gitlab", "none"])
    def test_accepts_answer_outside_the_combination(
        self, questionnaire: Questionnaire, ci: str
    ) -> None:
        found = cases(questionnaire, strength="1", only=[f"ci={ci}"], part=None)

        assert {each.answers["ci"] for each in found} == {ci}
        assert all(each.only.endswith(f",ci={ci}") for each in found)

    def test_only_of_a_case_selects_that_case(self, questionnaire: Questionnaire) -> None:
        for each in cases(questionnaire, strength="1", only=["ci=gitlab"], part=None):
            assert cases(questionnaire, strength="2", only=[each.only], part=None) == [each]

    def test_strength_selects_the_same_as_combinations(
        self, run: Run, questionnaire: Questionnaire
    ) -> None:
        for strength in ("1", "2", "3"):
            listed = json.loads(
                run("combinations", "--format", "json", "--strength", strength).out
            )["combinations"]
            found = cases(questionnaire, strength=strength, only=[], part=None)
            assert [each.choices for each in found] == listed
        listed = json.loads(run("combinations", "--format", "json").out)["combinations"]
        found = cases(questionnaire, strength="all", only=[], part=None)
        assert [each.choices for each in found] == listed

    def test_higher_strength_selects_more(self, questionnaire: Questionnaire) -> None:
        sizes = [
            len(cases(questionnaire, strength=strength, only=[], part=None))
            for strength in ("1", "2", "3", "all")
        ]
        assert all(fewer < more for fewer, more in pairwise(sizes))

    @pytest.mark.parametrize("strength", ["2", "all"])
    def test_shards_contain_all_cases_once(
        self, questionnaire: Questionnaire, strength: str
    ) -> None:
        whole = cases(questionnaire, strength=strength, only=[], part=None)
        shards = [
            cases(questionnaire, strength=strength, only=[], part=f"{index}/7")
            for index in range(1, 8)
        ]
        sizes = [len(part) for part in shards]

        assert max(sizes) - min(sizes) <= 1
        assert Counter(each.id for part in shards for each in part) == Counter(
            each.id for each in whole
        )
