"""The service below a path of a reverse proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.accounts import new_account
from tests.harness.api import Api

if TYPE_CHECKING:
    from tests.harness.api import Transcript
    from tests.harness.fixtures import Start
    from tests.harness.services import Server, Service

HEADER = {"X-Forwarded-Prefix": "/shop"}
LOOPBACK = "127.0.0.0/8"


@pytest.mark.once_per("framework", "auth", "concurrency", "django_api")
class TestPrefix:
    @pytest.mark.parametrize("kept", ["", "/shop"], ids=["removed", "kept"])
    @pytest.mark.parametrize("by", ["setting", "header"])
    def test_location_and_document_have_prefix(
        self, service: Service, start: Start, transcript: Transcript, kept: str, by: str
    ) -> None:
        settings = {"ROOT_PATH": "/shop"} if by == "setting" else {"TRUSTED_PROXIES": LOOPBACK}
        with start(**settings) as server:
            caller = _caller(server, service, transcript)
            headers = HEADER if by == "header" else {}

            made = caller.post(f"{kept}/api/v1/items", json={"title": "Tea"}, headers=headers)
            document = caller.get(f"{kept}/openapi.json", headers=headers).json()
            page = caller.get(f"{kept}/docs", headers=headers)
            style = caller.get(f"{kept}/docs/assets/swagger-ui.css", headers=headers)
            live = caller.get(f"{kept}/health/live", headers={**headers, "Host": "10.0.0.1"})
            missing = caller.get(f"{kept}/nowhere", headers=headers)

        assert made.headers["location"] == f"/shop/api/v1/items/{made.json()['id']}"
        assert document["servers"] == [{"url": "/shop"}]
        for scheme in document["components"].get("securitySchemes", {}).values():
            for flow in scheme.get("flows", {}).values():
                assert flow["tokenUrl"] == "/shop/api/v1/auth/token"
        assert [each.status_code for each in (page, style, live, missing)] == [200, 200, 200, 404]

    @pytest.mark.parametrize(
        ("trusted", "prefix"),
        [("", "/shop"), (LOOPBACK, "//evil.example"), (LOOPBACK, "/a/../b"), (LOOPBACK, '/a"b')],
        ids=["untrusted", "host", "climbing", "quote"],
    )  # fmt: skip
    def test_header_is_ignored(
        self,
        service: Service,
        start: Start,
        transcript: Transcript,
        trusted: str,
        prefix: str,
    ) -> None:
        with start(TRUSTED_PROXIES=trusted) as server:
            caller = _caller(server, service, transcript)
            headers = {"X-Forwarded-Prefix": prefix}

            made = caller.post("/api/v1/items", json={"title": "Tea"}, headers=headers)
            document = caller.get("/openapi.json", headers=headers).json()

        assert made.headers["location"] == f"/api/v1/items/{made.json()['id']}"
        assert "servers" not in document


def _caller(server: Server, service: Service, transcript: Transcript) -> Api:
    api = Api(server.url, transcript)
    return new_account(api, service.combination.auth).api if service.has_accounts else api
