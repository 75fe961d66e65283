#!/usr/bin/env python3
"""Find words in comments, names, messages and documents that `tools/prose.toml` rules out.

The exit code is 1 if there is one. --long also suggests where a sentence in Markdown or in a
docstring has more than 25 words, which does not change the exit code.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
LONG = 25
_SEPARATOR = r"""[\s#_"'-]+"""
_CACHES = {"__pycache__", ".DS_Store"}


@dataclass(frozen=True)
class Finding:
    """A place in a text, and what to write there."""

    line: int
    found: str
    advice: str

    def __str__(self) -> str:
        """Return the finding as a part of a line of output."""
        return f'{self.line}: "{self.found}": write {self.advice}'


def expressions(words: dict[str, str]) -> list[tuple[re.Pattern[str], str]]:
    """Return each expression of the list, compiled, with its advice."""
    return [
        (
            re.compile(
                rf"(?<![A-Za-z])(?:{word.replace(' ', _SEPARATOR)})(?![A-Za-z])", re.IGNORECASE
            ),
            advice,
        )
        for word, advice in words.items()
    ]


def findings(
    text: str, ruled_out: list[tuple[re.Pattern[str], str]], exception: str = ""
) -> Iterator[Finding]:
    """Yield each word of a text that is ruled out, unless the exception matches around it."""
    allowed = [match.span() for match in re.finditer(exception, text)] if exception else []
    for expression, advice in ruled_out:
        for match in expression.finditer(text):
            if any(start <= match.start() and match.end() <= end for start, end in allowed):
                continue
            found = " ".join(match[0].split())
            yield Finding(text.count("\n", 0, match.start()) + 1, found, advice)


def exception_of(name: str, exceptions: dict[str, str]) -> str:
    """Return the expression of what a file may contain, from all patterns that match its name."""
    return "|".join(found for pattern, found in exceptions.items() if fnmatch(name, pattern))


def long_sentences(path: Path, text: str) -> Iterator[Finding]:
    """Yield the sentences of more than `LONG` words in Markdown and docstrings."""
    for line, paragraph in _paragraphs(path, text):
        for sentence in re.split(r"(?<=[.!?:;])\s", paragraph):
            count = len(sentence.split())
            if count > LONG:
                yield Finding(line, f"{sentence[:60]}…", f"shorter sentences: {count} words")


def _paragraphs(path: Path, text: str) -> Iterator[tuple[int, str]]:
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
            if isinstance(node, kinds) and (docstring := ast.get_docstring(node)):
                line = node.body[0].lineno
                yield from ((line, paragraph) for paragraph in docstring.split("\n\n"))
    elif path.suffix == ".md":
        plain = re.sub(r"```.*?```", lambda code: "\n" * code[0].count("\n"), text, flags=re.DOTALL)
        for match in re.finditer(r"(?:^(?![|#\n]).+\n)+", plain, re.MULTILINE):
            line = plain.count("\n", 0, match.start()) + 1
            items = re.split(r"^(?:-|\d+\.) ", match[0], flags=re.MULTILINE)
            yield from ((line, item) for item in items)


def _paths(patterns: list[str]) -> set[Path]:
    found = {path for pattern in patterns for path in ROOT.glob(pattern)}
    return {path for path in found if path.is_file() and not _CACHES & {*path.parts}}


def main() -> int:
    """Print the findings, and return 1 if there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="suggest shorter sentences too")
    suggest: bool = parser.parse_args().long
    settings: dict[str, Any] = tomllib.loads(
        (ROOT / "tools" / "prose.toml").read_text(encoding="utf-8")
    )
    ruled_out = expressions(settings["words"])
    paths = _paths(settings["files"]) - _paths(settings["ignored"])
    failed = False
    for path in sorted(paths):
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text(encoding="utf-8")
        for finding in findings(text, ruled_out, exception_of(name, settings["exceptions"])):
            failed = True
            sys.stdout.write(f"{name}:{finding}\n")
        if suggest:
            for finding in long_sentences(path, text):
                sys.stdout.write(f"{name}:{finding}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
