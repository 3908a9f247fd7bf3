"""Stock on its way to the carts: what was sent for each SKU, and what keeps it from being sent."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from is2_core.models.base import Base, Id, reference


class InventorySync(Base):
    """How the stock of one store is sent; no row before its first activity.

    `accepted_at` is when the cart last accepted a run, which the floor between two runs counts from;
    `accepted_before` is its predecessor's, taken back where nothing of the run was applied.
    `problem_code`, `problem_sentence` and `problem_skus` say why nothing is sent. `zeros_confirmed` are the cart SKUs a
    person said may fall to zero, `shared_confirmed` the warehouse SKUs a person said may be sold by other stores too.
    """

    __tablename__ = "inventory_sync"
    integration_id: Mapped[int] = reference("integration.id", primary_key=True, index=False)
    accepted_at: Mapped[datetime | None]
    accepted_before: Mapped[datetime | None]
    problem_code: Mapped[str] = mapped_column(default="")
    problem_sentence: Mapped[str] = mapped_column(default="")
    problem_skus: Mapped[list[str]] = mapped_column(default=list)
    problem_at: Mapped[datetime | None]
    zeros_confirmed: Mapped[list[str]] = mapped_column(default=list)
    shared_confirmed: Mapped[list[str]] = mapped_column(default=list)


class PushResult(StrEnum):
    """What became of one SKU of a push. UNSENT: stored, not sent yet. LOST: the answer never came, newer numbers
    followed. RETRY: it came to nothing with the whole write; ALONE: so it did even by itself."""

    UNSENT = "UNSENT"
    SENT = "SENT"
    APPLIED = "APPLIED"
    REJECTED = "REJECTED"
    RETRY = "RETRY"
    LOST = "LOST"
    ALONE = "ALONE"


class StockPush(Base):
    """One run: the numbers computed from `computed_at` on and sent together. `closed_at` is set at its end."""

    __tablename__ = "stock_push"
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id")
    integration_id: Mapped[int] = reference("integration.id")
    computed_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class StockPushLine(Base):
    """What was sent for one item, from which of its versions, and why this number: see `flows.levels.Level`."""

    __tablename__ = "stock_push_line"
    __table_args__ = (sa.UniqueConstraint("push_id", "cart_item_id"),)
    id: Mapped[Id]
    push_id: Mapped[int] = reference("stock_push.id", index=False)
    cart_item_id: Mapped[int] = reference("cart_item.id", ondelete="CASCADE")
    version: Mapped[int]
    quantity: Mapped[int]
    lead_days: Mapped[int | None]
    why: Mapped[dict[str, Any]] = mapped_column(default=dict)
    result: Mapped[str] = mapped_column(default=PushResult.SENT)
    sentence: Mapped[str] = mapped_column(default="")


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


class StockActivity(Base):
    """A cart SKU of a store that was sold or released, not yet turned into due items."""

    __tablename__ = "stock_activity"
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id")
    integration_id: Mapped[int] = reference("integration.id", index=False)
    cart_sku: Mapped[str]


class WarehouseCursor(Base):
    """How far what an account's warehouse reports has been read: `kind` is activity or shipments."""

    __tablename__ = "warehouse_cursor"
    account_id: Mapped[int] = reference("account.id", primary_key=True, index=False)
    wms_target: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[str] = mapped_column(default="")
    read_at: Mapped[datetime | None]
