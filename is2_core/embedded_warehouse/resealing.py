"""Copying what belongs to buyers to where the warehouse keeps it: a release before left it with the received order, and
noted the recipient's row in `WarehouseOrder.recipient_id`."""

from __future__ import annotations

import logging
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.crypto import CannotOpen, UnknownKey
from is2_core.db.reseal import Place, Step
from is2_core.db.rows import insert_rows
from is2_core.db.types import SealedValue, seal
from is2_core.embedded_warehouse.models import WarehouseFile, WarehouseOrder

_log = logging.getLogger(__name__)


def _table(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *(sa.column(column) for column in columns))


# Named here only, as what a release before left: this warehouse knows no table of anybody else's.
_ORDER = _table("received_order", "id", "integration_id", "remote_id")
_RECIPIENT = _table("recipient", "id", "order_id", "sealed", "corrected", "erased_at")
_LINE = _table("received_line", "id", "order_id", "remote_id")
_FILE = _table("line_customization", "line_id", "sealed_name", "sealed")
_COMPONENT = _table("placed_component", "id", "line_id", "warehouse_sku")


def copy_recipients(session: Session, after: Place | None, most: int) -> tuple[Place | None, int]:
    """One slice of orders whose recipient is not here yet; see `db.reseal.Step`."""
    query = (
        sa.select(
            WarehouseOrder.id,
            WarehouseOrder.account_id,
            WarehouseOrder.number,
            _RECIPIENT.c.sealed,
            _RECIPIENT.c.corrected,
            sa.type_coerce(_RECIPIENT.c.erased_at, WarehouseOrder.erased_at.type).label("erased_at"),
            _RECIPIENT.c.order_id,
            _ORDER.c.integration_id,
            _ORDER.c.remote_id,
        )
        .join(_RECIPIENT, _RECIPIENT.c.id == WarehouseOrder.recipient_id)
        .join(_ORDER, _ORDER.c.id == _RECIPIENT.c.order_id)
        .order_by(WarehouseOrder.id)
        .limit(most)
        .with_for_update(of=WarehouseOrder, skip_locked=True)
    )
    rows = session.execute(query if after is None else query.where(WarehouseOrder.id > after)).all()
    done = 0
    for row in rows:
        try:
            values, files = _copy(session, row)
        except (CannotOpen, UnknownKey) as error:
            _log.error("the recipient of warehouse order %s stays where it is: %s", row.id, error)
            continue
        session.execute(sa.update(WarehouseOrder).where(WarehouseOrder.id == row.id).values(**values))
        insert_rows(session, WarehouseFile, files)
        done += 1
    return (rows[-1].id if len(rows) == most else None), done


def _copy(session: Session, row: sa.Row[*tuple[Any, ...]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the columns to set for an order, and its files."""
    key = (row.integration_id, row.remote_id)
    values: dict[str, Any] = {"recipient_id": None, "erased_at": row.erased_at}
    skus: dict[str, list[str]] = {}
    for item, sku in session.execute(
        sa.select(_LINE.c.remote_id, _COMPONENT.c.warehouse_sku)
        .join(_COMPONENT, _COMPONENT.c.line_id == _LINE.c.id)
        .where(_LINE.c.order_id == row.order_id)
        .order_by(_COMPONENT.c.id)
    ):
        skus.setdefault(item, []).append(sku)
    if row.sealed is not None:
        people = SealedValue("recipient.sealed", row.sealed).open(*key)
        messages = [
            {"item": item, "skus": skus[item], "text": line["gift_message"]}
            for item, line in (people.get("lines") or {}).items()
            if item in skus and line.get("gift_message")
        ]
        typed = SealedValue("recipient.corrected", row.corrected).open(*key) if row.corrected else None
        opened = {"address": typed or people.get("address"), "gift_messages": messages}
        values["sealed"] = seal(WarehouseOrder.sealed, opened, row.number)
    made = session.execute(
        sa.select(_LINE.c.remote_id, _FILE.c.sealed_name, _FILE.c.sealed)
        .join(_FILE, _FILE.c.line_id == _LINE.c.id)
        .where(_LINE.c.order_id == row.order_id, _FILE.c.sealed.is_not(None))
    ).all()
    files = [
        {
            "account_id": row.account_id,
            "order_id": row.id,
            "item": item,
            "skus": skus[item],
            "sealed_name": name
            and seal(
                WarehouseFile.sealed_name,
                SealedValue("line_customization.sealed_name", name).open(*key, item),
                row.number,
                item,
            ),
            "sealed": seal(
                WarehouseFile.sealed, SealedValue("line_customization.sealed", text).open(*key, item), row.number, item
            ),
        }
        for item, name, text in made
        if item in skus
    ]
    return values, files


STEPS: list[Step] = [copy_recipients]
