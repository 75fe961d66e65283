"""A feature that was added to a copy of the template works in a running service."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import TYPE_CHECKING

import pytest

from new_backend.questions import Questionnaire
from new_backend.rendering import render
from tests.harness.combinations import Combination
from tests.harness.services import Service, serving, sync
from tests.harness.toys import PARROT, copy_with_feature

if TYPE_CHECKING:
    from pathlib import Path

RELEASED = PARROT.replace('"parrot-client", "extra": "fast"', '"typing-extensions"')
"""The feature with a library that exists."""


@pytest.mark.parametrize(
    "fresh_combination",
    [
        Combination("fastapi", "sqlalchemy", "sqlite", "none", "async"),
        Combination("flask", "sqlalchemy", "sqlite", "none", "sync"),
        Combination("django", "django", "sqlite", "none", "async", "ninja"),
    ],
    ids=lambda each: each.id,
)
def test_new_feature_has_a_setting_a_command_and_a_resource(
    fresh_combination: Combination, tmp_path: Path
) -> None:
    source = copy_with_feature(tmp_path / "template", RELEASED)
    folder = tmp_path / "service"
    render(
        Questionnaire.read(source),
        {**fresh_combination.answers(), "package": "corner_shop", "parrot": "loud"},
        folder,
    )
    sync(folder)
    service = Service.in_folder(fresh_combination, folder)
    settings = {"ENVIRONMENT": "test", "DATABASE_URL": f"sqlite:///{tmp_path}/data.db"}
    assert service.run("migrate", settings=settings).returncode == 0
    assert service.run("check", settings=settings).returncode == 0
    where = {**settings, "PARROT_URL": "parrot://example.org"}
    assert service.run("parrot", settings=where).stdout == "parrot://example.org\n"

    with serving(service, settings, tmp_path / "log") as server:
        assert _checks(server.url) == {"database": "ok", "parrot": "ok"}

    module = folder / "src" / "corner_shop" / "parrot.py"
    text = module.read_text(encoding="utf-8")
    silent = re.sub(r'(?m)^( +)(""".* answers.""")$', r"\1\2\n\1raise OSError", text)
    module.write_text(silent, encoding="utf-8")
    done = service.run("check", settings=settings)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "No answer from: parrot.")
    with serving(service, settings, tmp_path / "log") as server:
        assert _checks(server.url) == {"database": "ok", "parrot": "down"}


def _checks(url: str) -> object:
    with urllib.request.urlopen(f"{url}/health/ready") as answer:  # noqa: S310 - ours
        return json.load(answer)["checks"]
