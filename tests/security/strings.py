"""Every string that a service accepts by its document, and the attacks on it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from tests.harness.accounts import PASSWORD, new_email
from tests.security.scene import ITEMS, JSON, NO_ID, Answer, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx2

    from tests.harness.api import Api, Document

FORM = "application/x-www-form-urlencoded"
SLEEP_SECONDS = 20
CALLBACK = "/api/v1/auth/callback"
REFUSED_LOGIN = "/api/v1/users/me?error=login_refused"

SQL = (
    "' OR '1'='1",
    "'; DROP TABLE item; DROP TABLE items_item; --",
    f"'; SELECT pg_sleep({SLEEP_SECONDS}); --",
    f"' OR SLEEP({SLEEP_SECONDS}) #",
    "' UNION SELECT password_hash FROM user_account --",
    "\\' OR 1=1 -- ",
    '" OR ""="',
    f"%' || (SELECT pg_sleep({SLEEP_SECONDS})) || '",
    f"{NO_ID}' OR '1'='1",
)

UNSTORABLE = ("\0", "before\0after", "\ud800", "\udfff", "before\udc00after", "\udc00\ud800")

VALID: dict[str, Callable[[], str]] = {
    "email": new_email,
    "username": new_email,
    "password": lambda: PASSWORD,
    "current_password": lambda: PASSWORD,
    "grant_type": lambda: "password",
    "role": lambda: "user",
    "expires_at": lambda: "2099-01-01T00:00:00Z",
}
"""Values for the strings of this name that do not accept any text."""


@dataclass(frozen=True)
class Place:
    """A string in a request, and the rest of that request."""

    method: str
    path: str
    kind: str
    """`json`, `form`, `query` or `path`."""
    name: str
    required: tuple[str, ...] = ()

    def send(self, api: Api, text: str) -> httpx2.Response:
        """Send the request with this text in the place."""
        address = self.path.replace(f"{{{self.name}}}", _quoted(text), 1)
        # In a URL, `.` and `..` are not escaped, and an empty segment makes another path.
        address = "/".join(NO_ID if "{" in part else part for part in address.split("/"))
        if self.kind == "query":
            address += f"?{self.name}={_quoted(text)}"
        if self.kind == "form":
            body = "&".join(f"{name}={_quoted(value)}" for name, value in self._filled(text))
            return api.request(self.method, address, content=body, headers={"Content-Type": FORM})
        if self.kind == "json":
            return api.request(
                self.method, address, content=json.dumps(dict(self._filled(text))), headers=JSON
            )
        headers = JSON if self.method in ("POST", "PATCH") else None
        return api.request(self.method, address, content="{}" if headers else None, headers=headers)

    def _filled(self, text: str) -> Iterator[tuple[str, str]]:
        # Long enough for a password, so that only its content can be rejected.
        yield self.name, text.ljust(12, "x") if "password" in self.name else text
        for name in self.required:
            yield name, VALID.get(name, lambda: "x" * 40)()


def _quoted(text: str) -> str:
    return quote_plus(text, safe="", errors="surrogatepass").replace("+", "%20")


def places(document: Document) -> Iterator[Place]:
    """Yield every string that a documented operation accepts."""
    for path, operations in document.content["paths"].items():
        for method, operation in operations.items():
            parameters = [*operations.get("parameters", []), *operation.get("parameters", [])]
            for each in parameters:
                if each["in"] in ("query", "path"):
                    yield Place(method.upper(), path, each["in"], each["name"])
            yield from _places_of_body(document, method.upper(), path, operation)


def _places_of_body(
    document: Document, method: str, path: str, operation: dict[str, Any]
) -> Iterator[Place]:
    body = _resolved(document, operation.get("requestBody", {}))
    for media_type, content in body.get("content", {}).items():
        schema = _resolved(document, content["schema"])
        texts = [
            name
            for name, each in schema.get("properties", {}).items()
            if _may_be_text(document, each)
        ]
        needed = {*schema.get("required", ()), "current_password"}
        for name in texts:
            kind = "form" if media_type == FORM else "json"
            required = tuple(other for other in texts if other in needed and other != name)
            yield Place(method, path, kind, name, required)


def _resolved(document: Document, schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        found: Any = document.content
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    if len(schema.get("allOf", ())) == 1:
        return _resolved(document, schema["allOf"][0])
    return schema


def _may_be_text(document: Document, schema: dict[str, Any]) -> bool:
    schema = _resolved(document, schema)
    either = (*schema.get("anyOf", ()), *schema.get("oneOf", ()))
    if any(_may_be_text(document, each) for each in either):
        return True
    kinds = schema.get("type", "string" if "enum" in schema else ())
    return "string" in ([kinds] if isinstance(kinds, str) else kinds)


def sql_in_every_string(scene: Scene) -> Iterator[Answer]:
    """Write SQL into each string. Text fields keep it unchanged, other fields reject it."""
    item = scene.caller.post(ITEMS, json={"title": "kept"}).json()
    found = [*places(scene.document)]
    assert found
    for place in found:
        for text in SQL:
            begun = time.monotonic()
            answer = place.send(_client(scene, place), text)
            assert time.monotonic() - begun < SLEEP_SECONDS / 2, f"{place}: {text}"
            if _is_refused_login(place, answer):
                continue
            if answer.is_success and place.name in answer.text:
                kept = answer.json().get(place.name, text)
                assert kept in (text, text.strip()), f"{place}: {text}"
            yield answer
    assert scene.caller.get(f"{ITEMS}/{item['id']}").json() == item


def unstorable_text_in_every_string(scene: Scene) -> Iterator[Answer]:
    """Write text that databases cannot store into each string. Every one must report an
    invalid field.
    """
    found = [*places(scene.document)]
    assert found
    for place in found:
        for text in UNSTORABLE:
            answer = place.send(_client(scene, place), text)
            if _is_refused_login(place, answer):
                continue
            expected = {422}
            # A form and a URL contain bytes, in which half a surrogate pair is not text.
            if "\0" not in text and place.kind != "json":
                expected = {400} if place.kind == "form" else {401, 404, 422}
            assert answer.status_code in expected, f"{place}: {text!r}: {answer.text}"
            yield answer


def _is_refused_login(place: Place, answer: Answer) -> bool:
    """Return whether the browser returns from the issuer to the application without a login."""
    location = answer.headers.get("Location", "")
    return (
        place.path == CALLBACK and location == REFUSED_LOGIN and "Set-Cookie" not in answer.headers
    )


def _client(scene: Scene, place: Place) -> Api:
    """Return a client that no earlier failure has throttled."""
    return scene.stranger.again() if "/auth/" in place.path else scene.caller


def bytes_that_are_not_text(scene: Scene) -> Iterator[Answer]:
    """Send surrogates and other bytes that are not UTF-8, without encoding them."""
    for spoilt in (
        b"\xed\xa0\x80",
        b"\xff",
        b"\xc0\x80",
        b"\xf5\x80\x80\x80",
        b"\x00",
        b"\xfe\xff",
    ):
        for body in (b'{"title": "%b"}' % spoilt, b'{"%b": "a"}' % spoilt, spoilt):
            yield scene.caller.post(ITEMS, content=body, headers=JSON)
    for coding in ("utf-16", "utf-32", "utf-7", "utf-8-sig"):
        body = json.dumps({"title": "a"}).encode(coding)
        yield scene.caller.post(ITEMS, content=body, headers=JSON)
