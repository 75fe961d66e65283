#!/usr/bin/env python3
"""Set the lower bounds of the services' libraries to their newest compatible releases.

uv finds them in one resolution, for the oldest Python that a service supports. --check writes
nothing, and exits with 1 if a bound would change.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader
from uv import find_uv_bin

from new_backend.questions import Questionnaire
from new_backend.template_source import TemplateSource

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[1]
FEATURES = ROOT / "template/features"
TABLE = "template/partials/dependencies.jinja"


def oldest_python(questionnaire: Questionnaire) -> str:
    """Return the oldest Python that the questions offer."""
    offered = (choice.value for choice in questionnaire.by_name["python_version"].choices)
    return min(offered, key=lambda version: [int(part) for part in version.split(".")])


def libraries(questionnaire: Questionnaire, python: str) -> list[dict[str, Any]]:
    """Read the libraries with all flags set, so that each one has its extra."""
    answers: dict[str, Any] = {
        question.name: "." for question in questionnaire.questions if question.hidden
    }
    answers |= {
        name: question.choices[0].value
        for name, question in questionnaire.by_name.items()
        if question.choices
    }
    answers |= {
        "features": sorted(path.stem for path in FEATURES.glob("*.jinja")),
        "python_version": python,
    }
    environment = Environment(loader=FileSystemLoader(ROOT))  # noqa: S701 - no HTML
    table: Any = environment.get_template(TABLE).make_module(answers)
    bounds = table.releases
    return [
        {**each, "from": bounds[each["name"]]} for each in [*table.libraries, table.build_backend]
    ]


def newest(table: Iterable[dict[str, Any]], python: str) -> dict[str, str]:
    """Resolve all libraries together, and return the release of each.

    Raises:
        SystemExit: uv finds no compatible releases.
    """
    wanted = [f"{each['name']}[{each.get('extra', '')}]" for each in table]
    command = [find_uv_bin(), "pip", "compile", "--quiet", "--python-version", python]
    resolved = subprocess.run(
        [*command, "--no-header", "--no-annotate", "--no-strip-extras", "-"],
        input="\n".join(wanted),
        capture_output=True,
        text=True,
        check=False,
    )
    if resolved.returncode:
        sys.exit(resolved.stderr.strip())
    found = re.findall(r"^([a-z0-9-]+)(?:\[.*?\])?==(\S+)", resolved.stdout, re.MULTILINE)
    return {_normal(name): version for name, version in found}


def main() -> int:
    """Write the bounds, or with --check only print the changes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing, and exit with 1 if a bound would change",
    )
    check: bool = parser.parse_args().check
    questionnaire = Questionnaire.read(TemplateSource(ROOT))
    python = oldest_python(questionnaire)
    table = libraries(questionnaire, python)
    releases = newest(table, python)
    path = ROOT / TABLE
    text = path.read_text(encoding="utf-8")
    changed = 0
    for each in table:
        name, bound, release = each["name"], each["from"], releases[_normal(each["name"])]
        if bound == release:
            continue
        changed += 1
        sys.stdout.write(f"{name} {bound} -> {release}\n")
        line = rf'(?m)^(  "{re.escape(name)}": ")[^"]+'
        text = re.sub(line, rf"\g<1>{release}", text)
    if not changed:
        sys.stdout.write(f"All {len(table)} bounds are current\n")
    elif not check:
        path.write_text(text, encoding="utf-8", newline="\n")
        sys.stdout.write("Bounds written. Run make test next\n")
    return 1 if check and changed else 0


def _normal(name: str) -> str:
    return name.lower().replace("_", "-")


if __name__ == "__main__":
    sys.exit(main())
