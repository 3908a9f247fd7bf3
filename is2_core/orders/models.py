"""Orders staged in IS2, and what is known and decided about them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from is2_core.db.base import Base, Id, Owned, reference
from is2_core.db.instants import future, past, told
from is2_core.db.ownership import CART, IS2, CartWritten, of_row, with_order
from is2_core.db.types import Sealed, SealedValue, opened
from is2_core.orders.states import AckState, CustomizationState
from is2_core.text_limits import TITLE

# What sealed values are bound to.
_ORDER = ("received_order.integration_id", "received_order.remote_id")
_LINE = (*_ORDER, "received_line.remote_id")


class ReceivedOrder(CartWritten, Owned):
    """An order as IS2 has it: at most one row per store and cart order id.

    `number` is ours (at most 50 characters): the warehouse's external id and the cart's link to it. `cart_state`
    is what the cart last said. `reason_code` (of `wording.events`, "" for none) and what its wording names explain
    EXCLUDED, QUARANTINED, CANCELLED and DISMISSED.
    `ack_tries` are writes that carried its acknowledgement and were lost as a whole.
    `shown_at` is when the cart last showed it, in a listing or by its id; `read_at` also counts a try to read it again.
    `placing_since` is when the warehouse was last asked to take it: since then it may have it, whatever is known.
    `last_asked_at` is the same, and stays where it counts as not taken, until that was looked up once more.
    `absent_at` is when the warehouse was found not to have it although a run was about to ask it: until that is looked
    up once more, the run may stand still and ask it yet.
    `answer_due_at` is when to look again for the answer it left pending; `waits_for` is what the order waits for there
    (a `WaitsFor`, "" where it has not told).
    `has_address` and `address_problem` ("" when fine) are about the cart's address, computed at staging so that nobody
    needs to decrypt to know them; where `address_corrected`, a person has typed another.
    `cancel_reason` is what the buyer gave for asking to cancel, `caution` why the cart would have a person look first,
    which `has_caution` says it would, `ack_message` why it refused the acknowledgement; each in the cart's words, ""
    for nothing.
    `unreadable` are the cart's names of fields that could not be read and that no parcel needs.
    `stop_wanted_at` is when a person asked to have the warehouse stop it, `not_wanted_at` since when nobody wants what
    the warehouse still has of it, `stop_reason` why it is not to be packed as it was placed (a `StopReason`, "" where
    it is); `stopped` says that the warehouse ships nothing more. `cart_packages` are the packages the cart shows
    ({reference, tracking_number, carrier, units by the cart's line id}), None where it has not told.
    `ended_at` is when the clock of its buyer's data began, `open_told_at` when it was told of that it stands still,
    `forgotten_at` when the warehouse last answered that it has forgotten its buyer.
    """

    __tablename__ = "received_order"
    cart_key = ("integration_id", "remote_id")
    __table_args__ = (
        sa.UniqueConstraint("integration_id", "remote_id"),
        sa.Index("ix_received_order_integration_id_state", "integration_id", "state"),
        sa.Index("ix_received_order_integration_id_ack_state", "integration_id", "ack_state"),
        sa.Index("ix_received_order_account_id_state", "account_id", "state"),
    )
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id", index=False, info=IS2)
    integration_id: Mapped[int] = reference("integration.id", index=False, info=IS2)
    remote_id: Mapped[str] = mapped_column(info=CART)
    site: Mapped[str] = mapped_column(default="", info=CART)
    number: Mapped[str] = mapped_column(unique=True, info=IS2)
    state: Mapped[str] = mapped_column(info=IS2)
    cart_state: Mapped[str] = mapped_column(info=CART)
    reason_code: Mapped[str] = mapped_column(default="", info=IS2)
    sealed_reason: Mapped[SealedValue | None] = mapped_column(
        Sealed("received_order.sealed_reason", key=_ORDER), info=IS2 | with_order("what somebody wrote of the order")
    )
    shipping_method: Mapped[str] = mapped_column(default="", info=CART)
    tags: Mapped[list[str]] = mapped_column(default=list, info=CART)
    unknown: Mapped[list[str]] = mapped_column(default=list, info=CART)
    unreadable: Mapped[list[str]] = mapped_column(default=list, server_default="[]", info=CART)
    waived: Mapped[list[str]] = mapped_column(default=list, info=IS2)
    has_address: Mapped[bool] = mapped_column(default=False, info=CART | with_order("what is known of the address"))
    address_problem: Mapped[str] = mapped_column(default="", info=CART | with_order("what is known of the address"))
    address_corrected: Mapped[bool] = mapped_column(default=False, info=IS2)
    cancellation_requested: Mapped[bool] = mapped_column(default=False, info=CART)
    sealed_cancel_reason: Mapped[SealedValue | None] = mapped_column(
        Sealed("received_order.sealed_cancel_reason", key=_ORDER), info=CART | with_order("what the buyer wrote")
    )
    total: Mapped[str] = mapped_column(default="", info=CART)
    currency: Mapped[str] = mapped_column(default="", info=CART)
    cart_created_at: Mapped[datetime] = mapped_column(info=CART | told())
    cart_updated_at: Mapped[datetime] = mapped_column(info=CART | told())
    ship_after: Mapped[datetime | None] = mapped_column(info=CART | told())
    ship_by: Mapped[datetime | None] = mapped_column(info=CART | told())
    deliver_after: Mapped[datetime | None] = mapped_column(info=CART | told())
    deliver_by: Mapped[datetime | None] = mapped_column(info=CART | told())
    original_order: Mapped[str] = mapped_column(default="", info=CART)
    has_caution: Mapped[bool] = mapped_column(default=False, info=CART)
    sealed_caution: Mapped[SealedValue | None] = mapped_column(
        Sealed("received_order.sealed_caution", key=_ORDER), info=CART | with_order("what the cart says of the order")
    )
    staged_at: Mapped[datetime] = mapped_column(info=IS2)
    read_at: Mapped[datetime] = mapped_column(info=CART)
    shown_at: Mapped[datetime | None] = mapped_column(info=CART)
    placing_since: Mapped[datetime | None] = mapped_column(info=IS2)
    last_asked_at: Mapped[datetime | None] = mapped_column(info=IS2)
    absent_at: Mapped[datetime | None] = mapped_column(info=IS2)
    answer_due_at: Mapped[datetime | None] = mapped_column(info=IS2 | told())
    placed_at: Mapped[datetime | None] = mapped_column(info=IS2)
    late_found: Mapped[bool] = mapped_column(default=False, info=IS2)
    ack_state: Mapped[str] = mapped_column(default=AckState.NONE, info=IS2)
    sealed_ack_message: Mapped[SealedValue | None] = mapped_column(
        Sealed("received_order.sealed_ack_message", key=_ORDER),
        info=IS2 | with_order("what the cart says of the order"),
    )
    ack_tries: Mapped[int] = mapped_column(default=0, info=IS2)
    ack_at: Mapped[datetime | None] = mapped_column(info=IS2)
    stop_wanted_at: Mapped[datetime | None] = mapped_column(info=IS2)
    stop_asked_at: Mapped[datetime | None] = mapped_column(info=IS2)
    stopped: Mapped[bool] = mapped_column(default=False, info=IS2)
    waits_for: Mapped[str] = mapped_column(default="", info=IS2)
    not_wanted_at: Mapped[datetime | None] = mapped_column(info=IS2)
    stop_reason: Mapped[str] = mapped_column(default="", server_default="", info=IS2)
    cart_packages: Mapped[list[dict[str, Any]] | None] = mapped_column(sa.JSON(none_as_null=True), info=CART)
    ended_at: Mapped[datetime | None] = mapped_column(info=IS2)
    open_told_at: Mapped[datetime | None] = mapped_column(info=IS2)
    forgotten_at: Mapped[datetime | None] = mapped_column(info=IS2)
    lines: Mapped[list[ReceivedLine]] = relationship(order_by="ReceivedLine.id", lazy="raise")
    holds: Mapped[list[Hold]] = relationship(order_by="Hold.id", lazy="raise")

    @property
    def cancel_reason(self) -> str:
        return opened(self.sealed_cancel_reason, self.integration_id, self.remote_id) or ""

    @property
    def caution(self) -> str:
        return opened(self.sealed_caution, self.integration_id, self.remote_id) or ""

    @property
    def ack_message(self) -> str:
        return opened(self.sealed_ack_message, self.integration_id, self.remote_id) or ""

    @classmethod
    def cart_may_write(cls) -> sa.ColumnElement[bool]:
        return ~sa.exists().where(Recipient.order_id == of_row(cls.id), Recipient.is_erased())


class ReceivedLine(CartWritten, Base):
    """One line of a received order; its gift message and the like are in the Recipient.

    `placed` are the units the warehouse was given; `open` goes on following the cart. Of those placed, `cancelled_late`
    were cancelled there since and `shipped_elsewhere` confirmed by somebody else, as far as it was told.
    `not_from_here`: it is not shipped from here; decided anew until the warehouse is asked, and then no more.
    `customization` says whether there is something the buyer had made on it, and whether it is here.
    """

    __tablename__ = "received_line"
    cart_key = ("order_id", "remote_id")
    __table_args__ = (sa.UniqueConstraint("order_id", "remote_id"),)
    id: Mapped[Id]
    order_id: Mapped[int] = reference("received_order.id", index=False, info=IS2)
    remote_id: Mapped[str] = mapped_column(info=CART)
    sku: Mapped[str] = mapped_column(info=CART)
    title: Mapped[str] = mapped_column(default="", info=CART | {"limit": TITLE})
    ordered: Mapped[int] = mapped_column(info=CART)
    cancelled: Mapped[int] = mapped_column(info=CART)
    open: Mapped[int] = mapped_column(info=CART)
    placed: Mapped[int] = mapped_column(default=0, info=IS2)
    cancelled_late: Mapped[int] = mapped_column(default=0, info=IS2)
    shipped_elsewhere: Mapped[int] = mapped_column(default=0, info=IS2)
    not_from_here: Mapped[bool] = mapped_column(default=False, server_default=sa.false(), info=IS2)
    unit_price: Mapped[str] = mapped_column(default="", info=CART)
    gift: Mapped[bool] = mapped_column(default=False, info=CART)
    gift_wrap: Mapped[str] = mapped_column(default="", info=CART)
    handling_requirements: Mapped[list[str]] = mapped_column(default=list, info=CART)
    ioss: Mapped[str] = mapped_column(default="", info=CART)
    customization: Mapped[str] = mapped_column(default=CustomizationState.NONE, info=CART)


class PlacedComponent(Base):
    """The components of one cart unit of a line when the order was placed; never changed afterwards."""

    __tablename__ = "placed_component"
    __table_args__ = (sa.UniqueConstraint("line_id", "warehouse_sku"),)
    id: Mapped[Id]
    line_id: Mapped[int] = reference("received_line.id", index=False)
    warehouse_sku: Mapped[str]
    quantity: Mapped[int]


class Recipient(CartWritten, Base):
    """The one place where a buyer's personal data is; warehouse orders refer to this row too.

    `sealed` holds recipient, buyer and the lines' gift messages and links as the cart tells them; `corrected` the
    address a person typed instead. Both None once erased.
    """

    __tablename__ = "recipient"
    cart_key = ("order_id",)
    all_pii = True
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id", info=IS2)
    order_id: Mapped[int] = reference("received_order.id", index=False, unique=True, info=IS2)
    sealed: Mapped[SealedValue | None] = mapped_column(
        Sealed("recipient.sealed", key=_ORDER), info=CART | with_order("the recipient, the buyer and what they wrote")
    )
    corrected: Mapped[SealedValue | None] = mapped_column(
        Sealed("recipient.corrected", key=_ORDER), info=IS2 | with_order("the recipient")
    )
    erased_at: Mapped[datetime | None] = mapped_column(info=IS2)

    @classmethod
    def is_erased(cls) -> sa.ColumnElement[bool]:
        """Whether the buyer's data of a row is gone; for a statement."""
        return sa.or_(cls.erased_at.is_not(None), cls.sealed.is_(None))

    @classmethod
    def cart_may_write(cls) -> sa.ColumnElement[bool]:
        # What an earlier release was told by a person lies in `sealed` until it is sealed apart.
        corrected = sa.exists().where(ReceivedOrder.id == of_row(cls.order_id), ReceivedOrder.address_corrected)
        return sa.and_(~cls.is_erased(), sa.or_(cls.corrected.is_not(None), ~corrected))


class LineCustomization(CartWritten, Base):
    """A customization of a line: a file, sealed like the Recipient's data (base64 in it); None until it is
    fetched and once it is erased. `tries` are fetches that failed, `sealed_message` why the last one did, and the next
    may be at `next_try_at`, which was set at `set_at`."""

    __tablename__ = "line_customization"
    cart_key = ("line_id",)
    all_pii = True
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id", info=IS2)
    line_id: Mapped[int] = reference("received_line.id", index=False, unique=True, info=IS2)
    sealed_name: Mapped[SealedValue | None] = mapped_column(
        Sealed("line_customization.sealed_name", key=_LINE),
        info=CART | with_order("the name of what the buyer had made"),
    )
    content_type: Mapped[str] = mapped_column(default="", info=CART)
    sealed: Mapped[SealedValue | None] = mapped_column(
        Sealed("line_customization.sealed", key=_LINE), info=CART | with_order("what the buyer had made")
    )
    tries: Mapped[int] = mapped_column(default=0, info=CART)
    sealed_message: Mapped[SealedValue | None] = mapped_column(
        Sealed("line_customization.sealed_message", key=_LINE), info=CART | with_order("what the cart says of it")
    )
    next_try_at: Mapped[datetime | None] = mapped_column(info=CART | future())
    set_at: Mapped[datetime | None] = mapped_column(info=CART)
    fetched_at: Mapped[datetime | None] = mapped_column(info=CART)

    @classmethod
    def cart_may_write(cls) -> sa.ColumnElement[bool]:
        of_order = sa.select(ReceivedLine.order_id).where(ReceivedLine.id == of_row(cls.line_id)).scalar_subquery()
        return ~sa.exists().where(Recipient.order_id == of_order, Recipient.is_erased())


class Hold(Base):
    """Why an order is not injected: a code of `holds.reasons` and its parameters, of which `subject` tells two holds of
    a code apart and `sealed` is what somebody outside wrote."""

    __tablename__ = "hold"
    __table_args__ = (sa.UniqueConstraint("order_id", "code", "subject"),)
    id: Mapped[Id]
    order_id: Mapped[int] = reference("received_order.id", index=False)
    code: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str] = mapped_column(default="")
    params: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    sealed: Mapped[SealedValue | None] = mapped_column(
        Sealed("hold.sealed", key=(*_ORDER, "hold.code", "hold.subject")), info=with_order("what a buyer wrote")
    )


class OrderEvent(Base):
    """One entry of an order's timeline: a code of `wording.events` and its parameters, sealed those that somebody
    outside wrote; or the text of a release before."""

    __tablename__ = "order_event"
    id: Mapped[Id]
    order_id: Mapped[int] = reference("received_order.id")
    at: Mapped[datetime]
    code: Mapped[str]
    params: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    sealed: Mapped[SealedValue | None] = mapped_column(
        Sealed("order_event.sealed", key=(*_ORDER, "order_event.code")), info=with_order("what a buyer wrote")
    )
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
    watermark: Mapped[datetime | None] = mapped_column(info=past(back=timedelta(days=1)))
    start: Mapped[datetime | None] = mapped_column(info=told())
    end: Mapped[datetime | None] = mapped_column(info=told())
    page: Mapped[str | None]
    pages: Mapped[int] = mapped_column(default=0)
    checked_at: Mapped[datetime | None]
    notice: Mapped[str] = mapped_column(default="")
