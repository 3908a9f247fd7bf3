"""The embedded warehouse's own tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from is2_core.db.base import Base, Id, Owned, reference
from is2_core.db.instants import told
from is2_core.db.ownership import ORDER_NUMBER, Erased, of_buyer
from is2_core.db.types import Sealed, SealedValue, opened
from is2_core.embedded_warehouse.states import WarehouseState

_NUMBER = ("warehouse_order.number",)
_ITEM = (*_NUMBER, "warehouse_file.item")
_PII: Final = of_buyer("what belongs to a buyer, or what somebody wrote, perhaps of one", Erased.AT_WAREHOUSE)
_TYPED: Final = of_buyer("what somebody wrote, perhaps of a buyer", Erased.BY_AGE, written="at")


class WarehouseSku(Owned):
    """A SKU the warehouse stocks for an account, and how many units lie there. `position` is where it was made or named
    in the account's WarehouseFeed."""

    __tablename__ = "warehouse_sku"
    __table_args__ = (
        sa.UniqueConstraint("account_id", "sku"),
        sa.Index("ix_warehouse_sku_account_id_position", "account_id", "position"),
        sa.CheckConstraint("on_hand >= 0", "on_hand_not_negative"),
    )
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id", index=False)
    sku: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    on_hand: Mapped[int] = mapped_column(default=0)
    position: Mapped[int] = mapped_column(default=0)


class StockMovement(Base):
    """The ledger: every change of `on_hand`, by whom and why (`reason`, in words that a person may have typed)."""

    __tablename__ = "stock_movement"
    id: Mapped[Id]
    warehouse_sku_id: Mapped[int] = reference("warehouse_sku.id")
    quantity: Mapped[int]
    sealed_reason: Mapped[SealedValue | None] = mapped_column(
        Sealed("stock_movement.sealed_reason", key=("stock_movement.warehouse_sku_id",)), info=_TYPED
    )
    at: Mapped[datetime]
    user_id: Mapped[int | None]

    @property
    def reason(self) -> str:
        return opened(self.sealed_reason, self.warehouse_sku_id) or ""


class WarehouseOrder(Owned):
    """An order to pack; `number` is the platform's order number and unique.

    It is `stopped` when it is ended before all is shipped, and `stop_reason` says why; `stop_position` (of the
    account's WarehouseFeed) is set when it was the warehouse itself that ended it, `state_position` where it got its
    state. `requirements` is what the parcel needs beyond its contents (see `requirements.to_json`), `tags` are the
    cart's marks (PRIME, ...). `sealed` is what belongs to the buyer: {"address", "gift_messages"}; None once erased.
    `recipient_id` is where a release before left that; None once it is here.
    """

    __tablename__ = "warehouse_order"
    __table_args__ = (
        sa.Index("ix_warehouse_order_account_id_state", "account_id", "state"),
        sa.Index("ix_warehouse_order_account_id_stop_position", "account_id", "stop_position"),
        sa.Index("ix_warehouse_order_account_id_state_position", "account_id", "state_position"),
        {"info": {ORDER_NUMBER: "number"}},
    )
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id", index=False)
    number: Mapped[str] = mapped_column(unique=True)
    source: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default=WarehouseState.PENDING)
    service: Mapped[str]
    sealed: Mapped[SealedValue | None] = mapped_column(Sealed("warehouse_order.sealed", key=_NUMBER), info=_PII)
    recipient_id: Mapped[int | None]
    erased_at: Mapped[datetime | None]
    ship_after: Mapped[datetime | None] = mapped_column(info=told())
    ship_by: Mapped[datetime | None] = mapped_column(info=told())
    deliver_after: Mapped[datetime | None] = mapped_column(info=told())
    deliver_by: Mapped[datetime | None] = mapped_column(info=told())
    requirements: Mapped[list[dict[str, Any]]] = mapped_column("demands", default=list)
    tags: Mapped[list[str]] = mapped_column("marks", default=list)
    created_at: Mapped[datetime]
    stopped: Mapped[bool] = mapped_column(default=False)
    sealed_stop_reason: Mapped[SealedValue | None] = mapped_column(
        Sealed("warehouse_order.sealed_stop_reason", key=_NUMBER), info=_PII
    )
    stop_position: Mapped[int | None]
    state_position: Mapped[int] = mapped_column(default=0)
    lines: Mapped[list[WarehouseOrderLine]] = relationship(order_by="WarehouseOrderLine.id", lazy="selectin")

    @property
    def stop_reason(self) -> str:
        return opened(self.sealed_stop_reason, self.number) or ""

    def turn(self, state: WarehouseState, position: int) -> None:
        """Give it a state, at a position of the account's feed."""
        if self.state != state:
            self.state, self.state_position = state, position


