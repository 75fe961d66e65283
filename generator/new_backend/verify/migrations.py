"""Part of the stage `static`: whether the migrations of a service match its models."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from new_backend.verify import databases
from new_backend.verify.stages import StageFailed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from new_backend.verify.databases import Server
    from new_backend.verify.facts import Comparison, Facts
    from new_backend.verify.plan import Case
    from new_backend.verify.stages import Workplace


def comparison(place: Workplace, tree: Path) -> Comparison | None:
    """Return how to compare a service's migrations with its models, or None without migrations."""
    return next((each for each in place.facts.comparisons if each.is_for(tree)), None)


def has_database(place: Workplace, case: Case) -> bool:
    """Whether a database is available for the migrations of a case.

    Raises:
        StageFailed: There is none, and this is CI, which omits nothing.
    """
    server = _database_of(place.facts, case)
    if server is None or server.answers:
        return True
    if databases.required():
        raise StageFailed(server.missing)
    return False


def left_out(facts: Facts, cases: Sequence[Case]) -> list[str]:
    """Return what cannot be compared here for these cases, one sentence for each server."""
    servers = dict.fromkeys(_database_of(facts, case) for case in cases)
    return [
        f"The migrations on {server.name} were not compared with the models: no server answers"
        for server in servers
        if server is not None and not server.answers
    ]


def complaint(place: Workplace, case: Case, environment: Path, how: Comparison) -> str:
    """Run the migrations on an empty database, and compare the result with the models.

    Args:
        place: Where the run takes place.
        case: The case to compare.
        environment: Contains the libraries that the service imports.
        how: The result of `comparison`.

    Returns:
        The differences, or nothing.
    """
    tree = place.tree(case)
    digest = hashlib.sha256()
    for path in sorted({each for pattern in place.facts.schema for each in tree.glob(pattern)}):
        digest.update(f"{path.relative_to(tree)}\n".encode() + path.read_bytes())
    key = ("migrations", _database_of(place.facts, case), digest.digest())
    return place.once(key, lambda: _compare(place, case, environment, how))


def _compare(place: Workplace, case: Case, environment: Path, how: Comparison) -> str:
    server = _database_of(place.facts, case)
    with databases.empty(server, place.facts.database) as url:
        done = place.attempt(
            [environment / "bin" / "python", *how.python],
            cwd=place.tree(case),
            environment=place.environment(
                DATABASE_URL=url,
                ENVIRONMENT="test",
                SECRET_KEY=secrets.token_urlsafe(48),
                PYTHONPATH="src",
                PYTHONDONTWRITEBYTECODE="1",
                **{name: text.format(**case.answers) for name, text in how.environment.items()},
            ),
        )
    return f"{how.name}\n{done.stdout.rstrip()}" if done.returncode else ""


def _database_of(facts: Facts, case: Case) -> Server | None:
    """Return the database server of a case, or None for a database without a server."""
    servers = facts.servers_of(case.answers)
    return next((server for server in servers if server.holds_databases), None)
