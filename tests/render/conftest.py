"""Rendered services: every combination, each with choices of the other questions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.harness.combinations import CHECKED, VALID, Combination
from tests.harness.rendering import files_of, render_once, shared_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LICENSES = ("MIT", "Apache-2.0", "BSD-3-Clause", "proprietary")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PIPELINES = ("github", "gitlab", "none")


@dataclass(frozen=True)
class Variant:
    """A combination with a license, a Python version and a pipeline."""

    combination: Combination
    license: str
    python_version: str
    ci: str

    @property
    def id(self) -> str:
        """The name of the variant in test IDs."""
        return f"{self.combination.id}-{self.license}-{self.python_version}-{self.ci}"

    @property
    def others(self) -> tuple[str, str, str]:
        """The choices that are not part of a combination."""
        return self.license, self.python_version, self.ci

    @property
    def answers(self) -> dict[str, str]:
        """The answers for the generator."""
        return self.combination.answers(
            license=self.license,
            python_version=self.python_version,
            ci=self.ci,
            author="Ada Lovelace",
            email="ada@example.org",
        )


@dataclass(frozen=True)
class Rendered:
    """A rendered variant."""

    variant: Variant
    folder: Path
    files: dict[str, bytes]

    @property
    def texts(self) -> dict[str, str]:
        """The files as text, by path."""
        return {path: content.decode() for path, content in self.files.items()}


def pairwise() -> list[Variant]:
    """Return a variant of each combination, so that any choice meets each license, Python and
    pipeline.
    """
    return [
        Variant(
            combination,
            LICENSES[(number + number // 2) % len(LICENSES)],
            PYTHONS[(number // 3 + number // 4) % len(PYTHONS)],
            PIPELINES[(number + number // 2) % len(PIPELINES)],
        )
        for number, combination in enumerate(VALID)
    ]


def rendered_variants() -> list[Variant]:
    """Return the variants to render: a cover of any three choices, or all of them (nightly)."""
    return [each for each in pairwise() if each.combination in CHECKED]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that needs a variant on all rendered variants."""
    if "variant" in metafunc.fixturenames:
        metafunc.parametrize(
            "variant",
            [pytest.param(each, id=each.id) for each in rendered_variants()],
            scope="session",
        )


@pytest.fixture(scope="session")
def rendering(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Variant], Rendered]:
    """Provide a rendered variant, which is rendered once."""

    shared = shared_folder(tmp_path_factory, "rendered")

    @cache
    def of(variant: Variant) -> Rendered:
        folder = render_once(variant.answers, shared)
        return Rendered(variant, folder, files_of(folder))

    return of


@pytest.fixture(scope="session")
def rendered(variant: Variant, rendering: Callable[[Variant], Rendered]) -> Rendered:
    """The rendered variant."""
    return rendering(variant)
