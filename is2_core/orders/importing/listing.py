"""Reading orders from a cart: windows, pages, watermarks. The two tasks differ in their window only.

The routine listing follows what was updated; the reconcile listing, daily and without filters, finds what the
routine one was not told of. A window is read page by page; each page is one commit together with the place where
the next run goes on, and the watermark moves only when the last page is in.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast

import sqlalchemy as sa
from sqlalchemy.exc import InterfaceError, OperationalError, StatementError
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.calls.http import CoreHttp
from is2_core.carts.cart_settings import is_enabled
from is2_core.carts.context import cart_context
from is2_core.carts.method_vocabulary import vocabulary
from is2_core.errors import PluginBug
from is2_core.integrations.connection_test import learn_sites
from is2_core.integrations.seller_proof import prove_earlier
from is2_core.orders.customized_lines import ask_for_customizations
from is2_core.orders.importing.staging import stage, stage_singly
from is2_core.orders.models import ImportCursor
from is2_core.platform import Platform
from is2_core.submissions.rows import ask_about_open
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import enqueue
from is2_core.tasks.run import TaskRun
from plugins.interface import (
    CartContext,
    CartError,
    CartManifest,
    OrderPage,
    OrderQuery,
    OrderState,
    PageExpired,
    QueryBy,
    ShippingMappingUI,
    Temporary,
)

# Every state: what somebody ships by hand at the cart must not be shipped from here too.
ROUTINE_STATES = tuple(state for state in OrderState if state is not OrderState.UNKNOWN)
RECONCILE_DAYS = 7
GIVE_UP_PAGE = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Window:
    """The query of one listing, and the page it is at."""

    by: QueryBy
    start: datetime
    end: datetime
    states: tuple[OrderState, ...]
    page: str | None
    orders_from: datetime | None


FollowUp = Callable[[Session, Integration, datetime], None]


@dataclass(frozen=True)
class Listing:
    """A listing under way.

    Args:
        kind: whose cursor it moves, "routine" or "reconcile".
        ended: what follows in the commit of its last page.
    """

    platform: Platform
    run: TaskRun
    kind: str
    ended: FollowUp


def check_orders(platform: Platform, run: TaskRun, *, ended: FollowUp) -> None:
    """Task `orders.check`: the routine listing, the first time by creation and without filters, so that every
    order from the chosen day on is accounted for."""
    _import(Listing(platform, run, "routine", ended))


def reconcile_orders(platform: Platform, run: TaskRun, *, ended: FollowUp) -> None:
    """Task `orders.reconcile`: every order created in the last days, whatever its state, in every marketplace the
    seller has joined by now."""
    with platform.db.read() as session:
        cursor = _cursor(session, session.get_one(Integration, run.integration_id), "reconcile")
    if cursor is None or cursor.page is None:
        learn_sites(platform, run)
        prove_earlier(platform, run)
    _import(Listing(platform, run, "reconcile", ended))


def _import(listing: Listing) -> None:
    platform, run, kind = listing.platform, listing.run, listing.kind
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
        cursor = _cursor(session, integration, kind)
        routine = _cursor(session, integration, "routine")
    if not is_enabled(platform, integration.cart):
        return
    manifest = platform.carts.manifest(integration.cart)
    window = _window(platform, integration, cursor, kind, manifest)
    if run.attempts >= GIVE_UP_PAGE:
        # Whatever is wrong with this page token, asking for it yet again will not mend it.
        window = replace(window, page=None)
    late_before = None
    if kind == "reconcile" and routine and routine.watermark:
        late_before = routine.watermark - manifest.overlap
    context = cart_context(platform, integration, before_call=run.heartbeat)
    ui = vocabulary(platform, integration, context)
    expired = False
    while run.has_time():
        query = OrderQuery(window.by, window.start, window.end, window.states, window.page)
        try:
            page: OrderPage = platform.carts.call(integration.cart, "fetch_orders", ctx=context, query=query)
        except PageExpired as error:
            if window.page is None or expired:
                raise Temporary("The shop's list of orders could not be read to its end.", code=error.code) from error
            expired = True
            window = replace(window, page=None)
            _forget_page(run, kind)
            continue
        except CartError:
            _learn_skew(platform, run, context)
            raise
        if page.next_page is not None and page.next_page == window.page:
            raise PluginBug(integration.cart, "fetch_orders", "the next page is this page again")
        if not _commit_page(listing, ui, window, page, late_before):
            return
        # A page that came ends what failed before it: else a window that outlasts the budget would begin anew for ever.
        run.attempts = 0
        window = replace(window, page=page.next_page)


def _forget_page(run: TaskRun, kind: str) -> None:
    """Begin the window anew, in this run or the next: the budget may be spent before its first page is read."""
    with run.write() as session:
        session.execute(
            sa.update(ImportCursor)
            .where(ImportCursor.integration_id == run.integration_id, ImportCursor.kind == kind)
            .values(page=None, pages=0)
        )


def _learn_skew(platform: Platform, run: TaskRun, context: CartContext) -> None:
    """A refusal tells the cart's time too: a window that ends in its future would be refused for ever."""
    server_time = cast(CoreHttp, context.http).server_time
    if server_time is not None:
        with run.write() as session:
            integration = session.get_one(Integration, run.integration_id)
            integration.server_skew_s = skew_s(platform, server_time)


