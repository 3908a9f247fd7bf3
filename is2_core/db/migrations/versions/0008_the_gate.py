"""the gate: what people, purge, limits and the audit log store

One function a subject, called from upgrade() and, in the opposite order, from downgrade(). Only additions, so that
processes of the release before go on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _add_sessions()
    _add_stations()
    _add_access_reviews()
    _add_audit_log()
    _add_ages_of_secrets()
    _prove_who_signs_in()
    _know_what_to_purge()


def downgrade() -> None:
    """Take back."""
    _purge_nothing()
    _forget_who_signs_in()
    _drop_ages_of_secrets()
    op.drop_table("access_review")
    _drop_stations()
    _drop_audit_log()
    _drop_sessions()


def _number() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _add_sessions() -> None:
    op.create_table(
        "browser_session",
        sa.Column("id", _number(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", _number(), nullable=False),
        sa.Column("epoch", _number(), nullable=False),
        *(sa.Column(name, sa.DateTime(), nullable=False) for name in ("began_at", "seen_at", "proved_at")),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.Column("station", sa.Text(), nullable=False),
        sa.Column("person_id", _number(), nullable=True),
        sa.Column("person_epoch", _number(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_browser_session_user_id")),
        sa.ForeignKeyConstraint(["person_id"], ["user_account.id"], name=op.f("fk_browser_session_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_browser_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_browser_session_token_hash")),
    )
    op.create_index(op.f("ix_browser_session_user_id"), "browser_session", ["user_id"])
    op.create_index(op.f("ix_browser_session_person_id"), "browser_session", ["person_id"])


def _drop_sessions() -> None:
    op.drop_table("browser_session")


def _add_stations() -> None:
    op.add_column("user_account", sa.Column("pin_hash", sa.Text(), nullable=True))
    op.create_table(
        "pin_tries",
        sa.Column("id", _number(), nullable=False),
        sa.Column("user_id", _number(), nullable=False),
        sa.Column("station_user_id", _number(), nullable=False),
        sa.Column("failures", _number(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(), nullable=True),
        sa.Column("set_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_pin_tries_user_id")),
        sa.ForeignKeyConstraint(["station_user_id"], ["user_account.id"], name=op.f("fk_pin_tries_station_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pin_tries")),
        sa.UniqueConstraint("user_id", "station_user_id", name=op.f("uq_pin_tries_user_id_station_user_id")),
    )
    op.create_index(op.f("ix_pin_tries_station_user_id"), "pin_tries", ["station_user_id"])


def _add_access_reviews() -> None:
    op.create_table(
        "access_review",
        sa.Column("id", _number(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("user_id", _number(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_access_review_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_review")),
    )
    op.create_index(op.f("ix_access_review_user_id"), "access_review", ["user_id"])


def _drop_stations() -> None:
    op.drop_table("pin_tries")
    op.drop_column("user_account", "pin_hash")


def _add_audit_log() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", _number(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("user_id", _number(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("actor", "role", "address")),
        sa.Column("account_id", _number(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("act", "subject")),
        *(sa.Column(name, sa.JSON(), nullable=True) for name in ("before", "after")),
        sa.Column("mac", sa.Text(), nullable=False),
        sa.Column("position", _number(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("name", name=op.f("uq_audit_entry_name")),
        sa.UniqueConstraint("position", name=op.f("uq_audit_entry_position")),
    )
    for name in ("at", "user_id", "account_id"):
        op.create_index(op.f(f"ix_audit_entry_{name}"), "audit_entry", [name])
    unsealed = sa.text("position IS NULL")
    op.create_index("ix_audit_entry_unsealed", "audit_entry", ["id"], sqlite_where=unsealed, postgresql_where=unsealed)
    op.create_table(
        "audit_chain",
        sa.Column("id", _number(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("head", sa.Text(), nullable=True),
        sa.Column("anchor", sa.Text(), nullable=True),
        sa.Column("anchor_position", _number(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_chain")),
    )
    for statement in _KEEP_IN_SQLITE if op.get_bind().dialect.name == "sqlite" else _KEEP_IN_POSTGRESQL:
        op.execute(statement)


def _drop_audit_log() -> None:
    op.drop_table("audit_entry")
    op.drop_table("audit_chain")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION keep_audit_entry()")


# A row gets its place in the chain once; nothing else of it changes. It goes when the anchor stands for it.
_CONTENT = "id, name, at, user_id, actor, role, address, account_id, act, subject, before, after, mac"
_KEEP_IN_SQLITE = (
    f"CREATE TRIGGER audit_entry_content BEFORE UPDATE OF {_CONTENT} ON audit_entry"
    " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "CREATE TRIGGER audit_entry_place BEFORE UPDATE OF position, digest ON audit_entry WHEN OLD.position IS NOT NULL"
    " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "CREATE TRIGGER audit_entry_delete BEFORE DELETE ON audit_entry"
    " WHEN NOT EXISTS (SELECT 1 FROM audit_chain WHERE anchor_position >= OLD.position)"
    " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
)
_KEEP_IN_POSTGRESQL = (
    "CREATE FUNCTION keep_audit_entry() RETURNS trigger LANGUAGE plpgsql AS $$"
    " BEGIN"
    "  IF TG_OP = 'DELETE' AND EXISTS (SELECT 1 FROM audit_chain WHERE anchor_position >= OLD.position)"
    "  THEN RETURN OLD; END IF;"
    "  RAISE EXCEPTION 'the audit log is append-only';"
    " END $$",
    f"CREATE TRIGGER audit_entry_content BEFORE UPDATE OF {_CONTENT} ON audit_entry"
    " FOR EACH ROW EXECUTE FUNCTION keep_audit_entry()",
    "CREATE TRIGGER audit_entry_place BEFORE UPDATE OF position, digest ON audit_entry"
    " FOR EACH ROW WHEN (OLD.position IS NOT NULL) EXECUTE FUNCTION keep_audit_entry()",
    "CREATE TRIGGER audit_entry_delete BEFORE DELETE ON audit_entry FOR EACH ROW EXECUTE FUNCTION keep_audit_entry()",
    "CREATE TRIGGER audit_entry_truncate BEFORE TRUNCATE ON audit_entry EXECUTE FUNCTION keep_audit_entry()",
)


_DATED = (("cart_setting", "secrets_set"), ("cart_setting", "former_until"), ("warehouse_setting", "secrets_set"))


def _add_ages_of_secrets() -> None:
    for table, column in _DATED:
        op.add_column(table, sa.Column(column, sa.JSON(none_as_null=True)))


def _drop_ages_of_secrets() -> None:
    for table, column in _DATED:
        op.drop_column(table, column)


_PROVING = (
    ("lock_rounds", _number(), "0"),
    ("failed_at", sa.DateTime(), None),
    ("device_epoch", _number(), "1"),
    ("password_set_at", sa.DateTime(), None),
    ("password_chosen_at", sa.DateTime(), None),
    ("totp_secret", sa.Text(), None),
    ("totp_step", _number(), None),
    ("second_factor_at", sa.DateTime(), None),
)


def _prove_who_signs_in() -> None:
    """Links, second factors, passwords of before, and what was tried in vain."""
    for name, kind, default in _PROVING:
        op.add_column("user_account", sa.Column(name, kind, server_default=default, nullable=default is None))
    op.create_table(
        "access_link",
        sa.Column("user_id", _number(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("set_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_access_link_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_access_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_access_link_token_hash")),
    )
    op.create_table(
        "past_password",
        sa.Column("id", _number(), nullable=False),
        sa.Column("user_id", _number(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_past_password_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_past_password")),
    )
    op.create_index(op.f("ix_past_password_user_id"), "past_password", ["user_id"])
    op.create_table(
        "recovery_code",
        sa.Column("id", _number(), nullable=False),
        sa.Column("user_id", _number(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_recovery_code_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint("user_id", "code_hash", name=op.f("uq_recovery_code_user_id_code_hash")),
    )
    op.create_table(
        "failed_tries",
        sa.Column("id", _number(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("user_id", _number(), nullable=True),
        sa.Column("failed_logins", _number(), nullable=False),
        sa.Column("lock_rounds", _number(), nullable=False),
        sa.Column("failed_at", sa.DateTime(), nullable=True),
        sa.Column("locked_until", sa.DateTime(), nullable=True),
        sa.Column("set_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_failed_tries_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failed_tries")),
        sa.UniqueConstraint("subject", name=op.f("uq_failed_tries_subject")),
    )
    op.create_index(op.f("ix_failed_tries_user_id"), "failed_tries", ["user_id"])
    op.create_index(op.f("ix_failed_tries_failed_at"), "failed_tries", ["failed_at"])


def _forget_who_signs_in() -> None:
    for table in ("failed_tries", "recovery_code", "past_password", "access_link"):
        op.drop_table(table)
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        for name, _, _ in reversed(_PROVING):
            batch_op.drop_column(name)


_PURGE_INSTANTS = ("ended_at", "open_told_at", "forgotten_at")
_KEPT_DAYS = ("keep_buyers_days", "keep_orders_days")


def _know_what_to_purge() -> None:
    """When the clock of a buyer's data began, what a warehouse has forgotten, how long an admin has data kept, and what
    is left of a deleted order."""
    for name in _PURGE_INSTANTS:
        op.add_column("received_order", sa.Column(name, sa.DateTime(), nullable=True))
    # When it came to an end is what its timeline told last.
    last = "(SELECT MAX(order_event.at) FROM order_event WHERE order_event.order_id = received_order.id)"
    op.execute(
        f"UPDATE received_order SET ended_at = COALESCE({last}, staged_at)"  # noqa: S608
        " WHERE state IN ('COMPLETED', 'CANCELLED', 'EXCLUDED', 'DISMISSED')"
    )
    number = _number()
    for name in _KEPT_DAYS:
        op.add_column("cart_setting", sa.Column(name, number, nullable=True))
    op.create_table(
        "deleted_order",
        sa.Column("id", number, nullable=False),
        sa.Column("integration_id", number, nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["integration_id"], ["integration.id"], name=op.f("fk_deleted_order_integration_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deleted_order")),
        sa.UniqueConstraint("integration_id", "mark", name=op.f("uq_deleted_order_integration_id_mark")),
    )
    op.create_table(
        "deletion_key",
        sa.Column("id", number, autoincrement=False, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletion_key")),
    )


def _purge_nothing() -> None:
    op.drop_table("deletion_key")
    op.drop_table("deleted_order")
    for name in _KEPT_DAYS:
        op.drop_column("cart_setting", name)
    for name in _PURGE_INSTANTS:
        op.drop_column("received_order", name)
