"""The results of a run: a table for people, JSON and JUnit for programs. Reports can be merged."""

from __future__ import annotations

import json
import os
import shlex
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from new_backend.documents import as_json
from new_backend.errors import InputRefusedError, TargetRefusedError
from new_backend.invocation import installed
from new_backend.verify.stages import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_XML_CONTROL = {number: "�" for number in range(32) if chr(number) not in "\t\n\r"}


class Outcome(StrEnum):
    """The outcome of a stage for a combination."""

    PASSED = "passed"
    FAILED = "failed"
    LEFT_OUT = "left out"
    """Its database server is missing on this machine."""
    NOT_RUN = "not run"
    """An earlier stage did not pass."""


@dataclass(frozen=True)
class Result:
    """A stage of a combination: its outcome, its cost, and how to repeat it."""

    id: str
    """The name of the combination."""
    combination: Mapping[str, Any]
    stage: Stage
    outcome: Outcome
    seconds: float = 0.0
    cached: bool = False
    """Whether the same tree and tools had passed before, so that the stage did not run again."""
    detail: str = ""
    """The findings, or a short summary of a pass."""
    repeat: str = ""
    """The command that repeats only this stage."""


@dataclass(frozen=True)
class Report:
    """The results of a run, or of several that were merged."""

    results: Sequence[Result]
    stages: Sequence[Stage]
    seconds: float
    cpu_seconds: float
    peak_megabytes: int
    """The memory of the largest process."""
    versions: Mapping[str, str]
    """The versions of this program and the template. There are several if merged reports differ."""
    left_out: Sequence[str] = ()
    """What could not be checked on this machine, one sentence each."""

    @property
    def failures(self) -> list[Result]:
        """The results that failed, in the order of the combinations."""
        return [each for each in self.results if each.outcome is Outcome.FAILED]

    def count(self, stage: Stage) -> Counter[str]:
        """Count the outcomes of a stage, with earlier passes as `cached`."""
        of_stage = [each for each in self.results if each.stage is stage]
        counted = Counter(each.outcome.value for each in of_stage)
        counted["cached"] = sum(each.cached for each in of_stage)
        return counted

    def write_json(self, path: Path) -> None:
        """Write the format that `merge` reads."""
        data = {**asdict(self), "failed": [f"{each.id} {each.stage}" for each in self.failures]}
        path.write_text(as_json(data) + "\n", encoding="utf-8")

    def write_junit(self, path: Path) -> None:
        """Write a test suite for each stage, with a test case for each combination."""
        suites = ET.Element("testsuites", name="new-backend verify", time=f"{self.seconds:.3f}")
        for stage in self.stages:
            of_stage = [each for each in self.results if each.stage is stage]
            counted = self.count(stage)
            suite = ET.SubElement(
                suites,
                "testsuite",
                name=stage.value,
                tests=str(len(of_stage)),
                failures=str(counted[Outcome.FAILED]),
                errors="0",
                skipped=str(counted[Outcome.LEFT_OUT] + counted[Outcome.NOT_RUN]),
                time=f"{sum(each.seconds for each in of_stage):.3f}",
            )
            for each in of_stage:
                _add_case(suite, each)
        path.write_bytes(ET.tostring(suites, encoding="utf-8", xml_declaration=True) + b"\n")


def _add_case(suite: ET.Element, result: Result) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=f"verify.{result.stage}",
        name=result.id,
        time=f"{result.seconds:.3f}",
    )
    if result.outcome is Outcome.FAILED:
        text = f"{result.detail}\n\n{result.repeat}".translate(_XML_CONTROL)
        ET.SubElement(case, "failure", message=f"{result.stage} failed").text = text
    elif result.outcome is Outcome.LEFT_OUT:
        ET.SubElement(case, "skipped", message=result.detail)
    elif result.outcome is Outcome.NOT_RUN:
        ET.SubElement(case, "skipped", message="an earlier stage did not pass")


def repeat_command(only: str, stage: Stage, template: str | None, resolution: str) -> str:
    """Return the command that runs one combination through one stage."""
    words = [*installed(), "verify", "--only", only, "--stage", stage.value, "--no-cache"]
    if template is not None:
        words += ["--template", template]
    if resolution != "highest":
        words += ["--resolution", resolution]
    return shlex.join(words)


def merge(paths: Sequence[Path], *, asked: bool) -> Report:
    """Merge the JSON reports of several runs, such as those of all shards.

    Raises:
        InputRefusedError: A report cannot be read, two contain the same stage and combination,
            there is none, or `--merge` is missing.
    """
    if not asked:
        message = f"{paths[0]}: reports need --merge"
        raise InputRefusedError(message)
    if not paths:
        message = "--merge: name one or more reports written by --json"
        raise InputRefusedError(message)
    reports = [_read(path) for path in paths]
    results = [result for report in reports for result in report.results]
    twice = [
        name for name, times in Counter(f"{r.id} {r.stage}" for r in results).items() if times > 1
    ]
    if twice:
        message = f"--merge: several of these reports contain {', '.join(twice[:3])}"
        raise InputRefusedError(message, hint="Each combination belongs to one shard.")
    return Report(
        results=results,
        stages=[stage for stage in Stage if any(r.stage is stage for r in results)],
        seconds=max(report.seconds for report in reports),
        cpu_seconds=sum(report.cpu_seconds for report in reports),
        peak_megabytes=max(report.peak_megabytes for report in reports),
        versions=_all_versions(reports),
        left_out=list(dict.fromkeys(each for report in reports for each in report.left_out)),
    )


def _all_versions(reports: Sequence[Report]) -> dict[str, str]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for report in reports:
        for name, version in report.versions.items():
            if version not in found[name]:
                found[name].append(version)
    return {name: ", ".join(versions) for name, versions in found.items()}


def require_writable(*paths: Path | None) -> None:
    """Make sure that the report files can be written, before the run starts.

    Raises:
        TargetRefusedError: A file cannot be written.
    """
    for path in paths:
        if path is not None:
            place = path if path.exists() else path.parent
            if path.is_dir() or not os.access(place, os.W_OK):
                message = f"{path} cannot be written. Name a file in an existing folder"
                raise TargetRefusedError(message)


def write(report: Report, *, json_file: Path | None, junit: Path | None) -> None:
    """Write the requested files.

    Raises:
        TargetRefusedError: A file cannot be written.
    """
    for path, do in ((json_file, report.write_json), (junit, report.write_junit)):
        if path is not None:
            try:
                do(path)
            except OSError as error:
                message = f"{path} cannot be written: {error.strerror}"
                raise TargetRefusedError(message) from error


def _read(path: Path) -> Report:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        results = [
            Result(
                **{
                    **each,
                    "combination": dict(each["combination"]),
                    "stage": Stage(each["stage"]),
                    "outcome": Outcome(each["outcome"]),
                }
            )
            for each in data["results"]
        ]
        return Report(
            results=results,
            stages=[Stage(each) for each in data["stages"]],
            seconds=float(data["seconds"]),
            cpu_seconds=float(data["cpu_seconds"]),
            peak_megabytes=int(data["peak_megabytes"]),
            versions=dict(data["versions"]),
            left_out=list(data["left_out"]),
        )
    except OSError as error:
        message = f"--merge: {path} cannot be read: {error.strerror}"
        raise InputRefusedError(message) from error
    except (ValueError, KeyError, TypeError) as error:
        message = f"--merge: {path} is not a report written by --json"
        raise InputRefusedError(message) from error
