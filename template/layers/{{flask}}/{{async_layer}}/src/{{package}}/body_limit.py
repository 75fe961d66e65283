"""Checks before Quart: bodies that are too large or incomplete, and unroutable requests."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

BROKEN_OFF = "broken_off"


class BodyLimit:
    """Middleware that truncates a body at the limit, and reads no more of it.

    Quart would keep the whole body in memory. It would not report an incomplete body: the scope
    then has the key `BROKEN_OFF`.
    """

    def __init__(self, app: Callable[..., Awaitable[None]], limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Handle one request, or the lifespan events."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        size = 0
        more = True
        answered = asyncio.Event()
        scope = _routable(scope)

        async def receive_within_limit() -> Any:
            nonlocal size, more
            if not more:
                await answered.wait()
                return {"type": "http.disconnect"}
            message = await receive()
            if message["type"] == "http.disconnect":
                scope[BROKEN_OFF] = True
                message = {"type": "http.request"}
            size += len(message.get("body", b""))
            more = message.get("more_body", False) and size <= self.limit
            return {**message, "more_body": more}

        async def send_noted(message: Any) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                answered.set()

        await self.app(scope, receive_within_limit, send_noted)


def _routable(scope: Any) -> Any:
    """Return a request that Quart can route: routing errors occur before any hook runs."""
    headers = [each for each in scope["headers"] if each[0] != b"host" or _is_host(each[1])]
    return {**scope, "path": scope["path"] or "/", "headers": headers}


def _is_host(value: bytes) -> bool:
    try:
        value.decode("latin-1").encode("idna")
    except UnicodeError:
        return False
    return True
