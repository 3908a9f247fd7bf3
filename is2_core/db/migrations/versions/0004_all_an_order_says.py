"""all an order says"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("received_order", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cancel_reason", sa.Text(), nullable=False, server_default=""))

    with op.batch_alter_table("received_line", schema=None) as batch_op:
        batch_op.add_column(sa.Column("gift_wrap", sa.Text(), nullable=False, server_default=""))

    with op.batch_alter_table("warehouse_order", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ship_after", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("deliver_after", sa.DateTime(), nullable=True))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("warehouse_order", schema=None) as batch_op:
        batch_op.drop_column("deliver_after")
        batch_op.drop_column("ship_after")

    with op.batch_alter_table("received_line", schema=None) as batch_op:
        batch_op.drop_column("gift_wrap")

    with op.batch_alter_table("received_order", schema=None) as batch_op:
        batch_op.drop_column("cancel_reason")
