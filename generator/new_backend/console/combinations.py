"""Combinations as lines, as JSON, and as the matrix of a CI service."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from new_backend.combinations import pairs_of
from new_backend.console.printing import print_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_GITLAB_JOB = "verify"


class Format(StrEnum):
    """An output format of combinations."""

    LINES = "lines"
    JSON = "json"
    GITHUB = "github"
    GITLAB = "gitlab"


def print_count(combinations: Sequence[object]) -> None:
    """Print the number of combinations."""
    print(len(combinations))


def print_combinations(combinations: Sequence[Mapping[str, Any]], style: Format) -> None:
    """Print combinations: a line each, a JSON document, or the matrix of a CI service."""
    if style is Format.JSON:
        print_json({"combinations": list(combinations)})
    elif style is Format.GITHUB:
        print(json.dumps({"include": list(combinations)}, separators=(",", ":")))
    elif style is Format.GITLAB:
        # JSON is YAML. One variable holds the value of --only: GitLab allows no empty ones.
        matrix = [{"ONLY": ",".join(pairs_of(each))} for each in combinations]
        job = {"extends": f".{_GITLAB_JOB}", "parallel": {"matrix": matrix}}
        print(json.dumps({_GITLAB_JOB: job}, indent=2))
    else:
        for combination in combinations:
            print(" ".join(pairs_of(combination)))
