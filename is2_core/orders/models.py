"""Orders staged in IS2, and what is known and decided about them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from is2_core.db.base import Base, Id, Owned, reference
from is2_core.db.types import Sealed, SealedValue
from is2_core.orders.states import AckState, CustomizationState

# What sealed values are bound to.
_ORDER = ("received_order.integration_id", "received_order.remote_id")
_LINE = (*_ORDER, "received_line.remote_id")


class ReceivedOrder(Owned):
    """An order as IS2 has it: at most one row per store and cart order id.

    `number` is ours (<= 64 characters): the warehouse's external id and the cart's link to it. `cart_state`
    is what the cart last said. `reason` explains EXCLUDED, QUARANTINED, CANCELLED and DISMISSED.
    `ack_tries` are writes that carried its acknowledgement and were lost as a whole.
    `asked_at` is when the warehouse was last asked to take it: from then on it may have it, whatever is known here.
    `address_problem` is computed at staging so that nobody needs to decrypt to know it: "" when fine.
    `cancel_reason` is what the buyer gave for asking to cancel, in the cart's words.
    `not_wanted_at` is since when nobody wants what the warehouse still has of it; `stopped` says that the warehouse
    ships nothing more. `cart_packages` are the packages the cart shows ({reference, tracking_number, carrier, units by
    the cart's line id}), None where it has not told.
    """

    __tablename__ = "received_order"
    __table_args__ = (
        sa.UniqueConstraint("integration_id", "remote_id"),
        sa.Index("ix_received_order_integration_id_state", "integration_id", "state"),
        sa.Index("ix_received_order_integration_id_ack_state", "integration_id", "ack_state"),
        sa.Index("ix_received_order_account_id_state", "account_id", "state"),
    )
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id", index=False)
    integration_id: Mapped[int] = reference("integration.id", index=False)
    remote_id: Mapped[str]
    site: Mapped[str] = mapped_column(default="")
    number: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str]
    cart_state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    shipping_method: Mapped[str] = mapped_column(default="")
    marks: Mapped[list[str]] = mapped_column(default=list)
    unknown: Mapped[list[str]] = mapped_column(default=list)
    waived: Mapped[list[str]] = mapped_column(default=list)
    has_address: Mapped[bool] = mapped_column(default=False)
    address_problem: Mapped[str] = mapped_column(default="")
    cancellation_requested: Mapped[bool] = mapped_column(default=False)
    cancel_reason: Mapped[str] = mapped_column(default="")
    total: Mapped[str] = mapped_column(default="")
    currency: Mapped[str] = mapped_column(default="")
    cart_created_at: Mapped[datetime]
    cart_updated_at: Mapped[datetime]
    ship_after: Mapped[datetime | None]
    ship_by: Mapped[datetime | None]
    deliver_after: Mapped[datetime | None]
    deliver_by: Mapped[datetime | None]
    original_order: Mapped[str] = mapped_column(default="")
    caution: Mapped[str] = mapped_column(default="")
    staged_at: Mapped[datetime]
    read_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    placed_at: Mapped[datetime | None]
    late_found: Mapped[bool] = mapped_column(default=False)
    ack_state: Mapped[str] = mapped_column(default=AckState.NONE)
    ack_sentence: Mapped[str] = mapped_column(default="")
    ack_tries: Mapped[int] = mapped_column(default=0)
    ack_at: Mapped[datetime | None]
    stop_asked_at: Mapped[datetime | None]
    stop_answer: Mapped[str] = mapped_column(default="")
    stopped: Mapped[bool] = mapped_column(default=False)
    not_wanted_at: Mapped[datetime | None]
    cart_packages: Mapped[list[dict[str, Any]] | None] = mapped_column(sa.JSON(none_as_null=True))
    lines: Mapped[list[ReceivedLine]] = relationship(order_by="ReceivedLine.id", lazy="raise")
    holds: Mapped[list[Hold]] = relationship(order_by="Hold.id", lazy="raise")


class ReceivedLine(Base):
    """One line of a received order; its gift message and the like are in the Recipient.

    `placed` are the units the warehouse was given; `open` goes on following the cart. Of those placed, `cancelled_late`
    were cancelled there since and `shipped_elsewhere` confirmed by somebody else, as far as it was told.
    `customization` says whether there is something the buyer had made on it, and whether it is here.
    """

    __tablename__ = "received_line"
    __table_args__ = (sa.UniqueConstraint("order_id", "remote_id"),)
    id: Mapped[Id]
    order_id: Mapped[int] = reference("received_order.id", index=False)
    remote_id: Mapped[str]
    sku: Mapped[str]
    title: Mapped[str] = mapped_column(default="")
    ordered: Mapped[int]
    cancelled: Mapped[int]
    open: Mapped[int]
    placed: Mapped[int] = mapped_column(default=0)
    cancelled_late: Mapped[int] = mapped_column(default=0)
    shipped_elsewhere: Mapped[int] = mapped_column(default=0)
    unit_price: Mapped[str] = mapped_column(default="")
    gift: Mapped[bool] = mapped_column(default=False)
    gift_wrap: Mapped[str] = mapped_column(default="")
    demands: Mapped[list[str]] = mapped_column(default=list)
    ioss: Mapped[str] = mapped_column(default="")
    customization: Mapped[str] = mapped_column(default=CustomizationState.NONE)


class PlacedComponent(Base):
    """What one cart unit of a line was made of when the order was placed; never changed afterwards."""

    __tablename__ = "placed_component"
    __table_args__ = (sa.UniqueConstraint("line_id", "warehouse_sku"),)
    id: Mapped[Id]
    line_id: Mapped[int] = reference("received_line.id", index=False)
    warehouse_sku: Mapped[str]
    quantity: Mapped[int]


class Recipient(Base):
    """The one place where a buyer's personal data is; warehouse orders refer to this row too.

    `sealed` holds recipient, buyer and the lines' gift messages and links; None once erased.
    """

    __tablename__ = "recipient"
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id")
    order_id: Mapped[int] = reference("received_order.id", index=False, unique=True)
    sealed: Mapped[SealedValue | None] = mapped_column(Sealed("recipient.sealed", key=_ORDER))
    erased_at: Mapped[datetime | None]


class LineCustomization(Base):
    """What the buyer had made on a line: a file, sealed like the Recipient's data (base64 in it); None until it is
    fetched and once it is erased. `tries` are fetches that failed, `sentence` why the last one did, and the next may be
    at `next_try_at`."""

    __tablename__ = "line_customization"
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id")
    line_id: Mapped[int] = reference("received_line.id", index=False, unique=True)
    name: Mapped[str] = mapped_column(default="")
    content_type: Mapped[str] = mapped_column(default="")
    sealed: Mapped[SealedValue | None] = mapped_column(Sealed("line_customization.sealed", key=_LINE))
    tries: Mapped[int] = mapped_column(default=0)
    sentence: Mapped[str] = mapped_column(default="")
    next_try_at: Mapped[datetime | None]
    fetched_at: Mapped[datetime | None]


class Hold(Base):
    """Why an order is not injected: a code of `holds.reasons` and its parameters, of which `subject` tells two holds of
    a code apart and `sealed` is what somebody outside wrote. `sentence` is written by the release before only."""

    __tablename__ = "hold"
    __table_args__ = (sa.UniqueConstraint("order_id", "code", "subject"),)
    id: Mapped[Id]
    order_id: Mapped[int] = reference("received_order.id", index=False)
    code: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str] = mapped_column(default="")
    params: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    sealed: Mapped[SealedValue | None] = mapped_column(
        Sealed("hold.sealed", key=(*_ORDER, "hold.code", "hold.subject")), info={"pii": "what a buyer wrote"}
    )
    sentence: Mapped[str] = mapped_column(default="")


class OrderEvent(Base):
    """One entry of an order's timeline: a code of `wording.events` and its parameters, sealed those that somebody
    outside wrote. `sentence` is the text of an entry of the release before, until it is sealed."""

    __tablename__ = "order_event"
    id: Mapped[Id]
    order_id: Mapped[int] = reference("received_order.id")
    at: Mapped[datetime]
    code: Mapped[str]
    params: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    sealed: Mapped[SealedValue | None] = mapped_column(
        Sealed("order_event.sealed", key=(*_ORDER, "order_event.code")), info={"pii": "what a buyer wrote"}
    )
    sentence: Mapped[str] = mapped_column(default="")
    user_id: Mapped[int | None]


class ImportCursor(Base):
    """How far a listing has come: `watermark` is the time below which everything is committed or visibly
    quarantined; `start`, `end`, `page` belong to a window that is being read page by page. `notice` is what the cart
    had to say of the last page it gave."""

    __tablename__ = "import_cursor"
    __table_args__ = (sa.UniqueConstraint("integration_id", "kind"),)
    id: Mapped[Id]
    integration_id: Mapped[int] = reference("integration.id", index=False)
    kind: Mapped[str]
    watermark: Mapped[datetime | None]
    start: Mapped[datetime | None]
    end: Mapped[datetime | None]
    page: Mapped[str | None]
    pages: Mapped[int] = mapped_column(default=0)
    checked_at: Mapped[datetime | None]
    notice: Mapped[str] = mapped_column(default="")
