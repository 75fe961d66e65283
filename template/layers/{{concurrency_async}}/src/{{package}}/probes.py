"""Readiness probes of the service's dependencies."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

READY_SECONDS = 2


async def answers(ping: Callable[[], Coroutine[Any, Any, None]]) -> bool:
    """Return whether a ping succeeds within `READY_SECONDS`."""
    # A hanging ping is abandoned: even cancelling a query may wait for the database.
    asked = asyncio.create_task(ping())
    asked.add_done_callback(lambda task: task.cancelled() or task.exception())
    done, _ = await asyncio.wait([asked], timeout=READY_SECONDS)
    if not done:
        asked.cancel()
    return bool(done) and asked.exception() is None
