"""one source for every fact: names, ciphertexts bound to their rows, times that know when they were set

One function a subject, called from upgrade() and, in the opposite order, from downgrade().
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _add_known_skus()


def downgrade() -> None:
    """Take back."""
    _drop_known_skus()


def _add_known_skus() -> None:
    """What the embedded warehouse knows is known at once; otherwise open orders would be held until it is asked."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "known_sku",
        sa.Column("account_id", number, nullable=False),
        sa.Column("wms_target", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_known_sku_account_id")),
        sa.PrimaryKeyConstraint("account_id", "wms_target", "sku", name=op.f("pk_known_sku")),
    )
    op.execute(
        "INSERT INTO known_sku (account_id, wms_target, sku, name) "
        "SELECT account_id, 'embedded', sku, name FROM warehouse_sku"
    )
    with op.batch_alter_table("warehouse_sku", schema=None) as batch_op:
        batch_op.add_column(sa.Column("position", number, nullable=False, server_default="0"))
        batch_op.create_index(
            batch_op.f("ix_warehouse_sku_account_id_position"), ["account_id", "position"], unique=False
        )


def _drop_known_skus() -> None:
    with op.batch_alter_table("warehouse_sku", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_warehouse_sku_account_id_position"))
        batch_op.drop_column("position")
    op.drop_table("known_sku")
