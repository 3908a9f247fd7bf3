"""Stock on its way to the carts: what was sent for each SKU, and what keeps it from being sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from is2_core.db.base import Base, Id, reference
from is2_core.inventory.states import PushResult


class InventorySync(Base):
    """How the stock of one store is sent; no row before its first activity.

    `accepted_at` is when the cart last accepted a run, which the floor between two runs counts from;
    `accepted_before` is its predecessor's, taken back where nothing of the run was applied.
    `problem_code`, `problem_message` and `problem_skus` say why nothing is sent. `zeros_confirmed` are the cart SKUs a
    person said may fall to zero, `shared_confirmed` the warehouse SKUs a person said may be sold by other stores too.
    """

    __tablename__ = "inventory_sync"
    integration_id: Mapped[int] = reference("integration.id", primary_key=True, index=False)
    accepted_at: Mapped[datetime | None]
    accepted_before: Mapped[datetime | None]
    problem_code: Mapped[str] = mapped_column(default="")
    problem_message: Mapped[str] = mapped_column(default="")
    problem_skus: Mapped[list[str]] = mapped_column(default=list)
    problem_at: Mapped[datetime | None]
    zeros_confirmed: Mapped[list[str]] = mapped_column(default=list)
    shared_confirmed: Mapped[list[str]] = mapped_column(default=list)


class InventoryPush(Base):
    """One run: the numbers computed from `computed_at` on and sent together. `closed_at` is set at its end."""

    __tablename__ = "inventory_push"
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id")
    integration_id: Mapped[int] = reference("integration.id")
    computed_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class InventoryPushLine(Base):
    """The number sent for one item, from which of its versions, and how it came about: see `inventory.sellable`."""

    __tablename__ = "inventory_push_line"
    __table_args__ = (sa.UniqueConstraint("push_id", "cart_item_id"),)
    id: Mapped[Id]
    push_id: Mapped[int] = reference("inventory_push.id", index=False)
    cart_item_id: Mapped[int] = reference("cart_item.id", ondelete="CASCADE")
    version: Mapped[int]
    quantity: Mapped[int]
    lead_days: Mapped[int | None]
    calculation: Mapped[dict[str, Any]] = mapped_column(default=dict)
    result: Mapped[str] = mapped_column(default=PushResult.SENT)


class StockBuffer(Base):
    """Units of a warehouse SKU that no cart of the account is told of."""

    __tablename__ = "stock_buffer"
    __table_args__ = (
        sa.UniqueConstraint("account_id", "warehouse_sku"),
        sa.CheckConstraint("units >= 0", "units_not_negative"),
    )
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id", index=False)
    warehouse_sku: Mapped[str]
    units: Mapped[int]
