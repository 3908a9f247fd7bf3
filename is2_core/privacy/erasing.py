"""Erasing what orders hold of their buyers, and orders themselves, in every table: by what the columns declare and by
their foreign keys, so that a table that is added is not forgotten."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Account
from is2_core.db.base import Base
from is2_core.db.ownership import ORDER_NUMBER, Erased, blanked, buyers_columns
from is2_core.db.rows import insert_rows, table_of
from is2_core.orders.models import ReceivedOrder, Recipient
from is2_core.orders.timeline import Event, record
from is2_core.orders.wording.events import EventCode

_ORDERS: Final = table_of(ReceivedOrder)
# From a table to the orders that its rows are of.
_Path = tuple[sa.ForeignKey, ...]

IS_ERASED: Final = sa.exists().where(Recipient.order_id == ReceivedOrder.id, Recipient.erased_at.is_not(None))
"""Whether nothing of a received order's buyer is here any more, or comes back; for a statement."""


def erase(session: Session, order_ids: Collection[int], now: datetime) -> None:
    """Erase all that declares to be of these orders' buyers; nothing fills it again.

    Args:
        order_ids: orders the caller has locked, that are over.
    """
    for table in tables_with(Erased.WITH_ORDER):
        blank = blanked(buyers_columns(table, Erased.WITH_ORDER))
        session.execute(sa.update(table).where(of_orders(table, order_ids)).values(blank))
    row = table_of(Recipient)
    marked = sa.update(row).where(row.c.order_id.in_(order_ids)).values(erased_at=now).returning(row.c.order_id)
    known = set(session.scalars(marked))
    # One of which nothing was stored is marked too: what its cart tells from now on would be.
    accounts = sa.select(_ORDERS.c.id, _ORDERS.c.account_id).where(_ORDERS.c.id.in_(set(order_ids) - known))
    rows = [
        {"order_id": order, "account_id": account, "erased_at": now} for order, account in session.execute(accounts)
    ]
    insert_rows(session, Recipient, rows)
    record(session, [Event(each, EventCode.ERASED) for each in sorted(order_ids)], now)


def delete_orders(session: Session, orders: Mapping[int, str]) -> None:
    """Delete orders that the caller has locked, and all rows that are of them; those of the warehouse in this database
    too, by their number.

    Args:
        orders: our numbers, by id.
    """
    numbered = [table for table in Base.metadata.sorted_tables if ORDER_NUMBER in table.info]
    roots = [(_ORDERS, _ORDERS.c.id.in_(orders))]
    roots += [(table, table.c[table.info[ORDER_NUMBER]].in_(orders.values())) for table in numbered]
    for table in reversed(Base.metadata.sorted_tables):
        for root, found in roots:
            if (path := path_to(root, table)) is not None:
                session.execute(sa.delete(table).where(_reaching(path, root, found)))


def of_orders(table: sa.Table, order_ids: Collection[int]) -> sa.ColumnElement[bool]:
    """Return the condition for the rows of a table that are of these orders.

    Raises:
        LookupError: the table leads to no order.
    """
    if (path := path_to(_ORDERS, table)) is None:
        raise LookupError(f"no foreign key leads from {table.name} to an order")
    return _reaching(path, _ORDERS, _ORDERS.c.id.in_(order_ids))


def _reaching(path: _Path, root: sa.Table, found: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    for link in reversed(path):
        found = link.parent.in_(sa.select(link.column).where(found))
    return found


@cache
def path_to(root: sa.Table, table: sa.Table) -> _Path | None:
    """Return the shortest way by foreign keys from a table to another; None where there is none."""
    ways: list[tuple[sa.Table, _Path]] = [(table, ())]
    seen = {table}
    for here, path in ways:
        if here is root:
            return path
        for key in sorted(here.foreign_keys, key=lambda key: str(key.parent)):
            there = key.column.table
            assert isinstance(there, sa.Table)
            if there not in seen:
                seen.add(there)
                ways.append((there, (*path, key)))
    return None


def erase_by_age(session: Session, table: sa.Table, before: datetime, most: int) -> int:
    """Erase texts of no order that were written before an instant, at most so many rows; returns of how many."""
    (row_key,), columns = table.primary_key.columns, buyers_columns(table, Erased.BY_AGE)
    is_old = [table.c[columns[0].info["written"]] <= before, sa.or_(*(each.is_not(None) for each in columns))]
    is_old += [link.parent.is_(None) for link in path_to(_ORDERS, table) or ()][:1]
    rows = sa.select(row_key).where(*is_old).order_by(row_key).limit(most).with_for_update(skip_locked=True)
    ids = list(session.scalars(rows))
    session.execute(sa.update(table).where(row_key.in_(ids)).values(blanked(columns)))
    return len(ids)


def erase_texts_of_account(session: Session, account_id: int) -> None:
    """Erase the texts of no order that somebody of an account wrote, however new they are."""
    accounts = table_of(Account)
    for table in tables_with(Erased.BY_AGE):
        path = path_to(accounts, table)
        assert path is not None, table
        blank = blanked(buyers_columns(table, Erased.BY_AGE))
        session.execute(sa.update(table).where(_reaching(path, accounts, accounts.c.id == account_id)).values(blank))


def tables_with(*ends: Erased) -> list[sa.Table]:
    """Return the tables that hold something of buyers which ends in one of these ways."""
    return [table for table in Base.metadata.sorted_tables if any(buyers_columns(table, how) for how in ends)]
