"""What merchants ask and what the platform tells its support."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from is2_core.models.base import Base, Id, reference


class CaseKind(StrEnum):
    """HELP: a person asked. The others are raised by the platform: stock shared by several stores was turned on,
    more units are promised than lie in the warehouse, the warehouse ended an order the cart still has, the cart took
    units back after the warehouse was given them, somebody else confirmed such units as shipped, the warehouse could
    not stop what was asked of it, a buyer asks to cancel what the warehouse has, the cart's answer about slow work
    does not come, one tracking number was reported for two orders, an integration's seller could not be proved, and one
    whose seller was never proved keeps somebody out who proved to be that seller."""

    HELP = "HELP"
    SHARED_STOCK = "SHARED_STOCK"
    OVERSOLD = "OVERSOLD"
    WAREHOUSE_STOPPED = "WAREHOUSE_STOPPED"
    FEWER_UNITS = "FEWER_UNITS"
    SHIPPED_ELSEWHERE = "SHIPPED_ELSEWHERE"
    TOO_LATE = "TOO_LATE"
    CANCELLATION_REQUESTED = "CANCELLATION_REQUESTED"
    NO_ANSWER = "NO_ANSWER"
    SELLER_NOT_PROVED = "SELLER_NOT_PROVED"
    SELLER_HELD = "SELLER_HELD"
    NUMBER_TWICE = "NUMBER_TWICE"


class SupportCase(Base):
    """Something a person of the support looks at. Open while `closed_at` is None.

    At most one open case of a kind and subject in an account, except HELP. `subject` is what it is about ("sku
    TENT-2P"), `page` the address it came from.
    """

    __tablename__ = "support_case"
    __table_args__ = (sa.Index("ix_support_case_account_id_closed_at", "account_id", "closed_at"),)
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id", index=False)
    integration_id: Mapped[int | None] = reference("integration.id")
    order_id: Mapped[int | None] = reference("received_order.id")
    kind: Mapped[str]
    subject: Mapped[str] = mapped_column(default="")
    sentence: Mapped[str]
    page: Mapped[str] = mapped_column(default="")
    user_id: Mapped[int | None] = reference("user_account.id")
    at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(default="")
