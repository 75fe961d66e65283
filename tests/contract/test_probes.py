"""Probes and documents."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urljoin, urlsplit

import pytest
from openapi_spec_validator import validate

from tests.harness.api import Api, Document, Transcript
from tests.harness.combinations import ALL_BUT_AUTH

if TYPE_CHECKING:
    from tests.harness.combinations import Combination
    from tests.harness.databases import Database
    from tests.harness.fixtures import Start

PROBE_SECONDS = 2
NETWORK_SLACK = 1

PATHS = {
    "/health/live": {"get"},
    "/health/ready": {"get"},
    "/api/v1/items": {"get", "post"},
    "/api/v1/items/{}": {"get", "patch", "delete"},
}
PATHS_OF_ACCOUNTS = {
    "/api/v1/auth/register": {"post"},
    "/api/v1/users/me": {"get", "patch"},
    "/api/v1/users": {"get"},
    "/api/v1/users/{}": {"patch"},
}
PATHS_OF_AUTH: dict[str, dict[str, set[str]]] = {
    "none": {},
    "jwt": {
        **PATHS_OF_ACCOUNTS,
        "/api/v1/auth/token": {"post"},
        "/api/v1/auth/refresh": {"post"},
        "/api/v1/auth/logout": {"post"},
    },
    "session": {
        **PATHS_OF_ACCOUNTS,
        "/api/v1/auth/login": {"post"},
        "/api/v1/auth/csrf": {"get"},
        "/api/v1/auth/logout": {"post"},
    },
    "oidc": {
        **PATHS_OF_ACCOUNTS,
        "/api/v1/auth/login": {"get"},
        "/api/v1/auth/callback": {"get"},
        "/api/v1/auth/csrf": {"get"},
        "/api/v1/auth/logout": {"post"},
    },
    "api-key": {
        **PATHS_OF_ACCOUNTS,
        "/api/v1/api-keys": {"get", "post"},
        "/api/v1/api-keys/{}": {"delete"},
    },
}


class TestLive:
    def test_live_returns_ok(self, api: Api) -> None:
        answer = api.get("/health/live")

        assert answer.status_code == 200
        assert answer.json() == {"status": "ok"}

    def test_live_returns_ok_without_database(
        self, database: Database, start: Start, transcript: Transcript
    ) -> None:
        with (
            start(DATABASE_URL=database.absence().url) as server,
            Api(server.url, transcript) as api,
        ):
            assert api.get("/health/live").json() == {"status": "ok"}


class TestReady:
    def test_ready_lists_every_backing_service(self, api: Api, combination: Combination) -> None:
        answer = api.get("/health/ready")

        assert answer.status_code == 200
        cache = {} if combination.cache == "none" else {"cache": "ok"}
        assert answer.json() == {"status": "ok", "checks": {**cache, "database": "ok"}}

    @pytest.mark.once_per(*ALL_BUT_AUTH)
    def test_ready_reports_unavailable_database_in_time(
        self, database: Database, start: Start, transcript: Transcript
    ) -> None:
        with (
            start(DATABASE_URL=database.absence().url) as server,
            Api(server.url, transcript) as api,
        ):
            _assert_not_ready(api)

    @pytest.mark.once_per(*ALL_BUT_AUTH)
    def test_ready_reports_lost_database_in_time(
        self, database: Database, start: Start, transcript: Transcript
    ) -> None:
        for outage in database.outages():
            if not outage.reads_fail:
                continue
            with start(DATABASE_URL=outage.url) as server, Api(server.url, transcript) as api:
                assert api.get("/health/ready").status_code == 200
                with outage.happening:
                    _assert_not_ready(api)
                    _assert_not_ready(api)
                assert api.get("/health/ready").status_code == 200


def _assert_not_ready(api: Api) -> None:
    begun = time.monotonic()

    answer = api.get("/health/ready")

    assert time.monotonic() - begun < PROBE_SECONDS + NETWORK_SLACK
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "down"


class TestOpenapi:
    def test_document_is_valid(self, api: Api) -> None:
        answer = api.get("/openapi.json")

        assert answer.headers["content-type"].partition(";")[0] == "application/json"
        content = answer.json()
        assert re.match(r"3\.1\.\d+\Z", content["openapi"])
        validate(content)

    def test_document_has_exactly_the_operations_of_the_contract(
        self, document: Document, combination: Combination
    ) -> None:
        written = {
            re.sub(r"\{[^/}]*\}", "{}", path): set(operations) - {"parameters"}
            for path, operations in document.content["paths"].items()
        }

        assert written == {**PATHS, **PATHS_OF_AUTH[combination.auth]}

    def test_operation_ids_are_unique(self, document: Document) -> None:
        names = [
            operation["operationId"]
            for operations in document.content["paths"].values()
            for operation in operations.values()
        ]

        assert len(set(names)) == len(names)

    def test_every_error_is_a_problem(self, document: Document) -> None:
        for path, operations in document.content["paths"].items():
            for method, operation in operations.items():
                for status, response in operation["responses"].items():
                    if status >= "400":
                        types = set(response.get("content", {}))
                        assert types == {"application/problem+json"}, f"{method} {path} {status}"

    def test_operations_with_body_document_validation_errors(self, document: Document) -> None:
        for path, operations in document.content["paths"].items():
            for method, operation in operations.items():
                if "requestBody" in operation:
                    missing = {"400", "413", "415", "422"} - set(operation["responses"])
                    assert not missing, f"{method} {path}"

    def test_operations_on_database_document_503(self, document: Document) -> None:
        for path, operations in document.content["paths"].items():
            for method, operation in operations.items():
                if path != "/health/live":
                    assert "503" in operation["responses"], f"{method} {path}"

    def test_document_names_the_service(self, document: Document) -> None:
        assert document.content["info"]["title"]
        assert document.content["info"]["version"]


class Assets(HTMLParser):
    """Collect the URLs from which a page loads resources."""

    LOADED_BY: ClassVar = {
        "script": "src",
        "link": "href",
        "img": "src",
        "iframe": "src",
        "source": "src",
        "image": "href",
        "object": "data",
        "embed": "src",
    }

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self._inside_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside_script = tag in ("script", "style")
        address = dict(attrs).get(self.LOADED_BY.get(tag, ""))
        if address and not address.startswith("data:"):
            self.addresses.append(address)

    def handle_data(self, data: str) -> None:
        if self._inside_script:
            self.inline.append(data)


class TestDocs:
    def test_page_loads_all_resources_from_the_service(self, api: Api) -> None:
        page = api.get("/docs")
        assert page.status_code == 200
        assert page.headers["content-type"].partition(";")[0] == "text/html"
        assets = Assets()
        assets.feed(page.text)

        kinds = set()
        for address in assets.addresses:
            url = urljoin(str(api.base_url.join("/docs")), address)
            assert urlsplit(url).netloc == f"127.0.0.1:{api.base_url.port}", address
            answer = api.get(url)
            assert answer.status_code == 200, address
            assert len(answer.content) > 100, address
            kinds.add(answer.headers["content-type"].partition(";")[0])

        assert kinds & {"text/javascript", "application/javascript"}
        assert "text/css" in kinds

    def test_page_names_no_other_host(self, api: Api) -> None:
        page = api.get("/docs").text

        hosts = {urlsplit(each).netloc for each in re.findall(r"(?:https?:)?//[^\s\"'<>)]+", page)}
        assert hosts <= {"www.w3.org", f"127.0.0.1:{api.base_url.port}"}

    def test_page_shows_the_document(self, api: Api) -> None:
        page = api.get("/docs")
        assets = Assets()
        assets.feed(page.text)

        sources = [
            page.text,
            *(
                api.get(urljoin(str(api.base_url.join("/docs")), each)).text
                for each in assets.addresses
                if "bundle" not in each
            ),
        ]
        assert any('"openapi.json"' in each for each in sources)

    @pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
    def test_docs_can_be_disabled(self, opened_api: Api, path: str) -> None:
        assert opened_api.get(path).status_code == 404

    def test_assets_are_disabled_with_docs(self, api: Api, opened_api: Api) -> None:
        assets = Assets()
        assets.feed(api.get("/docs").text)

        for each in assets.addresses:
            assert (
                opened_api.get(
                    urljoin("http://service/docs", each).removeprefix("http://service")
                ).status_code
                == 404
            )


@pytest.mark.parametrize("name", ["/redoc", "/docs/oauth2-redirect", "/metrics"])
def test_serves_nothing_else_at_the_root(api: Api, name: str) -> None:
    assert api.get(name).status_code == 404
