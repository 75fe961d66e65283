"""Services installed from nothing, as in their image and on a new developer's machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from uv import find_uv_bin

from tests.harness.caches import settings_of_cache
from tests.harness.combinations import PROJECT_NAME, Combination
from tests.harness.issuer import settings_of
from tests.harness.making import assert_tested, make
from tests.harness.rendering import render
from tests.harness.services import Service, bare_environment, secret_key, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness.databases import Database


@pytest.mark.parametrize("concurrency", ["sync", "async"])
def test_tests_run_on_sqlite_without_named_mysql(
    concurrency: str, installed: Callable[[Combination], Service]
) -> None:
    service = installed(Combination("fastapi", "sqlalchemy", "mysql", "jwt", concurrency))

    printed = make(service.folder, "test")

    assert_tested(printed)
    (header,) = re.findall("^database: .*", printed, re.MULTILINE)
    assert "SQLite" in header


FRESH = (
    Combination("fastapi", "sqlalchemy", "postgresql", "session", "sync"),
    Combination("fastapi", "sqlalchemy", "postgresql", "jwt", "async", cache="redis"),
    Combination("flask", "sqlalchemy", "postgresql", "api-key", "sync"),
    Combination("flask", "sqlalchemy", "postgresql", "oidc", "async"),
    Combination("django", "django", "postgresql", "oidc", "sync", "ninja"),
    Combination("django", "django", "postgresql", "session", "async", "ninja"),
)
"""One service for each framework and concurrency, installed from nothing."""


@pytest.fixture
def bare_folder() -> Iterator[Path]:
    """A folder outside pytest's, because a server started by root runs as another user.

    Every pytest run denies other users access to its folders, including the service's own user.
    """
    with tempfile.TemporaryDirectory(prefix="fresh-") as folder:
        yield Path(folder)


@pytest.fixture
def fresh(fresh_combination: Combination, bare_folder: Path) -> Fresh:
    """A service in an environment from its own lock, with an empty cache and an empty home.

    The path of the service has a space.
    """
    folder = render(fresh_combination.answers(), bare_folder / "my work" / "service")
    environment = {"UV_CACHE_DIR": str(bare_folder / "cache"), "HOME": str(bare_folder)}
    for arguments in (["lock"], ["sync", "--locked", "--no-dev", "--compile-bytecode"]):
        subprocess.run(
            [find_uv_bin(), *arguments, "--quiet"], cwd=folder, env=_with(environment), check=True
        )
    command = str(folder / ".venv" / "bin" / PROJECT_NAME)
    return Fresh(Service(fresh_combination, folder, (command,)), environment)


@dataclass(frozen=True)
class Fresh:
    """A service installed from nothing, and the variables of its installation."""

    service: Service
    environment: dict[str, str]


@pytest.mark.parametrize("fresh_combination", FRESH, ids=lambda each: each.id)
def test_runs_in_production_from_its_own_lock(
    fresh_combination: Combination,
    fresh: Fresh,
    new_database: Callable[[Combination, str], Database],
    tmp_path: Path,
) -> None:
    """Installed without its development dependencies, as in its image."""
    settings = {
        "ENVIRONMENT": "production",
        "SECRET_KEY": secret_key(),
        **settings_of(fresh_combination.auth),
        **settings_of_cache(fresh_combination),
        "DATABASE_URL": new_database(fresh_combination, "fresh").url,
        "ALLOWED_HOSTS": "127.0.0.1",
    }
    for command in ("migrate", "check"):
        done = fresh.service.run(command, settings=settings)
        assert done.returncode == 0, done.stdout + done.stderr

    with serving(fresh.service, settings, tmp_path / "log", workers=2) as server:
        with urllib.request.urlopen(f"{server.url}/health/ready") as answer:  # noqa: S310 - ours
            assert set(json.load(answer)["checks"].values()) == {"ok"}
        assert server.stop() == 0


@pytest.mark.parametrize("fresh_combination", FRESH[1:2], ids=lambda each: each.id)
def test_tests_pass_without_named_database(fresh: Fresh) -> None:
    """As on a new developer's machine."""
    folder = fresh.service.folder

    assert_tested(make(folder, "test", **fresh.environment))
    lock = (folder / "uv.lock").read_bytes()
    subprocess.run(
        [find_uv_bin(), "lock", "--check", "--quiet"],
        cwd=folder,
        env=_with(fresh.environment),
        check=True,
    )
    assert (folder / "uv.lock").read_bytes() == lock


@pytest.mark.parametrize("fresh_combination", FRESH[1:2], ids=lambda each: each.id)
def test_runs_with_local_database_in_activated_environment(fresh: Fresh, tmp_path: Path) -> None:
    """The path of uv has a space, too."""
    folder = fresh.service.folder
    make(folder, "install", **fresh.environment)
    path = f"{folder / '.venv' / 'bin'}:{os.environ['PATH']}"
    settings = {**fresh.environment, "PATH": path}

    make(folder, "check", **settings)
    make(folder, "revision", MESSAGE="Nothing new", **settings)

    run = ["make", "run"]
    with serving(fresh.service, settings, tmp_path / "log", command=run) as server:
        with urllib.request.urlopen(f"{server.url}/health/ready") as answer:  # noqa: S310 - ours
            ready = json.load(answer)
            assert ready == {"status": "ok", "checks": {"cache": "ok", "database": "ok"}}
        server.stop()


def _with(settings: dict[str, str]) -> dict[str, str]:
    return {**bare_environment(), **settings, "PATH": os.environ["PATH"]}
