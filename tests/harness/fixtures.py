"""Fixtures of all suites: the running services, and their clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.harness.accounts import LOG_IN, PASSWORD, Account, new_account, new_email, register
from tests.harness.api import BEHIND_A_PROXY, Api, Document, Transcript
from tests.harness.caches import settings_of_cache
from tests.harness.issuer import settings_of
from tests.harness.services import Address, Server, Service, secret_key, serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.combinations import Combination
    from tests.harness.databases import Database

OPEN_ORIGIN = "https://app.example"
SMALL_BODY = 2_000
TRUSTED_PROXY = "127.99.0.1"

Settings = dict[str, str]


@pytest.fixture(scope="session")
def database(service: Service, new_database: Callable[[Combination, str], Database]) -> Database:
    """The migrated database that the servers of a combination share."""
    made = new_database(service.combination, "contract")
    done = service.run("migrate", settings=local_settings(service, made))
    assert done.returncode == 0, done.stdout + done.stderr
    return made


def local_settings(service: Service, database: Database) -> Settings:
    """Return the minimal settings of a service with this database."""
    settings = {
        "ENVIRONMENT": "test",
        "DATABASE_URL": database.url,
        **settings_of_cache(service.combination),
    }
    if service.combination.signs:
        settings["SECRET_KEY"] = secret_key()
    return settings


@pytest.fixture(scope="session")
def production(service: Service, database: Database) -> Settings:
    """Valid settings of a production server."""
    settings = {
        "ENVIRONMENT": "production",
        "DATABASE_URL": database.url,
        "ALLOWED_HOSTS": "127.0.0.1",
        "DOCS_ENABLED": "true",
        "LOG_LEVEL": "INFO",
        **settings_of(service.combination.auth),
        **settings_of_cache(service.combination),
    }
    if service.combination.signs:
        settings["SECRET_KEY"] = secret_key()
    return settings


@pytest.fixture(scope="session")
def server(
    service: Service, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Address]:
    """The server of most tests: production settings and two workers, or the server at --address."""
    if address := request.config.getoption("address"):
        BEHIND_A_PROXY.add(address)
        yield Address(address)
        return
    production: Settings = request.getfixturevalue("production")
    log_path = tmp_path_factory.mktemp("server") / "server.log"
    with serving(service, production, log_path, workers=2) as running:
        yield running


@pytest.fixture(scope="session")
def own_server(server: Server, production: Settings) -> Server:  # noqa: ARG001 - it is ours
    """The same server, always started here: its log is readable, and it sees the peers'
    addresses.
    """
    return server


@pytest.fixture(scope="session")
def opened_server(
    service: Service,
    production: Settings,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """A local server with non-default access settings."""
    settings = {
        **production,
        "ENVIRONMENT": "local",
        "CORS_ORIGINS": f"{OPEN_ORIGIN},https://admin.example",
        "DOCS_ENABLED": "false",
        "DATABASE_POOL_SIZE": "4",
        "MAX_BODY_BYTES": str(SMALL_BODY),
        "TRUSTED_PROXIES": TRUSTED_PROXY,
    }
    log_path = tmp_path_factory.mktemp("opened-server") / "server.log"
    with serving(service, settings, log_path) as running:
        yield running


Start = Callable[..., AbstractContextManager[Server]]


@pytest.fixture
def start(service: Service, production: Settings, tmp_path: Path) -> Start:
    """Start a separate server, with production settings changed by those given."""

    @contextmanager
    def start_with(workers: int = 1, **changes: str) -> Iterator[Server]:
        settings = {**production, **changes}
        with serving(service, settings, tmp_path / "server.log", workers=workers) as running:
            yield running

    return start_with


@pytest.fixture(scope="session")
def document(server: Server) -> Document:
    """The service's own `/openapi.json`."""
    with Api(server.url, Transcript()) as api:
        return Document(api.get("/openapi.json").raise_for_status().json())


@pytest.fixture
def transcript(document: Document) -> Iterator[Transcript]:
    """Record every response of the test. Each must follow the conventions and the document."""
    kept = Transcript()
    yield kept
    kept.close()
    complaints = kept.complaints(document)
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def api(server: Server, transcript: Transcript) -> Iterator[Api]:
    """A client without credentials."""
    with Api(server.url, transcript) as client:
        yield client


@pytest.fixture
def opened_api(opened_server: Server, transcript: Transcript) -> Iterator[Api]:
    """The same, for the local server with non-default access settings."""
    with Api(opened_server.url, transcript, production=False) as client:
        yield client


@pytest.fixture(scope="session")
def credentials(service: Service, server: Server) -> dict[str, str]:
    """The headers of one account, created once. Empty in services without accounts."""
    if not service.has_accounts:
        return {}
    unchecked = Transcript()
    account = new_account(Api(server.url, unchecked), service.combination.auth)
    unchecked.close()
    return account.api.credentials


@pytest.fixture
def caller(api: Api, credentials: dict[str, str]) -> Api:
    """A client that may use items: with an account, or anonymous in services without accounts."""
    return api.again(headers=credentials)


@pytest.fixture
def email(api: Api) -> str:
    """The address of a new account, which has not logged in."""
    address = new_email()
    assert register(api, email=address).status_code == 201
    return address


@pytest.fixture
def account(api: Api, service: Service) -> Account:
    """A new account."""
    return new_account(api, service.combination.auth)


@pytest.fixture
def other_account(api: Api, service: Service) -> Account:
    """Another new account."""
    return new_account(api, service.combination.auth)


@pytest.fixture(scope="session")
def first_admins() -> dict[str, str]:
    """The address of the administrator created on the command line, by combination."""
    return {}


@pytest.fixture
def admin(
    api: Api, service: Service, production: Settings, first_admins: dict[str, str]
) -> Account:
    """A new administrator, promoted by the first one, which the command line created."""
    auth = service.combination.auth
    account = new_account(api, auth)
    if service.combination.id in first_admins:
        first, _ = LOG_IN[auth](api, first_admins[service.combination.id], PASSWORD)
        # A test may have demoted the first administrator meanwhile.
        if first.patch(f"/api/v1/users/{account.id}", json={"role": "admin"}).is_success:
            return account
    email = new_email()
    made = service.run("create-admin", email, settings=production, stdin=f"{PASSWORD}\n")
    assert made.returncode == 0, made.stdout + made.stderr
    first_admins[service.combination.id] = email
    client, tokens = LOG_IN[auth](api, email, PASSWORD)
    return Account(email, PASSWORD, client.get("/api/v1/users/me").json()["id"], client, tokens)
