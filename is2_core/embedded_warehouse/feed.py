"""The numbered changes of an account's embedded warehouse: what the port's cursors count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from is2_core.db.rows import dialect_of, insert_of, insert_rows, table_of
from is2_core.db.types import opened
from is2_core.embedded_warehouse.models import (
    WarehouseActivity,
    WarehouseFeed,
    WarehouseOrder,
    WarehousePackage,
    WarehouseSku,
)
from is2_core.embedded_warehouse.states import WarehouseState
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import NOW, SOON, enqueue
from plugins.warehouse import (
    Activity,
    KnownSku,
    KnownSkus,
    OrderLine,
    Shipments,
    ShippedPackage,
    StoppedOrder,
    WaitingOrder,
    WaitsFor,
)

_WAITS_FOR = {
    WarehouseState.PENDING: WaitsFor.PACKING,
    WarehouseState.IN_PROCESS: WaitsFor.BEING_PACKED,
    WarehouseState.BACK_ORDER: WaitsFor.STOCK,
    WarehouseState.ON_HOLD: WaitsFor.HOLD,
    WarehouseState.COMPLETED: WaitsFor.NOTHING,
    WarehouseState.CANCELLED: WaitsFor.NOTHING,
}
NAME = "embedded"
"""The warehouse's name among those that are installed."""

PAGE = 500
"""How many moves or changes one answer tells of."""


def next_position(session: Session, account_id: int) -> int:
    """Raise the account's feed and lock it for the rest of the transaction; the first thing every change does.

    Several accounts are raised in the order of their ids, or two transactions could wait for each other.
    """
    first = {"account_id": account_id, "position": 1}
    return int(session.scalars(_raise(dialect_of(session)), first).one())


@cache
def _raise(dialect: str) -> sa.Insert:
    position = table_of(WarehouseFeed).c.position
    insert = insert_of(dialect, WarehouseFeed)
    raised = insert.on_conflict_do_update(index_elements=["account_id"], set_={"position": position + 1})
    return raised.returning(position)


def note_moved(session: Session, account_id: int, position: int, skus: Iterable[str]) -> None:
    """Note that these SKUs moved at a position.

    Only the last move of a SKU is kept: a reader asks which SKUs moved after its cursor, and a move that has a later
    one tells it nothing. So the table never holds more rows than there are SKUs.
    """
    moved = sorted(set(skus))
    session.execute(_FORGET_MOVES, {"account_": account_id, "skus_": moved})
    rows = [{"account_id": account_id, "position": position, "sku": sku} for sku in moved]
    insert_rows(session, WarehouseActivity, rows)


_MOVES = table_of(WarehouseActivity)
_FORGET_MOVES = sa.delete(_MOVES).where(
    _MOVES.c.account_id == sa.bindparam("account_"), _MOVES.c.sku.in_(sa.bindparam("skus_", expanding=True))
)


def ask_to_read(session: Session, account_id: int, now: datetime, *, person_waits: bool = False) -> None:
    """Have the platform read what the warehouse reports of an account, inside the transaction that makes news."""
    enqueue(
        session,
        kind=TaskKind.WAREHOUSE_READ,
        account_id=account_id,
        now=now,
        priority=NOW if person_waits else SOON,
        payload={"wms_target": NAME},
        key=NAME,
    )


def skus_since(session: Session, account_id: int, cursor: str, page: int) -> KnownSkus:
    """See `plugins.warehouse.skus`."""
    latest = _latest(session, account_id)
    # Rows of an earlier release stand at 0, before every change.
    rows = session.execute(
        sa.select(WarehouseSku.position, WarehouseSku.sku, WarehouseSku.name)
        .where(*_between(WarehouseSku.account_id, WarehouseSku.position, account_id, cursor or "-1", latest))
        .order_by(WarehouseSku.position, WarehouseSku.sku)
    ).all()
    end, complete = _page_end([row.position for row in rows], latest, page)
    return KnownSkus(tuple(KnownSku(row.sku, row.name) for row in rows if row.position <= end), str(end), complete)


