"""Create login."""

import sqlalchemy as sa
from alembic import op

revision = "91d40e6cb8f3"
down_revision = "3c1f8a5d20b7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "login",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_login"),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name="fk_login_user_id_user_account",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_login_user_id", "login", ["user_id"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("login")
