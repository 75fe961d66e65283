"""A broken template is found: the expected stage finds each mutation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from new_backend.verify.stages import Stage
from tests.harness.combinations import FEATURES, Combination
from tests.harness.rendering import CHECKOUT
from tests.harness.services import free_port
from tests.harness.toys import copy_template
from tests.verify.mutations import (
    DRF,
    FASTAPI,
    FASTAPI_JWT,
    FASTAPI_SQLMODEL,
    FLASK,
    MUTATIONS,
    NINJA,
    QUART,
    Mutation,
)

if TYPE_CHECKING:
    from pathlib import Path

UNBROKEN = (
    pytest.param(FLASK, Stage.STATIC, id="flask"),
    pytest.param(FLASK, Stage.IMAGE, id="flask-image", marks=pytest.mark.nightly),
    pytest.param(FASTAPI, Stage.CONTRACT, id="fastapi", marks=pytest.mark.nightly),
    pytest.param(FASTAPI_JWT, Stage.CONTRACT, id="fastapi-jwt", marks=pytest.mark.nightly),
    pytest.param(FASTAPI_SQLMODEL, Stage.RENDER, id="fastapi-sqlmodel"),
    pytest.param(QUART, Stage.STATIC, id="quart"),
    pytest.param(NINJA, Stage.TEST, id="ninja", marks=pytest.mark.nightly),
    pytest.param(DRF, Stage.STATIC, id="drf"),
)
"""The unchanged combinations, and the last stage that their mutations need."""
ON_A_SERVER = FASTAPI.replace("database=sqlite", "database=mysql")


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A copy of the checkout's files that a verification reads, to break."""
    folder = tmp_path / "template"
    copy_template(folder)
    # Linked, because the suites stay unchanged, and Python keeps their bytecode in their folder.
    (folder / "tests").symlink_to(CHECKOUT / "tests")
    return folder


@dataclass(frozen=True)
class Verified:
    """The outcome of the verification of one combination."""

    code: int
    printed: str
    outcomes: dict[str, str]
    """The outcome of each stage."""
    found: str
    """The complete findings of the last stage, of which the command prints the end."""
    combinations: set[str]
    """The names of what was verified."""


def verify(template: Path, only: str, last: Stage, **environment: str) -> Verified:
    """Verify a combination without features up to this stage, through the command."""
    report = template.parent / "report.json"
    one = ",".join([only, *(f"{feature}={choices[0]}" for feature, choices in FEATURES.items())])
    stages = [*Stage][: [*Stage].index(last) + 1]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "new_backend", "verify", "--template", str(template)),
            *("--only", one, "--stage", ",".join(stages), "--jobs", "1", "--json", str(report)),
        ],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.is_file(), done.stdout + done.stderr
    results = json.loads(report.read_text(encoding="utf-8"))["results"]
    return Verified(
        done.returncode,
        done.stdout,
        {each["stage"]: each["outcome"] for each in results},
        results[-1]["detail"],
        {Combination(**each["combination"]).id for each in results},
    )


def stages_before(last: Stage) -> dict[str, str]:
    """The expected outcome of the stages that find nothing."""
    return {stage.value: "passed" for stage in [*Stage][: [*Stage].index(last)]}


@pytest.mark.parametrize(
    "mutation",
    [
        pytest.param(
            each,
            id=each.name.replace(" ", "-"),
            marks=[pytest.mark.nightly] if each.nightly else [],
        )
        for each in MUTATIONS
    ],
)
def test_expected_stage_finds_mutation(mutation: Mutation, template: Path) -> None:
    (template / mutation.path).write_text(mutation.planted_in(template), encoding="utf-8")

    verified = verify(template, mutation.only, mutation.stage)

    expected = {**stages_before(mutation.stage), mutation.stage.value: "failed"}
    assert verified.outcomes == expected, verified.printed
    assert verified.code == 1
    (combination,) = verified.combinations
    assert f"FAILED {mutation.stage} {combination}" in verified.printed
    assert mutation.reported in verified.found


@pytest.mark.parametrize(("only", "last"), UNBROKEN)
def test_unchanged_template_passes(only: str, last: Stage, template: Path) -> None:
    verified = verify(template, only, last)

    assert verified.outcomes == {**stages_before(last), last.value: "passed"}, verified.printed
    assert verified.code == 0
    assert "none failed" in verified.printed


def test_reports_migrations_without_a_server(template: Path) -> None:
    nowhere = f"mariadb://absent@127.0.0.1:{free_port()}"

    verified = verify(template, ON_A_SERVER, Stage.STATIC, NEW_BACKEND_MYSQL=nowhere, CI="")

    assert verified.outcomes == {**stages_before(Stage.STATIC), "static": "passed"}
    assert verified.found.endswith("without alembic check: no server of its database answers")
    assert "The migrations on MySQL or MariaDB were not compared" in verified.printed


def test_every_stage_finds_a_mutation() -> None:
    found = [each.stage for each in MUTATIONS]
    by_day = [each.stage for each in MUTATIONS if not each.nightly]

    assert len(by_day) >= 20
    assert {*by_day} == {Stage.RENDER, Stage.STATIC, Stage.TEST}
    for stage, least in {"render": 3, "static": 6, "test": 5, "contract": 3, "image": 3}.items():
        assert found.count(Stage(stage)) >= least, stage
