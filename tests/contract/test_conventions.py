"""Conventions: paths, unknown fields, request IDs, security headers, CORS, hosts, body size."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.harness.api import Api, security_headers
from tests.harness.fixtures import OPEN_ORIGIN, SMALL_BODY, Settings, Start
from tests.harness.raw import chunks, exchange, head, hesitate

if TYPE_CHECKING:
    from tests.harness.services import Server, Service

NO_ITEM = "01900000-0000-7000-8000-000000000000"
EVERY_PATH = (
    "/health/live",
    "/health/ready",
    "/openapi.json",
    "/docs",
    "/api/v1/items",
    f"/api/v1/items/{NO_ITEM}",
)
HEADERS_OF_AUTH = {
    "none": (),
    "jwt": ("authorization",),
    "session": ("x-csrf-token",),
    "oidc": ("x-csrf-token",),
    "api-key": ("x-api-key",),
}
UUID4_TEXT = re.compile(r"[A-Za-z0-9._-]{16,128}\Z")


class TestTrailingSlash:
    @pytest.mark.parametrize("path", EVERY_PATH)
    def test_trailing_slash_returns_404(self, caller: Api, path: str) -> None:
        answer = caller.get(f"{path}/")

        assert answer.status_code == 404
        assert "location" not in answer.headers

    def test_post_with_trailing_slash_creates_nothing(self, caller: Api) -> None:
        answer = caller.post("/api/v1/items/", json={"title": "lost"})

        assert answer.status_code == 404

    @pytest.mark.accounts
    @pytest.mark.parametrize(
        "path", ["/api/v1/users/me/", "/api/v1/users/", "/api/v1/auth/register/"]
    )
    def test_trailing_slash_on_account_paths_returns_404(self, caller: Api, path: str) -> None:
        assert caller.get(path).status_code == 404
        assert caller.post(path, json={}).status_code == 404

    def test_double_slash_returns_404(self, caller: Api) -> None:
        assert caller.get("/api/v1//items").status_code == 404


class TestUnknownFields:
    def test_rejects_misspelled_field_by_name(self, caller: Api) -> None:
        answer = caller.post("/api/v1/items", json={"title": "a", "descripton": "b"})

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/descripton"]

    @pytest.mark.parametrize("field", ["id", "owner_id", "created_at", "updated_at"])
    def test_rejects_field_set_by_service(self, caller: Api, field: str) -> None:
        answer = caller.post("/api/v1/items", json={"title": "a", field: NO_ITEM})

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == [f"/{field}"]

    def test_rejects_misspelled_field_of_change(self, caller: Api) -> None:
        item = caller.post("/api/v1/items", json={"title": "a"}).json()

        answer = caller.patch(f"/api/v1/items/{item['id']}", json={"titel": "b"})

        assert answer.status_code == 422
        assert caller.get(f"/api/v1/items/{item['id']}").json() == item

    def test_pointer_is_escaped_as_in_rfc_6901(self, caller: Api) -> None:
        answer = caller.post("/api/v1/items", json={"title": "a", "b/c~d": 1})

        assert [each["pointer"] for each in answer.json()["errors"]] == ["/b~1c~0d"]


class TestRequestId:
    @pytest.mark.parametrize(
        "given",
        ["a", "A-Z.0_9", "x" * 128, str(uuid.UUID(int=7))],
        ids=["one-character", "every-kind", "longest", "uuid"],
    )
    def test_echoes_valid_request_id(self, api: Api, given: str) -> None:
        answer = api.get("/health/live", headers={"X-Request-ID": given})

        assert answer.headers["x-request-id"] == given

    @pytest.mark.parametrize(
        "given",
        ["", "x" * 129, "a b", "a/b", "a,b", "a\tb", "naïve", "<script>", "a;b=c", "{}", "a:b"],
    )
    def test_replaces_invalid_request_id(self, api: Api, given: str) -> None:
        answer = api.get("/health/live", headers=[(b"X-Request-ID", given.encode("latin-1"))])

        made = answer.headers["x-request-id"]
        assert made != given
        assert UUID4_TEXT.match(made)

    def test_generates_unique_request_ids(self, api: Api) -> None:
        made = {api.get("/health/live").headers["x-request-id"] for _ in range(5)}

        assert len(made) == 5

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/nowhere", 404),
            ("PUT", "/api/v1/items", 405),
            ("GET", "/api/v1/items?limit=0", 422),
        ],
    )
    def test_every_problem_has_request_id(
        self, caller: Api, method: str, path: str, status: int
    ) -> None:
        answer = caller.request(method, path, headers={"X-Request-ID": "find-me"})

        assert answer.status_code == status
        assert answer.headers["x-request-id"] == "find-me"
        assert answer.json()["request_id"] == "find-me"

    def test_log_lines_of_request_have_request_id(self, caller: Api, own_server: Server) -> None:
        request_id = f"log-{uuid.uuid4()}"

        caller.get("/api/v1/items", headers={"X-Request-ID": request_id})

        lines = own_server.lines_of(request_id)
        assert lines
        assert all(f'"request_id": "{request_id}"' in _spaced(line) for line in lines)


def _spaced(line: str) -> str:
    return re.sub(r'":\s*', '": ', line)


class TestSecurityHeaders:
    @pytest.mark.parametrize("path", [*EVERY_PATH, "/nowhere", "/api/v1/items?limit=0"])
    def test_every_response_has_security_headers(self, api: Api, path: str) -> None:
        answer = api.get(path)

        for header, expected in security_headers(answer).items():
            assert answer.headers.get_list(header) == [expected]
        assert "max-age=" in answer.headers["strict-transport-security"]

    def test_only_production_sends_strict_transport_security(self, opened_api: Api) -> None:
        answer = opened_api.get("/health/live")

        assert "strict-transport-security" not in answer.headers

    def test_no_response_names_server_software(self, api: Api) -> None:
        said = api.get("/health/live").headers.get("server", "")

        assert not re.search(r"\d", said)


class TestCors:
    @pytest.mark.parametrize("origin", ["https://evil.example", "null", OPEN_ORIGIN])
    def test_cors_is_closed_by_default(self, api: Api, origin: str) -> None:
        answer = api.get("/health/live", headers={"Origin": origin})
        preflight = api.options(
            "/api/v1/items",
            headers={"Origin": origin, "Access-Control-Request-Method": "POST"},
        )

        for each in (answer, preflight):
            assert not [name for name in each.headers if name.startswith("access-control-")]

    def test_listed_origin_can_read_responses(self, opened_api: Api) -> None:
        answer = opened_api.get("/health/live", headers={"Origin": OPEN_ORIGIN})

        assert answer.headers["access-control-allow-origin"] == OPEN_ORIGIN
        assert "origin" in answer.headers["vary"].lower()

    def test_listed_origin_can_read_errors(self, opened_api: Api) -> None:
        answer = opened_api.get("/nowhere", headers={"Origin": OPEN_ORIGIN})

        assert answer.status_code == 404
        assert answer.headers["access-control-allow-origin"] == OPEN_ORIGIN

    def test_listed_origin_can_read_request_id_and_location(self, opened_api: Api) -> None:
        answer = opened_api.get("/health/live", headers={"Origin": OPEN_ORIGIN})

        exposed = answer.headers["access-control-expose-headers"].lower()
        assert {"location", "x-request-id"} <= {each.strip() for each in exposed.split(",")}

    @pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
    def test_listed_origin_can_send_preflight_request(
        self, opened_api: Api, service: Service, method: str
    ) -> None:
        sent = {"content-type", "x-request-id", *HEADERS_OF_AUTH[service.combination.auth]}

        answer = opened_api.options(
            "/api/v1/items",
            headers={
                "Origin": OPEN_ORIGIN,
                "Access-Control-Request-Method": method,
                "Access-Control-Request-Headers": ", ".join(sorted(sent)),
            },
        )

        assert answer.status_code in (200, 204)
        assert answer.headers["access-control-allow-origin"] == OPEN_ORIGIN
        assert method in answer.headers["access-control-allow-methods"]
        allowed = answer.headers["access-control-allow-headers"].lower()
        assert sent <= {each.strip() for each in allowed.split(",")}

    def test_traced_page_can_send_preflight_request(self, opened_api: Api) -> None:
        answer = opened_api.options(
            "/api/v1/items",
            headers={
                "Origin": OPEN_ORIGIN,
                "Access-Control-Request-Method": "GET",
                "Access-Control-Request-Headers": "baggage,sentry-trace,traceparent,tracestate",
            },
        )

        assert answer.status_code in (200, 204)

    @pytest.mark.parametrize(
        ("method", "name", "status"),
        [("PUT", "X-Own", 200), ("PUT", "X-Request-ID", 400), ("PATCH", "X-Own", 400)],
    )
    def test_settings_name_methods_and_headers(
        self, start: Start, method: str, name: str, status: int
    ) -> None:
        settings = {
            "CORS_ORIGINS": OPEN_ORIGIN,
            "CORS_ALLOW_HEADERS": "X-Own",
            "CORS_ALLOW_METHODS": "GET, PUT",
        }
        with start(**settings) as server:
            answer = exchange(
                server,
                "OPTIONS /api/v1/items HTTP/1.1",
                f"Origin: {OPEN_ORIGIN}",
                f"Access-Control-Request-Method: {method}",
                f"Access-Control-Request-Headers: {name}",
            )

        assert answer.status == status

    @pytest.mark.parametrize(
        "origin",
        ["https://evil.example", f"{OPEN_ORIGIN}.evil.example", "null", "http://app.example"],
    )
    def test_rejects_unlisted_origin(self, opened_api: Api, origin: str) -> None:
        answer = opened_api.get("/health/live", headers={"Origin": origin})
        preflight = opened_api.options(
            "/api/v1/items",
            headers={"Origin": origin, "Access-Control-Request-Method": "POST"},
        )

        assert "access-control-allow-origin" not in answer.headers
        assert "access-control-allow-origin" not in preflight.headers

    def test_wildcard_with_credentials_stops_start(
        self, service: Service, production: Settings
    ) -> None:
        done = service.run(
            "serve",
            settings={**production, "CORS_ORIGINS": "*", "CORS_ALLOW_CREDENTIALS": "true"},
            seconds=10,
        )

        assert done.returncode == 1
        assert "CORS_ORIGINS" in done.stderr

    def test_wildcard_without_credentials_allows_any_origin(self, start: Start) -> None:
        with start(CORS_ORIGINS="*") as server:
            answer = exchange(server, "GET /health/live HTTP/1.1", "Origin: https://any.example")

        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers


class TestHosts:
    def test_rejects_unlisted_host(self, api: Api) -> None:
        answer = api.get("/api/v1/items", headers={"Host": "evil.example"})

        assert answer.status_code == 400

    def test_host_check_ignores_port(self, caller: Api) -> None:
        answer = caller.get("/api/v1/items", headers={"Host": "127.0.0.1:1"})

        assert answer.status_code == 200

    def test_probes_accept_any_host(self, api: Api) -> None:
        assert api.get("/health/ready", headers={"Host": "10.0.0.7:8000"}).status_code == 200


class TestBodySize:
    LIMIT = 1_048_576

    def test_rejects_declared_length_over_limit_before_body(self, server: Server) -> None:
        answer = exchange(
            server,
            "POST /api/v1/items HTTP/1.1",
            "Content-Type: application/json",
            f"Content-Length: {self.LIMIT + 1}",
        )

        assert answer.status == 413
        assert answer.problem_complaints() == []

    def test_stops_reading_chunked_body_over_limit(self, server: Server) -> None:
        whole = 256 * self.LIMIT

        answer = exchange(
            server,
            "POST /api/v1/items HTTP/1.1",
            "Content-Type: application/json",
            "Transfer-Encoding: chunked",
            body=chunks(b"x" * 65_536, whole // 65_536),
        )

        assert answer.status == 413
        assert answer.problem_complaints() == []
        assert answer.sent < whole / 4

    def test_accepts_body_of_exactly_the_limit(self, caller: Api) -> None:
        start, end = b'{"title": "', b'"}'
        body = start + b"x" * (self.LIMIT - len(start + end)) + end

        answer = caller.post(
            "/api/v1/items", content=body, headers={"Content-Type": "application/json"}
        )

        assert answer.status_code == 422

    def test_document_lists_413_for_operations_with_body(self, caller: Api) -> None:
        answer = caller.post(
            "/api/v1/items",
            content=b" " * (self.LIMIT + 1),
            headers={"Content-Type": "application/json"},
        )

        assert answer.status_code == 413

    @pytest.mark.parametrize(
        ("size", "status"), [(SMALL_BODY, 422), (SMALL_BODY + 1, 413)], ids=["at", "over"]
    )
    @pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
    def test_limit_is_configurable(
        self, opened_api: Api, service: Service, size: int, status: int, *, chunked: bool
    ) -> None:
        body = b'{"email": 1, "password": 2}'.ljust(size)
        path = "/api/v1/auth/register" if service.has_accounts else "/api/v1/items"

        answer = opened_api.post(
            path,
            content=iter([body]) if chunked else body,
            headers={"Content-Type": "application/json"},
        )

        assert answer.status_code == status


def test_rejected_body_keeps_connection_usable(server: Server) -> None:
    missing = "POST /api/v1/nothing HTTP/1.1", "Content-Type: application/json"

    refusal, answer = hesitate(
        server,
        late=(head(server, *missing, "Content-Length: 2"), b"{}"),
        following=head(server, "GET /health/live HTTP/1.1"),
    )

    assert refusal.status == 404
    assert answer.status == 200
