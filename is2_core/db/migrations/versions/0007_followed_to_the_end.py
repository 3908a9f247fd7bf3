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
    _add_comparison()
    _add_unreadable_fields()
    _add_passing_answers()
    _let_tasks_keep_a_pause()
    op.add_column("received_order", sa.Column("stop_wanted_at", sa.DateTime(), nullable=True))
    _promise_by_item()
    op.add_column("received_order", sa.Column("absent_at", sa.DateTime(), nullable=True))
    _note_why_packing_stops()


def downgrade() -> None:
    """Take back."""
    _forget_why_packing_stops()
    op.drop_column("received_order", "absent_at")
    _promise_by_integration()
    op.drop_column("received_order", "stop_wanted_at")
    _forget_kept_pauses()
    _drop_passing_answers()
    _drop_unreadable_fields()
    _drop_comparison()
    _apply_tables_at_once()
    op.drop_table("key_canary")
    _forget_what_is_not_shipped_from_here()


def _know_what_is_not_shipped_from_here() -> None:
    op.add_column("cart_item", sa.Column("unknown_sku", sa.Text(), server_default="", nullable=False))
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
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    for name in _UPLOAD_COUNTS:
        op.add_column("item_upload", sa.Column(name, number, nullable=False, server_default="0"))
    for name in _UPLOAD_TIMES:
        op.add_column("item_upload", sa.Column(name, sa.DateTime(), nullable=True))


def _apply_tables_at_once() -> None:
    # The release before knows no table that is half applied.
    op.execute("DELETE FROM item_upload WHERE begun_at IS NOT NULL")
    for name in (*_UPLOAD_COUNTS, *_UPLOAD_TIMES):
        op.drop_column("item_upload", name)


def _add_comparison() -> None:
    """When a cart last showed an order, and the proof of every comparison."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("received_order", sa.Column("shown_at", sa.DateTime(), nullable=True))
    op.add_column("received_order", sa.Column("last_asked_at", sa.DateTime(), nullable=True))
    for name in ("shown_version", "repeated_version"):
        op.add_column("package", sa.Column(name, number, nullable=False, server_default="0"))
    op.execute("UPDATE received_order SET shown_at = read_at")
    # What the carts show as ended was posted well; whatever else they accepted is compared.
    op.execute(
        "UPDATE package SET shown_version = posted_version"
        " WHERE order_id IN (SELECT id FROM received_order WHERE cart_state IN ('SHIPPED', 'CANCELLED'))"
    )
    op.create_table(
        "comparison",
        sa.Column("id", number, nullable=False),
        sa.Column("account_id", number, nullable=False),
        sa.Column("integration_id", number, nullable=False),
        sa.Column("user_id", number, nullable=True),
        sa.Column("seen_since", sa.DateTime(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        *(sa.Column(name, number, nullable=False) for name in ("agree", "put_right", "need_person", "not_compared")),
        sa.Column("oldest_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_comparison_account_id")),
        sa.ForeignKeyConstraint(["integration_id"], ["integration.id"], name=op.f("fk_comparison_integration_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_comparison_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comparison")),
    )
    op.create_index(op.f("ix_comparison_account_id"), "comparison", ["account_id"])
    op.create_index(op.f("ix_comparison_integration_id"), "comparison", ["integration_id"])
    op.create_table(
        "compared_order",
        sa.Column("id", number, nullable=False),
        sa.Column("comparison_id", number, nullable=False),
        sa.Column("order_id", number, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("difference", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["comparison_id"], ["comparison.id"], name=op.f("fk_compared_order_comparison_id")),
        sa.ForeignKeyConstraint(["order_id"], ["received_order.id"], name=op.f("fk_compared_order_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_compared_order")),
        sa.UniqueConstraint("comparison_id", "order_id", name=op.f("uq_compared_order_comparison_id_order_id")),
    )
    op.create_index(op.f("ix_compared_order_order_id"), "compared_order", ["order_id"])


def _drop_comparison() -> None:
    op.drop_table("compared_order")
    op.drop_table("comparison")
    with op.batch_alter_table("package", schema=None) as batch_op:
        batch_op.drop_column("repeated_version")
        batch_op.drop_column("shown_version")
    with op.batch_alter_table("received_order", schema=None) as batch_op:
        batch_op.drop_column("last_asked_at")
        batch_op.drop_column("shown_at")


def _add_unreadable_fields() -> None:
    op.add_column("received_order", sa.Column("unreadable", sa.JSON(), nullable=False, server_default="[]"))


def _drop_unreadable_fields() -> None:
    op.drop_column("received_order", "unreadable")


def _number() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _add_passing_answers() -> None:
    op.create_table(
        "passing_answer",
        sa.Column("id", _number(), nullable=False),
        sa.Column("integration_id", _number(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("times", _number(), nullable=False),
        sa.Column("first_at", sa.DateTime(), nullable=False),
        sa.Column("set_at", sa.DateTime(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["integration_id"], ["integration.id"], name=op.f("fk_passing_answer_integration_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passing_answer")),
        sa.UniqueConstraint(
            "integration_id", "answer", "subject", name=op.f("uq_passing_answer_integration_id_answer_subject")
        ),
    )


def _drop_passing_answers() -> None:
    op.drop_table("passing_answer")


def _let_tasks_keep_a_pause() -> None:
    op.add_column("task", sa.Column("keeps_pause", sa.Boolean(), nullable=False, server_default=sa.false()))


def _forget_kept_pauses() -> None:
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_column("keeps_pause")


def _promise_by_item() -> None:
    op.add_column("cart_item", sa.Column("latency", sa.Text(), nullable=False, server_default=""))
    op.add_column("cart_item", sa.Column("lead_days_replaced", _number(), nullable=True))


def _promise_by_integration() -> None:
    for name in ("lead_days_replaced", "latency"):
        op.drop_column("cart_item", name)


def _note_why_packing_stops() -> None:
    op.add_column("received_order", sa.Column("stop_reason", sa.Text(), nullable=False, server_default=""))


def _forget_why_packing_stops() -> None:
    with op.batch_alter_table("received_order", schema=None) as batch_op:
        batch_op.drop_column("stop_reason")
