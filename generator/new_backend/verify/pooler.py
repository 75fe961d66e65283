"""PgBouncer, behind which the suites put the services on PostgreSQL."""

from __future__ import annotations

import os
import shutil


def executable() -> str | None:
    """Return the PgBouncer of this machine, or None if it is not installed."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def left_out() -> list[str]:
    """Return a sentence for what this machine cannot check."""
    if executable():
        return []
    return ["No service was put behind a pooler: PgBouncer is not installed"]
