"""A table of items a merchant uploaded, between its preview and its confirmation."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped

from is2_core.models.base import Id, Owned, reference


class ItemUpload(Owned):
    """The uploaded text as it came; deleted when it is applied or dropped."""

    __tablename__ = "item_upload"
    # An id is never used again, so that a page left open cannot confirm another upload than it shows.
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id")
    integration_id: Mapped[int] = reference("integration.id")
    user_id: Mapped[int] = reference("user_account.id", index=False)
    content: Mapped[str]
    at: Mapped[datetime]
