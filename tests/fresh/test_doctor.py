"""`doctor` finds what keeps an installed service from running here."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.combinations import Combination
from tests.harness.releases import released_service
from tests.harness.services import Service, secret_key, sync
from tests.harness.toys import commit, git, program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.harness.databases import Database


@pytest.mark.parametrize(
    "fresh_combination",
    [
        Combination("fastapi", "sqlalchemy", "postgresql", "none", "async"),
        Combination("django", "django", "mysql", "jwt", "sync", "drf"),
    ],
    ids=lambda each: each.id,
)
def test_each_fault_is_found_with_its_remedy(
    fresh_combination: Combination,
    tmp_path: Path,
    new_database: Callable[[Combination, str], Database],
) -> None:
    source, folder = released_service(tmp_path, fresh_combination)
    database = new_database(fresh_combination, "doctor")
    settings = {"ENVIRONMENT": "test", "DATABASE_URL": database.url, "SECRET_KEY": secret_key()}

    def doctor(**changed: str) -> dict[str, Any]:
        ended = subprocess.run(
            program(source, "doctor", "--service", str(folder), "--json"),
            env={**os.environ, **settings, **changed},
            capture_output=True,
            text=True,
            check=False,
        )
        findings = {each["subject"]: each for each in json.loads(ended.stdout)["findings"]}
        failed = any(each["state"] == "failure" for each in findings.values())
        assert ended.returncode == failed, ended.stderr
        return findings

    fresh = doctor()
    assert (fresh["lock"]["state"], fresh["lock"]["remedy"]) == ("failure", "uv lock")
    assert (fresh["git"]["state"], fresh["database"]["state"]) == ("warning", "warning")

    sync(folder)
    git(folder, "init", "--quiet")
    commit(folder, "Create")
    installed = doctor()
    for subject in ("python", "uv", "git", "lock", "environment", ".env", "database", "template"):
        assert installed[subject]["state"] == "ok", installed[subject]
    assert installed["migrations"]["state"] == "failure"
    assert installed["migrations"]["remedy"] == "make migrate"

    service = Service.in_folder(fresh_combination, folder)
    assert service.run("migrate", settings=settings).returncode == 0
    assert doctor()["migrations"]["state"] == "ok"

    away = doctor(DATABASE_URL=database.url.replace(":5432", ":1").replace(":3306", ":1"))
    assert away["database"]["state"] == "failure"
    assert "migrations" not in away

    manifest = folder / "pyproject.toml"
    manifest.write_text(
        manifest.read_text().replace("dependencies = [", 'dependencies = [\n  "tinycss2",', 1)
    )
    (folder / ".env").write_text("DEBUG=true\n")
    changed = doctor()
    assert changed["lock"]["remedy"] == "uv lock"
    assert changed[".env"]["state"] == "warning"
    assert "DATABASE_PASSWORD" in changed[".env"]["found"]
