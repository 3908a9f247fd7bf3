"""The rows of the audit log, and of the chain that seals them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from is2_core.db.base import Base, Id
from is2_core.db.instants import told
from is2_core.db.types import Sealed, SealedValue

CHAIN_ROW = 1
_OF_CHAIN = ("audit_chain.id",)


class AuditEntry(Base):
    """One act. A row is never changed but once, when the chain takes it in, and is deleted by retention alone; the
    database refuses anything else.

    It refers to no row: users and accounts may go, what they did stays. `name` is random and the row's own, `mac`
    proves that a process with the keys wrote it (`chain.mac_of`); `position` and `digest` are its place in the chain,
    None until it has one.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        sa.Index(
            "ix_audit_entry_unsealed",
            "id",
            sqlite_where=sa.text("position IS NULL"),
            postgresql_where=sa.text("position IS NULL"),
        ),
    )
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    # Left alone where the clock is put back: what was recorded stays as it was.
    at: Mapped[datetime] = mapped_column(info=told(), index=True)
    user_id: Mapped[int | None] = mapped_column(index=True)
    actor: Mapped[str]
    role: Mapped[str]
    address: Mapped[str]
    account_id: Mapped[int | None] = mapped_column(index=True)
    act: Mapped[str]
    subject: Mapped[str]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    mac: Mapped[str]
    position: Mapped[int | None] = mapped_column(unique=True)
    digest: Mapped[str | None]


class AuditChain(Base):
    """One row, id 1: the key of the rows' proofs, how far the chain reaches, and what stands for the rows that
    retention has deleted (`anchor_position` is where that ends, for the database, which lets no later row be deleted).
    """

    __tablename__ = "audit_chain"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[SealedValue] = mapped_column(Sealed("audit_chain.key", key=_OF_CHAIN))
    head: Mapped[SealedValue | None] = mapped_column(Sealed("audit_chain.head", key=_OF_CHAIN))
    anchor: Mapped[SealedValue | None] = mapped_column(Sealed("audit_chain.anchor", key=_OF_CHAIN))
    anchor_position: Mapped[int] = mapped_column(default=0)
