"""Request bodies that arrive slowly, or never end."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from tests.harness.raw import connect, head, read_answer, written

if TYPE_CHECKING:
    from tests.harness.api import Api
    from tests.harness.fixtures import Start
    from tests.harness.services import Server, Service

ITEMS = "/api/v1/items"
JSON = "Content-Type: application/json"


@pytest.fixture
def open_path(service: Service) -> str:
    """A path that accepts bodies without authentication."""
    return "/api/v1/auth/register" if service.has_accounts else ITEMS


@pytest.mark.parametrize(
    "length", ["Content-Length: 100", "Transfer-Encoding: chunked"], ids=["length", "chunked"]
)
class TestIncompleteBody:
    def test_ends_slow_body_with_408(self, start: Start, open_path: str, length: str) -> None:
        with start(MAX_BODY_SECONDS="1") as server, connect(server) as connection:
            connection.sendall(head(server, f"POST {open_path} HTTP/1.1", JSON, length))
            answer = read_answer(connection)

            assert answer.status == 408
            assert answer.problem_complaints() == []
            assert json.loads(answer.body)["type"] == "/problems/request-timeout"
            assert answer.headers["connection"] == "close"

    def test_stores_nothing_of_broken_off_body(
        self, server: Server, caller: Api, length: str
    ) -> None:
        before = caller.post(ITEMS, json={"title": "before"}).json()
        item = json.dumps({"title": "incomplete"}).encode()
        body = b"%x\r\n%b\r\n" % (len(item), item) if "chunked" in length else item

        with connect(server) as connection:
            connection.sendall(written(caller, "POST", ITEMS, JSON, length, body=body))
            connection.shutdown(socket.SHUT_WR)
            answer = read_answer(connection)

        assert answer.status == 400
        assert answer.problem_complaints() == []
        assert caller.get(ITEMS, params={"after": before["id"]}).json()["items"] == []
