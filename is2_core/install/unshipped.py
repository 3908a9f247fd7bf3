"""The orders that wait at a cart while it is set up: how many, since when, and which day leaves none out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.access import owned_integration
from is2_core.accounts.models import Integration, UnshippedLook
from is2_core.accounts.scope import ChangeScope
from is2_core.carts.cart_settings import known_manifest
from is2_core.carts.context import cart_context
from is2_core.carts.live_call import call_cart_live, live_call
from is2_core.errors import BadInput, FlowError
from is2_core.install.settings_form import MOST_DAYS_BACK, ORDERS_FROM, day_of, first_instant
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import TO_PLACE
from is2_core.platform import Platform
from plugins.interface import UNSHIPPED, FulfilledBy, Order, OrderPage, OrderQuery, QueryBy

_PAGES = 3
_SECONDS = 8.0
_FRESH = timedelta(minutes=10)
# Where the cart cannot be asked: a long weekend and some days.
_DAYS_BACK_UNASKED = 7


class LeavesOut(BadInput):
    """The day typed leaves orders out that are not shipped yet; it may be so, but a person has to say it."""

    status = 409

    def __init__(self, message: str, day: str) -> None:
        super().__init__(message, field=ORDERS_FROM)
        self.day = day


def look(platform: Platform, *, integration_id: int, scope: ChangeScope) -> UnshippedLook:
    """Return which orders wait at the cart, asked now within a few seconds and pages, or some minutes ago.

    A cart that cannot be asked gives a look whose `message` says why; setting up goes on.
    """
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, scope)
        found = _fresh(session, integration_id, platform.clock.now())
    if found is not None and not found.message:
        return found
    bought: list[datetime] = []
    complete, message = False, ""
    try:
        with live_call(platform, integration.account_id, seconds=_SECONDS):
            for page in _pages(platform, integration):
                bought += [order.created_at for order in page.orders if _waits(order)]
                complete = page.next_page is None
    except FlowError as error:
        message = "" if bought else error.message
    values = {
        "integration_id": integration_id,
        "at": platform.clock.now(),
        "bought": sorted(moment.astimezone(UTC).isoformat() for moment in bought),
        "complete": complete,
        "message": message,
    }
    with platform.db.write() as session:
        owned_integration(session, integration_id, scope)
        platform.db.upsert(
            session,
            UnshippedLook,
            [values],
            key=["integration_id"],
            update=[name for name in values if name != "integration_id"],
        )
    return UnshippedLook(**values)


def first_day(platform: Platform, found: UnshippedLook | None) -> date:
    """The day to propose: the first of which an order waits, else today; a week back where nobody knows."""
    zone = platform.config.timezone
    today = day_of(platform.clock.now(), zone)
    if found is None:
        return today
    if found.message:
        return today - timedelta(days=_DAYS_BACK_UNASKED)
    oldest = day_of(_moments(found)[0], zone) if found.bought else today
    return max(oldest, today - timedelta(days=MOST_DAYS_BACK))


def describe(platform: Platform, found: UnshippedLook, label: str) -> str:
    """Describe the orders found, for the page.

    Args:
        label: the cart's.
    """
    if found.message:
        return (
            f"{label} could not be asked which orders are not shipped yet ({found.message}) A week back is proposed: "
            "look there yourself for older ones."
        )
    if not found.bought:
        return f"{label} shows no order of the last {MOST_DAYS_BACK} days that is not shipped yet."
    oldest = day_of(_moments(found)[0], platform.config.timezone)
    return f"{label} shows {_orders(len(found.bought), found.complete)} not shipped yet, the oldest bought on {oldest}."


def check_none_is_left_out(platform: Platform, session: Session, integration_id: int, day: str, *, agreed: str) -> None:
    """See that no order known to wait at the cart was bought before a day, or that a person agreed to that very day.

    Raises:
        LeavesOut: some were.
    """
    found, zone = _fresh(session, integration_id, platform.clock.now()), platform.config.timezone
    left = [moment for moment in _moments(found) if moment < first_instant(day, zone)] if found else []
    if not found or not left or agreed == day:
        return
    were = "was" if len(left) == 1 and found.complete else "were"
    raise LeavesOut(
        f"{_orders(len(left), found.complete).capitalize()} not shipped yet {were} bought before this day, the oldest "
        f"on {day_of(left[0], zone)}: the warehouse would not ship {'it' if were == 'was' else 'them'}. Choose an "
        "earlier day, or say below that this is what you want.",
        day,
    )


def check_none_is_dropped(platform: Platform, session: Session, row: Integration, day: str, *, agreed: str) -> None:
    """See that a day later than the stored one drops no order that is here and not placed yet, or that a person agreed
    to that very day: each would be excluded when it is read again.

    Raises:
        LeavesOut: it drops some.
    """
    zone = platform.config.timezone
    count, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(ReceivedOrder.cart_created_at)).where(
            ReceivedOrder.integration_id == row.id,
            ReceivedOrder.state.in_(TO_PLACE),
            ReceivedOrder.placing_since.is_(None),
            ReceivedOrder.cart_created_at < first_instant(day, zone),
        )
    ).one()
    if not count or agreed == day:
        return
    were, them = ("was", "it") if count == 1 else ("were", "them")
    raise LeavesOut(
        f"{_orders(count, True).capitalize()} received and not placed yet {were} bought before this day, the oldest on "
        f"{day_of(oldest, zone)}: the warehouse would not ship {them}. Choose an earlier day, or say below that this "
        "is what you want.",
        day,
    )


def _pages(platform: Platform, integration: Integration) -> Iterator[OrderPage]:
    manifest, zone = known_manifest(platform, integration.cart), platform.config.timezone
    now = platform.clock.now()
    end = now + timedelta(seconds=integration.server_skew_s) - manifest.read_lag
    start = first_instant((day_of(now, zone) - timedelta(days=MOST_DAYS_BACK)).isoformat(), zone)
    token: str | None = None
    for _ in range(_PAGES):
        query = OrderQuery(QueryBy.CREATED, min(start, end), end, UNSHIPPED, token)
        page: OrderPage = call_cart_live(
            platform, integration, "fetch_orders", advice="", ctx=cart_context(platform, integration), query=query
        )
        yield page
        token = page.next_page
        if token is None:
            return


def _waits(order: Order) -> bool:
    return order.state in UNSHIPPED and order.fulfilled_by is not FulfilledBy.CART


def _fresh(session: Session, integration_id: int, now: datetime) -> UnshippedLook | None:
    found = session.get(UnshippedLook, integration_id)
    return found if found is not None and abs(now - found.at) < _FRESH else None


def _moments(found: UnshippedLook) -> list[datetime]:
    return [datetime.fromisoformat(text) for text in found.bought]


def _orders(count: int, complete: bool) -> str:
    at_least = "" if complete else "at least "
    return f"{at_least}{count} order{'' if count == 1 else 's'}"
