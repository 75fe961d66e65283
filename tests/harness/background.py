"""Requests that run in a thread while the test goes on."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx2

BLOCKED_SECONDS = 2


class Background:
    """A request in a thread of its own."""

    def __init__(self, send: Callable[[], httpx2.Response]) -> None:
        """Start the request."""
        self._answers: list[httpx2.Response] = []
        self._thread = threading.Thread(target=lambda: self._answers.append(send()), daemon=True)
        self._thread.start()

    def until_blocked(self) -> Background:
        """Wait until the request has ended, or has certainly met the lock that stops it."""
        self._thread.join(BLOCKED_SECONDS)
        return self

    @property
    def answer(self) -> httpx2.Response:
        """The response, which is awaited."""
        self._thread.join()
        (answer,) = self._answers
        return answer

    @property
    def status(self) -> int:
        """The status of the response, which is awaited."""
        return self.answer.status_code
