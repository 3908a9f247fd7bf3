"""Work that a revision leaves to be done with the keys."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from is2_core.db.base import Base, Id, reference
from is2_core.db.ownership import Erased, of_buyer
from is2_core.db.types import Sealed, SealedValue


class UnsealedText(Base):
    """A text that a release before kept open, until it is sealed (`db.reseal`): of which column ("table.column"), of
    which of its rows, and of which order, if of one. "" once erased. Nobody else reads it."""

    __tablename__ = "unsealed_text"
    id: Mapped[Id]
    column: Mapped[str]
    row_id: Mapped[int]
    order_id: Mapped[int | None] = reference("received_order.id")
    text: Mapped[str] = mapped_column(
        info=of_buyer("what somebody wrote, perhaps of a buyer", Erased.WITH_ORDER, Erased.ONCE_SEALED)
    )


class KeyCanary(Base):
    """One row, id 1: a value that opens with the right keys only, so that a process with others does not start."""

    __tablename__ = "key_canary"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[SealedValue] = mapped_column(Sealed("key_canary.value", key=("key_canary.id",)))
