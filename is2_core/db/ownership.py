"""Rows that a cart writes too: whose each column is, which hold a buyer's data, and when the cart may write them.

A model of such rows is a `CartWritten`. Each of its columns says `info=CART` or `info=IS2`. Any column of any model
that holds something of a buyer says so besides, and how that ends: `of_buyer`. A row is inserted with all its columns;
one that is there takes the cart's and keeps the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from is2_core.db.rows import built, table_of
from is2_core.text_limits import TextLimit

CART: Final[dict[str, Any]] = {"owner": "cart"}
"""The cart's: what it says now takes the place of what it said before."""
IS2: Final[dict[str, Any]] = {"owner": "is2"}
"""Ours: what is found, decided or typed here; nothing a cart says touches it."""

ORDER_NUMBER: Final = "order_number"
"""In the `info` of a table: which of its columns has the number of the order that its rows are of, where no foreign key
leads there. They are deleted with it."""


class Erased(StrEnum):
    """How what a column holds of buyers ends. WITH_ORDER: with the rest of the order that the row is of, by its foreign
    keys. BY_AGE: where it is of no order, so long after the instant in the column `written` of its row. AT_WAREHOUSE:
    when the warehouse is asked to forget the order. ONCE_SEALED: it is moved to where one of these is said."""

    WITH_ORDER = "WITH_ORDER"
    BY_AGE = "BY_AGE"
    AT_WAREHOUSE = "AT_WAREHOUSE"
    ONCE_SEALED = "ONCE_SEALED"


def of_buyer(what: str, *erased: Erased, written: str = "") -> dict[str, Any]:
    """Describe a column that holds something of a buyer: what, and how it ends. Purge, deletion on request and the
    warehouse's forgetting follow from this."""
    if not erased or (Erased.BY_AGE in erased) != bool(written):
        raise TypeError(f"say of {what!r} how it is erased, and of what goes by its age when it was written")
    return {"pii": what, "erased": erased, "written": written}


def with_order(what: str) -> dict[str, Any]:
    """Describe a column that holds something of an order's buyer; see `of_buyer`."""
    return of_buyer(what, Erased.WITH_ORDER)


def buyers_columns(table: sa.Table, how: Erased) -> list[sa.Column[Any]]:
    """Return the columns of a table that hold something of a buyer which ends so."""
    return [column for column in table.columns if how in column.info.get("erased", ())]


def blanked(columns: Iterable[sa.Column[Any]]) -> dict[str, Any]:
    """Return what columns are set to when they are erased, by their names."""
    return {
        column.name: None if column.nullable else False if isinstance(column.type, sa.Boolean) else ""
        for column in columns
    }


class CartWritten:
    """A mapped class whose rows a cart writes too.

    `cart_key` names the columns by which the cart's rows are known. Rows are `all_pii` where they are nothing but a
    buyer's data: once one is erased, the cart writes nothing of it.

    Raises, when the class is made:
        TypeError: a column has no owner, or nothing tells when a buyer's data is erased.
    """

    cart_key: ClassVar[tuple[str, ...]]
    all_pii: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for column in table_of(cls).columns:
            if not column.primary_key and column.info.get("owner") not in ("cart", "is2"):
                raise TypeError(
                    f"{cls.__name__}.{column.name} has no owner: declare it with info=CART where a cart writes it, "
                    "with info=IS2 where it is found, decided or typed here"
                )
        tells = any("cart_may_write" in vars(each) for each in cls.__mro__ if each is not CartWritten)
        if any(map(_is_pii, cart_columns(cls))) and not tells:
            raise TypeError(f"{cls.__name__} holds a buyer's data from the cart: tell by cart_may_write when it may")

    @classmethod
    def cart_may_write(cls) -> sa.ColumnElement[bool] | None:
        """The condition under which a cart writes a buyer's data into a row that is there, as long as it is not erased
        above all; None for always."""
        return None


def within_limits(model: type[CartWritten], rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return rows a cart tells of, their texts cut to the limits of their columns (`info=CART | {"limit": TITLE}`)."""
    limits: dict[str, TextLimit] = built(_limits_of, model)
    if not limits:
        return rows
    return [{**row, **{name: limit.cut(row[name]) for name, limit in limits.items() if name in row}} for row in rows]


def _limits_of(model: type[CartWritten]) -> dict[str, TextLimit]:
    return {column.key: column.info["limit"] for column in table_of(model).columns if "limit" in column.info}


def of_row(column: InstrumentedAttribute[int]) -> sa.ColumnElement[int]:
    """A column of the row itself, for a subquery of `cart_may_write`: an upsert gives a subquery nothing to refer to,
    and it would read all rows of the table instead."""
    return sa.literal_column(f"{column.class_.__tablename__}.{column.key}", column.type)


def _is_pii(column: sa.Column[Any]) -> bool:
    return bool(column.info.get("pii"))


def cart_columns(model: type[CartWritten]) -> list[sa.Column[Any]]:
    """The columns a cart writes, but for those by which it knows the row."""
    return [
        column
        for column in table_of(model).columns
        if column.info.get("owner") == "cart" and column.name not in model.cart_key
    ]


def told(model: type[CartWritten], value: object) -> dict[str, Any]:
    """Return what a value of the cart contract, a dataclass, says under the names of a model's columns of the cart."""
    return {name: getattr(value, name) for name in built(_shared, model, type(value))}


def _shared(model: type[CartWritten], kind: type[Any]) -> tuple[str, ...]:
    fields_of_kind = {field.name for field in fields(kind)}
    return tuple(column.name for column in cart_columns(model) if column.name in fields_of_kind)


def changes(
    model: type[CartWritten], excluded: Mapping[str, sa.ColumnElement[Any]]
) -> tuple[dict[str, sa.ColumnElement[Any]], sa.ColumnElement[bool] | None]:
    """Return the columns an upsert sets in a row that is there, and the condition for it.

    Args:
        excluded: the columns of the row that was to be inserted.
    """
    values = {column.name: excluded[column.name] for column in cart_columns(model)}
    may_write = model.cart_may_write()
    if may_write is None or model.all_pii:
        return values, may_write
    # The rest of the row follows the cart, whatever was erased of it.
    pii = [column for column in cart_columns(model) if _is_pii(column)]
    return values | {each.name: sa.case((may_write, values[each.name]), else_=each) for each in pii}, None
