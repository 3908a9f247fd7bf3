"""The item list of a store and what its SKUs mean in the warehouse."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from is2_core.db.base import Base, Id, Owned, reference
from is2_core.db.ownership import CART, IS2, CartWritten
from is2_core.items.states import SeenInCart, UnknownSku
from is2_core.text_limits import TITLE


class KnownSku(Base):
    """A SKU that the warehouse `wms_target` says it knows for an account."""

    __tablename__ = "known_sku"
    account_id: Mapped[int] = reference("account.id", primary_key=True, index=False)
    wms_target: Mapped[str] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(default="")


class StockActivity(Base):
    """A cart SKU of a store that was sold or released, not yet turned into due items."""

    __tablename__ = "stock_activity"
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id")
    integration_id: Mapped[int] = reference("integration.id", index=False)
    cart_sku: Mapped[str]


class CartItem(CartWritten, Owned):
    """A row of the item list. `sku` is kept exactly as in the cart.

    Stock of an active item is due while `pushed_version` is behind `due_version`; activity raises the latter.
    `withheld` is a sentence why its stock is not sent although it is due; `channel_read_at` is when the cart was last
    asked who ships it, `shown_quantity` and `shown_lead_days` what it showed then. The `pushed_*` columns are what the
    cart last accepted. `drift` is a message where the cart showed something else at `drift_at` than what it accepted,
    for the `drift_times`th time in a row. `unknown_sku` is an `UnknownSku`; an item with mappings never says
    NOT_FROM_HERE. `latency` is its own, see `carts.latency`; `lead_days_replaced` are those the cart took with its
    quantity and showed others for later: it has set them itself.
    """

    __tablename__ = "cart_item"
    cart_key = ("integration_id", "sku")
    __table_args__ = (sa.UniqueConstraint("integration_id", "sku"),)
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id", info=IS2)
    integration_id: Mapped[int] = reference("integration.id", index=False, info=IS2)
    sku: Mapped[str] = mapped_column(info=CART)
    title: Mapped[str] = mapped_column(default="", info=CART | {"limit": TITLE})
    remote_id: Mapped[str] = mapped_column(default="", info=CART)
    custom: Mapped[bool] = mapped_column(default=False, info=IS2)
    active: Mapped[bool] = mapped_column(default=False, info=IS2)
    unknown_sku: Mapped[str] = mapped_column(default=UnknownSku.AS_SET, server_default="", info=IS2)
    latency: Mapped[str] = mapped_column(default="", server_default="", info=IS2)
    lead_days_replaced: Mapped[int | None] = mapped_column(info=IS2)
    seen_in_cart: Mapped[str] = mapped_column(default=SeenInCart.CANNOT_CHECK, info=CART)
    created_at: Mapped[datetime] = mapped_column(info=IS2)
    due_version: Mapped[int] = mapped_column(default=1, info=IS2)
    pushed_version: Mapped[int] = mapped_column(default=0, info=IS2)
    pushed_quantity: Mapped[int | None] = mapped_column(info=IS2)
    pushed_lead_days: Mapped[int | None] = mapped_column(info=IS2)
    pushed_at: Mapped[datetime | None] = mapped_column(info=IS2)
    pushed_calculation: Mapped[dict[str, Any]] = mapped_column(default=dict, info=IS2)
    push_message: Mapped[str] = mapped_column(default="", info=IS2)
    withheld: Mapped[str] = mapped_column(default="", info=IS2)
    channel_read_at: Mapped[datetime | None] = mapped_column(info=IS2)
    shown_quantity: Mapped[int | None] = mapped_column(info=IS2)
    shown_lead_days: Mapped[int | None] = mapped_column(info=IS2)
    drift: Mapped[str] = mapped_column(default="", info=IS2)
    drift_at: Mapped[datetime | None] = mapped_column(info=IS2)
    drift_times: Mapped[int] = mapped_column(default=0, info=IS2)
    mappings: Mapped[list[Mapping]] = relationship(
        back_populates="item", cascade="all, delete-orphan", order_by="Mapping.id", lazy="selectin"
    )

    @property
    def synced(self) -> bool:
        """Whether its stock is sent: it is active, and nobody said that it is not shipped from here."""
        return self.active and self.unknown_sku != UnknownSku.NOT_FROM_HERE

    @classmethod
    def is_synced(cls) -> sa.ColumnElement[bool]:
        """The same for a statement."""
        return sa.and_(cls.active.is_(True), cls.unknown_sku != UnknownSku.NOT_FROM_HERE)


class Mapping(Base):
    """One unit of the cart SKU is `quantity` units of a warehouse SKU; several rows make a virtual bundle."""

    __tablename__ = "mapping"
    __table_args__ = (sa.UniqueConstraint("cart_item_id", "warehouse_sku"),)
    id: Mapped[Id]
    cart_item_id: Mapped[int] = reference("cart_item.id", index=False)
    warehouse_sku: Mapped[str]
    quantity: Mapped[int]
    item: Mapped[CartItem] = relationship(back_populates="mappings")


class ShippingMapping(Owned):
    """A cart shipping method -> a warehouse service. `method_key` is the method trimmed and case-folded."""

    __tablename__ = "shipping_mapping"
    __table_args__ = (sa.UniqueConstraint("integration_id", "method_key"),)
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id")
    integration_id: Mapped[int] = reference("integration.id", index=False)
    method: Mapped[str]
    method_key: Mapped[str]
    service: Mapped[str]
    hold: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class ItemUpload(Owned):
    """The uploaded text as it came, of so many `items`; deleted when it is applied while somebody waits, or dropped.

    Where a task applies it, `items_done` of its items are written, of which so many were added, changed and left out;
    once it is finished the row stays for a day, without the text.
    """

    __tablename__ = "item_upload"
    # An id is never used again, so that a page left open cannot confirm another upload than it shows.
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id")
    integration_id: Mapped[int] = reference("integration.id")
    user_id: Mapped[int] = reference("user_account.id", index=False)
    # Read only where it is needed: it may be megabytes.
    content: Mapped[str] = mapped_column(deferred=True)
    at: Mapped[datetime]
    items: Mapped[int] = mapped_column(default=0)
    items_done: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    left_out: Mapped[int] = mapped_column(default=0)
    begun_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
