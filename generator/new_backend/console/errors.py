"""Errors, a line each, and what to do about them."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from new_backend.console.printing import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from new_backend.errors import NewBackendError

_MAX_MESSAGES = 20
_LONG_WORD = re.compile(r"\S{300,}")


def fail(*messages: str, hint: str = "", notes: Sequence[str] = ()) -> None:
    """Print errors, a line each, without control characters and of limited size."""
    for message in messages[:_MAX_MESSAGES]:
        print(f"new-backend: {_shortened(printable(message))}", file=sys.stderr)
    if len(messages) > _MAX_MESSAGES:
        print(f"new-backend: {len(messages) - _MAX_MESSAGES} more errors", file=sys.stderr)
    for line in filter(None, [hint, *notes]):
        print(printable(line), file=sys.stderr)


def print_error(error: NewBackendError) -> None:
    """Print what is wrong, and what to do."""
    fail(*error.messages, hint=error.hint, notes=notes_of(error))


def _shortened(text: str) -> str:
    """Shorten the words of a text that are too long to read, such as a path of 5,000 characters."""
    return _LONG_WORD.sub(lambda word: f"{word[0][:100]}…{word[0][-100:]}", text)


def notes_of(error: BaseException) -> Sequence[str]:
    """Return the notes of an exception."""
    return getattr(error, "__notes__", ())
