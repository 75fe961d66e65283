"""Fixtures of every suite: an installed service of each combination, and database servers."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from new_backend.questions import Questionnaire
from new_backend.template_source import TemplateSource
from new_backend.verify.databases import started
from new_backend.verify.facts import Facts
from tests.harness.combinations import EVERY, FEATURES, RUN, Combination, combination_of
from tests.harness.databases import (
    Database,
    MysqlDatabase,
    PostgresDatabase,
    SqliteDatabase,
)
from tests.harness.rendering import CHECKOUT
from tests.harness.services import Service, install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xdist.remote import Producer  # type: ignore[import-untyped]

pytest_plugins = ["tests.harness.command_line", "tests.harness.fixtures"]

ACCOUNTS_ONLY = "accounts"
ONLY = ("auth", "orm", "database", "concurrency", *FEATURES)
SIGNING_ONLY = "signing"
ONCE_PER = "once_per"
NO_SERVICE = "applies_to_no_service"

REACHES_BEHIND_THE_PORT = {
    "database", "empty_database", "own_server", "new_database", "opened_server",
    "production", "start",
}  # fmt: skip
"""Fixtures that start, stop or command a service, read its log, or read its database."""

LOGS_IN_BEHIND_THE_PORT = {"account", "credentials", "log_in", "other_account"}
"""Fixtures that do so to create a user's first API key, or to log in at an issuer."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options with which `new-backend verify` selects the service of the suites."""
    group = parser.getgroup("services")
    group.addoption("--service", metavar="FOLDER", help="test this installed service, and no other")
    group.addoption(
        "--address", metavar="URL", help="test the server that already runs at this URL"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    for line in (
        f"{ACCOUNTS_ONLY}: test only services with accounts",
        *(f"{each}(*choices): test only services with one of these choices" for each in ONLY),
        f"{SIGNING_ONLY}: test only services with a SECRET_KEY",
        f"{ONCE_PER}(*questions): test one service for each set of answers to these questions",
        f"{NO_SERVICE}: needs a service that is not in this run",
    ):
        config.addinivalue_line("markers", line)


class CombinationScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Keep the tests of one combination on one worker, which installs and starts it once.

    `--dist=loadgroup` would do that, but pytest-xdist 3.8 writes the groups to an attribute that
    pytest 9.2 no longer reads.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(("tests/fresh/", "tests/verify/")):
            return nodeid  # each installs its own services
        for combination in sorted(EVERY, key=lambda each: len(each.id), reverse=True):
            if f"[{combination.id}" in nodeid:
                rendered_only = nodeid.startswith("tests/render/")
                return f"{'render' if rendered_only else 'run'} {combination.id}"
        scope: str = super()._split_scope(nodeid)
        return scope


@pytest.hookimpl(optionalhook=True)  # also for a run without xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Distribute the tests by combination."""
    return CombinationScheduling(config, log)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that needs a service once for every combination that it applies to."""
    if "combination" not in metafunc.fixturenames:
        return
    concerned = _concerned(metafunc.definition)
    if given := metafunc.config.getoption("service"):
        concerned = [each for each in concerned if each.id == combination_of(Path(given)).id]
    if metafunc.config.getoption("address"):
        asked_for = set(metafunc.fixturenames)
        concerned = [each for each in concerned if not _behind_the_port(each) & asked_for]
    none = pytest.param(None, id="no-service", marks=pytest.mark.applies_to_no_service)
    metafunc.parametrize(
        "combination",
        [pytest.param(each, id=each.id) for each in concerned] or [none],
        scope="session",
    )


def _behind_the_port(combination: Combination) -> set[str]:
    """Return the fixtures that a server outside this run cannot provide."""
    if combination.auth in ("api-key", "oidc"):
        return REACHES_BEHIND_THE_PORT | LOGS_IN_BEHIND_THE_PORT
    return REACHES_BEHIND_THE_PORT


def _concerned(item: pytest.Item) -> list[Combination]:
    """Return the combinations of this run that a test applies to."""
    found = [*RUN]
    if item.get_closest_marker(ACCOUNTS_ONLY):
        found = [each for each in found if each.auth != "none"]
    for question in ONLY:
        if mark := item.get_closest_marker(question):
            found = [each for each in found if getattr(each, question) in mark.args]
    if item.get_closest_marker(SIGNING_ONLY):
        found = [each for each in found if each.signs]
    if mark := item.get_closest_marker(ONCE_PER):
        first: dict[tuple[str, ...], Combination] = {}
        for each in found:
            first.setdefault(tuple(getattr(each, name) for name in mark.args), each)
        found = [*first.values()]
    return found


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that apply to no service of this run."""
    idle = [each for each in items if each.get_closest_marker(NO_SERVICE)]
    if idle:
        config.hook.pytest_deselected(items=idle)
        items[:] = [each for each in items if not each.get_closest_marker(NO_SERVICE)]


@pytest.fixture(scope="session")
def service(combination: Combination, installed: Callable[[Combination], Service]) -> Service:
    """The installed service of the combination."""
    return installed(combination)


@pytest.fixture(scope="session")
def installed(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Combination], Service]:
    """Provide the installed service of a combination, which is rendered and installed once."""
    given = pytestconfig.getoption("service")

    @cache
    def of(combination: Combination) -> Service:
        if given and combination_of(Path(given)) == combination:
            return Service.in_folder(combination, Path(given))
        return install(combination, tmp_path_factory.mktemp("services") / combination.id)

    return of


@pytest.fixture(scope="session")
def new_database(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[Combination, str], Database]]:
    """Create an empty database of a combination's kind. All of them are dropped when the tests
    end.
    """
    servers = Facts.read(Questionnaire.read(TemplateSource(CHECKOUT))).servers
    with ExitStack() as stack:

        @cache
        def server(kind: str) -> str:
            found = servers["database", kind]
            if stack.enter_context(started([found])):
                pytest.fail(found.missing, pytrace=False)
            return found.address

        def make(combination: Combination, purpose: str) -> Database:
            database: Database
            name = f"{purpose}-{combination.id}"
            if combination.database == "postgresql":
                database = PostgresDatabase.create(server("postgresql"), name)
            elif combination.database == "mysql":
                database = MysqlDatabase.create(server("mysql"), name)
            else:
                database = SqliteDatabase.create(_folder(tmp_path_factory), purpose)
            stack.callback(database.drop)
            return database

        yield make


@pytest.fixture
def empty_database(
    combination: Combination, new_database: Callable[[Combination, str], Database]
) -> Iterator[Database]:
    """A database without tables, for one test. Its name contains "test", as services require."""
    made = new_database(combination, "empty")
    yield made
    made.drop()


def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("databases")
