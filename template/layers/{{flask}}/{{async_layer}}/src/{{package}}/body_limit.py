"""A limit to what is taken of a request; Quart would keep all that is sent in memory."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class BodyLimit:
    """Cuts a body off where it exceeds the limit, and takes no more of it."""

    def __init__(self, app: Callable[..., Awaitable[None]], limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one request."""
        size = 0
        answered = asyncio.Event()

        async def receive_within_limit() -> Any:
            nonlocal size
            if size > self.limit:
                await answered.wait()
                return {"type": "http.disconnect"}
            message = await receive()
            size += len(message.get("body", b""))
            return {**message, "more_body": False} if size > self.limit else message

        async def send_noted(message: Any) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                answered.set()

        await self.app(scope, receive_within_limit, send_noted)
