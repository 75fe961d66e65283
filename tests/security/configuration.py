"""Attacks on the environment of the endpoints (API7 to API10)."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from tests.harness.raw import send, written
from tests.security.scene import (
    ITEMS,
    ME,
    NO_ID,
    REGISTER,
    USERS,
    Answer,
    Scene,
    ask_raw,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

EVIL = "evil.example"
FORGED_LINE = {"event": "forged", "level": "info", "request_id": "forged"}

DOCUMENTED = {"/health/live", "/health/ready", ITEMS, f"{ITEMS}/{{}}"}
DOCUMENTED_OF_ACCOUNTS = {REGISTER, ME, USERS, f"{USERS}/{{}}"}
SESSIONS = {"/api/v1/auth/login", "/api/v1/auth/csrf", "/api/v1/auth/logout"}
DOCUMENTED_BY_AUTH = {
    "none": set(),
    "jwt": {"/api/v1/auth/token", "/api/v1/auth/refresh", "/api/v1/auth/logout"},
    "session": SESSIONS,
    "api-key": {"/api/v1/api-keys", "/api/v1/api-keys/{}"},
    "oidc": {*SESSIONS, "/api/v1/auth/callback"},
}
ABOUT_THE_DOCUMENT = {"/openapi.json", "/docs", "/metrics"}


# ---------------------------------------------------------------- API7: server-side requests


def addresses_to_fetch(scene: Scene) -> Iterator[Answer]:
    """Send a URL in every place that the service might fetch, and check that no request arrives."""
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0)
        place = f"127.0.0.1:{trap.getsockname()[1]}"
        url = f"http://{place}/"
        for text in (
            url,
            f"<img src='{url}'>",
            f"<!DOCTYPE a SYSTEM '{url}'>",
            f"${{jndi:ldap://{place}/a}}",
        ):
            yield scene.caller.post(ITEMS, json={"title": text, "description": text})
        yield scene.caller.get(ITEMS, params={"url": url, "callback": url, "webhook": url})
        headers = ("Referer", "Origin", "X-Forwarded-Host", "X-Original-URL", "Link", "Location")
        yield scene.caller.get(ITEMS, headers=dict.fromkeys(headers, url))
        yield scene.caller.get(ITEMS, headers={"User-Agent": f"${{jndi:ldap://{place}/a}}"})
        yield ask_raw(scene, "GET", url)
        yield ask_raw(scene, "CONNECT", place)
        yield ask_raw(scene, "GET", ITEMS, host=place)
        yield ask_raw(scene, "GET", f"/{url}")
        with pytest.raises(BlockingIOError):
            trap.accept()


# ---------------------------------------------------------------- API8: configuration


def hostile_origins(scene: Scene) -> Iterator[Answer]:
    """Send requests and preflight requests from the pages of other sites."""
    own = str(scene.caller.base_url).rstrip("/")
    for origin in (f"https://{EVIL}", "null", "*", own, f"{own}.{EVIL}", "https://127.0.0.1", ""):
        for answer in (
            scene.caller.get(ITEMS, headers={"Origin": origin}),
            scene.caller.get("/nowhere", headers={"Origin": origin}),
            scene.caller.options(
                ITEMS,
                headers={
                    "Origin": origin,
                    "Access-Control-Request-Method": "DELETE",
                    "Access-Control-Request-Headers": "authorization",
                    "Access-Control-Request-Private-Network": "true",
                },
            ),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control-")]
            yield answer


def foreign_hosts(scene: Scene) -> Iterator[Answer]:
    """Call the service with a host name that it does not serve."""
    for host in (
        *(EVIL, f"{EVIL}:80", "", f"127.0.0.1.{EVIL}", f"127.0.0.1@{EVIL}", f"{EVIL}#127.0.0.1"),
        *(f"127.0.0.1,{EVIL}", f"127.0.0.1 {EVIL}", f"{EVIL}\\127.0.0.1", "localhost", "[::1]"),
        *("*", "2130706433", "127.1", "127.0.0.1.", ".127.0.0.1", "a..b", "a" * 64, "[", "\xff"),
    ):
        yield ask_raw(scene, "GET", ITEMS, host=host)
    yield ask_raw(scene, "GET", f"http://{EVIL}{ITEMS}", host=EVIL)


def forwarded_hosts(scene: Scene) -> Iterator[Answer]:
    """Name another host in every header that might be trusted. No response may contain it."""
    port = scene.server.port
    item = json.dumps({"title": "a"}).encode()
    sized = ("Content-Type: application/json", f"Content-Length: {len(item)}")
    for headers in (
        (f"X-Forwarded-Host: {EVIL}", "X-Forwarded-Proto: gopher", "X-Forwarded-Port: 1"),
        (f"Forwarded: host={EVIL};proto=gopher",),
        (f"X-Host: {EVIL}", f"X-Original-Host: {EVIL}", f"X-HTTP-Host-Override: {EVIL}"),
        (f"X-Forwarded-Prefix: //{EVIL}", f"X-Script-Name: //{EVIL}"),
        (f"Host: {EVIL}",),
    ):
        for method, target, extra, body in (
            ("POST", ITEMS, sized, item),
            ("GET", "/docs", (), b""),
            ("GET", "/openapi.json", (), b""),
            ("GET", f"{ITEMS}/", (), b""),
        ):
            answer = ask_raw(scene, method, target, *headers, *extra, body=body)
            assert EVIL not in text_of(answer)
            assert "gopher" not in text_of(answer)
            yield answer
    answer = ask_raw(scene, "GET", "/docs", host=f"127.0.0.1:{EVIL}")
    assert EVIL not in text_of(answer)
    yield answer
    yield ask_raw(scene, "GET", f"http://127.0.0.1:{port}/docs")


def headers_in_a_request_id(scene: Scene) -> Iterator[Answer]:
    """Inject a response header through the request ID."""
    for ending in (
        "\r\n ",
        "\r",
        "\n",
        "\x0b",
        "\x0c",
        "\x85",
        "\u2028".encode().decode("latin-1"),
    ):
        yield from _with_id(scene, f"X-Request-ID: a{ending}Set-Cookie: stolen=1")
    for written_out in ("%0d%0a", "%0D%0A%20", "\\r\\n", "\\u000d\\u000a", "%E5%98%8A%E5%98%8D"):
        yield from _with_id(scene, f"X-Request-ID: a{written_out}Set-Cookie:stolen=1")
    yield from _with_id(scene, "X-Request-ID: a\x00b")
    yield from _with_id(scene, f"X-Request-ID: {'a' * 100_000}")
    yield from _with_id(scene, "X-Request-ID: <script>", "X-Request-ID: \xff\xfe")


def _with_id(scene: Scene, *headers: str) -> Iterator[Answer]:
    for target in ("/health/live", "/nowhere"):
        answer = ask_raw(scene, "GET", target, *headers)
        assert "set-cookie" not in answer.headers
        echoed = answer.headers.get("x-request-id", "")
        assert len(echoed) <= 128
        assert set(echoed) <= set(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
        )
        yield answer


def lines_in_the_log(scene: Scene) -> Iterator[Answer]:
    """Inject a log line through every logged value, and check that the log contains none."""
    line = json.dumps(FORGED_LINE)
    escaped = "".join(f"%{byte:02x}" for byte in line.encode())
    for ending in ("\n", "\r", "\r\n", "\x1b[2K\r", "\x85", "\u2028", "\x0c", '"}\n'):
        coded = "".join(f"%{byte:02x}" for byte in ending.encode())
        yield ask_raw(scene, "GET", f"{ITEMS}{coded}{escaped}{coded}")
        yield ask_raw(scene, "GET", f"/{coded}{escaped}{coded}?{coded}{escaped}{coded}")
        for name in ("X-Request-ID", "User-Agent", "X-Forwarded-For"):
            text = ending.encode().decode("latin-1")
            yield ask_raw(scene, "GET", ITEMS, f"{name}: a{text}{line}{text}b")
    yield ask_raw(scene, "GET", ITEMS, f"X-Request-ID: {line}")
    yield ask_raw(scene, "GET", "/%1b%5d0%3bowned%07%1b%5b31m")
    assert not [each for each in scene.server.log().splitlines() if _is_forged(each)]


def _is_forged(line: str) -> bool:
    try:
        return bool(json.loads(line).get("event") == FORGED_LINE["event"])
    except (json.JSONDecodeError, AttributeError):
        return False


def requests_within_requests(scene: Scene) -> Iterator[Answer]:
    """Make the service and a proxy disagree on the end of a body. Only one response may arrive."""
    inner = f"GET /smuggled HTTP/1.1\r\nHost: 127.0.0.1:{scene.server.port}\r\n\r\n".encode()
    item = b'{"title": "a"}'
    typed = "Content-Type: application/json"
    for headers, body in (
        (("Content-Length: 6", "Transfer-Encoding: chunked"), b"0\r\n\r\n" + inner),
        (("Transfer-Encoding: chunked", "Content-Length: 6"), b"0\r\n\r\n" + inner),
        (("Content-Length: 0", f"Content-Length: {len(inner)}"), inner),
        ((f"Content-Length: {len(item)}", "Content-Length: 0"), item),
        ((f"Content-Length: {len(item)}, 0",), item),
        ((f"Content-Length: +{len(item)}",), item),
        (("Content-Length: 0x0e",), item),
        (("Content-Length: -1",), item),
        (("Content-Length: 99999999999999999999",), item),
        (("Transfer-Encoding: xchunked", f"Content-Length: {len(item)}"), item),
        (("Transfer-Encoding : chunked", f"Content-Length: {len(item)}"), item),
        (("Transfer-Encoding: chunked, identity",), item),
        (("Transfer-Encoding: identity, chunked", "Content-Length: 5"), b"0\r\n\r\n" + inner),
        (("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), b"0\r\n\r\n" + inner),
        (("X: y\n Transfer-Encoding: chunked", f"Content-Length: {len(item)}"), item),
    ):
        yield ask_raw(scene, "POST", ITEMS, typed, *headers, body=body)


def bodies_that_break_off(scene: Scene) -> Iterator[Answer]:
    """Break off a body after its apparent end. The service may store nothing of it."""
    title = "broken off"
    item = json.dumps({"title": title}).encode()
    typed = "Content-Type: application/json"
    part = b"%x\r\n%b\r\n" % (len(item), item)
    for ending in (
        b"zz\r\n",
        b"-1\r\n\r\n",
        b"ffffffffffffffff1\r\n",
        b"5;\n\r\nx",
        b"1\r\nxyz\r\n0\r\n\r\n",
    ):
        request = written(
            scene.caller, "POST", ITEMS, typed, "Transfer-Encoding: chunked", body=part + ending
        )
        yield from send(scene.server, request)
    assert title not in _newest(scene)


def _newest(scene: Scene) -> str:
    """Return the last page of the items."""
    after: str | None = None
    while True:
        query: dict[str, str | int] = {"limit": 100, **({"after": after} if after else {})}
        answer = scene.caller.get(ITEMS, params=query)
        after = answer.json()["next"]
        if after is None:
            return answer.text


def methods_beyond_the_usual(scene: Scene) -> Iterator[Answer]:
    """Use methods that echo, tunnel or write."""
    for method in (
        "TRACE",
        "TRACK",
        "DEBUG",
        "PROPFIND",
        "MKCOL",
        "COPY",
        "PURGE",
        "A" * 5_000,
    ):
        for target in (ITEMS, "/nowhere", "/docs"):
            answer = ask_raw(scene, method, target, "X-Private: do-not-echo")
            assert "do-not-echo" not in text_of(answer)
            yield answer
    for method, target in (("CONNECT", f"{EVIL}:443"), ("OPTIONS", "*"), ("GET", "*"), ("GET", "")):
        yield ask_raw(scene, method, target)


def pages_left_open(scene: Scene) -> Iterator[Answer]:
    """Request debug pages and files that are exposed by mistake."""
    for path in (
        *("/.env", "/.git/config", "/.git/HEAD", "/pyproject.toml", "/uv.lock", "/manage.py"),
        *("/console", "/debug", "/__debug__/", "/_debug_toolbar/", "/server-status", "/actuator"),
        *("/phpinfo.php", "/wp-login.php", "/static/../pyproject.toml", "/metrics/", "/pprof"),
        *(
            "/docs/../../pyproject.toml",
            "/docs/%2e%2e/%2e%2e/pyproject.toml",
            "/docs/..%2fsettings",
        ),
        *("/docs//etc/passwd", "/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/..%5c..%5cetc/passwd"),
        *("//etc/passwd", "/docs/....//....//etc/passwd", "/health/../pyproject.toml", "/docs/.."),
    ):
        yield ask_raw(scene, "GET", path)


# ---------------------------------------------------------------- API9: inventory


def forgotten_versions(scene: Scene) -> Iterator[Answer]:
    """Request paths of earlier, later and internal versions."""
    for path in (
        *("/items", "/api/items", "/v1/items", "/api/v0/items", "/api/v2/items", "/api/v1.0/items"),
        *("/api/beta/items", "/api/internal/items", "/api/v1/admin", "/api/v1/internal", "/users"),
        *("/api/users", "/api/v1/setup", "/api/v1/auth/create-admin", "/api/v1/debug"),
        *("/swagger", "/swagger.json", "/swagger/v1/swagger.json", "/redoc", "/openapi.yaml"),
        *("/api/schema", "/api-docs", "/api/v1/openapi.json", "/graphql", "/graphiql", "/rpc"),
        *("/api/v1/items/export", f"/api/v1/items/{NO_ID}/owner", f"/api/v1/items/{NO_ID}/history"),
    ):
        for method in ("GET", "POST"):
            yield scene.caller.request(method, path)


def operations_beyond_the_contract(scene: Scene) -> Iterator[Answer]:
    """Look for undocumented and unexpected operations in the document."""
    paths = {
        "/".join("{}" if "{" in part else part for part in path.split("/"))
        for path in scene.document.content["paths"]
    }
    expected = DOCUMENTED | DOCUMENTED_BY_AUTH[scene.auth]
    if scene.auth != "none":
        expected |= DOCUMENTED_OF_ACCOUNTS
    assert paths - ABOUT_THE_DOCUMENT <= expected, paths - expected
    yield scene.stranger.get("/openapi.json")


# ---------------------------------------------------------------- API10: third parties


def headers_of_an_untrusted_proxy(scene: Scene) -> Iterator[Answer]:
    """Send malformed proxy headers from a client that is not a proxy."""
    for value in NONSENSE_OF_PROXIES:
        headers = [
            (name.encode(), value.encode("latin-1"))
            for name in ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded")
        ]
        yield scene.caller.get(ITEMS, headers=headers)


NONSENSE_OF_PROXIES = (
    *(
        "",
        "unknown",
        "garbage",
        "a" * 10_000,
        ",,,,",
        "::::",
        "[::1]:80",
        "[::1",
        "1" * 300,
    ),
    *("' OR 1=1--", "1.2.3.4:99999", "fe80::1%eth0", "javascript:alert(1)", "http, gopher", "-1"),
    ",".join(["127.0.0.1"] * 1_000),
)
