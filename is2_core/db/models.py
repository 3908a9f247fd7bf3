"""Work that a revision leaves to be done with the keys."""

from __future__ import annotations

from sqlalchemy.orm import Mapped

from is2_core.db.base import Base, Id


class UnsealedText(Base):
    """A text that a release before kept open, until it is sealed (`db.reseal`): of which column ("table.column"), and
    of which of its rows. Nobody else reads it."""

    __tablename__ = "unsealed_text"
    id: Mapped[Id]
    column: Mapped[str]
    row_id: Mapped[int]
    text: Mapped[str]
