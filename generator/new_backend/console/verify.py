"""The progress of a verification, and its results."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from new_backend.console.printing import print_heading, print_table, printable, rich_console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress, TaskID

    from new_backend.verify.plan import Case
    from new_backend.verify.report import Report, Result
    from new_backend.verify.run import Listener, Request
    from new_backend.verify.stages import Stage

_DETAIL_LINES = 60


@contextmanager
def verifying(request: Request) -> Iterator[Listener]:
    """Show the progress of a verification: bars on a terminal, otherwise lines."""
    # Each case is rendered for every selection of stages.
    total = len(request.cases) * len({"render", *request.stages})
    if not sys.stderr.isatty():
        yield _Lines(total)
        return
    with _bars() as progress:
        yield _Bars(progress, total)


def print_report(report: Report) -> None:
    """Print the results of a verification, with a command that repeats each failure."""
    for failure in report.failures:
        print_heading(f"FAILED {failure.stage} {failure.id}", "bold red")
        print(_detail(failure))
        print(f"  Repeat it: {failure.repeat}")
        print()
    print_table(
        ("stage", "passed", "as before", "failed", "left out", "not run", "seconds"),
        [_row(report, stage) for stage in report.stages],
        numbers=True,
    )
    for each in report.left_out:
        print(each)
    names = list(dict.fromkeys(failure.id for failure in report.failures))
    found = f"{len(names)} failed: {', '.join(names)}" if names else "none failed"
    print(
        f"{len({each.id for each in report.results})} combinations, {found}; "
        f"{report.seconds:.1f} s, {report.cpu_seconds:.1f} CPU s, "
        f"largest process {report.peak_megabytes} MB"
    )


class _Lines:
    """A line in a log for each stage that ended."""

    def __init__(self, total: int) -> None:
        self._numbers = iter(range(1, total + 1))
        self._total = total

    def began(self, case: Case, stage: Stage) -> None:
        """Print nothing: a log lists results."""

    def ended(self, result: Result) -> None:
        """Print the result of a stage."""
        number = next(self._numbers, self._total)
        how = f"{result.outcome}, as before" if result.cached else str(result.outcome)
        why = "" if result.outcome.value == "failed" else f" ({printable(result.detail)})"
        line = f"[{number}/{self._total}] {result.id} {result.stage}: {how}"
        print(f"{line}, {result.seconds:.1f} s{why if result.detail else ''}", file=sys.stderr)
        if result.outcome.value == "failed":
            # The report repeats it, but a run of an hour may be interrupted before.
            print(_detail(result), file=sys.stderr)


class _Bars:
    """A bar for the whole run, and a line for each running stage."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._all = progress.add_task("verify", total=total)
        self._running: dict[tuple[str, Stage], TaskID] = {}

    def began(self, case: Case, stage: Stage) -> None:
        """Show that a stage is running."""
        line = self._progress.add_task(f"{stage} {case.id}", total=None)
        self._running[case.id, stage] = line

    def ended(self, result: Result) -> None:
        """Count a stage, and keep a line for a failure."""
        if (line := self._running.pop((result.id, result.stage), None)) is not None:
            self._progress.remove_task(line)
        self._progress.advance(self._all)
        if result.outcome.value == "failed":
            self._progress.console.print(f"FAILED {result.stage} {result.id}", style="red")


def _detail(failure: Result) -> str:
    lines = failure.detail.splitlines()[-_DETAIL_LINES:]
    return "\n".join(f"  {printable(line)}" for line in lines)


def _bars() -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=rich_console(stderr=True),
        transient=True,
    )


def _row(report: Report, stage: Stage) -> list[str]:
    counted = report.count(stage)
    seconds = sum(each.seconds for each in report.results if each.stage is stage)
    numbers = [str(counted[name]) for name in ("passed", "cached", "failed", "left out", "not run")]
    return [stage.value, *numbers, f"{seconds:.1f}"]
