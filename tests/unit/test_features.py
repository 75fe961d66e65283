"""Features: questions whose choices are covered in pairs, but not multiplied."""

from __future__ import annotations

import json
from itertools import combinations as subsets
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from new_backend import combinations
from new_backend.combinations import all_combinations, cover, name_of
from new_backend.questions import Questionnaire
from new_backend.template_source import TemplateSource
from new_backend.verify.plan import cases
from tests.harness.toys import copy_questions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.harness.toys import Run

    Row = dict[str, Any]

TOY = """
_groups: [{ title: All, questions: [kind, early, store, size, cache, lifetime, mail, sms] }]
_combine: [kind, store, size]
_features: [early, cache, lifetime, mail, sms]
kind: { help: Kind, default: web, choices: [web, batch, desk] }
early: { type: bool, help: Early, default: false }
store:
  help: Store
  default: sql
  choices:
    sql: sql
    files: { value: files, validator: "{{ 'no' if early }}" }
size: { help: Size, default: s, choices: [s, m], when: "{{ kind != 'desk' }}" }
rule_redis: { type: str, when: false, default: "{{ 'no' if kind == 'batch' else '' }}" }
cache:
  help: Cache
  default: none
  choices:
    none: none
    redis: { value: redis, validator: "{{ rule_redis }}" }
    memory: memory
lifetime:
  help: Lifetime
  default: short
  choices: [short, long]
  when: "{{ cache != 'none' }}"
mail: { type: bool, help: Mail, default: true }
sms:
  help: Text messages
  default: none
  choices:
    none: none
    paid: { value: paid, validator: "{{ 'no' if not mail or lifetime == 'long' }}" }
"""
CORE = ("kind", "store", "size")
FEATURES = ("early", "cache", "lifetime", "mail", "sms")


def valid_rows() -> Iterator[Row]:
    """Yield every valid row. The rules are written by hand."""
    for kind, store, size, early, cache, lifetime, mail, sms in product(
        ("web", "batch", "desk"),
        ("sql", "files"),
        ("s", "m", None),
        (True, False),
        ("none", "redis", "memory"),
        ("short", "long", None),
        (True, False),
        ("none", "paid"),
    ):
        row = {
            "kind": kind, "store": store, "size": size, "early": early,
            "cache": cache, "lifetime": lifetime, "mail": mail, "sms": sms,
        }  # fmt: skip
        if (
            (size is None) == (kind == "desk")
            and (lifetime is None) == (cache == "none")
            and not (store == "files" and early)
            and not (cache == "redis" and kind == "batch")
            and not (sms == "paid" and (not mail or lifetime == "long"))
        ):
            yield {name: value for name, value in row.items() if value is not None}


VALID = list(valid_rows())


def sets(rows: Sequence[Mapping[str, Any]], strength: int) -> set[tuple[object, ...]]:
    return {
        tuple((name, row.get(name)) for name in names)
        for row in rows
        for names in subsets((*CORE, *FEATURES), strength)
    }


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Questionnaire:
    root = tmp_path_factory.mktemp("features")
    (root / "copier.yml").write_text(TOY, encoding="utf-8")
    return Questionnaire.read(TemplateSource(root))


def with_switches(root: Path, count: int, **last: str) -> Questionnaire:
    """Return the real questions and so many features that are on or off."""
    copy_questions(root)
    config = root / "copier.yml"
    data = yaml.safe_load(config.read_text(encoding="utf-8"))
    names = [f"switch_{number}" for number in range(count)]
    data["_features"] = names
    data["_groups"][-1]["questions"] += names
    for name in names:
        data[name] = {"type": "bool", "help": "Switch", "default": False}
    data[names[-1]].update(last)
    config.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return Questionnaire.read(TemplateSource(root))


