"""Keyset pagination: a page begins after an id, so that every page costs the same."""

from collections.abc import Sequence
from typing import Annotated, Protocol
from uuid import UUID

from pydantic import Field

Limit = Annotated[int, Field(ge=1, le=100, description="The maximum number of entries.")]
After = Annotated[
    UUID | None, Field(description="The id after which the page begins: `next` of the last page.")
]


class HasId(Protocol):
    """A row with an id."""

    @property
    def id(self) -> UUID:
        """The primary key."""


def next_after(rows: Sequence[HasId], limit: int) -> UUID | None:
    """Return the id after which the next page begins, or None on the last page.

    `rows` are the rows of a page, plus one beyond the limit if there are more.
    """
    return rows[limit - 1].id if len(rows) > limit else None
