"""The rules of `copier.yml`, compared with the tables that are written by hand."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import combinations, product

import pytest

from new_backend.answers import Answer, Given, Source, settle
from new_backend.errors import InputRefusedError
from new_backend.questions import Questionnaire
from new_backend.template_source import TemplateSource
from tests.harness.combinations import (
    ALL,
    CHOICES,
    CORES,
    COUNT,
    FEATURES,
    PROJECT_NAME,
    RULES,
    VERDICTS,
    Combination,
)
from tests.harness.rendering import CHECKOUT


@pytest.fixture(scope="module")
def questionnaire() -> Questionnaire:
    """The questions of `copier.yml`."""
    return Questionnaire.read(TemplateSource(CHECKOUT))


def test_table_covers_every_pair() -> None:
    pairs = {
        frozenset({(first, one), (second, other)})
        for first, second in combinations(CHOICES, 2)
        for one in CHOICES[first]
        for other in CHOICES[second]
    }

    assert set(VERDICTS) == pairs
    assert set(VERDICTS.values()) <= {"yes", *RULES}


def test_valid_combinations_match_table() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "new_backend", "combinations", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
    )

    found = json.loads(done.stdout)["combinations"]
    cores = [{name: each[name] for name in each if name in CHOICES} for each in found]
    assert sorted(map(str, cores)) == sorted(str(each.choices) for each in CORES)
    assert len(cores) == COUNT
    met = {pair for each in found for pair in product(each.items(), each.items())}
    for core in CORES:
        for choice in core.choices.items():
            assert {(choice, (name, each)) for name in FEATURES for each in FEATURES[name]} <= met


def test_rule_named_by_table_excludes_combination(
    questionnaire: Questionnaire,
) -> None:
    refused = [each for each in ALL if each.verdicts]

    wrong = {
        each.id: named
        for each in refused
        if not _agree(named := _rules_named(questionnaire, each), each.verdicts)
    }
    assert wrong == {}
    assert len(refused) == len(ALL) - COUNT


def _agree(named: set[str] | None, verdicts: set[str]) -> bool:
    """Whether the generator names only rules of the table.

    It names one rule for each answer at fault, and none for the consequences.
    """
    if named is None:
        return "unasked" in verdicts
    expected = {RULES[each] for each in verdicts if RULES[each]}
    return bool(named) and named <= expected


def _rules_named(questionnaire: Questionnaire, each: Combination) -> set[str] | None:
    """Return the rules by which the generator rejects the answers. None if it rejects them
    otherwise.
    """
    given = {"project_name": PROJECT_NAME, **each.choices}
    answers = {name: Answer(value, Source.FLAG, name) for name, value in given.items()}
    try:
        settled = settle(questionnaire, Given(answers, {}))
    except InputRefusedError as error:
        return set(re.findall(r"\(rule (\w+)\)", str(error))) or None
    # The rules accepted the answers, but the table says that a question is not asked or needs an
    # answer.
    return None if settled.values.keys() & CHOICES.keys() != each.choices.keys() else set()
