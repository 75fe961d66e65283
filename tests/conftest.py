"""What every test can have: an installed service of each combination, and a database server."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.harness.combinations import RUN, VALID, Combination
from tests.harness.databases import (
    Database,
    MysqlDatabase,
    NoServerError,
    PostgresDatabase,
    SqliteDatabase,
    mysql_server,
    postgres_server,
)
from tests.harness.services import Service, install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from xdist.remote import Producer  # type: ignore[import-untyped]

ACCOUNTS_ONLY = "accounts"

SERVERS = {"postgresql": postgres_server, "mysql": mysql_server}


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks."""
    config.addinivalue_line(
        "markers", f"{ACCOUNTS_ONLY}: asks only the services whose callers have accounts"
    )


class CombinationScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps the tests of one combination on one worker, which installs and starts it once.

    What `--dist=loadgroup` is for; but pytest-xdist 3.8 writes the groups to an attribute that
    pytest 9.2 no longer reads.
    """

    def _split_scope(self, nodeid: str) -> str:
        for combination in sorted(VALID, key=lambda each: len(each.id), reverse=True):
            if f"[{combination.id}" in nodeid:
                rendered_only = nodeid.startswith("tests/render/")
                return f"{'render' if rendered_only else 'run'} {combination.id}"
        scope: str = super()._split_scope(nodeid)
        return scope


@pytest.hookimpl(optionalhook=True)  # for a run without xdist, too
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Hand the tests out by combination."""
    return CombinationScheduling(config, log)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that asks for a service once for every combination that it concerns."""
    if "combination" not in metafunc.fixturenames:
        return
    concerned = [
        each for each in RUN if each.auth != "none" or not _is_for_accounts(metafunc.definition)
    ]
    metafunc.parametrize(
        "combination",
        [pytest.param(each, id=each.id) for each in concerned],
        scope="session",
    )


def _is_for_accounts(item: pytest.Item) -> bool:
    return item.get_closest_marker(ACCOUNTS_ONLY) is not None


@pytest.fixture(scope="session")
def service(combination: Combination, installed: Callable[[Combination], Service]) -> Service:
    """The installed service of the combination."""
    return installed(combination)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Combination], Service]:
    """Give the installed service of a combination, which is rendered and installed once."""

    @cache
    def of(combination: Combination) -> Service:
        return install(combination, tmp_path_factory.mktemp("services") / combination.id)

    return of


@pytest.fixture(scope="session")
def new_database(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[Combination, str], Database]]:
    """Make an empty database of a combination's kind; all of them go when the tests end."""
    with ExitStack() as stack:

        @cache
        def server(kind: str) -> str:
            try:
                return stack.enter_context(SERVERS[kind]())
            except NoServerError as error:
                pytest.fail(str(error), pytrace=False)

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


def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("databases")
