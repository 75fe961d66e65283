"""Columns that Django lacks."""

from typing import Any
from uuid import UUID

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class UuidBytesField(models.UUIDField):  # type: ignore[type-arg] # generic for mypy only
    """A UUID in 16 bytes, which sort as its text does."""

    def get_internal_type(self) -> str:
        """Keep the backend's own converter of UUIDs away."""
        return "UuidBytesField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        """Return the type of the column; SQLite stands in for a server on a developer's machine."""
        return "binary(16)" if connection.vendor == "mysql" else "blob"

    def get_db_prep_value(self, value: Any, *_: Any, **__: Any) -> bytes | None:
        """Store the bytes."""
        uuid = self.to_python(value)
        return uuid.bytes if uuid else None

    def from_db_value(self, value: bytes | None, *_: object) -> UUID | None:
        """Read the bytes."""
        return UUID(bytes=value) if value else None
