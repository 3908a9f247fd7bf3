"""The stock of the embedded warehouse as its pages show it, and its books for whoever compares with them.

Each function opens a unit of work of its own. `accounts` restricts what is found to these accounts; None to none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.embedded_warehouse.ledger import committed_units
from is2_core.embedded_warehouse.models import StockMovement, WarehouseOrder, WarehouseOrderLine, WarehouseSku
from is2_core.embedded_warehouse.states import OPEN
from is2_core.platform import Platform

T = TypeVar("T")
Accounts = Collection[int] | None


@dataclass(frozen=True)
class Rows(Generic[T]):
    """Some rows of a list, from the number asked for on, and how many there are in all."""

    rows: Sequence[T]
    total: int


@dataclass(frozen=True)
class Sku:
    """A SKU of the warehouse; `committed` are the units promised to open orders."""

    id: int
    account_id: int
    sku: str
    name: str
    on_hand: int
    committed: int

    @property
    def available(self) -> int:
        """Units that are promised to nobody; below zero where more is promised than there is."""
        return self.on_hand - self.committed


@dataclass(frozen=True)
class Movement:
    """A line of the ledger."""

    quantity: int
    reason: str
    at: datetime
    user_id: int | None


def sku_list(platform: Platform, accounts: Accounts, *, text: str, first: int, most: int) -> Rows[Sku]:
    """SKUs whose name or number holds the text."""
    query = of_accounts(sa.select(WarehouseSku), WarehouseSku.account_id, accounts)
    if text:
        found = (column.icontains(text, autoescape=True) for column in (WarehouseSku.sku, WarehouseSku.name))
        query = query.where(sa.or_(*found))
    with platform.db.read() as session:
        total = count_of(session, query)
        ordered = query.order_by(WarehouseSku.account_id, WarehouseSku.sku)
        return Rows(_skus(session, session.scalars(ordered.limit(most).offset(first)).all()), total)


def find_sku(platform: Platform, sku_id: int) -> Sku | None:
    """One SKU by its id."""
    with platform.db.read() as session:
        row = session.get(WarehouseSku, sku_id)
        return _skus(session, [row])[0] if row else None


def skus_named(platform: Platform, account_id: int, skus: Collection[str]) -> dict[str, Sku]:
    """Those of these SKUs that an account has here."""
    query = sa.select(WarehouseSku).where(WarehouseSku.account_id == account_id, WarehouseSku.sku.in_(skus))
    with platform.db.read() as session:
        return {row.sku: row for row in _skus(session, session.scalars(query).all())}


def movements(platform: Platform, sku_id: int, *, first: int, most: int) -> Rows[Movement]:
    """The ledger of a SKU, the newest line first."""
    query = sa.select(StockMovement).where(StockMovement.warehouse_sku_id == sku_id)
    with platform.db.read() as session:
        ordered = query.order_by(StockMovement.at.desc(), StockMovement.id.desc())
        rows = session.scalars(ordered.limit(most).offset(first)).all()
        return Rows([Movement(row.quantity, row.reason, row.at, row.user_id) for row in rows], count_of(session, query))


def units_left(session: Session, account_id: int) -> Counter[str]:
    """Units on hand that no open order needs, by SKU, below zero where they need more: counted from the tables alone,
    inside the unit of work of whoever compares."""
    on_hand = sa.select(WarehouseSku.sku, WarehouseSku.on_hand).where(WarehouseSku.account_id == account_id)
    left = Counter({row.sku: row.on_hand for row in session.execute(on_hand)})
    wanted = (
        sa.select(WarehouseOrderLine.sku, WarehouseOrderLine.quantity - WarehouseOrderLine.shipped)
        .join(WarehouseOrder, WarehouseOrder.id == WarehouseOrderLine.order_id)
        .where(WarehouseOrder.account_id == account_id, WarehouseOrder.state.in_(OPEN))
    )
    for sku, units in session.execute(wanted):
        left[sku] -= units
    return left


def numbers_taken(session: Session, numbers: Collection[str]) -> set[str]:
    """Those of these order numbers that the warehouse has; see `units_left`."""
    return set(session.scalars(sa.select(WarehouseOrder.number).where(WarehouseOrder.number.in_(numbers))))


def of_accounts(query: sa.Select[T], column: Any, accounts: Accounts) -> sa.Select[T]:
    """Restrict a query to rows of these accounts."""
    return query if accounts is None else query.where(column.in_(accounts))


def count_of(session: Session, query: sa.Select[*tuple[Any, ...]]) -> int:
    """How many rows a query finds."""
    return session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0


def _skus(session: Session, rows: Sequence[WarehouseSku]) -> list[Sku]:
    wanted: dict[int, list[str]] = {}
    for row in rows:
        wanted.setdefault(row.account_id, []).append(row.sku)
    committed = {account_id: committed_units(session, account_id, skus) for account_id, skus in wanted.items()}
    return [
        Sku(row.id, row.account_id, row.sku, row.name, row.on_hand, committed[row.account_id][row.sku]) for row in rows
    ]
