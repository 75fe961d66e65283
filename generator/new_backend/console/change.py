"""What `add` or `update` changed in a service, and the next steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from new_backend.console.printing import print_heading, print_json, print_wrapped, printable
from new_backend.console.steps import print_failure, print_next_steps, steps_json
from new_backend.invocation import spelled, undo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from new_backend.change import Change, Changed
    from new_backend.service import Service


def print_changed(changed: Changed, *, as_json: bool) -> None:
    """Print the changes and the conflicts, and how to go on."""
    if as_json:
        print_json(_changed_json(changed))
        return
    name = changed.service.folder.name
    if changed.nothing:
        has = f"has version {changed.versions[1]} of the template"
        has = "has these answers" if changed.command == "add" else has
        print(f"{name} {has} already. Nothing was changed.")
        return
    if changed.dry_run:
        print_heading(f"Would change {len(changed.files)} files of {name}", "bold")
        _print_changes(changed)
        print()
        print("\n".join(map(_line, changed.difference.splitlines())))
        return
    did = "Updated" if changed.command == "update" else "Changed"
    if changed.conflicts:
        print_heading(f"{did} {name}, with conflicts", "bold red")
    elif changed.failed and changed.undone:
        print_failure(f"{changed.failed.command} failed: {name} is as before", changed.failed)
        return
    elif changed.failed:
        print_failure(f"{did} {name}, but {changed.failed.command} failed", changed.failed)
    else:
        print_heading(f"{did} {name}", "bold green")
    _print_changes(changed)
    print(f"  {len(changed.files)} files, in the index of git and not committed")
    print()
    if changed.conflicts:
        print_heading("Resolve the conflicts in", "bold")
        for path in changed.conflicts:
            print(f"  {printable(path)}")
        print()
    print_next_steps(_next_steps(changed))
    print_heading("To undo it before you commit", "bold")
    print(f"  {undo(changed.command)}")


def print_aborted(service: Service, files: Sequence[str], *, as_json: bool) -> None:
    """Print what was undone."""
    from new_backend.repository import UNDONE

    if as_json:
        print_json({"path": str(service.folder), "files": list(files), "kept": UNDONE})
    else:
        print(f"Undid the last change of {service.folder.name}: {len(files)} files")
        print(f"The files as they were: git checkout {UNDONE} -- FILE")


def _print_changes(changed: Changed) -> None:
    before, after = changed.versions
    if before != after:
        print(f"  template: {before} → {after}")
    for change in changed.changes:
        print(f"  {_described(change)}")
    for change in changed.implied:
        print(f"  {_described(change)} (follows from the rules)")
    for note in changed.notes:
        print_wrapped(note, indent=2)
    if changed.changelog:
        print()
        print("\n".join(f"  {_line(line)}".rstrip() for line in changed.changelog.splitlines()))
        print()


def _described(change: Change) -> str:
    before, after = (
        "not asked" if value is None else printable(spelled(value)) or "none given"
        for value in (change.before, change.after)
    )
    return f"{change.question}: {before} → {after}"


def _next_steps(changed: Changed) -> list[tuple[str, str]]:
    if changed.conflicts:
        return [
            ("git add FILE", "for each of them"),
            ("uv lock", "then git add uv.lock"),
            ("make install test check", ""),
            ("git commit", ""),
        ]
    return [
        ("git diff --staged", "what was changed"),
        *((command, "") for command in changed.to_do),
        ("make install migrate test check", ""),
        ("git commit", ""),
    ]


def _line(text: str) -> str:
    return printable(text.replace("\t", "    "))


def _changed_json(changed: Changed) -> dict[str, Any]:
    return {
        "path": str(changed.service.folder),
        "template": {"before": changed.versions[0], "after": changed.versions[1]},
        "changes": [_change_json(each) for each in changed.changes],
        "implied": [_change_json(each) for each in changed.implied],
        "notes": list(changed.notes),
        "changelog": changed.changelog,
        "files": list(changed.files),
        "conflicts": list(changed.conflicts),
        "difference": changed.difference,
        "dry_run": changed.dry_run,
        "undone": changed.undone,
        "steps": steps_json(changed.steps),
    }


def _change_json(change: Change) -> dict[str, Any]:
    return {"question": change.question, "before": change.before, "after": change.after}
