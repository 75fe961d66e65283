"""Substitutes for the user at the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from new_backend.questions import OpenQuestion, Value


class NoUser:
    """A user who is never prompted."""

    can_answer = False

    def answer(self, current: OpenQuestion) -> Value:
        """Fail: there is nothing to ask."""
        raise NotImplementedError

    def confirms(self, question: str) -> bool:
        """Fail: there is nothing to ask."""
        raise NotImplementedError

    def announce(self, doing: str) -> None:
        """Print nothing."""
