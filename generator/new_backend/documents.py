"""JSON for programs: every document is one object, with the version of its form."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1
"""It rises when a key of a document goes, or changes its meaning."""


def as_json(document: Mapping[str, Any]) -> str:
    """Return a document as text."""
    return json.dumps({"version": VERSION, **document}, indent=2)
