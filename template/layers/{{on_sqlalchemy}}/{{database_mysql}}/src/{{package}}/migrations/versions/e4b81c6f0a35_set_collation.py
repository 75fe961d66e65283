"""Set the collation: text is compared by code points, so that `a` differs from `A` and `á`.

The tables inherit it from the database. It is the only binary collation that both MySQL and MariaDB
support.
"""

from alembic import op

revision = "e4b81c6f0a35"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    if op.get_context().dialect.name == "mysql":
        op.execute("ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")


def downgrade() -> None:
    """Revert this revision. The collation does not change."""
