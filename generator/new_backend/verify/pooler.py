"""PgBouncer, behind which the suites put the services on PostgreSQL."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from new_backend.verify.databases import Server

_PROTOCOL = "postgresql"


def executable() -> str | None:
    """Return the PgBouncer of this machine, or None if it is not installed."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def left_out(servers: Iterable[Server]) -> list[str]:
    """Return a sentence for what this machine cannot check on these servers."""
    if executable() or not any(server.scheme == _PROTOCOL for server in servers):
        return []
    return ["No service was put behind a pooler: PgBouncer is not installed"]
