"""How a user runs this very program again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from new_backend import __version__

if TYPE_CHECKING:
    from new_backend.template_source import TemplateSource

PROGRAM = "new-backend"


def program(source: TemplateSource) -> list[str]:
    """Return the words that run this program, with this template, from any folder.

    A release is fetched by its version. Anything else, such as a checkout, is named by its path.
    """
    if source.version == f"v{__version__}":
        return ["uvx", f"{PROGRAM}@{__version__}"]
    return installed()


def undo(command: str) -> str:
    """Return the command that undoes a change of a service."""
    return f"{PROGRAM} {command} --abort"


def spelled(value: object) -> str:
    """Return an answer as a user types it; none is empty."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def installed() -> list[str]:
    """Return the words that run this installation, wherever the user is."""
    script = Path(sys.executable).with_name(PROGRAM)
    return [str(script)] if script.exists() else [sys.executable, "-m", "new_backend"]
