"""The template's own files: their names in messages, and their syntax trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jinja2
from jinja2 import nodes

from tests.harness.rendering import TEMPLATE

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)  # noqa: S701 - no HTML


def name(path: Path) -> str:
    """Return a source's path in the template, for messages and IDs."""
    return path.relative_to(TEMPLATE).as_posix()


def tree(path: Path) -> nodes.Template:
    """Return the syntax tree of a source."""
    return ENVIRONMENT.parse(path.read_text(encoding="utf-8"))


def names(path: Path, context: str) -> set[str]:
    """Return the names that a source reads (context `load`) or sets (`store`)."""
    return {each.name for each in tree(path).find_all(nodes.Name) if each.ctx == context}
