"""orders followed to their real end: what comparison, stops, items not shipped from here and promises store

One function a subject, called from upgrade() and, in the opposite order, from downgrade(). Only additions, so that
processes of the release before go on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _know_what_is_not_shipped_from_here()
    _add_key_canary()
    _apply_tables_in_parts()


def downgrade() -> None:
    """Take back."""
    _apply_tables_at_once()
    op.drop_table("key_canary")
    _forget_what_is_not_shipped_from_here()


def _know_what_is_not_shipped_from_here() -> None:
    op.add_column("cart_item", sa.Column("unknown_sku", sa.String(), server_default="", nullable=False))
    op.add_column("received_line", sa.Column("not_from_here", sa.Boolean(), server_default=sa.false(), nullable=False))


def _forget_what_is_not_shipped_from_here() -> None:
    op.drop_column("received_line", "not_from_here")
    op.drop_column("cart_item", "unknown_sku")


def _add_key_canary() -> None:
    op.create_table(
        "key_canary",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_canary")),
    )


_UPLOAD_COUNTS = ("items", "items_done", "added", "changed", "left_out")
_UPLOAD_TIMES = ("begun_at", "finished_at")


def _apply_tables_in_parts() -> None:
    for name in _UPLOAD_COUNTS:
        op.add_column("item_upload", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    for name in _UPLOAD_TIMES:
        op.add_column("item_upload", sa.Column(name, sa.DateTime(), nullable=True))


def _apply_tables_at_once() -> None:
    # The release before knows no table that is half applied.
    op.execute("DELETE FROM item_upload WHERE begun_at IS NOT NULL")
    for name in (*_UPLOAD_COUNTS, *_UPLOAD_TIMES):
        op.drop_column("item_upload", name)