def activity_since(session: Session, account_id: int, cursor: str, page: int) -> Activity:
    """See `plugins.warehouse.activity_since`."""
    # The feed before the rows: whatever is committed up to this position is then seen by the next statement.
    latest = _latest(session, account_id)
    rows = session.execute(
        sa.select(WarehouseActivity.position, WarehouseActivity.sku)
        .where(*_between(WarehouseActivity.account_id, WarehouseActivity.position, account_id, cursor, latest))
        .order_by(WarehouseActivity.position, WarehouseActivity.sku)
    ).all()
    end, complete = _page_end([position for position, _ in rows], latest, page)
    return Activity(tuple(sku for position, sku in rows if position <= end), str(end), complete)


def shipments_since(session: Session, account_id: int, cursor: str, page: int) -> Shipments:
    """See `plugins.warehouse.shipments_since`."""
    latest = _latest(session, account_id)
    changed = _between(WarehousePackage.account_id, WarehousePackage.position, account_id, cursor, latest)
    ended = _between(WarehouseOrder.account_id, WarehouseOrder.stop_position, account_id, cursor, latest)
    turned = _between(WarehouseOrder.account_id, WarehouseOrder.state_position, account_id, cursor, latest)
    positions = sa.union_all(
        sa.select(WarehousePackage.position.label("position")).where(*changed),
        sa.select(WarehouseOrder.stop_position).where(*ended),
        sa.select(WarehouseOrder.state_position).where(*turned),
    ).subquery()
    first = session.scalars(sa.select(positions.c.position).order_by(positions.c.position).limit(page + 1)).all()
    end, complete = _page_end(first, latest, page)
    if not first:
        return Shipments((), (), str(end), complete)
    packages = session.execute(
        sa.select(WarehousePackage, WarehouseOrder.number)
        .join(WarehouseOrder, WarehouseOrder.id == WarehousePackage.order_id)
        .where(*changed, WarehousePackage.position <= end)
        .order_by(WarehousePackage.position)
    ).all()
    stopped = session.execute(
        sa.select(WarehouseOrder.number, WarehouseOrder.sealed_stop_reason)
        .where(*ended, WarehouseOrder.stop_position <= end)
        .order_by(WarehouseOrder.stop_position)
    ).all()
    waiting = session.execute(
        sa.select(WarehouseOrder.number, WarehouseOrder.state)
        .where(*turned, WarehouseOrder.state_position <= end)
        .order_by(WarehouseOrder.state_position)
    ).all()
    return Shipments(
        packages=tuple(_shipped(row, number) for row, number in packages),
        stopped=tuple(StoppedOrder(number, opened(reason, number) or "") for number, reason in stopped),
        cursor=str(end),
        complete=complete,
        waiting=tuple(WaitingOrder(number, _WAITS_FOR[WarehouseState(state)]) for number, state in waiting),
    )


def _latest(session: Session, account_id: int) -> int:
    return session.scalar(_LATEST, {"account": account_id}) or 0


_LATEST = sa.select(WarehouseFeed.position).where(WarehouseFeed.account_id == sa.bindparam("account"))


def _between(
    account: InstrumentedAttribute[int],
    position: InstrumentedAttribute[int] | InstrumentedAttribute[int | None],
    account_id: int,
    cursor: str,
    latest: int,
) -> tuple[sa.ColumnElement[bool], ...]:
    return account == account_id, position > int(cursor or "0"), position <= latest


def _page_end(positions: Sequence[int], latest: int, page: int) -> tuple[int, bool]:
    """The last position of a page that begins with these, and whether nothing follows it."""
    if len(positions) <= page:
        return latest, True
    return positions[page - 1], False


def _shipped(row: WarehousePackage, number: str) -> ShippedPackage:
    return ShippedPackage(
        number=number,
        id=str(row.id),
        revision=row.revision,
        carrier=row.carrier,
        service=row.service,
        tracking_number=row.tracking_number,
        shipped_at=row.shipped_at,
        voided=row.voided_at is not None,
        lines=tuple(OrderLine(line.sku, line.quantity) for line in row.lines),
        number_confirmed=True,
    )
