"""Marks of orders that were deleted: enough to know them again, and no more."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from is2_core.db.base import Base, Id, reference
from is2_core.db.types import Sealed, SealedValue


class DeletedOrder(Base):
    """An order of an integration that was deleted. `mark` is of the cart's id of it (`importing.deleted`)."""

    __tablename__ = "deleted_order"
    __table_args__ = (sa.UniqueConstraint("integration_id", "mark"),)
    id: Mapped[Id]
    integration_id: Mapped[int] = reference("integration.id", index=False)
    mark: Mapped[str]
    at: Mapped[datetime]


class DeletionKey(Base):
    """One row, id 1: the key by which marks are made. It stays as it is whatever seals it, since nobody can make the
    marks of deleted orders anew."""

    __tablename__ = "deletion_key"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[SealedValue] = mapped_column(Sealed("deletion_key.value", key=("deletion_key.id",)))
