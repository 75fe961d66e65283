"""Asking what the service depends on for a sign of life."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

READY_SECONDS = 2


async def answers(ping: Callable[[], Coroutine[Any, Any, None]]) -> bool:
    """Tell whether a ping returns within `READY_SECONDS`."""
    # Whatever hangs is left behind: also the cancellation of a query may wait for the database.
    asked = asyncio.create_task(ping())
    asked.add_done_callback(lambda task: task.cancelled() or task.exception())
    done, _ = await asyncio.wait([asked], timeout=READY_SECONDS)
    if not done:
        asked.cancel()
    return bool(done) and asked.exception() is None
