"""The combinations of choices that the tests run on.

The tables are written by hand on purpose. They are the oracle for the rules in `copier.yml`, so
nothing in them is derived from that file.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations, product
from typing import TYPE_CHECKING

import yaml

from new_backend.combinations import covering

if TYPE_CHECKING:
    from pathlib import Path

RUNNING_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The Python of this test run, for which the services are rendered."""

PROJECT_NAME = "corner-shop"
"""Contains a hyphen, so that a confusion of the project name with the package name shows."""

PACKAGE = "corner_shop"

# ---------------------------------------------------------------- The oracle

CHOICES = {
    "framework": ("fastapi", "flask", "django"),
    "orm": ("sqlalchemy", "sqlmodel", "django"),
    "database": ("postgresql", "mysql", "sqlite"),
    "auth": ("none", "jwt", "session", "api-key", "oidc"),
    "concurrency": ("sync", "async"),
    "django_api": ("ninja", "drf", ""),
}
"""The choices of each question. "" means that the question is not asked."""

FEATURES = {"cache": ("none", "redis", "memcached")}
"""The choices of each feature. The first one means that a service does not have it."""

ALL_BUT_AUTH = (*(question for question in CHOICES if question != "auth"), *FEATURES)
"""For `once_per`: everything behind the login is the same for every kind of auth."""

PAIRS = """
                    framework                   orm                            concurrency
                    fastapi  flask    django    sqlalchemy  sqlmodel  django   sync     async
orm=sqlalchemy      yes      yes      yes       -           -         -        yes      yes
orm=sqlmodel        yes      yes      sqlmodel  -           -         -        yes      yes
orm=django          orm      orm      yes       -           -         -        yes      yes
django_api=ninja    unasked  unasked  yes       yes         yes       yes      yes      yes
django_api=drf      unasked  unasked  yes       drf-orm     drf-orm   yes      yes      drf-async
django_api=         yes      yes      unasked   yes         yes       yes      yes      yes

                    database                    auth
                    postgresql  mysql  sqlite   none     jwt      session  api-key  oidc
framework=fastapi   yes         yes    yes      yes      yes      yes      yes      yes
framework=flask     yes         yes    yes      yes      yes      yes      yes      yes
framework=django    yes         yes    yes      yes      yes      yes      yes      yes
orm=sqlalchemy      yes         yes    yes      yes      yes      yes      yes      yes
orm=sqlmodel        yes         yes    yes      yes      yes      yes      yes      yes
orm=django          yes         yes    yes      yes      yes      yes      yes      yes
concurrency=sync    yes         yes    yes      yes      yes      yes      yes      yes
concurrency=async   yes         yes    yes      yes      yes      yes      yes      yes
django_api=ninja    yes         yes    yes      yes      yes      yes      yes      yes
django_api=drf      yes         yes    yes      yes      yes      yes      yes      yes
django_api=         yes         yes    yes      yes      yes      yes      yes      yes
auth=none           yes         yes    yes      -        -        -        -        -
auth=jwt            yes         yes    yes      -        -        -        -        -
auth=session        yes         yes    yes      -        -        -        -        -
auth=api-key        yes         yes    yes      -        -        -        -        -
auth=oidc           yes         yes    yes      -        -        -        -        -

                    concurrency
                    sync        async
framework=fastapi   yes         yes
framework=flask     yes         yes
framework=django    yes         yes
"""
"""For each two choices: whether they are compatible, or the key of the rule that excludes them."""

RULES = {
    "sqlmodel": "sqlmodel_is_not_for_django",
    "orm": "django_orm_needs_django",
    "drf-orm": "drf_needs_the_django_orm",
    "drf-async": "drf_has_no_async_views",
    "unasked": "",
}
"""The name of each rule. It is empty where the other choice decides whether the question is
asked.
"""

COUNT = 195
"""FastAPI and Flask: 2 ORMs x 3 databases x 5 auths x 2 concurrencies, 60 each. Django: 30
with SQLAlchemy and ninja, 30 with its own ORM and ninja, 15 with its own ORM and DRF.
"""

SIGNING = ("jwt", "session", "oidc")
"""The kinds of auth that sign data themselves. Django's own accounts always do."""

Choice = tuple[str, str]


def _verdicts() -> dict[frozenset[Choice], str]:
    """Read the verdicts of `PAIRS` for each two choices."""
    verdicts: dict[frozenset[Choice], str] = {}
    for block in PAIRS.strip("\n").split("\n\n"):
        questions, values, *rows = block.splitlines()
        starts = {questions.index(name): name for name in questions.split()}
        columns: list[Choice] = []
        position = 0
        for value in values.split():
            position = values.index(value, position)
            question = starts[max(start for start in starts if start <= position)]
            columns.append((question, value))
            position += len(value)
        for row in rows:
            label, *cells = row.split()
            question, _, value = label.partition("=")
            for column, cell in zip(columns, cells, strict=True):
                if cell != "-":
                    verdicts[frozenset({(question, value), column})] = cell
    return verdicts


