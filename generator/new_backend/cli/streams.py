"""The standard streams, which may be closed, full, or unable to show a character."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path


def prepare() -> bool:
    """Make the standard streams usable. Return whether standard output is open.

    A closed stream is None in Python, and the next file that is opened gets its number: a program
    that is started then writes its messages into that file.
    """
    is_open = sys.stdout is not None
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as we run
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # No answer may stop the output on a terminal that cannot show one of its characters.
            stream.reconfigure(errors="backslashreplace")
    return is_open


def discard_output() -> None:
    """Discard what is left in the buffer: writing it at exit would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
