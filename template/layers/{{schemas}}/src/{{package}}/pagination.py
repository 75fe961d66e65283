"""Keyset pagination: a page begins after an id, so it costs the same however deep it is."""

from collections.abc import Sequence
from typing import Annotated, Protocol
from uuid import UUID

from pydantic import Field

Limit = Annotated[int, Field(ge=1, le=100, description="How many to return at most.")]
After = Annotated[
    UUID | None, Field(description="Return what follows this id: the `next` of the page before.")
]


class HasId(Protocol):
    """A row with an id."""

    @property
    def id(self) -> UUID:
        """The primary key."""


def next_after(rows: Sequence[HasId], limit: int) -> UUID | None:
    """Return the id after which the next page begins, or None where nothing follows.

    The rows are those of a page and, where there is more, one beyond its limit.
    """
    return rows[limit - 1].id if len(rows) > limit else None
