"""Asking what the service depends on for a sign of life."""

from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread

READY_SECONDS = 2


def answers(ping: Callable[[], None]) -> bool:
    """Tell whether a ping returns within `READY_SECONDS`."""
    answered = Event()

    def ask() -> None:
        with suppress(Exception):
            ping()
            answered.set()

    # Whatever hangs is left behind: nothing can interrupt a thread that waits for the database.
    thread = Thread(target=ask, daemon=True)
    thread.start()
    thread.join(READY_SECONDS)
    return answered.is_set()
