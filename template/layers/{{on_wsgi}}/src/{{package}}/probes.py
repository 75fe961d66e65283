"""Readiness probes of the service's dependencies."""

from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread

READY_SECONDS = 2


def answers(ping: Callable[[], None]) -> bool:
    """Return whether a ping succeeds within `READY_SECONDS`."""
    answered = Event()

    def ask() -> None:
        with suppress(Exception):
            ping()
            answered.set()

    # A hanging ping is abandoned: a thread that waits for the database cannot be interrupted.
    thread = Thread(target=ask, daemon=True)
    thread.start()
    thread.join(READY_SECONDS)
    return answered.is_set()
