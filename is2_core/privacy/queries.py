"""Buyers' data that is held, counted for pages and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from is2_core.orders.models import ReceivedOrder, Recipient
from is2_core.platform import Platform
from is2_core.privacy.forgetting import with_copies
from is2_core.privacy.open_orders import standing_still
from is2_core.privacy.periods import ENDS_AFTER, TOLD_AFTER, Periods, periods_of
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Schedule


@dataclass(frozen=True)
class Held:
    """How many buyers' addresses are held, when the clock of the one began that has run for longest (None where none
    runs), when the next purge is, and of how many orders a warehouse has yet to say that it has forgotten the buyer."""

    addresses: int
    oldest_at: datetime | None
    next_purge_at: datetime | None
    at_warehouses: int
    now: datetime

    @property
    def oldest_days(self) -> int | None:
        """Whole days since then."""
        return None if self.oldest_at is None else max(0, (self.now - self.oldest_at).days)


@dataclass(frozen=True)
class CartPeriods:
    """How long a cart's data is kept, in days."""

    cart: str
    label: str
    buyers_days: int
    at_most_days: int
    orders_days: int
    by_cart: bool


@dataclass(frozen=True)
class StandingStill:
    """An open order that stands still: since when it was told of, and when it ends unless somebody keeps it."""

    told_at: datetime
    ends_at: datetime


def held(platform: Platform, *, integration_id: int | None = None) -> Held:
    """Count what is held, of all stores or of one."""
    of_integration = [] if integration_id is None else [ReceivedOrder.integration_id == integration_id]
    with platform.db.read() as session:
        number, oldest = session.execute(
            sa.select(sa.func.count(), sa.func.min(ReceivedOrder.ended_at))
            .select_from(Recipient)
            .join(ReceivedOrder, ReceivedOrder.id == Recipient.order_id)
            .where(Recipient.sealed.is_not(None), *of_integration)
        ).one()
        next_at = session.scalar(sa.select(Schedule.next_at).where(Schedule.kind == TaskKind.PRIVACY_PURGE))
        copies = session.scalar(sa.select(sa.func.count()).select_from(with_copies().where(*of_integration).subquery()))
    return Held(number, oldest, next_at, copies or 0, platform.clock.now())


def periods(platform: Platform) -> Sequence[CartPeriods]:
    """List how long the data of each cart is kept."""
    with platform.db.read() as session:
        found = periods_of(platform, session)
    return [_in_days(platform, cart, each) for cart, each in found.items()]


def periods_of_cart(platform: Platform, cart: str) -> CartPeriods:
    """Return how long the data of a cart that works here is kept."""
    with platform.db.read() as session:
        return _in_days(platform, cart, periods_of(platform, session)[cart])


def _in_days(platform: Platform, cart: str, each: Periods) -> CartPeriods:
    label = platform.carts.manifest(cart).label if cart in platform.carts.names() else cart
    return CartPeriods(cart, label, each.buyers.days, each.at_most.days, each.orders.days, each.by_cart)


def standing_still_of(platform: Platform, order_id: int) -> StandingStill | None:
    """Return since when an order was told of that it stands still; None where it does not, or not for long enough."""
    now = platform.clock.now()
    with platform.db.read() as session:
        since = session.scalar(
            sa.select(ReceivedOrder.open_told_at).where(
                ReceivedOrder.id == order_id, ReceivedOrder.open_told_at.is_not(None), *standing_still(now - TOLD_AFTER)
            )
        )
    return None if since is None else StandingStill(since, since + (ENDS_AFTER - TOLD_AFTER))
