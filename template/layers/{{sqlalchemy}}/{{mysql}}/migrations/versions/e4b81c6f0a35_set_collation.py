"""Set the collation: text is compared by its code points, so that `a` is neither `A` nor `á`.

The tables take it from the database. It is the only binary one that MySQL and MariaDB both know.
"""

from alembic import op

revision = "e4b81c6f0a35"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    if op.get_context().dialect.name == "mysql":
        op.execute("ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")


def downgrade() -> None:
    """Go back to the revision before: the collation stays."""