@pytest.fixture(scope="module")
def with_cache(tmp_path_factory: pytest.TempPathFactory) -> Questionnaire:
    """The real questions, with two features."""
    root = tmp_path_factory.mktemp("cache")
    copy_questions(root)
    config = root / "copier.yml"
    data = yaml.safe_load(config.read_text(encoding="utf-8"))
    data["_features"] = ["cache", "metrics"]
    data["_groups"][-1]["questions"] += ["cache", "metrics"]
    refusal = "{{ 'no cache without a server' if database == 'sqlite' }}"
    data["cache"] = {
        "type": "str",
        "help": "Cache",
        "default": "none",
        "choices": {"None": "none", "Redis": {"value": "redis", "validator": refusal}},
    }
    data["metrics"] = {"type": "bool", "help": "Metrics", "default": False}
    config.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return Questionnaire.read(TemplateSource(root))


class TestCover:
    @pytest.mark.parametrize("strength", [1, 2, 3, 4])
    def test_contains_every_valid_set_in_few_rows(self, toy: Questionnaire, strength: int) -> None:
        rows = cover(toy, strength)

        assert [row for row in rows if row not in VALID] == []
        assert sets(rows, strength) == sets(VALID, strength)
        assert len(rows) < len(VALID) / 2

    def test_of_all_contains_each_core_and_every_pair_with_a_feature(
        self, toy: Questionnaire
    ) -> None:
        rows = cover(toy, None)

        def core(row: Row) -> tuple[object, ...]:
            return tuple(row.get(name) for name in CORE)

        cores = list(dict.fromkeys(map(core, VALID)))
        assert list(dict.fromkeys(map(core, rows))) == [
            tuple(each.get(name) for name in CORE) for each in all_combinations(toy)
        ]
        assert {core(row) for row in rows} == set(cores)
        assert [row for row in rows if row not in VALID] == []
        assert sets(rows, 2) == sets(VALID, 2)
        assert len(rows) < len(cores) * 2

    def test_is_deterministic(self, toy: Questionnaire) -> None:
        again = Questionnaire.read(toy.source)

        assert cover(toy, 2) == cover(again, 2)
        assert cover(toy, None) == cover(again, None)

    @pytest.mark.parametrize(
        "only",
        [
            [{"cache": "redis"}],
            [{"kind": "desk", "mail": False}, {"store": "files"}],
            [{"early": True}],
        ],
    )
    @pytest.mark.parametrize("strength", [2, None])
    def test_of_selected_answers_contains_their_pairs(
        self, toy: Questionnaire, only: list[Row], strength: int | None
    ) -> None:
        rows = cover(toy, strength, only)
        fitting = [row for row in VALID if any(each.items() <= row.items() for each in only)]

        assert [row for row in rows if row not in fitting] == []
        assert sets(rows, 2) == sets(fitting, 2)

    def test_of_excluded_answers_is_empty(self, toy: Questionnaire) -> None:
        assert cover(toy, 2, [{"kind": "batch", "cache": "redis"}]) == []

    def test_of_ten_features_has_few_rows_and_renders_each_rule_a_few_times(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        questionnaire = with_switches(tmp_path, 10)
        rendered: list[str] = []
        render = Questionnaire.render

        def counted(self: Questionnaire, text: str, context: Mapping[str, Any]) -> str:
            rendered.append(text)
            assert len(rendered) < 10_000
            return render(self, text, context)

        monkeypatch.setattr(Questionnaire, "render", counted)
        rows = cover(questionnaire, 2)

        assert len(rows) <= 24
        everything = cover(questionnaire, None)
        cores = {name_of(questionnaire, core) for core in all_combinations(questionnaire)}
        assert len(everything) == len(cores) == 195
        # The features stay off as soon as every pair has occurred.
        assert sum(name_of(questionnaire, row) in cores for row in everything) > 100
        rule = str(questionnaire.by_name["rule_drf_has_no_async_views"].default)
        assert 0 < rendered.count(rule) < 200

    def test_search_skips_features_that_are_not_to_blame(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between two features that exclude each other, 2 ** 22 rows would be tried."""
        count = 24
        questionnaire = with_switches(tmp_path, count, when="{{ not switch_0 }}")
        steps = iter(range(2_000_000))
        allowed = combinations._Space.allowed  # noqa: SLF001 - counts its steps

        def counted(self: Any, name: str, row: Mapping[str, Any]) -> Sequence[Any]:
            assert next(steps, None) is not None, "the search does not end"
            return allowed(self, name, row)

        monkeypatch.setattr(combinations._Space, "allowed", counted)  # noqa: SLF001
        rows = cover(questionnaire, 2)

        assert not any(row["switch_0"] and f"switch_{count - 1}" in row for row in rows)
        assert {row.get(f"switch_{count - 1}") for row in rows} == {True, False, None}


class TestNames:
    def test_contain_features_that_differ_from_the_default(self, toy: Questionnaire) -> None:
        core: Row = {"kind": "web", "store": "sql", "size": "s"}
        off: Row = {"early": False, "cache": "none", "mail": True, "sms": "none"}

        assert name_of(toy, {**core, **off}) == "web-sql-s"
        assert name_of(toy, {**core, **off, "cache": "redis", "lifetime": "short"}) == (
            "web-sql-s-cache-redis"
        )
        assert name_of(toy, {**core, **off, "early": True, "mail": False}) == (
            "web-sql-s-early-no-mail"
        )

    def test_of_all_valid_rows_differ(self, toy: Questionnaire) -> None:
        assert len({name_of(toy, row) for row in VALID}) == len(VALID)


class TestCommands:
    def test_combinations_list_the_answers_of_features(self, run: Run, toy: Questionnaire) -> None:
        lines = run("combinations", source=toy.source).out.splitlines()
        rows = json.loads(run("combinations", "--format", "json", source=toy.source).out)
        pairs = run("combinations", "--count", "--strength", "2", source=toy.source)

        assert lines[0].startswith("kind=web store=sql size=s early=")
        assert rows["combinations"] == cover(toy, None)
        assert len(lines) == len(cover(toy, None))
        assert pairs.out == f"{len(cover(toy, 2))}\n"

    def test_gitlab_jobs_select_one_combination_each(self, run: Run, toy: Questionnaire) -> None:
        pipeline = json.loads(run("combinations", "--format", "gitlab", source=toy.source).out)
        found = [
            [each.choices for each in cases(toy, strength="2", only=[job["ONLY"]], part=None)]
            for job in pipeline["verify"]["parallel"]["matrix"]
        ]

        assert found == [[row] for row in cover(toy, None)]

    @pytest.mark.parametrize(
        ("features", "message"),
        [
            ("[mail, colour]", "_features: colour is not a question with choices"),
            ("[rule_redis]", "_features: rule_redis is not a question with choices"),
            ("[mail, kind]", "kind is in _combine and in _features. Remove one"),
        ],
    )
    def test_unsuitable_feature_is_one_line(
        self, run: Run, tmp_path: Path, features: str, message: str
    ) -> None:
        before = "_features: [early, cache, lifetime, mail, sms]"
        text = TOY.replace(before, f"_features: {features}")
        (tmp_path / "copier.yml").write_text(text, encoding="utf-8")
        ended = run("combinations", source=TemplateSource(tmp_path))

        assert ended.code == 1
        assert ended.err == f"new-backend: copier.yml: {message}\n"


class TestCases:
    def test_only_selects_a_choice_of_a_feature(self, with_cache: Questionnaire) -> None:
        found = cases(with_cache, strength="2", only=["cache=redis"], part=None)

        assert {each.answers["cache"] for each in found} == {"redis"}
        assert {each.answers["database"] for each in found} == {"postgresql", "mysql"}
        assert {each.answers["metrics"] for each in found} == {True, False}
        assert all("-cache-redis" in each.id for each in found)

    @pytest.mark.parametrize("strength", ["2", "all"])
    def test_only_of_a_case_selects_that_case(
        self, with_cache: Questionnaire, strength: str
    ) -> None:
        found = cases(with_cache, strength=strength, only=["ci=gitlab"], part="1/9")

        assert len({each.id for each in found}) == len(found) > 1
        for each in found:
            assert cases(with_cache, strength=strength, only=[each.only], part=None) == [each]

    def test_rejects_excluded_pair(self, run: Run, with_cache: Questionnaire) -> None:
        ended = run("verify", "--only", "database=sqlite,cache=redis", source=with_cache.source)

        assert ended.code == 2
        assert "no valid combination has these answers" in ended.err
