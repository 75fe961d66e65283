"""The logins in the database of a service, and time that passes for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.harness.combinations import Combination
    from tests.harness.databases import Database

_OF_EMAIL = "WHERE user_id = (SELECT id FROM user_account WHERE email = %s)"


@dataclass(frozen=True)
class StoredLogins:
    """The rows of one account's logins."""

    database: Database
    email: str
    table: str
    expiry: str

    @classmethod
    def of(cls, database: Database, combination: Combination, email: str) -> StoredLogins:
        """Find where the logins of an account are stored."""
        if combination.orm == "django" and combination.auth != "jwt":
            return cls(database, email, "login_session", "expire_date")
        return cls(database, email, "login", "expires_at")

    def count(self) -> int:
        """Return how many there are."""
        return len(self._times())

    def expiries(self) -> list[Any]:
        """Return when each of them ends."""
        return [ends for _, ends in self._times()]

    def let_pass(self, time: timedelta) -> None:
        """Make them look as they would when this time had passed."""
        for begun, ends in self._times():
            self.database.run(
                f"UPDATE {self.table} SET created_at = %s, {self.expiry} = %s {_OF_EMAIL}"  # noqa: S608 - our own
                f" AND {self.expiry} = %s",
                _earlier(begun, time),
                _earlier(ends, time),
                self.email,
                ends,
            )

    def _times(self) -> list[tuple[Any, Any]]:
        found = self.database.run(
            f"SELECT created_at, {self.expiry} FROM {self.table} {_OF_EMAIL}",  # noqa: S608 - our own
            self.email,
        )
        return [(begun, ends) for begun, ends in found]


def _earlier(moment: datetime | str, time: timedelta) -> datetime | str:
    """Return an earlier moment, in the form in which the database gave this one."""
    if isinstance(moment, str):
        return (datetime.fromisoformat(moment) - time).isoformat(" ", "microseconds")
    return moment - time
