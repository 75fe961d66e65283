"""Errors: every response of 400 and above is a problem document (RFC 9457)."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx2
import pytest

from tests.harness.accounts import new_account, register
from tests.harness.api import Api, Document, Transcript
from tests.harness.combinations import ALL_BUT_AUTH
from tests.harness.raw import send, written

if TYPE_CHECKING:
    from tests.harness.accounts import Account
    from tests.harness.databases import Database, Outage
    from tests.harness.fixtures import Start
    from tests.harness.services import Server, Service

JSON = {"Content-Type": "application/json"}
NO_ITEM = "01900000-0000-7000-8000-000000000000"

METHODS = {
    "/health/live": {"GET"},
    "/health/ready": {"GET"},
    "/openapi.json": {"GET"},
    "/docs": {"GET"},
    "/api/v1/items": {"GET", "POST"},
    f"/api/v1/items/{NO_ITEM}": {"GET", "PATCH", "DELETE"},
}
METHODS_OF_ACCOUNTS = {
    "/api/v1/auth/register": {"POST"},
    "/api/v1/users/me": {"GET", "PATCH"},
    "/api/v1/users": {"GET"},
    f"/api/v1/users/{NO_ITEM}": {"PATCH"},
}
METHODS_OF_TOKENS = {
    "/api/v1/auth/token": {"POST"},
    "/api/v1/auth/refresh": {"POST"},
    "/api/v1/auth/logout": {"POST"},
}
METHODS_OF_SESSIONS = {
    "/api/v1/auth/csrf": {"GET"},
    "/api/v1/auth/logout": {"POST"},
}
METHODS_OF_LOGIN = {"/api/v1/auth/login": {"POST"}}
WITH_BODY = [
    ("POST", "/api/v1/items"),
    ("PATCH", f"/api/v1/items/{NO_ITEM}"),
    ("PATCH", "/api/v1/users/me"),
    ("PATCH", f"/api/v1/users/{NO_ITEM}"),
]
ALSO_ALLOWED = {"HEAD", "OPTIONS"}


class TestUnknownPath:
    @pytest.mark.parametrize(
        "path",
        [
            "/",
            "/nowhere",
            "/api",
            "/api/v1",
            "/api/v1/nothing",
            "/api/v2/items",
            "/health",
            "/api/v1/items/a/b",
            "/%00",
            "/%ff",
            "/api/v1/items%2f",
            "/..%2fetc/passwd",
            "/api//v1/items",
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_unknown_path_returns_404(self, caller: Api, method: str, path: str) -> None:
        assert caller.request(method, path).status_code == 404

    @pytest.mark.parametrize("path", ["//api/v1/items", "///health/live", "//docs"])
    def test_path_with_two_leading_slashes_returns_404(
        self, caller: Api, server: Server, path: str
    ) -> None:
        (answer,) = send(server, written(caller, "GET", path))

        assert answer.status == 404
        assert answer.problem_complaints() == []


class TestWrongMethod:
    @pytest.mark.parametrize("path", METHODS)
    def test_405_lists_allowed_methods(self, caller: Api, path: str) -> None:
        _assert_refuses_other_methods(caller, path, METHODS[path])

    @pytest.mark.accounts
    @pytest.mark.parametrize("path", METHODS_OF_ACCOUNTS)
    def test_405_lists_allowed_methods_of_account_paths(self, caller: Api, path: str) -> None:
        _assert_refuses_other_methods(caller, path, METHODS_OF_ACCOUNTS[path])

    @pytest.mark.auth("jwt")
    @pytest.mark.parametrize("path", METHODS_OF_TOKENS)
    def test_405_lists_allowed_methods_of_token_paths(self, caller: Api, path: str) -> None:
        _assert_refuses_other_methods(caller, path, METHODS_OF_TOKENS[path])

    @pytest.mark.auth("session", "oidc")
    @pytest.mark.parametrize("path", METHODS_OF_SESSIONS)
    def test_405_lists_allowed_methods_of_session_paths(self, caller: Api, path: str) -> None:
        _assert_refuses_other_methods(caller, path, METHODS_OF_SESSIONS[path])

    @pytest.mark.auth("session")
    @pytest.mark.parametrize("path", METHODS_OF_LOGIN)
    def test_405_lists_allowed_methods_of_login_paths(self, caller: Api, path: str) -> None:
        _assert_refuses_other_methods(caller, path, METHODS_OF_LOGIN[path])


def _assert_refuses_other_methods(api: Api, path: str, methods: set[str]) -> None:
    for method in sorted({"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - methods):
        answer = api.request(method, path)

        assert answer.status_code == 405, method
        allowed = {each.strip() for each in answer.headers["allow"].split(",")}
        assert allowed - ALSO_ALLOWED == methods - ALSO_ALLOWED, method


class TestMalformedJson:
    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b'{"title": "a"',
            b"{'title': 'a'}",
            b'{"title": "a",}',
            b"title=a",
            b"\x00",
            b'{"title": "\xff"}',
            b'{"title": "a"} x',
            b'{"title": "\n"}',
            b'{"title": "\\x"}',
        ],
    )
    def test_invalid_json_returns_400(self, caller: Api, body: bytes) -> None:
        assert caller.post("/api/v1/items", content=body, headers=JSON).status_code == 400

    @pytest.mark.parametrize("charset", ["latin-1", "utf-16", "x"])
    def test_json_is_utf_8_in_any_charset(self, caller: Api, charset: str) -> None:
        headers = {"Content-Type": f"application/json; charset={charset}"}
        for body, expected in (('{"title": "é"}'.encode(), 201), (b'{"title": "\xe9"}', 400)):
            answer = caller.post("/api/v1/items", content=body, headers=headers)

            assert answer.status_code == expected

    def test_invalid_json_in_change_returns_400(self, caller: Api) -> None:
        item = caller.post("/api/v1/items", json={"title": "a"}).json()

        answer = caller.patch(f"/api/v1/items/{item['id']}", content=b"{", headers=JSON)

        assert answer.status_code == 400

    @pytest.mark.accounts
    @pytest.mark.parametrize(("method", "path"), WITH_BODY)
    def test_anonymous_client_gets_401_before_400(self, api: Api, method: str, path: str) -> None:
        assert api.request(method, path, content=b"{", headers=JSON).status_code == 401

    @pytest.mark.accounts
    def test_user_without_role_gets_403_before_400(self, account: Account) -> None:
        answer = account.api.patch(f"/api/v1/users/{NO_ITEM}", content=b"{", headers=JSON)

        assert answer.status_code == 403

    @pytest.mark.parametrize("headers", [JSON, {}], ids=["json", "untyped"])
    def test_missing_body_returns_422(self, caller: Api, headers: dict[str, str]) -> None:
        item = caller.post("/api/v1/items", json={"title": "a"}).json()

        for method, path in (("POST", "/api/v1/items"), ("PATCH", f"/api/v1/items/{item['id']}")):
            answer = caller.request(method, path, headers=headers)

            assert answer.status_code == 422
            assert [each["pointer"] for each in answer.json()["errors"]] == [""]

    @pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 100_000])
    def test_rejects_deeply_nested_body(self, caller: Api, body: str) -> None:
        answer = caller.post("/api/v1/items", content=body, headers=JSON)

        assert answer.status_code in (400, 422)

    def test_rejects_deeply_nested_value_of_field(self, caller: Api) -> None:
        body = '{"title": ' + "[" * 5_000 + "]" * 5_000 + "}"

        answer = caller.post("/api/v1/items", content=body, headers=JSON)

        assert answer.status_code in (400, 422)


class TestWrongMediaType:
    @pytest.mark.parametrize(
        "media_type",
        [
            "text/plain",
            "application/xml",
            "application/x-www-form-urlencoded",
            "text/x+json",
            "nonsense",
        ],
    )
    def test_wrong_media_type_returns_415(self, caller: Api, media_type: str) -> None:
        answer = caller.post(
            "/api/v1/items",
            content=json.dumps({"title": "a"}),
            headers={"Content-Type": media_type},
        )

        assert answer.status_code == 415

    def test_missing_media_type_returns_415(self, caller: Api) -> None:
        answer = caller.post("/api/v1/items", content=json.dumps({"title": "a"}))

        assert answer.status_code == 415

    @pytest.mark.parametrize(
        "media_type",
        [
            "application/json; charset=utf-8",
            "Application/JSON",
            'application/json;charset="UTF-8"',
            "application/merge-patch+json",
            "application/problem+json",
        ],
    )
    def test_accepts_json_with_parameters(self, caller: Api, media_type: str) -> None:
        answer = caller.post(
            "/api/v1/items",
            content=json.dumps({"title": "a"}),
            headers={"Content-Type": media_type},
        )

        assert answer.status_code == 201

    @pytest.mark.auth("jwt")
    def test_json_instead_of_form_returns_415(self, api: Api) -> None:
        answer = api.post(
            "/api/v1/auth/token",
            json={"grant_type": "password", "username": "a@example.org", "password": "x" * 12},
        )

        assert answer.status_code == 415

    @pytest.mark.auth("jwt")
    def test_multipart_instead_of_form_returns_415(self, api: Api) -> None:
        fields = {"grant_type": "password", "username": "a@example.org", "password": "x" * 12}
        parts = {name: (None, value) for name, value in fields.items()}

        assert api.post("/api/v1/auth/token", files=parts).status_code == 415


class TestValidation:
    @pytest.mark.parametrize("body", ["null", "[]", '"title"', "1", "true", '[{"title": "a"}]'])
    def test_body_that_is_not_an_object_has_empty_pointer(self, caller: Api, body: str) -> None:
        answer = caller.post("/api/v1/items", content=body, headers=JSON)

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == [""]

    def test_every_invalid_field_has_an_entry(self, caller: Api) -> None:
        answer = caller.post("/api/v1/items", json={"title": "", "description": 1, "x": 2})

        assert answer.status_code == 422
        pointers = {each["pointer"] for each in answer.json()["errors"]}
        assert pointers == {"/title", "/description", "/x"}

    @pytest.mark.parametrize("after", ["abc", "", "1", "00000000-0000-0000-0000-00000000000g"])
    def test_names_invalid_query_parameter(self, caller: Api, after: str) -> None:
        answer = caller.get("/api/v1/items", params={"after": after})

        assert answer.status_code == 422
        assert [each["query"] for each in answer.json()["errors"]] == ["after"]

    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
    @pytest.mark.parametrize("item_id", ["abc", "1", "01900000-0000-7000-8000-00000000000g", "%20"])
    def test_names_path_parameter_as_in_document(
        self, caller: Api, document: Document, method: str, item_id: str
    ) -> None:
        body: dict[str, str] | None = {} if method == "PATCH" else None

        answer = caller.request(method, f"/api/v1/items/{item_id}", json=body)

        assert answer.status_code == 422
        found = document.operation(method, f"/api/v1/items/{NO_ITEM}")
        assert found is not None
        (name,) = [part[1:-1] for part in found[0].split("/") if part.startswith("{")]
        assert [each["path"] for each in answer.json()["errors"]] == [name]

    def test_message_does_not_echo_input(self, caller: Api) -> None:
        answer = caller.post("/api/v1/items", json={"title": ["do-not-echo"]})

        assert answer.status_code == 422
        assert "do-not-echo" not in answer.text


class TestKind:
    """Errors with the same status differ in `type`."""

    def test_kind_distinguishes_missing_item_from_unknown_path(self, caller: Api) -> None:
        for path, expected in (
            (f"/api/v1/items/{NO_ITEM}", "/problems/item-not-found"),
            ("/api/v1/nothing", "/problems/unknown-address"),
        ):
            assert caller.get(path).json()["type"] == expected

    def test_kind_of_invalid_body_distinguishes_fields_from_syntax(self, caller: Api) -> None:
        for body, expected in (
            ("{}", "/problems/invalid-request"),
            ("{", "/problems/malformed-body"),
        ):
            answer = caller.post("/api/v1/items", content=body, headers=JSON)
            assert answer.json()["type"] == expected

    @pytest.mark.accounts
    def test_anonymous_request_has_kind(self, api: Api) -> None:
        answer = api.get("/api/v1/users/me")

        assert answer.json()["type"] == "/problems/unknown-caller"

    @pytest.mark.auth("jwt", "session", "api-key")
    def test_taken_address_has_kind(self, account: Account) -> None:
        answer = register(account.api.again(), email=account.email)

        assert answer.json()["type"] == "/problems/email-taken"


@pytest.mark.once_per(*ALL_BUT_AUTH)
class TestDatabaseAway:
    """A database outage causes 503 responses, and recovery needs no restart."""

    def test_outage_returns_503_and_recovers_without_restart(
        self, service: Service, database: Database, start: Start, transcript: Transcript
    ) -> None:
        for outage in database.outages():
            with start(DATABASE_URL=outage.url) as server:
                caller = _caller(server, service, transcript)
                assert caller.post("/api/v1/items", json={"title": "before"}).status_code == 201

                with outage.happening:
                    assert caller.get("/health/live").status_code == 200
                    _assert_unavailable(caller, "POST", outage)
                    if outage.reads_fail:
                        _assert_unavailable(caller, "GET", outage)

                answer = caller.post("/api/v1/items", json={"title": "after"})
                assert answer.status_code == 201, f"{outage.name}: {answer.text}"

    def test_server_started_during_outage_serves_after_recovery(
        self, service: Service, database: Database, start: Start, transcript: Transcript
    ) -> None:
        absence = database.absence()
        with start(DATABASE_URL=absence.url) as server:
            with Api(server.url, transcript) as api:
                assert api.get("/health/live").status_code == 200
                assert api.get("/health/ready").status_code == 503

                absence.end()

                assert api.get("/health/ready").status_code == 200
            caller = _caller(server, service, transcript)
            assert caller.post("/api/v1/items", json={"title": "after"}).status_code == 201


@pytest.mark.once_per(*ALL_BUT_AUTH)
class TestDatabaseBusy:
    """The response names the cause, and says when to try again."""

    def test_locked_row_returns_503(self, caller: Api, database: Database) -> None:
        title = str(uuid.uuid4())
        path = f"/api/v1/items/{caller.post('/api/v1/items', json={'title': title}).json()['id']}"

        with database.transaction() as run:
            run("UPDATE item SET description = 'locked' WHERE title = %s", title)
            answer = caller.patch(path, json={"title": "new"})

        assert answer.status_code == 503
        assert answer.json()["detail"] == "Another request has locked the data."
        assert int(answer.headers["retry-after"]) > 0
        assert caller.patch(path, json={"title": "new"}).status_code == 200

    def test_exhausted_pool_is_not_called_unavailable(
        self, service: Service, database: Database, start: Start, transcript: Transcript
    ) -> None:
        title = str(uuid.uuid4())
        with start(DATABASE_POOL_SIZE="1") as server, ThreadPoolExecutor() as pool:
            caller = _caller(server, service, transcript)
            item = caller.post("/api/v1/items", json={"title": title}).json()
            path = f"/api/v1/items/{item['id']}"
            with database.transaction() as run:
                run("UPDATE item SET description = 'locked' WHERE title = %s", title)
                updates = [
                    pool.submit(caller.patch, path, json={"title": "new"}, timeout=30)
                    for _ in range(3)
                ]
                answers = [each.result() for each in updates]

            for each in answers:
                assert each.status_code == 503
                assert each.json()["detail"] != "The database is unavailable."
                assert int(each.headers["retry-after"]) > 0
            assert caller.patch(path, json={"title": "new"}).status_code == 200


def _assert_unavailable(caller: Api, method: str, outage: Outage) -> None:
    body = {"title": "meanwhile"} if method == "POST" else None
    # SQLite waits up to five seconds for a lock.
    seconds = 10 if outage.noticed_at_once else 2
    try:
        answer = caller.request(method, "/api/v1/items", json=body, timeout=seconds)
    except httpx2.ReadTimeout:
        assert not outage.noticed_at_once, outage.name
    else:
        assert answer.status_code == 503, outage.name
        assert int(answer.headers["retry-after"]) > 0


def _caller(server: Server, service: Service, transcript: Transcript) -> Api:
    api = Api(server.url, transcript)
    return new_account(api, service.combination.auth).api if service.has_accounts else api


class TestBug:
    def test_500_hides_details_that_the_log_contains(
        self, caller: Api, database: Database, server: Server
    ) -> None:
        with database.refusing_title("planted"):
            answer = caller.post(
                "/api/v1/items", json={"title": "planted"}, headers={"X-Request-ID": "the-bug"}
            )

        assert answer.status_code == 500
        for word in (
            "planted",
            "item",
            "Traceback",
            "INSERT",
            "sql",
            ".py",
            "constraint",
        ):
            assert word not in answer.text, word
        assert any("Traceback" in line for line in server.lines_of("the-bug"))

    @pytest.mark.database("postgresql")
    def test_log_contains_no_values_of_the_row(
        self, caller: Api, database: Database, server: Server
    ) -> None:
        item = {"title": "unforeseen", "description": "a value\n[SQL: of the row\nHINT:  a value"}
        database.run("ALTER TABLE item ADD CONSTRAINT planted CHECK (title <> 'unforeseen')")
        try:
            answer = caller.post("/api/v1/items", json=item, headers={"X-Request-ID": "the-row"})
        finally:
            database.run("ALTER TABLE item DROP CONSTRAINT planted")

        assert answer.status_code == 500
        logged = "\n".join(server.lines_of("the-row"))
        assert 'violates check constraint \\"planted\\"' in logged
        assert "a value" not in logged
        assert "unforeseen" not in logged

    def test_serves_the_next_request_after_500(self, caller: Api, database: Database) -> None:
        with database.refusing_title("planted"):
            for _ in range(30):
                assert caller.post("/api/v1/items", json={"title": "planted"}).status_code == 500

        assert caller.post("/api/v1/items", json={"title": "planted"}).status_code == 201
