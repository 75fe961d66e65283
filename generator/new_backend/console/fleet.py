"""Tables of many services."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from new_backend.console.check import checked_json
from new_backend.console.printing import print_json, print_table, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from new_backend.fleet import Status, Updated


def print_status(services: Sequence[Status], *, as_json: bool) -> None:
    """Print a row for each service, then how many have something to do."""
    if as_json:
        print_json({"services": [_status_json(each) for each in services]})
        return
    rows = [
        (
            printable(each.checked.folder.name),
            each.checked.version,
            " ".join(each.choices),
            str(len(each.checked.drift) or ""),
            each.work_tree or "no repository",
            "; ".join(map(printable, each.checked.problems)),
        )
        for each in services
    ]
    print_table(("service", "version", "choices", "drift", "work tree", "problems"), rows)
    newest = max((each.checked.newest for each in services), default="")
    older = sum(bool(each.checked.newest) for each in services)
    behind = f", {older} older than {newest}" if older else ""
    print(f"{len(services)} services{behind}")


def print_updates(services: Sequence[Updated], *, as_json: bool) -> None:
    """Print a row for each service, then how many there are of each outcome."""
    if as_json:
        print_json({"services": [_updated_json(each) for each in services]})
        return
    rows = [
        (
            printable(each.folder.name),
            each.outcome.value,
            each.branch or printable(each.reason) or ", ".join(map(printable, each.conflicts)),
        )
        for each in services
    ]
    print_table(("service", "outcome", "branch, or why there is none"), rows)
    counted = Counter(each.outcome.value for each in services)
    print(", ".join(f"{number} {outcome}" for outcome, number in counted.items()))


def _status_json(status: Status) -> dict[str, Any]:
    return {
        **checked_json(status.checked),
        "choices": list(status.choices),
        "work_tree": status.work_tree,
    }


def _updated_json(updated: Updated) -> dict[str, Any]:
    return {
        "path": str(updated.folder),
        "outcome": updated.outcome.value,
        "branch": updated.branch,
        "reason": updated.reason,
        "conflicts": list(updated.conflicts),
    }
