"""Requests that no HTTP client would send, over a plain socket."""

from __future__ import annotations

import io
import json
import re
import select
import socket
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import TYPE_CHECKING

from tests.harness.api import PROBLEM_MEMBERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.harness.api import Api
    from tests.harness.services import Address

ANSWER_SECONDS = 10
LATE_SECONDS = 0.2


@dataclass(frozen=True)
class RawAnswer:
    """A response, and how many bytes of the body had been sent before it arrived."""

    status: int
    headers: dict[str, str]
    body: bytes
    sent: int

    def problem_complaints(self) -> list[str]:
        """Return why the body is not a problem document."""
        if self.headers.get("content-type", "").partition(";")[0] != "application/problem+json":
            return [f"content-type is {self.headers.get('content-type')}: {self.body[:200]!r}"]
        missing = PROBLEM_MEMBERS - set(json.loads(self.body))
        return [f"{each} is missing" for each in sorted(missing)]


def chunks(part: bytes, count: int) -> Iterator[bytes]:
    """Yield a chunked body of `count` equal parts."""
    for _ in range(count):
        yield b"%x\r\n%b\r\n" % (len(part), part)
    yield b"0\r\n\r\n"


def connect(server: Address) -> socket.socket:
    """Open a connection to a server."""
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


def head(server: Address, request_line: str, *headers: str) -> bytes:
    """Return the bytes of a request before its body."""
    lines = (request_line, f"Host: 127.0.0.1:{server.port}", *headers)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def exchange(
    server: Address, request_line: str, *headers: str, body: Iterable[bytes] = ()
) -> RawAnswer:
    """Send a request, its body only until a response arrives, and read the response."""
    with connect(server) as connection:
        connection.sendall(head(server, request_line, *headers))
        sent = 0
        for part in body:
            if select.select([connection], [], [], 0)[0]:
                break
            try:
                connection.sendall(part)
            except OSError:
                break
            sent += len(part)
        return read_answer(connection, sent)


def hesitate(
    server: Address, late: tuple[bytes, bytes], following: bytes
) -> tuple[RawAnswer, RawAnswer]:
    """Send a request whose body arrives late, then another request over the same connection.

    If a response comes before the body, the body follows `LATE_SECONDS` after it.
    """
    start, body = late
    with connect(server) as connection:
        connection.sendall(start)
        early = select.select([connection], [], [], LATE_SECONDS)[0]
        answer = read_answer(connection) if early else None
        select.select([connection], [], [], LATE_SECONDS)
        connection.sendall(body)
        answer = answer or read_answer(connection)
        connection.sendall(following)
        return answer, read_answer(connection)


def read_answer(connection: socket.socket, sent: int = 0) -> RawAnswer:
    """Read one response from a connection."""
    response = HTTPResponse(connection)
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return RawAnswer(response.status, headers, response.read(), sent)


def written(
    api: Api, method: str, target: str, *headers: str, host: str | None = None, body: bytes = b""
) -> bytes:
    """Return the bytes of a client's request with its credentials, the last of its connection.

    `headers` are sent unchanged, in Latin-1. No header declares the body's length.
    """
    lines = [
        f"{method} {target} HTTP/1.1",
        f"Host: {api.base_url.netloc.decode() if host is None else host}",
        *(f"{name}: {value}" for name, value in api.credentials.items()),
        *headers,
        "Connection: close",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def send(server: Address, request: bytes) -> list[RawAnswer]:
    """Send bytes and return every response that arrives before the server closes the connection."""
    received = bytearray()
    with connect(server) as connection:
        connection.settimeout(ANSWER_SECONDS)
        with suppress(
            OSError
        ):  # the server rejects it before all is sent, and the response with the reason is readable
            connection.sendall(request)
        with suppress(ConnectionError):
            while part := connection.recv(65_536):
                received += part
    heads = [each.start() for each in re.finditer(rb"HTTP/1\.[01] \d{3}", received)]
    method = request.partition(b" ")[0].decode("latin-1")
    return [_parsed(bytes(received[start:]), method) for start in heads]


def _parsed(answer: bytes, method: str) -> RawAnswer:
    response = HTTPResponse(_Received(answer), method=method)  # type: ignore[arg-type]
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return RawAnswer(response.status, headers, response.read(), 0)


class _Received:
    """The object that HTTPResponse reads from instead of a socket."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._content)
