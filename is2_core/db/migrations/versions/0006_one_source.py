"""one source for every fact: names, ciphertexts bound to their rows, times that know when they were set

One function a subject, called from upgrade() and, in the opposite order, from downgrade().
"""

from __future__ import annotations

import base64
import os
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from is2_core.accounts.codes import new_code
from is2_core.db.types import keyring

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _add_corrections()
    _add_known_skus()
    _add_parameters()
    _set_texts_aside()
    _add_set_at()
    _allow_cases_of_no_account()
    _index_tasks()
    _let_the_platform_have_schedules()
    _keep_intervals_with_the_settings()
    _open_the_warehouse()
    _rename_columns()
    _drop_what_nobody_uses()


def downgrade() -> None:
    """Take back; where values are bound to their rows already, with the keys (`db.types.use_keyring`)."""
    _keep_what_the_release_before_has()
    _name_columns_as_before()
    _close_the_warehouse()
    _unbind_sealed()
    _forget_intervals_in_the_settings()
    _leave_schedules_to_integrations()
    _index_tasks_as_before()
    _forbid_cases_of_no_account()
    _drop_set_at()
    _take_texts_back()
    _drop_parameters()
    _drop_known_skus()
    _drop_corrections()


def _add_known_skus() -> None:
    """Know at once the SKUs of the embedded warehouse; otherwise open orders would be held until it is asked."""
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


_COMPOSED = ("hold", "order_event")
# Of an address nobody can deliver to, what an earlier release said of it; each in the order of the codes.
_LACKING = {"a name": "NAME", "a street": "STREET", "a city": "CITY", "a country": "COUNTRY"}


def _add_parameters() -> None:
    """Holds and timelines store codes and parameters. What an earlier release said of a hold may quote a buyer and is
    worked out anew; what it said in timelines is sealed later, with the keys."""
    for table in _COMPOSED:
        op.add_column(table, sa.Column("params", sa.JSON(), nullable=False, server_default="{}"))
        op.add_column(table, sa.Column("sealed", sa.Text(), nullable=True))
    now = datetime.now(UTC).replace(tzinfo=None)
    op.execute(
        sa.text(
            "INSERT INTO task (kind, business_key, integration_id, account_id, payload, priority, state, run_at,"
            " wanted, attempts, crashes, fence, error_code, error_sentence, error_detail, created_at)"
            " SELECT 'orders.review', 'orders.review:' || id || ':', id, account_id, '{}', 3,"
            " CASE WHEN state IN ('PAUSED', 'DISCONNECTED') THEN 'WAITING' ELSE 'READY' END, :now, 1,"
            " 0, 0, 0, '', '', '', :now"
            " FROM integration WHERE id IN (SELECT integration_id FROM received_order WHERE state = 'HELD')"
            " ON CONFLICT (business_key) WHERE state IN ('READY', 'RUNNING', 'WAITING')"
            " DO UPDATE SET wanted = task.wanted + 1"
        ).bindparams(sa.bindparam("now", now, sa.DateTime()))
    )
    # A buyer's reason is on the order's page, and sealed.
    op.execute(
        "UPDATE support_case SET sentence = 'The buyer of ' || subject || ' asks to cancel it; the warehouse has it"
        " already. Have the warehouse stop it, or let it ship.' WHERE kind = 'CANCELLATION_REQUESTED'"
    )
    order = sa.table("received_order", sa.column("address_problem", sa.Text()))
    problem: sa.ColumnElement[str] = order.c.address_problem
    for before, after in {
        "The delivery address has an unknown country code.": "COUNTRY_CODE",
        "The delivery address lacks ": "",
        " and ": ",",
        ".": "",
        **_LACKING,
    }.items():
        problem = sa.func.replace(problem, before, after)
    op.execute(order.update().where(order.c.address_problem != "").values(address_problem=problem))


