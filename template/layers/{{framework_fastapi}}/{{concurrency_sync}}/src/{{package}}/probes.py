"""Readiness probes of the service's dependencies."""

from collections.abc import Callable

from anyio import fail_after
from anyio.to_thread import run_sync
from sqlalchemy.exc import SQLAlchemyError

READY_SECONDS = 2
UNREACHABLE = (SQLAlchemyError, TimeoutError)


async def answers(ping: Callable[[], None]) -> bool:
    """Return whether a ping succeeds within `READY_SECONDS`."""
    try:
        with fail_after(READY_SECONDS):
            # A hanging ping is abandoned: a waiting thread cannot be interrupted.
            await run_sync(ping, abandon_on_cancel=True)
    except UNREACHABLE:
        return False
    return True
