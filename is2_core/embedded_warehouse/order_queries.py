"""The orders of the embedded warehouse as its pages show them.

Each function opens a unit of work of its own. `accounts` restricts what is found to these accounts; None to none.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from is2_core.crypto import CannotOpen, UnknownKey
from is2_core.db.types import opened
from is2_core.embedded_warehouse.models import WarehouseFile, WarehouseOrder, WarehousePackage
from is2_core.embedded_warehouse.queries import Accounts, Rows, count_of, of_accounts
from is2_core.embedded_warehouse.requirements import from_json
from is2_core.embedded_warehouse.states import OPEN, WarehouseState
from is2_core.platform import Platform
from plugins.warehouse import HandlingRequirement


@dataclass(frozen=True)
class Line:
    """Units of a SKU in an order."""

    sku: str
    quantity: int
    shipped: int

    @property
    def left(self) -> int:
        """Units that are still to be shipped."""
        return self.quantity - self.shipped


@dataclass(frozen=True)
class Order:
    """An order to pack."""

    id: int
    account_id: int
    number: str
    source: str
    state: WarehouseState
    service: str
    ship_after: datetime | None
    ship_by: datetime | None
    deliver_after: datetime | None
    deliver_by: datetime | None
    tags: tuple[str, ...]
    requirements: tuple[HandlingRequirement, ...]
    created_at: datetime
    stop_reason: str
    lines: tuple[Line, ...]

    @property
    def is_open(self) -> bool:
        """Whether something of it is left to ship."""
        return self.state in OPEN

    @property
    def left(self) -> dict[str, int]:
        """The units left to ship, by SKU; nothing of what is wholly shipped."""
        return {line.sku: line.left for line in self.lines if line.left > 0}


@dataclass(frozen=True)
class Package:
    """A parcel of an order, voided or not; `units` by SKU."""

    id: int
    order_id: int
    revision: int
    carrier: str
    service: str
    tracking_number: str
    shipped_at: datetime
    voided_at: datetime | None
    user_id: int | None
    units: Mapping[str, int]


@dataclass(frozen=True)
class Recipient:
    """Whom an order goes to, and what the buyer wrote: (SKUs, text). `address` is None where there is none, or none any
    more; `closed` says that what is stored was sealed for another order, or is damaged."""

    address: Mapping[str, Any] | None = field(repr=False)
    gift_messages: tuple[tuple[tuple[str, ...], str], ...] = field(repr=False)
    erased: bool
    closed: bool = False


@dataclass(frozen=True)
class File:
    """A file of something a buyer had made on units of an order; `present` is False once it is erased."""

    id: int
    skus: tuple[str, ...]
    name: str
    present: bool


def order_list(platform: Platform, accounts: Accounts, *, state: str, text: str, first: int, most: int) -> Rows[Order]:
    """Orders in a state (in any, where "") whose number holds the text: open ones first, the most urgent on top."""
    query = of_accounts(sa.select(WarehouseOrder), WarehouseOrder.account_id, accounts)
    if state:
        query = query.where(WarehouseOrder.state == state)
    if text:
        query = query.where(WarehouseOrder.number.icontains(text, autoescape=True))
    urgency = (
        sa.case((WarehouseOrder.state.in_(OPEN), 0), else_=1),
        WarehouseOrder.ship_by.is_(None),
        WarehouseOrder.ship_by,
        WarehouseOrder.id,
    )
    with platform.db.read() as session:
        rows = session.scalars(query.order_by(*urgency).limit(most).offset(first)).all()
        return Rows([_order(row) for row in rows], count_of(session, query))


def all_orders(platform: Platform, accounts: Accounts = None) -> list[Order]:
    """Every order, the oldest first."""
    query = of_accounts(sa.select(WarehouseOrder), WarehouseOrder.account_id, accounts)
    with platform.db.read() as session:
        return [_order(row) for row in session.scalars(query.order_by(WarehouseOrder.id))]


def find_order(platform: Platform, order_id: int) -> Order | None:
    """One order by its id."""
    with platform.db.read() as session:
        row = session.get(WarehouseOrder, order_id)
        return _order(row) if row else None


def id_of_order(platform: Platform, account_id: int, number: str) -> int | None:
    """The id of an account's order by its number; None where there is none here."""
    query = sa.select(WarehouseOrder.id).where(WarehouseOrder.account_id == account_id, WarehouseOrder.number == number)
    with platform.db.read() as session:
        return session.scalar(query)


