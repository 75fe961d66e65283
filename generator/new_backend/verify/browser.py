"""The browser in which the suites open the services' pages."""

from __future__ import annotations

import os
import shutil

VARIABLE = "NEW_BACKEND_BROWSER"
"""Names the browser. Unlike one that happens to be installed, it must be there."""

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def executable() -> str | None:
    """Return the Chromium of this machine, or nothing where none is installed."""
    named = os.environ.get(VARIABLE)
    return named or next(filter(None, map(shutil.which, NAMES)), None)


def left_out() -> list[str]:
    """Return a sentence for what this machine cannot check."""
    if executable():
        return []
    return ["No page was opened in a browser: Chromium is not installed"]
