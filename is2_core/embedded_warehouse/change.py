"""One change of a warehouse order, and what must hold before it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.embedded_warehouse.feed import ask_to_read, next_position
from is2_core.embedded_warehouse.ledger import open_units, reconsider
from is2_core.embedded_warehouse.models import WarehouseOrder, WarehousePackage
from is2_core.embedded_warehouse.shipping import packages_of
from is2_core.embedded_warehouse.states import OPEN, WarehouseState
from is2_core.errors import Conflict, NotFound
from is2_core.platform import Platform


@dataclass(frozen=True)
class Change:
    """A unit of work on one order, whose account's feed stands at `position` and is locked."""

    session: Session
    order: WarehouseOrder
    packages: list[WarehousePackage]
    position: int
    now: datetime

    def package(self, package_id: int) -> WarehousePackage:
        return next(package for package in self.packages if package.id == package_id)

    def name(self, package: WarehousePackage) -> str:
        """Return a parcel's name in the ledger."""
        return f"{self.order.number} package {self.packages.index(package) + 1}"


@contextmanager
def change_order(platform: Platform, order_id: int) -> Iterator[Change]:
    now = platform.clock.now()
    with platform.db.write() as session:
        account_id = session.scalar(sa.select(WarehouseOrder.account_id).where(WarehouseOrder.id == order_id))
        if account_id is None:
            raise NotFound("There is no such warehouse order.")
        # Locks the account's warehouse; the order is read after that, as the change before this one left it.
        position = next_position(session, account_id)
        order = session.get_one(WarehouseOrder, order_id)
        yield Change(session, order, packages_of(session, order), position, now)
        ask_to_read(session, account_id, now)


def reconsider_stock(change: Change) -> None:
    change.session.flush()
    reconsider(change.session, change.order.account_id, change.position, open_units(change.order))


def must_be_open(order: WarehouseOrder) -> None:
    if order.state not in OPEN:
        state = WarehouseState(order.state).label.lower()
        raise Conflict(f"This order is {state}; nothing of it is left to ship.")
