"""Packages the warehouse shipped, and what the carts were told of them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from is2_core.db.base import Base, Id, Owned, reference as foreign_key
from is2_core.db.instants import future, told
from is2_core.db.ownership import with_order
from is2_core.db.types import Sealed, SealedValue, opened


class Package(Owned):
    """One package of a received order, as the warehouse last reported it.

    `warehouse_ref` and `revision` are the warehouse's. `reference` is ours at the cart: a positive number as text,
    unique in the order among packages that are not voided, stored before the first post and kept over corrections; a
    package that takes the place of a voided one takes its reference too (`replaces_id`). `version` rises with every
    change the cart should hear of; `posted_version` is the one it last accepted, `shown_version` the one it was last
    seen to have, `repeated_version` one that was made because it had lost what it accepted. Where another package has
    taken over what the cart has under this one's reference, `label_id` is that package: its carrier and number stand
    there.
    `plain_number` is the tracking number as it is compared, `post_message` why the cart refused it, "" for nothing.
    """

    __tablename__ = "package"
    __table_args__ = (
        sa.UniqueConstraint("order_id", "warehouse_ref"),
        sa.Index("ix_package_integration_id_post_state", "integration_id", "post_state"),
    )
    id: Mapped[Id]
    account_id: Mapped[int] = foreign_key("account.id")
    integration_id: Mapped[int] = foreign_key("integration.id", index=False)
    order_id: Mapped[int] = foreign_key("received_order.id", index=False)
    warehouse_ref: Mapped[str]
    revision: Mapped[int]
    reference: Mapped[str]
    replaces_id: Mapped[int | None] = foreign_key("package.id")
    label_id: Mapped[int | None] = foreign_key("package.id")
    carrier: Mapped[str]
    service: Mapped[str] = mapped_column(default="")
    tracking_number: Mapped[str]
    plain_number: Mapped[str] = mapped_column(default="", index=True)
    shipped_at: Mapped[datetime] = mapped_column(info=told())
    voided: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    posted_version: Mapped[int] = mapped_column(default=0)
    shown_version: Mapped[int] = mapped_column(default=0)
    repeated_version: Mapped[int] = mapped_column(default=0)
    post_state: Mapped[str]
    sealed_post_message: Mapped[SealedValue | None] = mapped_column(
        Sealed("package.sealed_post_message", key=("package.order_id", "package.warehouse_ref")),
        info=with_order("what the cart says of the order"),
    )
    post_at: Mapped[datetime | None] = mapped_column(info=future())
    set_at: Mapped[datetime | None]
    posted_at: Mapped[datetime | None]
    cart_ref: Mapped[str | None]
    seen_at: Mapped[datetime]
    label: Mapped[Package | None] = relationship(
        remote_side="Package.id", foreign_keys="Package.label_id", lazy="selectin", join_depth=1, viewonly=True
    )
    contents: Mapped[list[PackageContent]] = relationship(
        order_by="PackageContent.id", lazy="selectin", cascade="all, delete-orphan"
    )
    units: Mapped[list[PackageUnits]] = relationship(
        order_by="PackageUnits.id", lazy="selectin", cascade="all, delete-orphan"
    )

    @property
    def post_message(self) -> str:
        return opened(self.sealed_post_message, self.order_id, self.warehouse_ref) or ""

    @property
    def told_to_cart(self) -> bool:
        """Whether the cart hears of its units under its reference; they may travel in another package since."""
        return not self.voided or self.label_id is not None


class PackageContent(Base):
    """Units of one warehouse SKU in a package."""

    __tablename__ = "package_content"
    __table_args__ = (sa.UniqueConstraint("package_id", "warehouse_sku"),)
    id: Mapped[Id]
    package_id: Mapped[int] = foreign_key("package.id", index=False)
    warehouse_sku: Mapped[str]
    quantity: Mapped[int]


class PackageUnits(Base):
    """Units of one order line, in the cart's counting, that a package completes."""

    __tablename__ = "package_units"
    __table_args__ = (sa.UniqueConstraint("package_id", "line_id"),)
    id: Mapped[Id]
    package_id: Mapped[int] = foreign_key("package.id", index=False)
    line_id: Mapped[int] = foreign_key("received_line.id")
    quantity: Mapped[int]


class PackageOffer(Base):
    """Units of an order line that the cart was sent with a version of a package, under a reference, for the package
    `holder_id` whose number stood on it. `accepted` tells that the cart has them; else no answer is known. What is
    refused, or was followed by something the cart accepted, is deleted."""

    __tablename__ = "package_offer"
    __table_args__ = (sa.UniqueConstraint("package_id", "version", "line_id"),)
    id: Mapped[Id]
    order_id: Mapped[int] = foreign_key("received_order.id")
    package_id: Mapped[int] = foreign_key("package.id", index=False)
    version: Mapped[int]
    holder_id: Mapped[int] = foreign_key("package.id")
    reference: Mapped[str]
    line_id: Mapped[int] = foreign_key("received_line.id")
    quantity: Mapped[int]
    accepted: Mapped[bool] = mapped_column(default=False)
