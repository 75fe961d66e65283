"""What `add` changed in a service, and the next steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from new_backend.console.printing import print_heading, print_json, printable, shown
from new_backend.console.steps import print_failure, print_next_steps, steps_json
from new_backend.invocation import UNDO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from new_backend.add import Added, Change
    from new_backend.service import Service


def print_added(added: Added, *, as_json: bool) -> None:
    """Print the changes and the conflicts, and how to go on."""
    if as_json:
        print_json(_added_json(added))
        return
    name = added.service.folder.name
    if not added.changes:
        print(f"{name} has these answers already. Nothing was changed.")
        return
    if added.dry_run:
        print_heading(f"Would change {len(added.files)} files of {name}", "bold")
        _print_changes(added)
        print()
        print("\n".join(map(_line, added.difference.splitlines())))
        return
    if added.conflicts:
        print_heading(f"Changed {name}, with conflicts", "bold red")
    elif added.failed:
        print_failure(f"Changed {name}, but {added.failed.command} failed", added.failed)
    else:
        print_heading(f"Changed {name}", "bold green")
    _print_changes(added)
    print(f"  {len(added.files)} files, in the index of git and not committed")
    print()
    if added.conflicts:
        print_heading("Resolve the conflicts in", "bold")
        for path in added.conflicts:
            print(f"  {printable(path)}")
        print()
    print_next_steps(_next_steps(added))
    print_heading("To undo it before you commit", "bold")
    print(f"  {UNDO}")


def print_aborted(service: Service, files: Sequence[str], *, as_json: bool) -> None:
    """Print what was undone."""
    from new_backend.repository import UNDONE

    if as_json:
        print_json({"path": str(service.folder), "files": list(files), "kept": UNDONE})
    else:
        print(f"Undid the last change of {service.folder.name}: {len(files)} files")
        print(f"The files as they were: git checkout {UNDONE} -- FILE")


def _print_changes(added: Added) -> None:
    for change in added.changes:
        print(f"  {_described(change)}")
    for change in added.implied:
        print(f"  {_described(change)} (follows from the rules)")


def _described(change: Change) -> str:
    before, after = (
        "not asked" if value is None else printable(shown(value)) or "none given"
        for value in (change.before, change.after)
    )
    return f"{change.question}: {before} → {after}"


def _next_steps(added: Added) -> list[tuple[str, str]]:
    if added.conflicts:
        return [
            ("git add FILE", "for each of them"),
            ("uv lock", "then git add uv.lock"),
            ("make install test check", ""),
            ("git commit", ""),
        ]
    return [
        ("git diff --staged", "what was changed"),
        *((command, "") for command in added.to_do),
        ("make install migrate test check", ""),
        ("git commit", ""),
    ]


def _line(text: str) -> str:
    return printable(text.replace("\t", "    "))


def _added_json(added: Added) -> dict[str, Any]:
    return {
        "path": str(added.service.folder),
        "changes": [_change_json(each) for each in added.changes],
        "implied": [_change_json(each) for each in added.implied],
        "files": list(added.files),
        "conflicts": list(added.conflicts),
        "difference": added.difference,
        "dry_run": added.dry_run,
        "steps": steps_json(added.steps),
    }


def _change_json(change: Change) -> dict[str, Any]:
    return {"question": change.question, "before": change.before, "after": change.after}
