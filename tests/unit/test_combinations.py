"""All combinations, covers and shards."""

from __future__ import annotations

import json
from itertools import combinations as subsets
from typing import TYPE_CHECKING

import pytest

from new_backend.combinations import covering, shard
from new_backend.questions import Questionnaire
from new_backend.verify.plan import cases

if TYPE_CHECKING:
    from new_backend.questions import Value
    from new_backend.template_source import TemplateSource
    from tests.harness.toys import Run

NAMES = ("a", "b", "c", "d", "e")
# Rules exclude some pairs, and d is asked only if a is 1.
VALID: list[dict[str, Value]] = [
    {"a": a, "b": b, "c": c, "e": e, **({"d": d} if d else {})}
    for a in "1234"
    for b in "wxyz"
    for c in "pq"
    for d in (("on", "off") if a == "1" else ("",))
    for e in "mn"
    if not (a == "2" and b in "wx") and not (b == "z" and c == "q" and e == "n")
]


def choices_of(combinations: list[dict[str, Value]], strength: int) -> set[tuple[object, ...]]:
    return {
        tuple((name, combination.get(name)) for name in names)
        for combination in combinations
        for names in subsets(NAMES, strength)
    }


@pytest.mark.parametrize("strength", [1, 2, 3])
def test_cover_contains_every_valid_set_of_choices_in_fewer_rows(strength: int) -> None:
    cover = covering(VALID, strength)

    assert choices_of(cover, strength) == choices_of(VALID, strength)
    assert all(combination in VALID for combination in cover)
    assert len(cover) < len(VALID)


def test_cover_of_pairs_is_small() -> None:
    assert len(covering(VALID, 2)) <= len(VALID) // 3


def test_cover_is_deterministic() -> None:
    assert covering(VALID, 2) == covering(list(VALID), 2)


@pytest.mark.parametrize("strength", [5, 6])
def test_strength_of_all_questions_selects_everything(strength: int) -> None:
    assert covering(VALID, strength) == VALID


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shards_are_disjoint_equal_and_complete(count: int) -> None:
    shards = [shard(VALID, f"{index}/{count}") for index in range(1, count + 1)]
    sizes = [len(part) for part in shards]

    assert max(sizes) - min(sizes) <= 1
    assert sorted(sorted(row.items()) for part in shards for row in part) == sorted(
        sorted(row.items()) for row in VALID
    )


class TestCommand:
    def test_default_format_is_lines(self, run: Run) -> None:
        ended = run("combinations")

        assert ended.code == 0
        first = ended.out.splitlines()[0]
        assert first.startswith("framework=fastapi orm=sqlalchemy database=")

    def test_json_is_an_array_of_objects(self, run: Run) -> None:
        rows = json.loads(run("combinations", "--format", "json").out)["combinations"]

        assert {"framework", "orm", "database", "auth", "concurrency", "cache"} == rows[0].keys()

    def test_github_is_one_line_for_a_matrix(self, run: Run) -> None:
        ended = run("combinations", "--format", "github", "--shard", "1/2")

        assert ended.out.count("\n") == 1
        assert isinstance(json.loads(ended.out)["include"], list)

    def test_gitlab_jobs_pass_only_to_verify(
        self, run: Run, small_template: TemplateSource
    ) -> None:
        words = ("--strength", "1", "--shard", "1/2")
        rows = json.loads(run("combinations", "--format", "json", *words).out)["combinations"]
        pipeline = json.loads(run("combinations", "--format", "gitlab", *words).out)
        matrix = pipeline["verify"]["parallel"]["matrix"]

        assert pipeline.keys() == {"verify"}
        assert all(variables.keys() == {"ONLY"} for variables in matrix)
        questionnaire = Questionnaire.read(small_template)
        found = [
            cases(questionnaire, strength="2", only=[variables["ONLY"]], part=None)
            for variables in matrix
        ]
        assert [[each.choices for each in only] for only in found] == [[row] for row in rows]

    def test_prints_count(self, run: Run) -> None:
        everything = json.loads(run("combinations", "--format", "json").out)["combinations"]
        assert run("combinations", "--count").out == f"{len(everything)}\n"
        assert int(run("combinations", "--count", "--strength", "2").out) < len(everything)

    @pytest.mark.parametrize("part", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2", "1/2/3", ""])
    def test_rejects_invalid_shard(self, run: Run, part: str) -> None:
        ended = run("combinations", f"--shard={part}")

        assert ended.code == 2
        assert f'--shard: invalid value "{part}". Use I/N' in ended.err
        assert ended.out == ""

    @pytest.mark.parametrize("strength", ["0", "-1", "8", "99", "two", "9" * 5000])
    def test_rejects_invalid_strength(self, run: Run, strength: str) -> None:
        ended = run("combinations", "--strength", strength)

        assert ended.code == 2
        assert "Use a number from 1 to" in ended.err

    def test_rejects_unknown_format(self, run: Run) -> None:
        ended = run("combinations", "--format", "xml")

        assert ended.code == 2
        assert "xml" in ended.err
        assert "lines" in ended.err
