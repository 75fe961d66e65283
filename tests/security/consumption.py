"""Attacks on limited resources: memory, time, threads (API4)."""

from __future__ import annotations

import gzip
import json
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.harness.accounts import new_email
from tests.harness.raw import chunks, connect, exchange, read_answer, written
from tests.security.scene import ITEMS, JSON, REGISTER, Answer, Rivalry, Scene, ask_raw

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 1_048_576
PATIENCE_SECONDS = 3
"""Seconds in which every response must arrive during every attack."""

SLOW_CLIENTS = 60
"""More than the threads of all workers."""

FOLD = 2
"""The largest allowed ratio of a response's size to its request's size."""


def unlimited_limit(scene: Scene) -> Iterator[Answer]:
    """Request pages of any length."""
    for limit in (
        *("101", "1000", "1000000000", "9" * 4_000, "-1", "-9223372036854775809", "0"),
        *(
            "1e3",
            "1_000",
            "0x7fffffff",
            "inf",
            "nan",
            "all",
            "null",
            "",
            " ",
            "100;",
            "\u0661\u0660",
        ),
    ):
        yield scene.caller.get(ITEMS, params={"limit": limit})


def two_limits(scene: Scene) -> Iterator[Answer]:
    """Send two limits, so that the service might check one and use the other."""
    for _ in range(2):
        scene.caller.post(ITEMS, json={"title": "a"}).raise_for_status()
    for query in ("limit=1&limit=1000", "limit=1000&limit=1", "limit=1&limit[]=1000"):
        answer = scene.caller.get(f"{ITEMS}?{query}")
        assert answer.status_code != 200 or len(answer.json()["items"]) == 1
        yield answer


def deep_json(scene: Scene) -> Iterator[Answer]:
    """Nest a body so deeply that a recursive parser fails."""
    for depth in (500, 5_000, 100_000):
        for opened, closed in (("[", "]"), ('{"a":', "}")):
            nested = opened * depth + "1" + closed * depth
            for body in (nested, opened * depth, f'{{"title": {nested}}}'):
                yield _timed(scene, body)


def large_numbers(scene: Scene) -> Iterator[Answer]:
    """Send a number whose parsing takes quadratic time."""
    for number in (
        "9" * 1_000_000,
        f"-{'9' * 1_000_000}",
        f"1e{'9' * 1_000}",
        f"0.{'1' * 1_000_000}",
    ):
        yield _timed(scene, f'{{"title": {number}}}')


def many_fields(scene: Scene) -> Iterator[Answer]:
    """Make every field invalid, so that each needs its own message."""
    body = json.dumps(dict.fromkeys((f"k{number}" for number in range(80_000)), 1))
    answer = scene.caller.post(ITEMS, content=body, headers=JSON)
    assert len(answer.content) < FOLD * len(body), f"{len(answer.content):,} bytes of answer"
    yield answer
    yield _timed(scene, f'{{"{"k" * 1_000_000}": 1}}')


def _timed(scene: Scene, body: str) -> Answer:
    begun = time.monotonic()
    answer = scene.caller.post(ITEMS, content=body, headers=JSON)
    assert time.monotonic() - begun < PATIENCE_SECONDS
    return answer


def large_texts_to_check(rivalry: Rivalry) -> Iterator[Answer]:
    """Send texts for validation and hashing that no user would type."""
    begun = time.monotonic()
    for email in (f"{'a' * 500_000}@example.org", "a@" + "b." * 250_000, "a." * 250_000 + "@a.b"):
        yield rivalry.stranger.post(REGISTER, json={"email": email, "password": "x" * 12})
    for password in ("x" * 129, "x" * 1_000_000, "\N{PILE OF POO}" * 10_000):
        body = {"email": new_email(), "password": password}
        yield rivalry.stranger.post(REGISTER, json=body)
    assert time.monotonic() - begun < 2 * PATIENCE_SECONDS


