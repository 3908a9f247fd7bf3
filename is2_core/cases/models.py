"""Requests of merchants, and alarms of the platform for its support."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from is2_core.db.base import Base, Id, reference
from is2_core.db.ownership import Erased, of_buyer
from is2_core.db.types import Sealed, SealedValue, opened

# What the texts are bound to: of each kind and subject an account has one open case, but for those that people open.
CASE = ("support_case.account_id", "support_case.kind", "support_case.subject")
_WRITTEN = of_buyer("what somebody wrote, perhaps of a buyer", Erased.WITH_ORDER, Erased.BY_AGE, written="at")


class SupportCase(Base):
    """Something a person of the support looks at. Open while `closed_at` is None.

    At most one open case of a kind and subject in an account, except HELP. `subject` is what it is about ("sku
    TENT-2P"), `page` the address it came from. `message` is what happened or is asked, `answer` what was found, ""
    before it is closed. Without an account it is about the installation.
    """

    __tablename__ = "support_case"
    __table_args__ = (sa.Index("ix_support_case_account_id_closed_at", "account_id", "closed_at"),)
    id: Mapped[Id]
    account_id: Mapped[int | None] = reference("account.id", index=False)
    integration_id: Mapped[int | None] = reference("integration.id")
    order_id: Mapped[int | None] = reference("received_order.id")
    kind: Mapped[str]
    subject: Mapped[str] = mapped_column(default="")
    sealed_message: Mapped[SealedValue | None] = mapped_column(
        Sealed("support_case.sealed_message", key=CASE), info=_WRITTEN
    )
    page: Mapped[str] = mapped_column(default="")
    user_id: Mapped[int | None] = reference("user_account.id")
    at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    sealed_answer: Mapped[SealedValue | None] = mapped_column(
        Sealed("support_case.sealed_answer", key=CASE), info=_WRITTEN
    )

    @property
    def message(self) -> str:
        return opened(self.sealed_message, self.account_id, self.kind, self.subject) or ""

    @property
    def answer(self) -> str:
        return opened(self.sealed_answer, self.account_id, self.kind, self.subject) or ""
