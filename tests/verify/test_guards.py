"""A weakened guard of a service is found: the service's own tests fail."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.harness.combinations import EVERY, PACKAGE
from tests.harness.rendering import render
from tests.harness.services import bare_environment, install
from tests.verify.guards import GUARDS, SERVICES, Guard

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.harness.combinations import Combination
    from tests.harness.databases import Database

TESTS_FAILED = 1
SECONDS = 120


@dataclass(frozen=True)
class Installed:
    """An installed service, and the database of its tests."""

    folder: Path
    database_url: str


@pytest.fixture(scope="module")
def services(
    tmp_path_factory: pytest.TempPathFactory,
    new_database: Callable[[Combination, str], Database],
) -> dict[str, Installed]:
    """The installed services of the table, by the ID of their combination."""
    chosen = [each for each in EVERY if each.id in SERVICES]
    services = {
        each.id: Installed(
            tmp_path_factory.mktemp(each.id) / "service", new_database(each, "guards").url
        )
        for each in chosen
    }
    for each in chosen:
        install(each, services[each.id].folder)
    return services


def run_tests(service: Installed, *files: str) -> subprocess.CompletedProcess[str]:
    """Run test files of a service until the first failure, without coverage or bytecode.

    A change of the same length within a second would otherwise leave the old bytecode valid.
    """
    return subprocess.run(
        [
            *(service.folder / ".venv" / "bin" / "python", "-m", "pytest", "-x", "-q", "--no-cov"),
            *(f"tests/{file}" for file in files),
        ],
        cwd=service.folder,
        env={
            **bare_environment(),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TEST_DATABASE_URL": service.database_url,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def weaken(folder: Path, guard: Guard) -> tuple[Path, str]:
    """Return the file of a guard, and its text without the guard."""
    path = folder / "src" / PACKAGE / guard.path
    text = path.read_text(encoding="utf-8")
    assert text.count(guard.found) == 1, f"{guard.path} has changed: choose another text"
    return path, text.replace(guard.found, guard.planted)


@pytest.mark.parametrize("service", SERVICES)
def test_guards_exist(service: str, tmp_path: Path) -> None:
    (combination,) = [each for each in EVERY if each.id == service]
    folder = render(combination.answers(), tmp_path / "service")

    for each in GUARDS:
        if each.service == service:
            path, text = weaken(folder, each)
            compile(text, path, "exec")
            assert (folder / "tests" / each.tests).is_file()


@pytest.mark.nightly
@pytest.mark.parametrize("service", SERVICES)
def test_unchanged_service_passes(service: str, services: dict[str, Installed]) -> None:
    files = {each.tests for each in GUARDS if each.service == service}

    done = run_tests(services[service], *sorted(files))

    assert done.returncode == 0, done.stdout


@pytest.mark.nightly
@pytest.mark.parametrize("guard", [pytest.param(each, id=each.id) for each in GUARDS])
def test_service_finds_weakened_guard(guard: Guard, services: dict[str, Installed]) -> None:
    service = services[guard.service]
    path, weakened = weaken(service.folder, guard)
    text = path.read_text(encoding="utf-8")
    path.write_text(weakened, encoding="utf-8")
    try:
        done = run_tests(service, guard.tests)
    finally:
        path.write_text(text, encoding="utf-8")

    assert done.returncode == TESTS_FAILED, done.stdout
    # Failed, not stopped by an error: the planted text is valid.
    assert "\nFAILED " in done.stdout, done.stdout
