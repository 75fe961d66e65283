"""The logins in a service's database, and a way to age them."""

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
        """Find the table with the account's logins."""
        if combination.orm == "django" and combination.auth != "jwt":
            return cls(database, email, "login_session", "expire_date")
        return cls(database, email, "login", "expires_at")

    def count(self) -> int:
        """Return the number of logins."""
        return len(self._times())

    def expiries(self) -> list[Any]:
        """Return the expiry of each login."""
        return [ends for _, ends in self._times()]

    def taking_those_of(self) -> str:
        """Return a statement that gives this account (its address is the first value) the logins of
        another account (the second value).
        """
        account = "(SELECT id FROM user_account WHERE email = %s)"
        return f"UPDATE {self.table} SET user_id = {account} WHERE user_id = {account}"  # noqa: S608 - our own

    def let_pass(self, time: timedelta) -> None:
        """Change the logins as if this time had passed."""
        for begun, ends in self._times():
            self.database.run(
                f"UPDATE {self.table} SET created_at = %s, {self.expiry} = %s {_OF_EMAIL}"  # noqa: S608 - our own
                f" AND {self.expiry} = %s",
                earlier(begun, time),
                earlier(ends, time),
                self.email,
                ends,
            )

    def _times(self) -> list[tuple[Any, Any]]:
        found = self.database.run(
            f"SELECT created_at, {self.expiry} FROM {self.table} {_OF_EMAIL}",  # noqa: S608 - our own
            self.email,
        )
        return [(begun, ends) for begun, ends in found]


def earlier(moment: datetime | str, time: timedelta) -> datetime | str:
    """Return an earlier moment, in the type in which the database returned this one."""
    if isinstance(moment, str):
        return (datetime.fromisoformat(moment) - time).isoformat(" ", "microseconds")
    return moment - time
