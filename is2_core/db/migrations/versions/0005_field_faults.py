"""what the faults found in the field need: only additions, so that processes of the release before go on"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _add_proof_of_seller()
    _add_accepted_units()
    _add_heartbeat()
    _add_people()
    _cascade_push_lines()
    _add_shipped_elsewhere()
    _add_turns()


def downgrade() -> None:
    """Take back."""
    _drop_turns()
    _keep_push_lines()
    _drop_shipped_elsewhere()
    _drop_people()
    _drop_heartbeat()
    _drop_accepted_units()
    _drop_proof_of_seller()


def _add_proof_of_seller() -> None:
    op.add_column("integration", sa.Column("proved_at", sa.DateTime(), nullable=True))
    op.create_table(
        "seller_claim",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("integration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("seller_name", sa.Text(), nullable=False),
        sa.Column("sites", sa.JSON(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("older_authorization", sa.Boolean(), nullable=False),
        sa.Column("credentials", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["integration_id"], ["integration.id"], name=op.f("fk_seller_claim_integration_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seller_claim")),
        sa.UniqueConstraint("integration_id", name=op.f("uq_seller_claim_integration_id")),
    )


def _drop_proof_of_seller() -> None:
    op.drop_table("seller_claim")
    with op.batch_alter_table("integration") as batch:
        batch.drop_column("proved_at")


def _add_accepted_units() -> None:
    pass


def _drop_accepted_units() -> None:
    pass


def _add_heartbeat() -> None:
    op.create_table(
        "heartbeat",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=True),
        sa.Column("stored_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heartbeat")),
    )


def _drop_heartbeat() -> None:
    op.drop_table("heartbeat")


def _add_people() -> None:
    op.add_column("user_account", sa.Column("last_sign_in_at", sa.DateTime(), nullable=True))


def _drop_people() -> None:
    op.drop_column("user_account", "last_sign_in_at")


def _cascade_push_lines() -> None:
    """A removed item takes what was sent for it along."""
    with op.batch_alter_table("stock_push_line", schema=None) as batch_op:
        batch_op.drop_constraint("fk_stock_push_line_cart_item_id", type_="foreignkey")
        batch_op.create_foreign_key(
            "fk_stock_push_line_cart_item_id", "cart_item", ["cart_item_id"], ["id"], ondelete="CASCADE"
        )


def _keep_push_lines() -> None:
    with op.batch_alter_table("stock_push_line", schema=None) as batch_op:
        batch_op.drop_constraint("fk_stock_push_line_cart_item_id", type_="foreignkey")
        batch_op.create_foreign_key("fk_stock_push_line_cart_item_id", "cart_item", ["cart_item_id"], ["id"])


def _add_shipped_elsewhere() -> None:
    with op.batch_alter_table("received_order", schema=None) as batch_op:
        batch_op.add_column(sa.Column("stopped", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("not_wanted_at", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("cart_packages", sa.JSON(), nullable=True))
    with op.batch_alter_table("received_line", schema=None) as batch_op:
        for name in ("cancelled_late", "shipped_elsewhere"):
            batch_op.add_column(sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    # Every answer of before but one says that nothing more is shipped.
    op.execute(
        "UPDATE received_order SET stopped = TRUE"
        " WHERE stop_asked_at IS NOT NULL AND stop_answer NOT LIKE '%, but too late.%'"
    )


def _drop_shipped_elsewhere() -> None:
    with op.batch_alter_table("received_line", schema=None) as batch_op:
        for name in ("shipped_elsewhere", "cancelled_late"):
            batch_op.drop_column(name)
    with op.batch_alter_table("received_order", schema=None) as batch_op:
        for name in ("cart_packages", "not_wanted_at", "stopped"):
            batch_op.drop_column(name)


def _add_turns() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "task_turn",
        sa.Column("account_id", number, autoincrement=False, nullable=False),
        sa.Column("turn", number, nullable=False),
        sa.Column("ahead", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_task_turn")),
    )


def _drop_turns() -> None:
    op.drop_table("task_turn")
