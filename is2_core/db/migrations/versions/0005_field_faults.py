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
    _add_look_for_unshipped()
    _add_accepted_units()
    _add_plain_numbers()
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
    _drop_plain_numbers()
    _drop_accepted_units()
    _drop_look_for_unshipped()
    _drop_proof_of_seller()


def _add_look_for_unshipped() -> None:
    op.create_table(
        "unshipped_look",
        sa.Column("integration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("bought", sa.JSON(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["integration_id"], ["integration.id"], name=op.f("fk_unshipped_look_integration_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("integration_id", name=op.f("pk_unshipped_look")),
    )


def _drop_look_for_unshipped() -> None:
    op.drop_table("unshipped_look")


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
    id_type = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    with op.batch_alter_table("package", schema=None) as batch_op:
        batch_op.add_column(sa.Column("label_id", id_type, nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_package_label_id"), "package", ["label_id"], ["id"])
        batch_op.create_index(batch_op.f("ix_package_label_id"), ["label_id"], unique=False)
    op.create_table(
        "package_offer",
        sa.Column("id", id_type, nullable=False),
        sa.Column("order_id", id_type, nullable=False),
        sa.Column("package_id", id_type, nullable=False),
        sa.Column("version", id_type, nullable=False),
        sa.Column("holder_id", id_type, nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("line_id", id_type, nullable=False),
        sa.Column("quantity", id_type, nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["received_order.id"], name=op.f("fk_package_offer_order_id")),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_package_offer_package_id")),
        sa.ForeignKeyConstraint(["holder_id"], ["package.id"], name=op.f("fk_package_offer_holder_id")),
        sa.ForeignKeyConstraint(["line_id"], ["received_line.id"], name=op.f("fk_package_offer_line_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_package_offer")),
        sa.UniqueConstraint(
            "package_id", "version", "line_id", name=op.f("uq_package_offer_package_id_version_line_id")
        ),
    )
    for column in ("order_id", "holder_id", "line_id"):
        op.create_index(op.f(f"ix_package_offer_{column}"), "package_offer", [column], unique=False)
    # What the cart accepted is not known any more: most likely what the package completes now. Of a voided package that
    # it never accepted an answer may have been lost.
    op.execute(
        "INSERT INTO package_offer (order_id, package_id, version, holder_id, reference, line_id, quantity, accepted) "
        "SELECT package.order_id, package.id, "
        "CASE WHEN package.posted_version > 0 THEN package.posted_version ELSE package.version END, "
        "package.id, package.reference, package_units.line_id, package_units.quantity, package.posted_version > 0 "
        "FROM package_units JOIN package ON package.id = package_units.package_id "
        "WHERE package.posted_version > 0 OR package.post_state IN ('DUE', 'VOIDED') "
        "ORDER BY package.id, package_units.id"
    )


def _drop_accepted_units() -> None:
    op.drop_table("package_offer")
    with op.batch_alter_table("package", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_package_label_id"))
        batch_op.drop_constraint(batch_op.f("fk_package_label_id"), type_="foreignkey")
        batch_op.drop_column("label_id")


def _add_plain_numbers() -> None:
    for table in ("package", "warehouse_package"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("plain_number", sa.Text(), nullable=False, server_default=""))
            batch_op.create_index(batch_op.f(f"ix_{table}_plain_number"), ["plain_number"], unique=False)
        rows = sa.table(table, sa.column("tracking_number"), sa.column("plain_number"))
        unblanked = sa.func.replace(sa.func.replace(rows.c.tracking_number, " ", ""), "-", "")
        op.execute(rows.update().values(plain_number=sa.func.upper(unblanked)))


def _drop_plain_numbers() -> None:
    for table in ("package", "warehouse_package"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_index(batch_op.f(f"ix_{table}_plain_number"))
            batch_op.drop_column("plain_number")


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
            batch_op.add_column(
                sa.Column(
                    name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, server_default="0"
                )
            )
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
