"""A client of a service that records every response and checks it against the contract."""

from __future__ import annotations

import itertools
import json
import os
import re
import ssl
import threading
from dataclasses import dataclass, field
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import httpx2
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.harness.rendering import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")
PROBLEM_MEMBERS = {"type", "title", "status", "detail", "request_id"}
DOCUMENT_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

CREDENTIALS = ("authorization", "cookie", "x-csrf-token", "x-api-key")
"""The headers that carry credentials."""

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Shared and empty, because loading the system's certificates takes a client 50 ms."""


# ---------------------------------------------------------------- Peers


def _worker_number() -> int:
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def _loopback_addresses() -> Iterator[str]:
    for high, low in itertools.product(range(256), range(1, 255)):
        yield f"127.{100 + _worker_number()}.{high}.{low}"


_peers = _loopback_addresses()
_one_at_a_time = threading.Lock()


def new_peer() -> str:
    """Return a loopback address that no earlier request of this run used."""
    with _one_at_a_time:  # two threads cannot advance a generator at once
        return next(_peers)


# ---------------------------------------------------------------- The document


class Document:
    """An OpenAPI document, to compare responses with."""

    def __init__(self, content: dict[str, Any]) -> None:
        """Store the parsed document."""
        self.content = content
        resource = DRAFT202012.create_resource(content)
        self._registry: Registry[Any] = Registry().with_resource("urn:document", resource)
        self._patterns = [
            (re.compile(re.sub(r"\{[^/}]*\}", "[^/]+", path) + r"\Z"), path)
            for path in sorted(content["paths"], key=lambda path: path.count("{"))
        ]

    def operation(self, method: str, path: str) -> tuple[str, dict[str, Any]] | None:
        """Return the documented path of a request, and its operation."""
        for pattern, written in self._patterns:
            if pattern.match(path):
                found = self.content["paths"][written].get(method.lower())
                return (written, found) if found is not None else None
        return None

    def complaints(self, response: httpx2.Response) -> list[str]:
        """Yield what the document does not declare: the response's status, media type or body."""
        request = response.request
        found = self.operation(request.method, request.url.path)
        if found is None:
            return []
        path, operation = found
        name = f"{request.method} {path} answered {response.status_code}"
        declared = operation["responses"].get(str(response.status_code))
        if declared is None:
            return [f"{name}, which its document does not declare"]
        if not response.content:
            return [f"{name} without the declared body"] if declared.get("content") else []
        media_type = response.headers.get("content-type", "").partition(";")[0]
        if media_type not in declared.get("content", {}):
            return [f"{name} as {media_type}, which its document does not declare"]
        pointer = "/".join(
            part.replace("~", "~0").replace("/", "~1")
            for part in (
                "#",
                "paths",
                path,
                request.method.lower(),
                "responses",
                str(response.status_code),
                "content",
                media_type,
                "schema",
            )
        )
        validator = Draft202012Validator(
            {"$ref": f"urn:document{pointer}"},
            registry=self._registry,
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
        return [
            f"{name}: {error.json_path} {error.message}"
            for error in validator.iter_errors(response.json())
        ]


# ---------------------------------------------------------------- Rules for every response


def security_headers(response: httpx2.Response) -> dict[str, str]:
    """Return the headers against attacks by other sites that a response must carry."""
    is_page = response.headers.get("content-type", "").startswith("text/html")
    return {
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        # The forms of a page under "no-referrer" are sent with "Origin: null".
        "referrer-policy": "same-origin" if is_page else "no-referrer",
    }


def convention_complaints(response: httpx2.Response, *, production: bool) -> list[str]:
    """Yield the rules for every response of a service that this one breaks."""
    name = f"{response.request.method} {response.request.url.path} -> {response.status_code}"
    found = [
        f"{name}: {header} is {response.headers.get(header)!r}, expected {expected!r}"
        for header, expected in security_headers(response).items()
        if response.headers.get(header) != expected
    ]
    if production and "strict-transport-security" not in response.headers:
        found.append(f"{name}: no Strict-Transport-Security in production")
    if not REQUEST_ID.match(response.headers.get("x-request-id", "")):
        found.append(f"{name}: X-Request-ID is {response.headers.get('x-request-id')!r}")
    if response.status_code == httpx2.codes.NO_CONTENT and "content-type" in response.headers:
        found.append(f"{name}: a response without a body has a Content-Type")
    if response.status_code >= httpx2.codes.BAD_REQUEST:
        found += [f"{name}: {each}" for each in problem_complaints(response)]
    return found


@cache
def problem_kinds() -> dict[str, int]:
    """Return the documented types of problems, with their statuses."""
    page = (CHECKOUT / "docs" / "reference" / "service.md").read_text(encoding="utf-8")
    return {
        kind: int(status)
        for kind, status in re.findall(r"^\| `(/problems/[a-z-]+)` \| (\d+) \|", page, re.MULTILINE)
    }


def problem_complaints(response: httpx2.Response) -> list[str]:
    """Yield what is wrong with a problem response (RFC 9457)."""
    media_type = response.headers.get("content-type", "")
    if media_type.partition(";")[0] != "application/problem+json":
        return [f"Content-Type is {media_type!r}: {response.text[:200]}"]
    try:
        problem = response.json()
    except json.JSONDecodeError:
        return [f"the body is not JSON: {response.text[:200]}"]
    status = response.status_code
    extra = {"errors"} if status == httpx2.codes.UNPROCESSABLE_CONTENT else set()
    extra |= (
        {"checks"} if "checks" in problem and status == httpx2.codes.SERVICE_UNAVAILABLE else set()
    )
    found = []
    if set(problem) != PROBLEM_MEMBERS | extra:
        found.append(f"members are {sorted(problem)}, expected {sorted(PROBLEM_MEMBERS | extra)}")
    if problem.get("status") != status:
        found.append(f"status in the body is {problem.get('status')!r}")
    if problem.get("request_id") != response.headers.get("x-request-id"):
        found.append("request_id in the body is not the one in the header")
    if problem_kinds().get(problem.get("type")) != status:
        found.append(f"type is {problem.get('type')!r}, which is not documented for {status}")
    found += [
        f"{member} is {problem.get(member)!r}"
        for member in ("title", "detail")
        if not (isinstance(problem.get(member), str) and problem[member])
    ]
    if status == httpx2.codes.UNPROCESSABLE_CONTENT:
        found += [
            f"entry {entry!r}" for entry in problem.get("errors") or [None] if not _is_entry(entry)
        ]
    return found


def _is_entry(entry: object) -> bool:
    """Whether an entry of `errors` names one place and has a message."""
    if not isinstance(entry, dict) or not all(isinstance(each, str) for each in entry.values()):
        return False
    place = set(entry) - {"message"}
    if len(place) != 1 or not entry.get("message"):
        return False
    return place <= {"query", "path", "header", "form"} or (
        place == {"pointer"} and re.match(r"(/([^~/]|~0|~1)*)*\Z", entry["pointer"]) is not None
    )


# ---------------------------------------------------------------- Recording


@dataclass
class Transcript:
    """The responses of one test, and the clients that received them."""

    responses: list[tuple[httpx2.Response, bool]] = field(default_factory=list)
    clients: list[httpx2.Client] = field(default_factory=list)

    def close(self) -> None:
        """Close every connection."""
        for each in self.clients:
            each.close()

    def complaints(self, document: Document) -> list[str]:
        """Return, once each, the responses that break a convention or are not documented."""
        found: dict[str, None] = {}
        for response, production in self.responses:
            for each in convention_complaints(response, production=production):
                found[each] = None
            for each in document.complaints(response):
                found[each] = None
        return list(found)


BEHIND_A_PROXY: set[str] = set()
"""URLs of servers that see one peer for all clients, and read the client from `X-Forwarded-For`."""


class Api(httpx2.Client):
    """An HTTP client of one service, from one peer, which records its responses in a transcript."""

    def __init__(
        self,
        url: str,
        transcript: Transcript,
        *,
        production: bool = True,
        peer: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Connect to the service at this URL from `peer`, or from a new peer."""
        self.peer = peer or new_peer()
        self._transcript = transcript
        self._production = production
        forwarded = {"X-Forwarded-For": self.peer} if url.rstrip("/") in BEHIND_A_PROXY else {}
        super().__init__(
            base_url=url,
            headers={**forwarded, **(headers or {})},
            # A client is one user: it sends no cookies except those in its headers.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            timeout=30,
            trust_env=False,
            follow_redirects=False,
            transport=httpx2.HTTPTransport(verify=NO_TLS, local_address=self.peer),
            event_hooks={"response": [self._remember]},
        )
        transcript.clients.append(self)

    def _remember(self, response: httpx2.Response) -> None:
        response.read()
        self._transcript.responses.append((response, self._production))

    @property
    def credentials(self) -> dict[str, str]:
        """The headers with the credentials."""
        return {name: value for name, value in self.headers.items() if name in CREDENTIALS}

    def again(self, *, headers: dict[str, str] | None = None, peer: str | None = None) -> Api:
        """Return a client of the same service, from another peer and with only these headers."""
        return Api(
            str(self.base_url),
            self._transcript,
            production=self._production,
            peer=peer,
            headers=headers,
        )
