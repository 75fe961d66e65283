"""Column types that Django does not have."""

from typing import Any
from uuid import UUID

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class UuidBytesField(models.UUIDField):  # type: ignore[type-arg] # generic for mypy only
    """A UUID in 16 bytes, which sort like its text."""

    def get_internal_type(self) -> str:
        """Return a name for which the backend has no UUID converter."""
        return "UuidBytesField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        """Return the column type. SQLite replaces a server in development."""
        return "binary(16)" if connection.vendor == "mysql" else "blob"

    def get_db_prep_value(self, value: Any, *_: Any, **__: Any) -> bytes | None:
        """Return the bytes of a UUID."""
        uuid = self.to_python(value)
        return uuid.bytes if uuid else None

    def from_db_value(self, value: bytes | None, *_: object) -> UUID | None:
        """Return the UUID of the bytes."""
        return UUID(bytes=value) if value else None
