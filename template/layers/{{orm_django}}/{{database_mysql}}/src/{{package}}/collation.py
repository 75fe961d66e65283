"""The collation: text is compared by code points, so that `a` differs from `A` and `á`."""

from django.apps.registry import Apps
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def set_collation(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Set the binary collation that MySQL and MariaDB share as the default of new tables."""
    if schema_editor.connection.vendor == "mysql":
        schema_editor.execute("ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
