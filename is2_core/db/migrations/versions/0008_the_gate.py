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


def downgrade() -> None:
    """Take back."""
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
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_browser_session_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_browser_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_browser_session_token_hash")),
    )
    op.create_index(op.f("ix_browser_session_user_id"), "browser_session", ["user_id"])


def _drop_sessions() -> None:
    op.drop_table("browser_session")
