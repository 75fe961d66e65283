"""What `doctor` found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from new_backend.console.printing import print_json, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from new_backend.doctor import Finding
    from new_backend.service import Service

_MARKS = {"ok": "✓", "warning": "!", "failure": "✗"}


def print_finding(finding: Finding) -> None:
    """Print one line, and the remedy below it."""
    mark = _MARKS[finding.state]
    print(f"{mark} {finding.subject:<12} {finding.state:<8} {printable(finding.found)}")
    if finding.remedy:
        print(f"{'':23} → {printable(finding.remedy)}")


def print_findings_json(service: Service, findings: Sequence[Finding]) -> None:
    """Print all of them for programs."""
    listed = [
        {
            "subject": each.subject,
            "state": each.state.value,
            "found": each.found,
            "remedy": each.remedy,
        }
        for each in findings
    ]
    print_json({"path": str(service.folder), "findings": listed})