def body_of_a_byte_too_much(scene: Scene) -> Iterator[Answer]:
    """Send one byte over 1 MiB, with a declared length and in chunks, with and without
    credentials.
    """
    body = b'{"title": "a"}'.ljust(LIMIT + 1)
    # The server closes a connection when it rejects a body before it has read it.
    headers = {**JSON, "Connection": "close"}
    for api in (scene.caller, scene.stranger):
        yield api.post(ITEMS, content=body, headers=headers)
        yield api.post(ITEMS, content=iter([body[:LIMIT], body[LIMIT:]]), headers=headers)
    whole = 64 * LIMIT
    answer = exchange(
        scene.server,
        f"POST {ITEMS} HTTP/1.1",
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
        body=chunks(b" " * 65_536, whole // 65_536),
    )
    assert answer.sent < whole / 2
    yield answer


def compressed_body(scene: Scene) -> Iterator[Answer]:
    """Send 100 MiB of spaces, compressed to about 100 KiB."""
    body = gzip.compress(b" " * (100 * LIMIT), compresslevel=1)
    begun = time.monotonic()
    for coding in ("gzip", "x-gzip", "gzip, gzip"):
        headers = {**JSON, "Content-Encoding": coding}
        yield scene.caller.post(ITEMS, content=body, headers=headers)
    assert time.monotonic() - begun < PATIENCE_SECONDS


def ten_thousand_headers(scene: Scene) -> Iterator[Answer]:
    """Send more headers than a server reads."""
    yield ask_raw(scene, "GET", ITEMS, *(f"X-{number}: a" for number in range(10_000)))
    yield ask_raw(scene, "GET", ITEMS, *["X-Request-ID: a"] * 10_000)


def large_headers(scene: Scene) -> Iterator[Answer]:
    """Send a header, a cookie and a URL of excessive length."""
    yield ask_raw(scene, "GET", ITEMS, f"X-Large: {'a' * LIMIT}")
    yield ask_raw(scene, "GET", ITEMS, f"X-{'a' * LIMIT}: a")
    yield ask_raw(scene, "GET", f"{ITEMS}?{'a' * LIMIT}")


def many_parameters(scene: Scene) -> Iterator[Answer]:
    """Send a URL with thousands of parameters, cookies and path segments."""
    yield ask_raw(scene, "GET", f"{ITEMS}?{'&'.join(['a=1'] * 10_000)}")
    yield ask_raw(scene, "GET", f"{ITEMS}?{'&'.join(f'x{number}' for number in range(9_000))}")
    yield ask_raw(scene, "GET", ITEMS + "/a" * 20_000)
    yield ask_raw(scene, "GET", ITEMS, f"Cookie: {'; '.join(['a=1'] * 10_000)}")


def slow_bodies(scene: Scene) -> Iterator[Answer]:
    """Occupy every thread with a body that arrives byte by byte."""
    body = b'{"title": "slow"}'
    request = written(
        scene.caller,
        "POST",
        ITEMS,
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(scene.server)) for _ in range(SLOW_CLIENTS)]
        for each in slow:
            each.sendall(request)
        for number, byte in enumerate(body[:-1]):
            for each in slow:
                each.sendall(bytes((byte,)))
            if number % 5 == 0:
                yield scene.stranger.again().get("/health/live", timeout=PATIENCE_SECONDS)
                yield scene.caller.get(ITEMS, params={"limit": 1}, timeout=PATIENCE_SECONDS)
        for each in slow:
            each.sendall(body[-1:])
        for each in slow:
            each.settimeout(10)
            answer = read_answer(each)
            assert answer.status == 201
    yield scene.caller.get(ITEMS, params={"limit": 1}, timeout=PATIENCE_SECONDS)


def slow_headers(scene: Scene) -> Iterator[Answer]:
    """Occupy every thread with headers that do not end."""
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(scene.server)) for _ in range(SLOW_CLIENTS)]
        for line in (f"GET {ITEMS} HTTP/1.1\r\n", "Host: 127.0.0.1\r\n", "X-Slow: a\r\n", "X-Slo"):
            for each in slow:
                each.sendall(line.encode())
            yield scene.stranger.again().get("/health/live", timeout=PATIENCE_SECONDS)
            yield scene.caller.get(ITEMS, params={"limit": 1}, timeout=PATIENCE_SECONDS)
