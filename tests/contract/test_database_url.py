"""DATABASE_URL as hosted databases hand it out: honoured, or refused by name at start."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import pytest

from tests.harness.accounts import new_account
from tests.harness.api import Api
from tests.harness.combinations import ALL_BUT_AUTH
from tests.harness.services import free_port
from tests.harness.tls import PASSWORD, TlsServer, tls_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.api import Transcript
    from tests.harness.databases import Database
    from tests.harness.fixtures import Settings, Start
    from tests.harness.services import Service

URLS = {
    "postgresql": "postgresql://me:secret@127.0.0.1:1/test",
    "mysql": "mysql://me:secret@127.0.0.1:1/test",
    "sqlite": "sqlite:////tmp/test.db",
}

REFUSED = {
    "postgresql": {
        "colour=blue": "colour",
        "sslmode=sometimes": "sslmode",
        "sslmode=verify-full&sslrootcert=/nowhere/ca.pem": "sslrootcert",
        "connect_timeout=soon": "connect_timeout",
    },
    "mysql": {
        "colour=blue": "colour",
        "ssl-mode=sometimes": "ssl-mode",
        "ssl_mode=VERIFY_CA&ssl_ca=/nowhere/ca.pem": "ssl-ca",
        "charset=latin1": "charset",
    },
    "sqlite": {"colour=blue": "colour"},
}
"""For each query, the parameter that the message names."""

TRUSTING = {
    "postgresql": "sslmode=verify-full&sslrootcert={}",
    "mysql": "ssl-mode=VERIFY_IDENTITY&ssl-ca={}",
}


@pytest.fixture(scope="module")
def secured() -> Iterator[dict[str, TlsServer]]:
    """The servers that accept only TLS, by the kind of database. Each starts on demand."""
    with ExitStack() as stack:

        class Servers(dict[str, TlsServer]):
            def __missing__(self, kind: str) -> TlsServer:
                self[kind] = stack.enter_context(tls_server(kind))
                return self[kind]

        yield Servers()


@pytest.mark.once_per(*ALL_BUT_AUTH)
class TestUrl:
    def test_unsupported_parameters_stop_start_by_name(
        self, service: Service, production: Settings
    ) -> None:
        kind = service.combination.database
        for query, name in REFUSED[kind].items():
            _assert_refused(service, production, f"{URLS[kind]}?{query}", name)

    @pytest.mark.database("postgresql", "mysql")
    def test_special_characters_in_url_stop_start(
        self, service: Service, production: Settings
    ) -> None:
        url = URLS[service.combination.database].replace("secret", "p@ss/w#rd%1")

        _assert_refused(service, production, url, "DATABASE_PASSWORD")

    @pytest.mark.database("postgresql")
    def test_channel_binding_is_honoured_or_refused(
        self, service: Service, production: Settings, database: Database
    ) -> None:
        url = f"{database.url}?channel_binding=require"

        done = service.run("check", settings={**production, "DATABASE_URL": url})

        # The server of the tests trusts its clients, so there is nothing to bind to.
        assert done.returncode == 1
        assert "channel" in done.stderr
        assert "Traceback" not in done.stderr

    @pytest.mark.database("postgresql")
    def test_parameters_are_honoured(
        self, service: Service, database: Database, start: Start, transcript: Transcript
    ) -> None:
        parts = urlsplit(database.url)
        account, _, host = parts.netloc.rpartition("@")
        hosts = f"{account}@127.0.0.1:{free_port()},{host}"
        options = quote("-c application_name=by-options")
        query = f"connect_timeout=10&sslmode=prefer&channel_binding=prefer&options={options}"
        url = parts._replace(netloc=hosts, query=query).geturl()

        with start(DATABASE_URL=url) as server:
            api = Api(server.url, transcript)
            if service.has_accounts:
                api = new_account(api, service.combination.auth).api
            listed = api.get("/api/v1/items")
            rows = database.run(
                "SELECT 1 FROM pg_stat_activity WHERE application_name = 'by-options'"
            )

        assert listed.status_code == 200
        assert rows

    @pytest.mark.database("postgresql", "mysql")
    def test_private_authority_and_any_password(
        self, service: Service, production: Settings, secured: dict[str, TlsServer]
    ) -> None:
        kind = service.combination.database
        server = secured[kind]
        url = f"{server.url}?{TRUSTING[kind]}"
        settings = {**production, "DATABASE_PASSWORD": PASSWORD}

        trusting = service.run(
            "check", settings={**settings, "DATABASE_URL": url.format(server.authority)}
        )
        strange = service.run(
            "check", settings={**settings, "DATABASE_URL": url.format(server.stranger)}
        )

        # It has connected: the database is empty.
        assert trusting.stderr.endswith("migrate`.\n"), trusting.stderr
        assert strange.returncode == 1
        assert "migrate" not in strange.stderr
        assert "Traceback" not in strange.stderr
        assert PASSWORD not in strange.stderr


def _assert_refused(service: Service, settings: Settings, url: str, name: str) -> None:
    address = {"HOST": "127.0.0.1", "PORT": str(free_port())}

    done = service.run("serve", settings={**settings, **address, "DATABASE_URL": url}, seconds=10)

    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    (line,) = said.strip().splitlines()
    assert line.startswith("DATABASE_URL: ")
    assert name in line
    assert "secret" not in line