def _drop_parameters() -> None:
    for table in _COMPOSED:
        rows = sa.table(table, sa.column("sentence", sa.Text()), sa.column("code", sa.Text()))
        op.execute(rows.update().where(rows.c.sentence == "").values(sentence=rows.c.code))
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("sealed")
            batch_op.drop_column("params")
    order = sa.table("received_order", sa.column("address_problem", sa.Text()))
    op.execute(
        order.update()
        .where(order.c.address_problem != "")
        .values(address_problem="The delivery address cannot be shipped to.")
    )


# The sealed columns, and where a release before has their texts, in the order in which rows are locked.
_TEXTS = {
    "received_order": {
        "sealed_reason": "reason",
        "sealed_cancel_reason": "cancel_reason",
        "sealed_caution": "caution",
        "sealed_ack_message": "ack_sentence",
    },
    "package": {"sealed_post_message": "post_sentence"},
    "line_customization": {"sealed_message": "sentence", "sealed_name": "name"},
    "order_event": {"sealed": "sentence"},
    "support_case": {"sealed_message": "sentence", "sealed_answer": "answer"},
    "warehouse_order": {"sealed_stop_reason": "stop_reason"},
    "stock_movement": {"sealed_reason": "reason"},
}
# Those of which nothing has to be kept: holds are worked out anew, timelines tell how the warehouse answered, nobody
# reads the others.
_UNUSED_TEXTS = {
    "hold": "sentence",
    "received_order": "stop_answer",
    "submission_line": "sentence",
    "stock_push_line": "sentence",
}
_ORDER_OF = {
    "received_order": "received_order.id",
    "line_customization": "(SELECT order_id FROM received_line WHERE received_line.id = line_id)",
    "warehouse_order": "(SELECT order_id FROM recipient WHERE recipient.id = recipient_id)",
    "stock_movement": "CAST(NULL AS BIGINT)",
}
# By the code of a reason, how it begins and ends; the first that fits. Of those given whole nothing else is kept.
_REASONS = (
    ("DISCONNECTED", "The store was disconnected."),
    ("CANCELLED", "Cancelled at the cart before it was placed."),
    ("SHIPPED_BEFORE", "Shipped already, before the warehouse had it."),
    ("PAYMENT_PENDING", "The payment is pending at the cart."),
    ("NOTHING_OPEN", "Nothing of it is open to be shipped."),
    ("UNKNOWN_TO_CART", "The cart does not know this order any more."),
    ("FULFILLED_BY_CART", "% fulfills this order itself."),
    ("BEFORE_FIRST_ORDERS", "Bought before %, when the first orders begin."),
    ("STOPPED_ELSEWHERE", "Shipped elsewhere: Confirmed at % after it was placed; the warehouse stopped it."),
    ("CLOSED_ELSEWHERE", "Shipped elsewhere: %"),
    ("DISMISSED", "Dismissed: %"),
    ("STOP", "% after it was placed; the warehouse stopped it."),
    ("WAREHOUSE_ENDED", "The warehouse ended this order: %"),
    ("WAREHOUSE_ENDED_REST", "The warehouse ended the rest of this order: %"),
    ("QUARANTINED", "_%"),
)


