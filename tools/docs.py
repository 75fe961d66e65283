#!/usr/bin/env python3
"""Write the parts of the documentation that are generated from `copier.yml` and the template.

The markers `<!-- name:begin -->` and `<!-- name:end -->` enclose them. --check writes nothing, and
exits with 1 if a part is out of date or a link is broken.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from new_backend.answers import described_default
from new_backend.combinations import all_combinations
from new_backend.questions import OpenQuestion, Questionnaire
from new_backend.template_source import TemplateSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from new_backend.combinations import Combination
    from new_backend.questions import Context, Question

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ROOT / "template" / "layers"
DOCUMENTS = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
_COMPILED = {"__pycache__", ".DS_Store"}


def options(questionnaire: Questionnaire) -> str:
    """Return a table of the questions, and one of the rules if there are any."""
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


@dataclass(frozen=True)
class Source:
    """A file of the template: its output path, its layer, and the combinations that contain it."""

    path: str
    layer: str
    lines: int
    combinations: frozenset[int]


def sources(questionnaire: Questionnaire) -> list[Source]:
    """Read every file below `template/layers`, and find the combinations that contain it."""
    contexts = [_context(questionnaire, each) for each in all_combinations(questionnaire)]
    found = []
    for path in sorted(LAYERS.rglob("*")):
        if not path.is_file() or _COMPILED & set(path.parts):
            continue
        parts = path.relative_to(LAYERS).parts
        flags = [part.strip("{}") for part in parts if re.fullmatch(r"\{\{\w+\}\}", part)]
        flags = [flag for flag in flags if flag != "package"]
        found.append(
            Source(
                path="/".join(part for part in parts if part.strip("{}") not in flags),
                layer=" / ".join(f"`{flag}`" for flag in flags),
                lines=len(path.read_text(encoding="utf-8").splitlines()),
                combinations=frozenset(
                    number
                    for number, context in enumerate(contexts)
                    if all(context[flag] for flag in flags)
                ),
            )
        )
    return found


def _context(questionnaire: Questionnaire, combination: Combination) -> Context:
    context: Context = {}
    for question in questionnaire.questions:
        default = OpenQuestion(question, context, questionnaire).default
        value = combination.get(question.name, default)
        if value is not None:
            context[question.name] = value
    return context


def files(found: list[Source]) -> str:
    """Return a table of the services' files, each with the layers that write it."""
    layers = defaultdict(list)
    for source in found:
        if source.layer:
            layers[source.path.removesuffix(".jinja")].append(f"{source.layer} {source.lines}")
    lines = ["| file | layers and their lines |", "|---|---|"]
    ordered = sorted(layers.items(), key=lambda item: (item[0].count("/") > 0, item[0]))
    lines += [f"| `{_plain(path)}` | {', '.join(layers)} |" for path, layers in ordered]
    return "\n".join(lines)


def cost(questionnaire: Questionnaire, found: list[Source]) -> str:
    """Return a table of the choices, each with the files that only services with it contain."""
    combinations = all_combinations(questionnaire)
    lines = ["| choice | files | lines | services with it |", "|---|---:|---:|---:|"]
    for name in questionnaire.combine:
        for choice in questionnaire.by_name[name].choices:
            having = {
                number for number, each in enumerate(combinations) if each.get(name) == choice.value
            }
            own = [each for each in found if each.combinations and each.combinations <= having]
            counted = f"{len(own)} | {sum(source.lines for source in own)} | {len(having)}"
            lines.append(f"| `{name}={choice.value}` | {counted} |")
    total = f"{len(found)} | {sum(source.lines for source in found)} | {len(combinations)}"
    return "\n".join([*lines, f"| all | {total} |"])


def _plain(path: str) -> str:
    return path.replace("{{package}}", "<package>").replace(
        "{{_copier_conf.answers_file}}", ".copier-answers.yml"
    )


def write(text: str, parts: dict[str, str]) -> str:
    """Write each part between its markers, on separate lines if its begin marker ends a line."""

    def part(match: re.Match[str]) -> str:
        begin, name, end = match["begin"], match["name"], match["end"]
        blank = "\n\n" if match["block"] else ""
        return f"{begin}{blank}{parts[name]}{blank}{end}"

    marks = (
        r"(?P<begin><!-- (?P<name>\w+):begin -->)(?P<block>\n?).*?(?P<end><!-- (?P=name):end -->)"
    )
    return re.sub(marks, part, text, flags=re.DOTALL)


def main() -> int:
    """Write the parts, or with --check name the documents that are out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing, and exit with 1 if a part is out of date",
    )
    check: bool = parser.parse_args().check
    questionnaire = Questionnaire.read(TemplateSource(ROOT))
    found = sources(questionnaire)
    parts = {
        "options": options(questionnaire),
        "combinations": str(len(all_combinations(questionnaire))),
        "files": files(found),
        "cost": cost(questionnaire, found),
    }
    stale = list(_stale(parts))
    for document, text in stale:
        name = document.relative_to(ROOT)
        if check:
            sys.stderr.write(f"{name} is out of date: run make docs\n")
        else:
            document.write_text(text, encoding="utf-8", newline="\n")
            sys.stdout.write(f"Wrote {name}\n")
    broken = [*broken_links()] if check else []
    for document, link in broken:
        sys.stderr.write(f"{document.relative_to(ROOT)} links to {link}, which does not exist\n")
    return 1 if check and (stale or broken) else 0


def broken_links() -> Iterator[tuple[Path, str]]:
    """Yield each link of a document to a file or folder of this repository that does not exist."""
    for document in DOCUMENTS:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            if not (document.parent / link).exists():
                yield document, link


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


if __name__ == "__main__":
    sys.exit(main())
