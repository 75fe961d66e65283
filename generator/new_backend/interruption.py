"""Ctrl-C and SIGTERM: they stop the work once, and never in the middle of a move or a clean-up."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Timer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_AGAIN_SECONDS = 0.01


@dataclass
class _State:
    """What the handler has to know; signals belong to the process, so there is one."""

    held: int = 0
    arrived: int | None = None
    stopping: int | None = None
    handled: list[signal.Signals] = field(default_factory=list)
    tell: Callable[[sys.UnraisableHookArgs], object] = sys.unraisablehook


_state = _State()


def install() -> None:
    """Let the first signal raise `KeyboardInterrupt` or `SystemExit`; later ones are ignored."""
    _state.arrived = _state.stopping = None
    _state.handled = [signal.SIGTERM]
    if sys.platform != "win32":
        _state.handled.append(signal.SIGHUP)
    # A shell starts its background jobs with Ctrl-C ignored: that stays so.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        _state.handled.append(signal.SIGINT)
    for number in _state.handled:
        signal.signal(number, _arrive)
    if sys.unraisablehook is not _again:
        _state.tell, sys.unraisablehook = sys.unraisablehook, _again


def end() -> None:
    """Let signals pass from here on: all is done, and Python would tell of one in a traceback."""
    for number in _state.handled:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def held() -> Iterator[None]:
    """Put a signal off to the end of the block.

    Blocking signals would not do: another thread takes them, and the handler runs in this one.
    """
    _state.held += 1
    try:
        yield
    finally:
        _state.held -= 1
        if _state.arrived is not None and not _state.held:
            _stop(_state.arrived)


def _arrive(number: int, _: object) -> None:
    _state.arrived = number
    if not _state.held:
        _stop(number)


def _stop(number: int) -> None:
    _state.arrived, _state.stopping = None, number
    end()
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def _again(lost: sys.UnraisableHookArgs) -> None:
    """Let a signal come once more where Python dropped it: in a callback, as when it imports."""
    if _state.stopping is None or not isinstance(lost.exc_value, (KeyboardInterrupt, SystemExit)):
        _state.tell(lost)
        return
    number, _state.stopping = _state.stopping, None
    signal.signal(number, _arrive)
    timer = Timer(_AGAIN_SECONDS, signal.raise_signal, (number,))
    timer.daemon = True
    timer.start()