def _set_texts_aside() -> None:
    """Texts that may quote a buyer leave the columns that lie open. They are sealed afterwards, with the keys: see
    `db.reseal`. What is known of an erased buyer's order is not."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "unsealed_text",
        sa.Column("id", number, nullable=False),
        sa.Column("column", sa.Text(), nullable=False),
        sa.Column("row_id", number, nullable=False),
        sa.Column("order_id", number, nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["received_order.id"], name=op.f("fk_unsealed_text_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unsealed_text")),
    )
    op.create_index(op.f("ix_unsealed_text_order_id"), "unsealed_text", ["order_id"], unique=False)
    op.add_column("received_order", sa.Column("reason_code", sa.Text(), nullable=False, server_default=""))
    op.add_column("warehouse_order", sa.Column("stopped", sa.Boolean(), nullable=False, server_default=sa.false()))
    stopped = sa.table("warehouse_order", sa.column("stop_reason"), sa.column("stopped"))
    op.execute(stopped.update().where(stopped.c.stop_reason != "").values(stopped=sa.true()))
    op.add_column("received_order", sa.Column("has_caution", sa.Boolean(), nullable=False, server_default=sa.false()))
    held = sa.table("received_order", sa.column("caution"), sa.column("has_caution"))
    op.execute(held.update().where(held.c.caution != "").values(has_caution=sa.true()))
    order = sa.table("received_order", sa.column("reason"), sa.column("reason_code"))
    codes = sa.case(*((order.c.reason.like(text), code) for code, text in _REASONS), else_="")
    op.execute(order.update().where(order.c.reason != "").values(reason_code=codes))
    op.execute(order.update().where(order.c.reason.in_([text for _, text in _REASONS])).values(reason=""))
    for table, texts in _TEXTS.items():
        of_order = _ORDER_OF.get(table, f"{table}.order_id")
        for sealed, text in texts.items():
            if (table, sealed) != ("order_event", "sealed"):
                op.add_column(table, sa.Column(sealed, sa.Text(), nullable=True))
            op.execute(
                f'INSERT INTO unsealed_text ("column", row_id, order_id, text)'  # noqa: S608
                f" SELECT '{table}.{sealed}', id, {of_order}, {text} FROM {table} WHERE {text} <> '' AND NOT EXISTS"
                f" (SELECT 1 FROM recipient WHERE recipient.order_id = {of_order}"
                " AND (recipient.erased_at IS NOT NULL OR recipient.sealed IS NULL))"
            )
    for table, text in [(table, text) for table, texts in _TEXTS.items() for text in texts.values()]:
        op.drop_column(table, text)
    for table, text in _UNUSED_TEXTS.items():
        op.drop_column(table, text)


def _take_texts_back() -> None:
    """Leave behind what is sealed by now: of reasons and entries of timelines their codes are told."""
    for table, text in [(table, text) for table, texts in _TEXTS.items() for text in texts.values()]:
        op.add_column(table, sa.Column(text, sa.Text(), nullable=False, server_default=""))
    for table, text in _UNUSED_TEXTS.items():
        op.add_column(table, sa.Column(text, sa.Text(), nullable=False, server_default=""))
    for table, texts in _TEXTS.items():
        for sealed, text in texts.items():
            found = f"FROM unsealed_text WHERE \"column\" = '{table}.{sealed}' AND row_id = {table}.id"
            op.execute(
                f"UPDATE {table} SET {text} = (SELECT text {found}) WHERE EXISTS (SELECT 1 {found})"  # noqa: S608
            )
    order = sa.table("received_order", sa.column("reason"), sa.column("reason_code"))
    whole = {code: text for code, text in _REASONS if "%" not in text}
    told = sa.case(whole, value=order.c.reason_code, else_=order.c.reason_code)
    op.execute(order.update().where(order.c.reason == "").values(reason=told))
    stopped = sa.table("warehouse_order", sa.column("stop_reason"), sa.column("stopped"))
    ended = (stopped.c.stopped, stopped.c.stop_reason == "")
    op.execute(stopped.update().where(*ended).values(stop_reason="Ended before all of it was shipped."))
    op.drop_column("warehouse_order", "stopped")
    held = sa.table("received_order", sa.column("caution"), sa.column("has_caution"))
    untold = (held.c.has_caution, held.c.caution == "")
    op.execute(held.update().where(*untold).values(caution="The cart advises caution."))
    op.drop_column("received_order", "has_caution")
    for table, texts in _TEXTS.items():
        for sealed in texts:
            if (table, sealed) != ("order_event", "sealed"):
                op.drop_column(table, sealed)
    op.drop_column("received_order", "reason_code")
    op.drop_table("unsealed_text")


def _add_corrections() -> None:
    """Keep an address that a person typed beside the cart's; what lies in it still is sealed apart
    later, with the keys. The note among what was waived stays, for processes of the release before."""
    op.add_column("recipient", sa.Column("corrected", sa.Text(), nullable=True))
    op.add_column(
        "received_order", sa.Column("address_corrected", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.execute(
        "UPDATE received_order SET address_corrected = TRUE WHERE CAST(waived AS TEXT) LIKE '%\"ADDRESS_CORRECTED\"%'"
    )


def _drop_corrections() -> None:
    # What was typed is lost with its column: rather ask for it anew than ship to where the cart says.
    op.execute(
        "UPDATE received_order SET has_address = FALSE"
        " WHERE id IN (SELECT order_id FROM recipient WHERE corrected IS NOT NULL)"
    )
    with op.batch_alter_table("received_order", schema=None) as batch_op:
        batch_op.drop_column("address_corrected")
    with op.batch_alter_table("recipient", schema=None) as batch_op:
        batch_op.drop_column("corrected")


# Those with a future instant, which then know when it was set.
_WITH_FUTURE = (
    "task",
    "schedule",
    "submission",
    "line_customization",
    "install_session",
    "credential",
    "user_account",
    "package",
)


def _add_set_at() -> None:
    for table in _WITH_FUTURE:
        op.add_column(table, sa.Column("set_at", sa.DateTime(), nullable=True))
    op.create_index(op.f("ix_schedule_set_at"), "schedule", ["set_at"], unique=False)


def _drop_set_at() -> None:
    op.drop_index(op.f("ix_schedule_set_at"), "schedule")
    for table in _WITH_FUTURE:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("set_at")


def _allow_cases_of_no_account() -> None:
    with op.batch_alter_table("support_case", schema=None) as batch_op:
        batch_op.alter_column("account_id", existing_type=sa.BigInteger(), nullable=True)


def _forbid_cases_of_no_account() -> None:
    op.execute("DELETE FROM support_case WHERE account_id IS NULL")
    with op.batch_alter_table("support_case", schema=None) as batch_op:
        batch_op.alter_column("account_id", existing_type=sa.BigInteger(), nullable=False)


def _index_tasks() -> None:
    """Looking for what is due, or was set by a clock that is ahead, passes over what is due later."""
    op.drop_index("ix_task_due", "task")
    op.create_index("ix_task_due", "task", ["state", "run_at"], unique=False)
    op.create_index(op.f("ix_task_set_at"), "task", ["set_at"], unique=False)


def _index_tasks_as_before() -> None:
    op.drop_index(op.f("ix_task_set_at"), "task")
    op.drop_index("ix_task_due", "task")
    op.create_index("ix_task_due", "task", ["state", "priority", "run_at"], unique=False)


def _let_the_platform_have_schedules() -> None:
    with op.batch_alter_table("schedule") as batch:
        batch.alter_column("integration_id", existing_type=sa.BigInteger(), nullable=True)
        batch.create_index(
            "uq_schedule_platform_kind",
            ["kind"],
            unique=True,
            sqlite_where=sa.text("integration_id IS NULL"),
            postgresql_where=sa.text("integration_id IS NULL"),
        )


def _leave_schedules_to_integrations() -> None:
    op.execute("DELETE FROM schedule WHERE integration_id IS NULL")
    with op.batch_alter_table("schedule") as batch:
        batch.drop_index("uq_schedule_platform_kind")
        batch.alter_column("integration_id", existing_type=sa.BigInteger(), nullable=False)


_INTEGRATION = sa.table("integration", sa.column("id"), sa.column("settings", sa.JSON()))
_SCHEDULE = sa.table("schedule", sa.column("integration_id"), sa.column("kind"), sa.column("every_s"))
_INTERVAL = "orders_every"


def _keep_intervals_with_the_settings() -> None:
    """How often orders are listed is the merchant's setting, like how often stock is sent; the schedule follows."""
    chosen = (
        sa.select(_INTEGRATION.c.id, _INTEGRATION.c.settings, _SCHEDULE.c.every_s)
        .join(_SCHEDULE, _SCHEDULE.c.integration_id == _INTEGRATION.c.id)
        .where(_SCHEDULE.c.kind == "orders.check")
    )
    for row in op.get_bind().execute(chosen).all():
        _store_settings(row.id, {**row.settings, _INTERVAL: str(row.every_s)})