class WarehouseFile(Owned):
    """A customization of units of an order, sealed (base64 in it); None once erased. `item` is the cart's id of
    the line, `skus` what was made of."""

    __tablename__ = "warehouse_file"
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id")
    order_id: Mapped[int] = reference("warehouse_order.id")
    item: Mapped[str]
    skus: Mapped[list[str]] = mapped_column(default=list)
    sealed_name: Mapped[SealedValue | None] = mapped_column(Sealed("warehouse_file.sealed_name", key=_ITEM), info=_PII)
    sealed: Mapped[SealedValue | None] = mapped_column(Sealed("warehouse_file.sealed", key=_ITEM), info=_PII)


class WarehouseOrderLine(Base):
    """Units of one warehouse SKU in an order; `items` are the cart's ids of the lines they are of."""

    __tablename__ = "warehouse_order_line"
    __table_args__ = (sa.UniqueConstraint("order_id", "sku"),)
    id: Mapped[Id]
    order_id: Mapped[int] = reference("warehouse_order.id", index=False)
    sku: Mapped[str]
    quantity: Mapped[int]
    shipped: Mapped[int] = mapped_column(default=0)
    items: Mapped[list[str]] = mapped_column(default=list)


class WarehousePackage(Base):
    """A packed and shipped parcel of an order. `revision` rises with every correction and with voiding, `position` is
    where that change stands in the account's WarehouseFeed; `plain_number` is the tracking number as it is compared."""

    __tablename__ = "warehouse_package"
    __table_args__ = (sa.Index("ix_warehouse_package_account_id_position", "account_id", "position"),)
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id", index=False)
    order_id: Mapped[int] = reference("warehouse_order.id")
    revision: Mapped[int] = mapped_column(default=1)
    position: Mapped[int]
    carrier: Mapped[str]
    service: Mapped[str] = mapped_column(default="")
    tracking_number: Mapped[str]
    plain_number: Mapped[str] = mapped_column(default="", index=True)
    shipped_at: Mapped[datetime]
    voided_at: Mapped[datetime | None]
    user_id: Mapped[int | None]
    lines: Mapped[list[WarehousePackageLine]] = relationship(order_by="WarehousePackageLine.id", lazy="selectin")


class WarehousePackageLine(Base):
    """Units of one warehouse SKU in a parcel."""

    __tablename__ = "warehouse_package_line"
    __table_args__ = (sa.UniqueConstraint("package_id", "sku"),)
    id: Mapped[Id]
    package_id: Mapped[int] = reference("warehouse_package.id", index=False)
    sku: Mapped[str]
    quantity: Mapped[int]


class WarehouseFeed(Base):
    """How many changes an account's warehouse has reported. Raised, and so locked, first of all in every unit of work
    that changes its stock or orders: positions therefore become visible in their order, and no reader misses one."""

    __tablename__ = "warehouse_feed"
    account_id: Mapped[int] = reference("account.id", primary_key=True, index=False)
    position: Mapped[int] = mapped_column(default=0)


class WarehouseActivity(Base):
    """A SKU that moved: received, adjusted, promised, released or shipped."""

    __tablename__ = "warehouse_activity"
    account_id: Mapped[int] = reference("account.id", primary_key=True, index=False)
    position: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(primary_key=True)
