"""The combinations of choices that the tests run on.

This table is written by hand, on purpose: it is the oracle that the rules in `copier.yml` are held
against, so nothing in it is derived from them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

RUNNING_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The Python of this test run, which the services are rendered for."""


@dataclass(frozen=True)
class Combination:
    """One valid way to answer the questions that make up a combination."""

    framework: str
    orm: str
    database: str
    auth: str
    concurrency: str

    @property
    def id(self) -> str:
        """The name of the combination in test ids, folders and databases."""
        stack = f"{self.framework}-{self.orm}-{self.database}"
        return f"{stack}-{self.auth}-{self.concurrency}"

    def answers(self, **others: str) -> dict[str, str]:
        """Return the answers for Copier, for the running Python unless `others` say otherwise."""
        return {
            "project_name": PROJECT_NAME,
            "framework": self.framework,
            "orm": self.orm,
            "database": self.database,
            "auth": self.auth,
            "concurrency": self.concurrency,
            "python_version": RUNNING_PYTHON,
            **others,
        }


PROJECT_NAME = "corner-shop"
"""Has a hyphen, so that a mix-up of the project's name and its package's shows."""

PACKAGE = "corner_shop"

VALID = (
    Combination("fastapi", "sqlalchemy", "postgresql", "none", "sync"),
    Combination("fastapi", "sqlalchemy", "postgresql", "none", "async"),
    Combination("fastapi", "sqlalchemy", "postgresql", "jwt", "sync"),
    Combination("fastapi", "sqlalchemy", "postgresql", "jwt", "async"),
    Combination("fastapi", "sqlalchemy", "sqlite", "none", "sync"),
    Combination("fastapi", "sqlalchemy", "sqlite", "none", "async"),
    Combination("fastapi", "sqlalchemy", "sqlite", "jwt", "sync"),
    Combination("fastapi", "sqlalchemy", "sqlite", "jwt", "async"),
)
"""Every valid combination, and no other."""

WITH_ACCOUNTS = tuple(each for each in VALID if each.auth != "none")
"""Those whose callers have accounts."""