def _forget_intervals_in_the_settings() -> None:
    for row in op.get_bind().execute(sa.select(_INTEGRATION)).all():
        if _INTERVAL in row.settings:
            _store_settings(row.id, {key: value for key, value in row.settings.items() if key != _INTERVAL})


def _store_settings(integration_id: int, settings: dict[str, str]) -> None:
    op.execute(_INTEGRATION.update().where(_INTEGRATION.c.id == integration_id).values(settings=settings))


# By column: what finds the values that are bound to rows (its primary key, the value, what it is bound to), and what
# stores one.
_BOUND = {
    "recipient.sealed": (
        "SELECT recipient.id, sealed, integration_id, remote_id FROM recipient"
        " JOIN received_order ON received_order.id = order_id WHERE sealed LIKE '2:%'",
        "UPDATE recipient SET sealed = :text WHERE id = :id",
    ),
    "line_customization.sealed": (
        "SELECT line_customization.id, sealed, integration_id, received_order.remote_id, received_line.remote_id"
        " FROM line_customization JOIN received_line ON received_line.id = line_id"
        " JOIN received_order ON received_order.id = order_id WHERE sealed LIKE '2:%'",
        "UPDATE line_customization SET sealed = :text WHERE id = :id",
    ),
    "credential.credentials": (
        "SELECT integration_id, credentials, integration_id FROM credential WHERE credentials LIKE '2:%'",
        "UPDATE credential SET credentials = :text WHERE integration_id = :id",
    ),
    "cart_setting.secrets": (
        "SELECT cart, secrets, cart FROM cart_setting WHERE secrets LIKE '2:%'",
        "UPDATE cart_setting SET secrets = :text WHERE cart = :id",
    ),
    "cart_setting.former": (
        "SELECT cart, former, cart FROM cart_setting WHERE former LIKE '2:%'",
        "UPDATE cart_setting SET former = :text WHERE cart = :id",
    ),
}