VERDICTS = _verdicts()


# ---------------------------------------------------------------- Derived from the oracle


@dataclass(frozen=True)
class Combination:
    """One way to answer the questions that make up a combination, and the features."""

    framework: str
    orm: str
    database: str
    auth: str
    concurrency: str
    django_api: str = ""
    cache: str = "none"

    @property
    def choices(self) -> dict[str, str]:
        """The answers to the questions of the core that are asked."""
        answers = {name: getattr(self, name) for name in CHOICES}
        return {name: value for name, value in answers.items() if value}

    @property
    def features(self) -> dict[str, str]:
        """The choice of each feature."""
        return {name: getattr(self, name) for name in FEATURES}

    @property
    def id(self) -> str:
        """The name of the combination in test IDs, folders and databases."""
        chosen = [f"{name}-{choice}" for name, choice in self.features.items() if choice != "none"]
        return "-".join([*self.choices.values(), *chosen])

    @property
    def signs(self) -> bool:
        """Whether the service signs data, and so has a SECRET_KEY."""
        return self.auth in SIGNING or (self.auth != "none" and self.orm == "django")

    @property
    def verdicts(self) -> set[str]:
        """The verdicts on its pairs, other than yes."""
        chosen = [(name, getattr(self, name)) for name in CHOICES]
        return {VERDICTS[frozenset(pair)] for pair in combinations(chosen, 2)} - {"yes"}

    def answers(self, **others: str) -> dict[str, str]:
        """Return the answers for Copier, with the running Python unless `others` override it."""
        return {
            "project_name": PROJECT_NAME,
            **self.choices,
            **self.features,
            "python_version": RUNNING_PYTHON,
            **others,
        }


@cache
def combination_of(folder: Path) -> Combination:
    """Return the combination from which the service in a folder was rendered."""
    answers = yaml.safe_load((folder / ".copier-answers.yml").read_text(encoding="utf-8"))
    return Combination(
        **{name: answers[name] for name in (*CHOICES, *FEATURES) if answers.get(name)}
    )


ALL = tuple(Combination(*choices) for choices in product(*CHOICES.values()))
"""Every way to answer, valid or not."""

CORES = tuple(each for each in ALL if not each.verdicts)
"""Exactly the valid combinations, without features."""

EVERY = tuple(
    replace(each, **dict(zip(FEATURES, chosen, strict=True)))
    for each in CORES
    for chosen in product(*FEATURES.values())
)
"""Each valid combination with each set of features."""


def _with_features(core: Combination, number: int) -> Combination:
    """Choose the features of a combination, so that each choice of a feature meets each of the
    core and of the other features.
    """
    chosen = {
        name: choices[(number // (5 * 3**place) + number) % len(choices)]
        for place, (name, choices) in enumerate(FEATURES.items())
    }
    return replace(core, **chosen)


VALID = tuple(_with_features(core, number) for number, core in enumerate(CORES))
"""Each valid combination once, with some features."""


def _run_on() -> tuple[Combination, ...]:
    """Select the combinations to install and start: a cover of any two choices, or the
    requested ones.

    `COMBINATIONS` is `all`, a strength such as `3`, or a list of IDs or parts of IDs, such as
    `flask-sqlalchemy,sqlite-none`. An ID selects the service with exactly its features.
    """
    wanted = os.environ.get("COMBINATIONS") or "2"
    if wanted == "all":
        return VALID
    if not wanted.isdecimal():
        parts = wanted.split(",")
        exact = [each for each in EVERY if each.id in parts]
        others = set(parts) - {each.id for each in exact}
        return (*exact, *(each for each in VALID if any(part in each.id for part in others)))
    return cover(int(wanted))


def cover(strength: int) -> tuple[Combination, ...]:
    """Return valid combinations in which any `strength` choices meet at least once."""
    chosen = covering([{**each.choices, **each.features} for each in VALID], strength)
    return tuple(each for each in VALID if {**each.choices, **each.features} in chosen)


RUN = _run_on()
"""The combinations that the suites install and start."""

NIGHTLY = os.environ.get("COMBINATIONS") == "all"

CHECKED = VALID if NIGHTLY else cover(3)
"""The combinations that the suites render and read: a cover of any three choices, or all
(nightly).
"""
