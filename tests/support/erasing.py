"""Reading a whole database, as it lies and opened, and erasing a buyer's data as the product does."""

from __future__ import annotations

from sqlalchemy.orm import Session

from is2_core.db.engine import Database
from is2_core.db.metadata import metadata
from is2_core.db.reseal import rows_with_keys, sealed_columns
from is2_core.orders.models import ReceivedOrder
from is2_core.platform import Platform
from is2_core.privacy import erasing
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
    """Erase all that is of an order's buyer, here and in its warehouse, whatever the order's state."""
    with platform.db.write() as session:
        erasing.erase(session, [order_id], platform.clock.now())
        order = session.get_one(ReceivedOrder, order_id)
    warehouse_of(platform, "embedded", order.account_id).forget(order.number)


def reloaded(session: Session, order: ReceivedOrder) -> ReceivedOrder:
    """The row of an order, locked as whoever changes it has it."""
    return session.get_one(ReceivedOrder, order.id, with_for_update=True)
