"""How text is compared: by its code points, as on other databases. `a` is neither `A` nor `á`."""

from django.apps.registry import Apps
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def set_collation(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Let the tables that follow take the binary collation that MySQL and MariaDB both have."""
    if schema_editor.connection.vendor == "mysql":
        schema_editor.execute("ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