def _bound_to_its_column(purpose: str, key: tuple[int | str, ...], text: str) -> str:
    ring, nonce = keyring(), os.urandom(12)
    value = ring.open(purpose, key, text)
    sealed = AESGCM(ring.keys[ring.current]).encrypt(nonce, value, purpose.encode())
    return f"{ring.current}.{base64.b64encode(nonce + sealed).decode()}"


def _unbind_sealed() -> None:
    """Seal by the rule of the release before what it cannot open, or leave it to be got anew."""
    connection = op.get_bind()
    for purpose, (find, store) in _BOUND.items():
        for row_key, text, *key in connection.execute(sa.text(find)).all():
            value = {"text": _bound_to_its_column(purpose, tuple(key), text), "id": row_key}
            connection.execute(sa.text(store), value)
    op.execute("UPDATE credential SET access_token = NULL, access_expires_at = NULL WHERE access_token LIKE '2:%'")
    op.execute("UPDATE seller_claim SET credentials = NULL WHERE credentials LIKE '2:%'")


_REQUIREMENTS = {
    "serialNumber": "SERIAL_NUMBER",
    "transparencyCode": "TRANSPARENCY_CODE",
    "signatureConfirmation": "SIGNATURE",
    "recipientAgeVerification": "AGE_CHECK",
    "recipientIdentityVerification": "IDENTITY_CHECK",
    "cashOnDelivery": "CASH_ON_DELIVERY",
    "palletDelivery": "PALLET",
}


