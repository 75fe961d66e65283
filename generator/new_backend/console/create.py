"""A project that was created, or would be: what was written, and the next steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from new_backend.console.printing import (
    print_heading,
    print_json,
    print_wrapped,
    printable,
)
from new_backend.console.steps import print_failure, print_next_steps, steps_json
from new_backend.invocation import spelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from new_backend.create import Created

DOCS_ADDRESS = "http://127.0.0.1:8000/docs"
_STEPS = {"lock": "locking", "git": "creating the git repository", "install": "installing"}


def print_created(created: Created, *, as_json: bool) -> None:
    """Print what was written, and the next steps."""
    if as_json:
        print_json(_created_json(created))
        return
    if created.dry_run:
        _print_preview(created)
        return
    _print_result(created)


def _print_result(created: Created) -> None:
    from new_backend.after import Status

    failed = created.failed
    if failed is not None:
        print_failure(f"Project written, but {_STEPS[failed.name]} failed", failed)
    else:
        print_heading(f"Created {created.answers['project_name']}", "bold green")
    print(f"  {created.path} ({len(created.files)} files)")
    for name in created.kept:
        print(f"  {name}: yours is kept")
    for name in created.merged:
        print(f"  {name}: yours is kept, with the lines that it lacked")
    for step in created.steps:
        if step.status is Status.SKIPPED:
            print(f"  {step.name}: skipped, {step.detail}")
    for note in created.notes:
        print_wrapped(note, 2)
    print()
    print_next_steps(_next_steps(created))
    print_heading("The same service again", "bold")
    print(f"  {created.replay}")


def _next_steps(created: Created) -> Iterator[tuple[str, str]]:
    if created.enter:
        yield created.enter, ""
    for command in created.to_do:
        yield command, ""
    yield "make run", f"then open {DOCS_ADDRESS}"
    yield "make test", ""
    yield "make check", "format, lint and type checks"
    yield "make env && docker compose up", "in containers"


def _print_preview(created: Created) -> None:
    print_heading(f"Would create {created.path}", "bold")
    for name, answer in created.answers.by_name.items():
        print(f"  {name}: {printable(spelled(answer.value))} ({answer.source.value})")
    print()
    print_heading(f"{len(created.files)} files", "bold")
    width = max((len(str(file.size)) for file in created.files), default=0)
    for file in created.files:
        print(f"  {file.size:>{width}} {file.path}")
    for group, members in (created.dependencies or {}).items():
        print()
        print_heading("Dependencies" if group == "project" else f"Dependencies: {group}", "bold")
        for member in members:
            print(f"  {member}")


def _created_json(created: Created) -> dict[str, Any]:
    data: dict[str, Any] = {
        "answers": created.answers.values,
        "sources": created.answers.sources,
        "path": str(created.path),
        "dry_run": created.dry_run,
        "files": [{"path": file.path, "size": file.size} for file in created.files],
        "kept": list(created.kept),
        "merged": list(created.merged),
        "notes": list(created.notes),
        "versions": created.versions,
        "steps": steps_json(created.steps),
        "replay": created.replay,
    }
    if created.dependencies is not None:
        data["dependencies"] = created.dependencies
    return data
