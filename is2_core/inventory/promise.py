"""The latency that is promised beside what it really takes: from the time an order was bought to its last package."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.carts.latency import Latency, days_label
from is2_core.orders.fulfillment.models import Package, PackageUnits
from is2_core.orders.models import ReceivedLine, ReceivedOrder

# Amazon looks at as many days (in force since 2026-06-29).
MEASURED = timedelta(days=30)
# Of fewer orders of a SKU nothing follows.
FEWEST = 5
_MOST_LINES = 50_000
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Taken:
    """Days that orders took until they shipped: half of them at most `median`, 95 of 100 at most `most`."""

    orders: int
    median: float
    most: float


@dataclass(frozen=True)
class Measured:
    """An integration's orders of the last 30 days, None where none shipped, and those with each cart SKU."""

    orders: Taken | None = None
    by_sku: Mapping[str, Taken] = field(default_factory=dict)


def measure(session: Session, integration_id: int, now: datetime) -> Measured:
    """Return how long the orders took that shipped lately, the newest of very many."""
    rows = session.execute(
        sa.select(
            ReceivedOrder.id,
            ReceivedLine.sku,
            ReceivedOrder.cart_created_at,
            sa.func.max(Package.shipped_at, type_=Package.shipped_at.type),
        )
        .join(PackageUnits, PackageUnits.package_id == Package.id)
        .join(ReceivedLine, ReceivedLine.id == PackageUnits.line_id)
        .join(ReceivedOrder, ReceivedOrder.id == Package.order_id)
        .where(
            Package.integration_id == integration_id,
            Package.voided.is_(False),
            Package.shipped_at > now - MEASURED,
        )
        .group_by(ReceivedOrder.id, ReceivedLine.sku, ReceivedOrder.cart_created_at)
        .order_by(ReceivedOrder.id.desc())
        .limit(_MOST_LINES)
    )
    orders: dict[int, float] = {}
    by_sku: dict[str, list[float]] = {}
    for order_id, sku, bought_at, shipped_at in rows:
        days = max(0.0, (shipped_at - bought_at) / _DAY)
        orders[order_id] = max(days, orders.get(order_id, 0.0))
        by_sku.setdefault(sku, []).append(days)
    return Measured(
        taken(orders.values()) if orders else None,
        {sku: taken(days) for sku, days in by_sku.items() if len(days) >= FEWEST},
    )


def taken(days: Iterable[float]) -> Taken:
    """Sum up days, at least one of them; pure."""
    ordered = sorted(days)
    median, most = (ordered[math.ceil(len(ordered) * part) - 1] for part in (0.5, 0.95))
    return Taken(len(ordered), median, most)


def enough(found: Taken) -> int:
    """The days that 95 of 100 orders would have kept; pure."""
    return math.ceil(found.most)


def too_long(latency: Latency, found: Taken | None) -> bool:
    """Whether a day or more too many is promised, which Amazon flags; pure."""
    return found is not None and latency.days is not None and latency.days - enough(found) >= 1


def promise_text(latency: Latency, found: Taken | None, managed_by: str) -> str:
    """Tell what is promised and what was measured, "" where nothing is promised or nothing shipped; pure.

    Args:
        managed_by: how the cart names that it manages the latency.
    """
    if found is None or latency == Latency():
        return ""
    promised = managed_by if latency.days is None else f"You promise {days_label(latency.days)}"
    orders = f"{found.orders:,} order{'s' if found.orders != 1 else ''}"
    advice = ""
    if too_long(latency, found):
        advice = f" That is a day or more faster than promised: {days_label(enough(found))} would do."
    elif latency.days is not None and enough(found) > latency.days:
        advice = f" Some ship later than promised: {days_label(enough(found))} would be kept."
    return (
        f"{promised}. In the last {MEASURED.days} days your orders shipped after {found.median:.1f} (median), "
        f"{found.most:.1f} (95 of 100). Counted: {orders}.{advice}"
    )


def sku_text(latency: Latency, found: Taken | None) -> str:
    """Tell of a SKU that promises too long, "" of any other; pure."""
    if found is None or latency.days is None or not too_long(latency, found):
        return ""
    return (
        f"It promises {days_label(latency.days)}, and 95 of 100 of its {found.orders:,} orders in the last "
        f"{MEASURED.days} days shipped after {found.most:.1f}: {days_label(enough(found))} would do."
    )
