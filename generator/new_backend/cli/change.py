"""What the commands `add` and `update` share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from new_backend.console.change import print_aborted, print_changed

if TYPE_CHECKING:
    from pathlib import Path

    from new_backend.change import Changed

_FAILED = 1
_CONFLICTS = 3


def abort(folder: Path, *, as_json: bool) -> int:
    """Undo the last change of a service that is not committed, and report it."""
    from new_backend.repository import Repository
    from new_backend.service import Service

    service = Service.at(folder)
    print_aborted(service, Repository.around(service.folder).abort(), as_json=as_json)
    return 0


def report(changed: Changed, *, as_json: bool) -> int:
    """Print a change. Return the exit code of the command."""
    print_changed(changed, as_json=as_json)
    if changed.conflicts:
        return _CONFLICTS
    return _FAILED if changed.failed else 0