def skew_s(platform: Platform, server_time: datetime) -> int:
    """Return by how many seconds a cart's clock is ahead of ours."""
    return round((server_time - platform.clock.now()).total_seconds())


def _window(
    platform: Platform,
    integration: Integration,
    cursor: ImportCursor | None,
    kind: str,
    manifest: CartManifest,
) -> Window:
    """The window that was left half-read, or a new one that ends safely behind the cart's clock."""
    first = cursor is None or cursor.watermark is None
    by = QueryBy.CREATED if kind == "reconcile" or first else QueryBy.UPDATED
    states = ROUTINE_STATES if by is QueryBy.UPDATED else ()
    if cursor is not None and cursor.start is not None and cursor.end is not None:
        return Window(by, cursor.start, cursor.end, states, cursor.page, integration.orders_from)
    end = platform.clock.now() + timedelta(seconds=integration.server_skew_s) - manifest.read_lag
    earliest = integration.orders_from or end
    if kind == "reconcile":
        start = max(earliest, end - timedelta(days=RECONCILE_DAYS))
    elif cursor is None or cursor.watermark is None:
        start = earliest
    else:
        start = cursor.watermark - manifest.overlap
    return Window(by, min(start, end), end, states, None, integration.orders_from)


def _commit_page(
    listing: Listing, ui: ShippingMappingUI, window: Window, page: OrderPage, late_before: datetime | None
) -> bool:
    """One commit for the page; where the database refuses it, order by order, the refused ones quarantined.

    Returns:
        Whether to read on in this run.
    """
    platform, run = listing.platform, listing.run
    try:
        with run.write() as session:
            integration = session.get_one(Integration, run.integration_id)
            stage(platform, session, integration, ui, page.orders, rejects=page.rejects, late_before=late_before)
            return _end_page(listing, session, integration, window, page)
    except (StatementError, OverflowError, UnicodeError) as error:
        if isinstance(error, OperationalError | InterfaceError):
            raise
        _log.warning("integration %s: a page is redone order by order (%s)", run.integration_id, type(error).__name__)
        with run.write() as session:
            integration = session.get_one(Integration, run.integration_id)
            stage_singly(platform, session, integration, ui, page.orders, rejects=page.rejects, late_before=late_before)
            return _end_page(listing, session, integration, window, page)


def _end_page(listing: Listing, session: Session, integration: Integration, window: Window, page: OrderPage) -> bool:
    platform, run = listing.platform, listing.run
    if page.server_time is not None:
        integration.server_skew_s = skew_s(platform, page.server_time)
    now = platform.clock.now()
    if integration.orders_from != window.orders_from:
        # The first day was changed while the page was on its way: the window begins anew.
        run.finish(session, again_at=now)
        return False
    cursor = _cursor(session, integration, listing.kind)
    pages = cursor.pages + 1 if cursor else 1
    _save_cursor(listing, session, window, page, pages=pages)
    if page.next_page is None:
        _ask_for_what_is_owed(session, integration, now)
        listing.ended(session, integration, now)
        run.finish(session)
        return False
    return True


def _ask_for_what_is_owed(session: Session, integration: Integration, now: datetime) -> None:
    """Ask for all that an integration still owes: it goes on with the next listing, even if a task failed."""
    enqueue(session, kind=TaskKind.ORDERS_PLACE, integration=integration, now=now)
    enqueue(session, kind=TaskKind.ORDERS_STOP, integration=integration, now=now)
    enqueue(session, kind=TaskKind.ACKNOWLEDGEMENTS_SEND, integration=integration, now=now)
    enqueue(session, kind=TaskKind.TRACKING_POST, integration=integration, now=now)
    ask_for_customizations(session, integration, now)
    ask_about_open(session, integration, now)


def _save_cursor(listing: Listing, session: Session, window: Window, page: OrderPage, *, pages: int) -> None:
    platform = listing.platform
    done = page.next_page is None
    row = {
        "integration_id": listing.run.integration_id,
        "kind": listing.kind,
        "start": None if done else window.start,
        "end": None if done else window.end,
        "page": page.next_page,
        "notice": page.notice,
        "pages": 0 if done else pages,
        **({"watermark": window.end, "checked_at": platform.clock.now()} if done else {}),
    }
    update = [name for name in row if name not in ("integration_id", "kind")]
    platform.db.upsert(session, ImportCursor, [row], key=["integration_id", "kind"], update=update)


def _cursor(session: Session, integration: Integration, kind: str) -> ImportCursor | None:
    return session.scalar(_CURSOR, {"integration_": integration.id, "kind_": kind})


_CURSOR = (
    sa.select(ImportCursor)
    .where(ImportCursor.integration_id == sa.bindparam("integration_"), ImportCursor.kind == sa.bindparam("kind_"))
    .execution_options(populate_existing=True)
)
