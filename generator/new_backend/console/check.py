"""The states of services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from new_backend.console.printing import print_heading, print_json, printable
from new_backend.invocation import PROGRAM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from new_backend.check import Checked


def print_checked(services: Sequence[Checked], *, as_json: bool) -> None:
    """Print each service, with what to do about it."""
    if as_json:
        print_json({"services": [checked_json(each) for each in services]})
        return
    for each in services:
        state = "current" if each.is_current else ""
        style = "bold green" if each.is_current else "bold red"
        words = [printable(each.folder.name), each.version, state]
        print_heading("  ".join(filter(None, words)), style)
        if each.newest:
            print(f"  older than {each.newest}. To update it: {PROGRAM} update")
        for problem in each.problems:
            print(f"  {printable(problem)}")
        for path in each.drift:
            print(f"  drift from the template: {printable(path)}")


def checked_json(checked: Checked) -> dict[str, Any]:
    """Return the state of a service for programs."""
    return {
        "path": str(checked.folder),
        "current": checked.is_current,
        "version": checked.version,
        "newest": checked.newest or checked.version,
        "answers": None if checked.answers is None else dict(checked.answers),
        "problems": list(checked.problems),
        "drift": list(checked.drift),
    }
