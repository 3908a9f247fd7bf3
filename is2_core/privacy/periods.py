"""How long buyers' data and orders are kept: by what the cart declares, else by what an admin has set for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.audit.acts import Act
from is2_core.audit.record import record
from is2_core.carts.cart_settings import known_manifest
from is2_core.carts.models import CartSetting
from is2_core.db.locks import LOCK
from is2_core.errors import BadInput, Conflict
from is2_core.platform import Platform
from is2_core.whole_numbers import whole_number

# Open orders that stand still are told of, and end: whichever their cart.
TOLD_AFTER: Final = timedelta(days=25)
ENDS_AFTER: Final = timedelta(days=60)
MOST_BUYERS_DAYS: Final = 180
MOST_ORDERS_DAYS: Final = 3650
_BUYERS: Final = timedelta(days=30)
_ORDERS: Final = timedelta(days=18 * 30)


@dataclass(frozen=True)
class Periods:
    """How long a buyer's data is kept after its clock began, how long it may be there at most, and how long the rest of
    an order is kept after it was received. `by_cart`: the cart declares the first."""

    buyers: timedelta
    at_most: timedelta
    orders: timedelta
    by_cart: bool


def periods_of(platform: Platform, session: Session) -> Mapping[str, Periods]:
    """Return the periods of every cart that works here or has stores here, by its name."""
    set_here = {row.cart: (row.keep_buyers_days, row.keep_orders_days) for row in session.execute(_SET)}
    names = {*platform.carts.names(), *session.scalars(sa.select(Integration.cart).distinct())}
    return {cart: _periods(platform, cart, *set_here.get(cart, (None, None))) for cart in sorted(names)}


_SET = sa.select(CartSetting.cart, CartSetting.keep_buyers_days, CartSetting.keep_orders_days)


def _periods(platform: Platform, cart: str, buyers_days: int | None, orders_days: int | None) -> Periods:
    # One that does not load at the moment was of whatever kind: what it declared is not known.
    manifest = platform.carts.manifest(cart) if cart in platform.carts.names() else None
    buyers = manifest.keep_buyers if manifest else None
    kept = buyers or (timedelta(days=buyers_days) if buyers_days else _BUYERS)
    most = manifest.keep_buyers_most if manifest else None
    orders = manifest.keep_orders if manifest else None
    return Periods(
        buyers=kept,
        at_most=most or kept + timedelta(days=5),
        orders=orders or (timedelta(days=orders_days) if orders_days else _ORDERS),
        by_cart=buyers is not None,
    )


def set_periods(platform: Platform, cart: str, buyers_days: str, orders_days: str) -> None:
    """Set how long is kept what a cart tells that does not declare it.

    Args:
        buyers_days, orders_days: as typed, of a buyer's data and of the rest of an order.

    Raises:
        NotFound: there is no such cart.
        Conflict: it declares it.
        BadInput: they are no numbers of days, or too large.
    """
    manifest = known_manifest(platform, cart)
    if manifest.keep_buyers is not None and manifest.keep_orders is not None:
        raise Conflict(f"{manifest.label} declares how long its data is kept.")
    buyers, orders = (
        _days(typed, most, field)
        for typed, most, field in (
            (buyers_days, MOST_BUYERS_DAYS, "buyers_days"),
            (orders_days, MOST_ORDERS_DAYS, "orders_days"),
        )
    )
    if orders < buyers:
        raise BadInput("An order is kept for no less long than its buyer's data.", field="orders_days")
    with platform.db.write() as session:
        row = session.get(CartSetting, cart, with_for_update=LOCK)
        if row is None:
            row = CartSetting(cart=cart, values={})
            session.add(row)
        before = {"buyers_days": row.keep_buyers_days, "orders_days": row.keep_orders_days}
        row.keep_buyers_days, row.keep_orders_days, row.updated_at = buyers, orders, platform.clock.now()
        after = {"buyers_days": buyers, "orders_days": orders}
        record(session, Act.PERIODS_CHANGED, subject=f"cart {cart}", before=before, after=after)


def _days(typed: str, most: int, field: str) -> int:
    number = whole_number(typed)
    if number is None or not 1 <= number <= most:
        raise BadInput(f"Type a number of days from 1 to {most}.", field=field)
    return number


def shortest(periods: Mapping[str, Periods]) -> timedelta:
    """Return how long is kept what is of no order, and so of any cart."""
    return min((each.buyers for each in periods.values()), default=_BUYERS)
