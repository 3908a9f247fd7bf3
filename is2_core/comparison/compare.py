"""Comparing all that is open here with what the cart shows: by what its listings brought, else by asking for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.carts.cart_settings import is_enabled
from is2_core.carts.context import cart_context
from is2_core.carts.method_vocabulary import vocabulary
from is2_core.comparison import runs
from is2_core.comparison.asking import Asking, ask_for
from is2_core.comparison.lost_placings import look_up
from is2_core.comparison.models import Comparison
from is2_core.comparison.settling import note_settled, settle
from is2_core.comparison.states import Difference, Outcome
from is2_core.db.locks import LOCK
from is2_core.orders.models import ReceivedOrder
from is2_core.platform import Platform
from is2_core.tasks.pace import PUT_OFF_MAX
from is2_core.tasks.run import TaskRun
from plugins.interface import RateLimited, Temporary

EVERY_S = 2 * 3600
CHUNK = 50
# A cart's budget is for people who wait, too: so many are read in a turn, and the next turn comes after its refill.
READS_A_TURN = 20
BETWEEN_TURNS = timedelta(minutes=1)


def compare_orders(platform: Platform, run: TaskRun) -> None:
    """Task `orders.compare`: go through the orders of the comparison that is under way, or of the next one.

    What the cart has shown since is compared as it is stored; every other order is asked for by its id, the longest
    unseen first, as far as the day's budget reaches. Each is settled in a commit of its own or of a small chunk, so
    that a turn goes on where the one before stopped.
    """
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
    if not is_enabled(platform, integration.cart):
        return
    with run.write() as session:
        comparison = runs.take_up(session, session.get_one(Integration, run.integration_id), platform.clock.now())
        runs.take_what_agrees(session, comparison, platform.clock.now())
    if not look_up(platform, run, integration, comparison) or not _look_at_shown(platform, run, comparison):
        return
    if platform.carts.has(integration.cart, "fetch_order") and not _ask(platform, run, integration, comparison):
        return
    with run.write() as session:
        now = platform.clock.now()
        row = session.get_one(Comparison, comparison.id)
        if not platform.carts.has(integration.cart, "fetch_order"):
            left = [order_id for order_id, _ in runs.to_ask_for(session, row, runs.READS_A_DAY)]
            runs.note(session, row.id, left, Outcome.NOT_COMPARED, Difference.CANNOT_BE_ASKED)
        runs.end(session, row, now)
        run.finish(session)


def _look_at_shown(platform: Platform, run: TaskRun, comparison: Comparison) -> bool:
    """Settle what the cart has shown, chunk by chunk; False where time is up."""
    after = 0
    while True:
        if not run.has_time():
            return False
        with run.write() as session:
            now = platform.clock.now()
            ids = runs.to_look_at(session, comparison, now, after, CHUNK)
            if not ids:
                return True
            orders = _lock(session, ids)
            settled = {order.id: settle(platform, session, order, now) for order in orders}
            note_settled(platform, session, comparison, settled)
            after = ids[-1]


def _ask(platform: Platform, run: TaskRun, integration: Integration, comparison: Comparison) -> bool:
    """Ask for what the cart has not shown; False where more is to be asked for in another turn."""
    with platform.db.read() as session:
        left = runs.reads_left(session, integration.id, platform.clock.now())
        wanted = runs.to_ask_for(session, comparison, min(left, READS_A_TURN))
    if not wanted:
        return True
    context = cart_context(platform, integration, before_call=run.heartbeat)
    ui = vocabulary(platform, integration, context)
    put_off, again_at = 0, platform.clock.now() + BETWEEN_TURNS
    for order_id, remote_id in wanted:
        if not run.has_time():
            return False
        try:
            ask_for(Asking(platform, run, comparison, integration.cart, context, ui), order_id, remote_id)
            put_off = 0
        except RateLimited as error:
            again_at = max(again_at, error.until)
            break
        except Temporary:
            # It is noted. One order may trouble the cart alone; after so many in a row each other would as well.
            put_off += 1
            if put_off == PUT_OFF_MAX:
                raise
    else:
        if len(wanted) < READS_A_TURN:
            return True
    with run.write() as session:
        run.finish(session, again_at=again_at)
    return False


def _lock(session: Session, ids: Sequence[int]) -> Sequence[ReceivedOrder]:
    return session.scalars(
        sa.select(ReceivedOrder)
        .where(ReceivedOrder.id.in_(ids))
        .order_by(ReceivedOrder.id)
        .with_for_update(**LOCK)
        .execution_options(populate_existing=True)
    ).all()
