"""Ctrl-C, SIGTERM and SIGHUP: they stop the work once, but never during a move or a clean-up."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Timer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOTHING_WRITTEN = "interrupted, nothing was written"
_AGAIN_SECONDS = 0.01
_BY_KEYBOARD = 130


@dataclass
class _State:
    """The state of the handler. Signals belong to the process, so there is one."""

    delayed: int = 0
    arrived: int | None = None
    stopping: int | None = None
    handled: list[signal.Signals] = field(default_factory=list)
    report: Callable[[sys.UnraisableHookArgs], object] = sys.unraisablehook


_state = _State()


def install() -> None:
    """Let the first signal raise `KeyboardInterrupt` or `SystemExit`; later ones are ignored."""
    _state.arrived = _state.stopping = None
    _state.handled = [signal.SIGTERM]
    # A shell ignores Ctrl-C in its background jobs, and nohup ignores SIGHUP: both stay ignored.
    for name in ("SIGINT", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            _state.handled.append(number)
    for number in _state.handled:
        signal.signal(number, _arrive)
    if sys.unraisablehook is not _again:
        _state.report, sys.unraisablehook = sys.unraisablehook, _again


def end() -> None:
    """Ignore signals from here on: the work is done, and Python would print a traceback."""
    for number in _state.handled:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def delayed() -> Iterator[None]:
    """Delay a signal to the end of the block.

    Blocking signals is not enough: another thread receives them, and the handler runs in this one.
    """
    _state.delayed += 1
    try:
        yield
    finally:
        _state.delayed -= 1
        if _state.arrived is not None and not _state.delayed:
            _stop(_state.arrived)


def exit_code(stop: BaseException) -> int | None:
    """Return the exit code of a stop by a signal: 128 plus its number. None for another stop."""
    code = stop.code if isinstance(stop, SystemExit) else _BY_KEYBOARD
    return code if isinstance(code, int) else None


def _arrive(number: int, _: object) -> None:
    _state.arrived = number
    if not _state.delayed:
        _stop(number)


def _stop(number: int) -> None:
    _state.arrived, _state.stopping = None, number
    end()
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def _again(lost: sys.UnraisableHookArgs) -> None:
    """Raise a signal again where Python dropped its exception: in a callback, as during imports."""
    if _state.stopping is None or not isinstance(lost.exc_value, (KeyboardInterrupt, SystemExit)):
        _state.report(lost)
        return
    number, _state.stopping = _state.stopping, None
    signal.signal(number, _arrive)
    timer = Timer(_AGAIN_SECONDS, signal.raise_signal, (number,))
    timer.daemon = True
    timer.start()
