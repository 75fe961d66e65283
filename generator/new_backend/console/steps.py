"""The steps that a command ran, and the steps that are next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from new_backend.console.printing import print_heading, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from new_backend.after import StepResult


def print_failure(title: str, failed: StepResult) -> None:
    """Print that a step failed, and why."""
    print_heading(title, "bold red")
    for line in failed.detail.splitlines():
        print(f"  {printable(line)}")


def print_next_steps(steps: Iterable[tuple[str, str]]) -> None:
    """Print commands with their comments."""
    print_heading("Next steps", "bold")
    for number, (command, comment) in enumerate(steps, start=1):
        print(f"  {number}. {command:<34} {comment}".rstrip())
    print()


def steps_json(steps: Sequence[StepResult]) -> list[dict[str, Any]]:
    """Return the steps for programs."""
    return [
        {"name": step.name, "status": step.status.value, "detail": step.detail} for step in steps
    ]
