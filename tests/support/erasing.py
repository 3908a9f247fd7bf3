"""Reading a whole database, as it lies and opened, and erasing a buyer's data by what the models declare."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.db.engine import Database
from is2_core.db.metadata import metadata
from is2_core.db.reseal import rows_with_keys, sealed_columns
from is2_core.orders.models import ReceivedLine, ReceivedOrder, Recipient
from is2_core.platform import Platform
from is2_core.warehouses.calls import warehouse_of


def as_it_lies(db: Database) -> dict[str, str]:
    """All that the database holds, by table; what is sealed as it is stored."""
    with db.engine.connect() as connection:
        return {
            table.name: " ".join(
                str(tuple(row))
                for row in connection.exec_driver_sql(f"SELECT * FROM {table.name}")  # noqa: S608
            )
            for table in metadata.sorted_tables
        }


def opened_columns(db: Database) -> dict[str, str]:
    """All that is sealed, opened, by "table.column"."""
    with db.read() as session:
        return {
            str(column): " ".join(
                str(value.open(*key)) for _, value, *key in session.execute(rows_with_keys(column)) if value is not None
            )
            for column in sealed_columns(metadata)
        }


def erase(platform: Platform, order_id: int) -> None:
    """Erase all that declares to be a buyer's of an order, here and in its warehouse."""
    with platform.db.write() as session:
        for table in metadata.sorted_tables:
            of_order = _of_order(table, order_id)
            values = {
                column: None if column.nullable else False if isinstance(column.type, sa.Boolean) else ""
                for column in table.columns
                if column.info.get("pii")
            }
            if of_order is not None and values:
                session.execute(sa.update(table).where(of_order).values(values))
        now = platform.clock.now()
        session.execute(sa.update(Recipient).where(Recipient.order_id == order_id).values(erased_at=now))
        order = session.get_one(ReceivedOrder, order_id)
    warehouse_of(platform, "embedded", order.account_id).forget(order.number)


def _of_order(table: sa.Table, order_id: int) -> sa.ColumnElement[bool] | None:
    if table.name == "received_order":
        return table.columns["id"] == order_id
    if table.name == "line_customization":
        lines = sa.select(ReceivedLine.id).where(ReceivedLine.order_id == order_id)
        return table.columns["line_id"].in_(lines)
    for key in table.foreign_keys:
        if key.column.table.name == "received_order":
            return key.parent == order_id
    return None


def reloaded(session: Session, order: ReceivedOrder) -> ReceivedOrder:
    """The row of an order, locked as whoever changes it has it."""
    return session.get_one(ReceivedOrder, order.id, with_for_update=True)
