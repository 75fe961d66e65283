"""Readiness probes of the service's dependencies."""

from collections.abc import Callable
from contextlib import suppress

from anyio import move_on_after
from anyio.to_thread import run_sync

READY_SECONDS = 2


async def answers(ping: Callable[[], None]) -> bool:
    """Return whether a ping succeeds within `READY_SECONDS`."""
    # A hanging ping is abandoned: a waiting thread cannot be interrupted.
    with move_on_after(READY_SECONDS), suppress(Exception):
        await run_sync(ping, abandon_on_cancel=True)
        return True
    return False
