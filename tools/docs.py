#!/usr/bin/env python3
"""Write the parts of the documentation that follow from `copier.yml` and the template.

They stand between `<!-- name:begin -->` and `<!-- name:end -->`. With --check nothing is written,
and the exit code is 1 where one of them is out of date.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from new_backend.answers import described_default
from new_backend.combinations import all_combinations
from new_backend.questions import Questionnaire
from new_backend.template_source import TemplateSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from new_backend.questions import Question

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ROOT / "template" / "layers"
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
_COMPILED = {"__pycache__", ".DS_Store"}


def options(questionnaire: Questionnaire) -> str:
    """Give a table of the questions, and the rules between them where there are any."""
    lines = ["| flag | what it asks | answers | default |", "|---|---|---|---|"]
    for question in questionnaire.visible:
        default = described_default(questionnaire, question)
        cells = (f"`{question.flag}`", question.help, _answers(question), default)
        lines.append(f"| {' | '.join(cells)} |")
    if questionnaire.rules:
        lines += ["", "| rule | excludes | because |", "|---|---|---|"]
        lines += [
            f"| `{rule.name}` | `{rule.question}={rule.choice}` | {rule.reason} |"
            for rule in questionnaire.rules
        ]
    return "\n".join(lines)


def layers() -> str:
    """Give a table of the layers, with how many files and lines each has."""
    counted: dict[str, list[int]] = defaultdict(list)
    for path in LAYERS.rglob("*"):
        if path.is_file() and not _COMPILED & set(path.parts):
            layer = _layer(path.relative_to(LAYERS).parent.as_posix())
            counted[layer].append(len(path.read_text(encoding="utf-8").splitlines()))
    lines = ["| layer | files | lines |", "|---|---:|---:|"]
    for layer, sizes in sorted(counted.items()):
        lines.append(f"| {layer} | {len(sizes)} | {sum(sizes)} |")
    every = [size for sizes in counted.values() for size in sizes]
    lines.append(f"| all | {len(every)} | {sum(every)} |")
    return "\n".join(lines)


def write(text: str, parts: dict[str, str]) -> str:
    """Put each part between its marks: on lines of its own where its begin mark ends a line."""

    def part(match: re.Match[str]) -> str:
        begin, name, end = match["begin"], match["name"], match["end"]
        blank = "\n\n" if match["block"] else ""
        return f"{begin}{blank}{parts[name]}{blank}{end}"

    marks = (
        r"(?P<begin><!-- (?P<name>\w+):begin -->)(?P<block>\n?).*?(?P<end><!-- (?P=name):end -->)"
    )
    return re.sub(marks, part, text, flags=re.DOTALL)


def main() -> int:
    """Write the parts, or with --check say which documents are out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where stale")
    check: bool = parser.parse_args().check
    questionnaire = Questionnaire.read(TemplateSource(ROOT))
    parts = {
        "options": options(questionnaire),
        "combinations": str(len(all_combinations(questionnaire))),
        "layers": layers(),
    }
    stale = list(_stale(parts))
    for document, text in stale:
        name = document.relative_to(ROOT)
        if check:
            sys.stderr.write(f"{name} is out of date: run make docs\n")
        else:
            document.write_text(text, encoding="utf-8", newline="\n")
            sys.stdout.write(f"Wrote {name}\n")
    return 1 if check and stale else 0


def _stale(parts: dict[str, str]) -> Iterator[tuple[Path, str]]:
    for document in DOCUMENTS:
        found = document.read_text(encoding="utf-8")
        wanted = write(found, parts)
        if wanted != found:
            yield document, wanted


def _answers(question: Question) -> str:
    described = (
        f"`{choice.value}`" + (f" {choice.description}" if choice.description else "")
        for choice in question.choices
    )
    return "<br>".join(described).replace("|", "\\|")


def _layer(folder: str) -> str:
    """Name the flags that a path begins with."""
    flags = [
        f"`{part}`"
        for part in PurePosixPath(folder).parts
        if re.fullmatch(r"\{\{\w+\}\}", part) and part != "{{package}}"
    ]
    return " / ".join(flags) or "for every service, outside of the layers"


if __name__ == "__main__":
    sys.exit(main())