def _open_the_warehouse() -> None:
    """Let values cross to a warehouse: codes of accounts, the warehouse's own copy of what it packs by.

    The copies of recipients are made afterwards, with the keys: see `embedded_warehouse/resealing.py`.
    """
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    _add_account_codes()
    op.create_table(
        "warehouse_setting",
        sa.Column("warehouse", sa.Text(), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("secrets", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("warehouse", name=op.f("pk_warehouse_setting")),
    )
    with op.batch_alter_table("warehouse_order", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sealed", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("erased_at", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("state_position", number, nullable=False, server_default="0"))
        batch_op.alter_column("recipient_id", existing_type=number, nullable=True)
        batch_op.drop_constraint("fk_warehouse_order_recipient_id", type_="foreignkey")
        batch_op.drop_index("ix_warehouse_order_recipient_id")
        batch_op.create_index(
            batch_op.f("ix_warehouse_order_account_id_state_position"), ["account_id", "state_position"], unique=False
        )
    with op.batch_alter_table("warehouse_order_line", schema=None) as batch_op:
        batch_op.add_column(sa.Column("items", sa.JSON(), nullable=False, server_default="[]"))
    op.create_table(
        "warehouse_file",
        sa.Column("id", number, nullable=False),
        sa.Column("account_id", number, nullable=False),
        sa.Column("order_id", number, nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("skus", sa.JSON(), nullable=False),
        sa.Column("sealed_name", sa.Text(), nullable=True),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_warehouse_file_account_id")),
        sa.ForeignKeyConstraint(["order_id"], ["warehouse_order.id"], name=op.f("fk_warehouse_file_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_warehouse_file")),
    )
    for column in ("account_id", "order_id"):
        op.create_index(op.f(f"ix_warehouse_file_{column}"), "warehouse_file", [column], unique=False)
    with op.batch_alter_table("received_order", schema=None) as batch_op:
        batch_op.add_column(sa.Column("answer_due_at", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("waits_for", sa.Text(), nullable=False, server_default=""))
    # Told anew, the warehouse's orders say what they wait for.
    op.execute(
        "UPDATE warehouse_order SET state_position = (SELECT position FROM warehouse_feed"
        " WHERE warehouse_feed.account_id = warehouse_order.account_id)"
        " WHERE state IN ('PENDING', 'IN_PROCESS', 'BACK_ORDER', 'ON_HOLD')"
        " AND account_id IN (SELECT account_id FROM warehouse_feed)"
    )
    _rename_requirements(_REQUIREMENTS)


def _close_the_warehouse() -> None:
    """Orders placed since have their recipient where releases before do not look for it: they look at the received
    order's, which is found again by its number."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    _rename_requirements({new: old for old, new in _REQUIREMENTS.items()})
    with op.batch_alter_table("received_order", schema=None) as batch_op:
        for name in ("waits_for", "answer_due_at"):
            batch_op.drop_column(name)
    op.drop_table("warehouse_file")
    with op.batch_alter_table("warehouse_order_line", schema=None) as batch_op:
        batch_op.drop_column("items")
    op.execute(
        "UPDATE warehouse_order SET recipient_id = (SELECT recipient.id FROM recipient"
        " JOIN received_order ON received_order.id = recipient.order_id"
        " WHERE received_order.number = warehouse_order.number) WHERE recipient_id IS NULL"
    )
    with op.batch_alter_table("warehouse_order", schema=None) as batch_op:
        batch_op.drop_index("ix_warehouse_order_account_id_state_position")
        batch_op.create_index("ix_warehouse_order_recipient_id", ["recipient_id"], unique=False)
        batch_op.create_foreign_key("fk_warehouse_order_recipient_id", "recipient", ["recipient_id"], ["id"])
        batch_op.alter_column("recipient_id", existing_type=number, nullable=False)
        for name in ("state_position", "erased_at", "sealed"):
            batch_op.drop_column(name)
    op.drop_table("warehouse_setting")
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_constraint("uq_account_code", type_="unique")
        batch_op.drop_column("code")


def _add_account_codes() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    # For accounts that a process of the release before makes meanwhile.
    any_code = sa.text("(lower(hex(randomblob(8))))" if sqlite else "md5(random()::text)")
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.add_column(sa.Column("code", sa.Text(), nullable=True))
    accounts = sa.table("account", sa.column("id"), sa.column("name"), sa.column("code"))
    bind = op.get_bind()
    taken: set[str] = set()
    for row in bind.execute(sa.select(accounts.c.id, accounts.c.name).order_by(accounts.c.id)).all():
        code = new_code(row.name, taken)
        taken.add(code)
        bind.execute(sa.update(accounts).where(accounts.c.id == row.id).values(code=code))
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.alter_column("code", existing_type=sa.Text(), nullable=False, server_default=any_code)
        batch_op.create_unique_constraint(batch_op.f("uq_account_code"), ["code"])


def _rename_requirements(names: dict[str, str]) -> None:
    lines = sa.table("received_line", sa.column("id"), sa.column("demands", sa.JSON()))
    bind = op.get_bind()
    some = sa.select(lines.c.id, lines.c.demands).where(sa.cast(lines.c.demands, sa.Text()) != "[]")
    for row in bind.execute(some).all():
        renamed = [names.get(word, word) for word in row.demands]
        if renamed != row.demands:
            bind.execute(sa.update(lines).where(lines.c.id == row.id).values(demands=renamed))


# By table: the glossary's words for what is stored. The last of the upgrade: all else still says the former names.
_RENAMED = {
    "integration": {"pause_sentence": "pause_message", "older_authorization": "legacy_authorization"},
    "seller_claim": {"older_authorization": "legacy_authorization"},
    "cart_item": {"push_sentence": "push_message", "pushed_why": "pushed_calculation"},
    "inventory_sync": {"problem_sentence": "problem_message"},
    "stock_push_line": {"why": "calculation"},
    "received_order": {"asked_at": "placing_since", "marks": "tags"},
    "received_line": {"demands": "handling_requirements"},
    "task": {"error_sentence": "error_message"},
}


def _rename_tables(push: str, line: str, *, before: str, line_before: str) -> None:
    """Rename the tables of pushes, and what is named after them."""
    indexed = {(before, push): ("account_id", "integration_id"), (line_before, line): ("cart_item_id",)}
    for (old, new), columns in indexed.items():
        op.rename_table(old, new)
        for column in columns:
            op.drop_index(f"ix_{old}_{column}", new)
            op.create_index(f"ix_{new}_{column}", new, [column])
    if op.get_bind().dialect.name == "postgresql":
        for old, new in indexed:
            op.execute(f"ALTER TABLE {new} RENAME CONSTRAINT pk_{old} TO pk_{new}")
            op.execute(f"ALTER SEQUENCE {old}_id_seq RENAME TO {new}_id_seq")
    keys: dict[tuple[str, str], dict[str, tuple[str, str | None]]] = {
        (before, push): {"account_id": ("account", None), "integration_id": ("integration", None)},
        (line_before, line): {"push_id": (push, None), "cart_item_id": ("cart_item", "CASCADE")},
    }
    for (old, new), references in keys.items():
        with op.batch_alter_table(new, schema=None) as batch_op:
            for column, (table, ondelete) in references.items():
                batch_op.drop_constraint(f"fk_{old}_{column}", type_="foreignkey")
                batch_op.create_foreign_key(f"fk_{new}_{column}", table, [column], ["id"], ondelete=ondelete)
            if new == line:
                batch_op.drop_constraint(f"uq_{old}_push_id_cart_item_id", type_="unique")
                batch_op.create_unique_constraint(f"uq_{new}_push_id_cart_item_id", ["push_id", "cart_item_id"])


def _rename_columns() -> None:
    for table, names in _RENAMED.items():
        for before, after in names.items():
            op.execute(f"ALTER TABLE {table} RENAME COLUMN {before} TO {after}")
    _rename_tables("inventory_push", "inventory_push_line", before="stock_push", line_before="stock_push_line")


def _name_columns_as_before() -> None:
    _rename_tables("stock_push", "stock_push_line", before="inventory_push", line_before="inventory_push_line")
    for table, names in _RENAMED.items():
        for before, after in names.items():
            op.execute(f"ALTER TABLE {table} RENAME COLUMN {after} TO {before}")


def _drop_what_nobody_uses() -> None:
    op.drop_column("task", "rung_until")


def _keep_what_the_release_before_has() -> None:
    op.add_column("task", sa.Column("rung_until", sa.DateTime(), nullable=True))