def packages_of(platform: Platform, order_id: int | None = None) -> list[Package]:
    """The parcels of an order, of all where None, in the order they were shipped, voided ones included."""
    query = sa.select(WarehousePackage).order_by(WarehousePackage.id)
    with platform.db.read() as session:
        rows = session.scalars(query if order_id is None else query.where(WarehousePackage.order_id == order_id))
        return [
            Package(
                row.id,
                row.order_id,
                row.revision,
                row.carrier,
                row.service,
                row.tracking_number,
                row.shipped_at,
                row.voided_at,
                row.user_id,
                {line.sku: line.quantity for line in row.lines},
            )
            for row in rows
        ]


def last_carrier(platform: Platform, user_id: int) -> str:
    """The carrier that somebody used last, "" where none."""
    query = sa.select(WarehousePackage.carrier).where(WarehousePackage.user_id == user_id)
    with platform.db.read() as session:
        return session.scalar(query.order_by(WarehousePackage.id.desc()).limit(1)) or ""


def recipient_of(platform: Platform, order_id: int) -> Recipient:
    """Whom an order goes to, decrypted; who may see it is the page's to know."""
    with platform.db.read() as session:
        row = session.get_one(WarehouseOrder, order_id)
    try:
        told: Mapping[str, Any] = row.sealed.open(row.number) if row.sealed else {}
    except (CannotOpen, UnknownKey):
        return Recipient(None, (), False, closed=True)
    messages = tuple((tuple(entry["skus"]), entry["text"]) for entry in told.get("gift_messages", ()))
    return Recipient(told.get("address"), messages, row.erased_at is not None)


def files_of(platform: Platform, order_id: int) -> list[File]:
    """List the files of things the buyer had made, as far as it came with the order."""
    query = sa.select(
        WarehouseFile.id,
        WarehouseFile.skus,
        WarehouseFile.sealed_name,
        WarehouseFile.sealed.is_not(None).label("present"),
        WarehouseFile.item,
        WarehouseOrder.number,
    ).join(WarehouseOrder, WarehouseOrder.id == WarehouseFile.order_id)
    with platform.db.read() as session:
        rows = session.execute(query.where(WarehouseFile.order_id == order_id).order_by(WarehouseFile.id)).all()
    return [
        File(row.id, tuple(row.skus), opened(row.sealed_name, row.number, row.item) or "", row.present) for row in rows
    ]


def content_of(platform: Platform, order_id: int, file_id: int) -> bytes | None:
    """A file of an order, decrypted; None where it is not here."""
    query = (
        sa.select(WarehouseFile.sealed, WarehouseFile.item, WarehouseOrder.number)
        .join(WarehouseOrder, WarehouseOrder.id == WarehouseFile.order_id)
        .where(WarehouseFile.id == file_id, WarehouseFile.order_id == order_id)
    )
    with platform.db.read() as session:
        row = session.execute(query).one_or_none()
    if row is None or row.sealed is None:
        return None
    try:
        return base64.b64decode(row.sealed.open(row.number, row.item))
    except CannotOpen:
        return None


def _order(row: WarehouseOrder) -> Order:
    return Order(
        row.id,
        row.account_id,
        row.number,
        row.source,
        WarehouseState(row.state),
        row.service,
        row.ship_after,
        row.ship_by,
        row.deliver_after,
        row.deliver_by,
        tuple(row.tags),
        from_json(row.requirements),
        row.created_at,
        row.stop_reason,
        tuple(Line(line.sku, line.quantity, line.shipped) for line in row.lines),
    )
