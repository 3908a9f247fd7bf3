"""Composition: which function runs which kind of task, and what follows between slices."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from is2_core.accounts.models import Integration
from is2_core.carts.cart_settings import forget_former_secrets
from is2_core.cases.cases import raise_case
from is2_core.cases.states import CaseKind
from is2_core.db.base import Base
from is2_core.db.changes import rows_changed
from is2_core.db.chunks import chunks
from is2_core.db.instants import instants, mend_instants
from is2_core.db.reseal import all_steps, reseal
from is2_core.integrations.claims import wipe_claims
from is2_core.inventory.activity import take_activity
from is2_core.inventory.drift import compare_with_cart
from is2_core.inventory.models import StockPush, StockPushLine
from is2_core.inventory.push import results
from is2_core.inventory.push.plan import compare_inventory
from is2_core.inventory.push.push import push_inventory
from is2_core.inventory.push.sync_row import orders_have_come
from is2_core.items.models import ItemUpload
from is2_core.orders.customizations import fetch_customizations
from is2_core.orders.fulfillment import acknowledging
from is2_core.orders.fulfillment.acknowledging import send_acknowledgements
from is2_core.orders.fulfillment.placing import place_orders
from is2_core.orders.fulfillment.stopping import stop_orders
from is2_core.orders.holds.review import review_orders
from is2_core.orders.importing.listing import check_orders, reconcile_orders
from is2_core.platform import Platform
from is2_core.shipments import tracking
from is2_core.shipments.tracking import post_tracking
from is2_core.shipments.warehouse_news import read_warehouse
from is2_core.submissions.models import Submission, SubmissionLine
from is2_core.submissions.polling import Settler, poll_submission
from is2_core.submissions.rows import KIND_ACKNOWLEDGE, KIND_INVENTORY, KIND_TRACKING
from is2_core.tasks.heartbeat import store_heartbeat
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Task
from is2_core.tasks.queue import enqueue
from is2_core.tasks.run import TaskRun
from is2_core.tasks.runner import Handler
from is2_core.tasks.states import OPEN_STATES, TaskState

KEEP_DONE = timedelta(days=7)
KEEP_SETTLED = timedelta(days=30)
KEEP_UPLOADS = timedelta(days=1)
RESEAL_EVERY = timedelta(days=1)


def clean_up(platform: Platform) -> int:
    """Delete tasks done long ago, pushes and submissions settled long ago, uploads nobody confirmed, secrets that
    were replaced long enough ago and authorizations whose seller was not proved in time; returns how many tasks."""
    with platform.db.write() as session:
        now = platform.clock.database_now(session)
        for ids in _free(session, Submission.id, Submission.closed_at < now - KEEP_SETTLED):
            session.execute(sa.delete(SubmissionLine).where(SubmissionLine.submission_id.in_(ids)))
            session.execute(sa.delete(Submission).where(Submission.id.in_(ids)))
        for ids in _free(session, ItemUpload.id, ItemUpload.at < now - KEEP_UPLOADS):
            session.execute(sa.delete(ItemUpload).where(ItemUpload.id.in_(ids)))
        for ids in _free(session, StockPush.id, StockPush.closed_at < now - KEEP_SETTLED):
            session.execute(sa.delete(StockPushLine).where(StockPushLine.push_id.in_(ids)))
            session.execute(sa.delete(StockPush).where(StockPush.id.in_(ids)))
        forget_former_secrets(session, now)
        wipe_claims(session, now)
        done = (Task.state == TaskState.DONE, Task.finished_at < now - KEEP_DONE)
        return sum(
            rows_changed(session, sa.delete(Task).where(Task.id.in_(ids))) for ids in _free(session, Task.id, *done)
        )


def ask_to_reseal(platform: Platform) -> None:
    """Have what earlier rules or keys sealed sealed again, unless that is asked for or was done within a day."""
    with platform.db.write() as session:
        now = platform.clock.database_now(session)
        lately = sa.and_(Task.finished_at > now - RESEAL_EVERY, Task.finished_at <= now)
        asked = sa.select(Task.id).where(
            Task.integration_id.is_(None), Task.kind == TaskKind.RESEAL, sa.or_(Task.state.in_(OPEN_STATES), lately)
        )
        if session.scalar(asked.limit(1)) is None:
            enqueue(session, kind=TaskKind.RESEAL, now=now)


def reseal_stored(platform: Platform, run: TaskRun) -> None:
    """Task `platform.reseal`: seal again what is left to, as far as the time of the run reaches."""
    reseal(run.write, all_steps(), run.has_time)


def mend_clock(platform: Platform, run: TaskRun) -> None:
    """Task `platform.clock`: mend whatever a clock that was put back has left behind, and tell the support."""
    for column, instant in instants(Base.metadata):
        with run.write() as session:
            mend_instants(session, column, instant, platform.clock.database_now(session))
    with run.write() as session:
        # How far the carts' clocks are from ours was learned by the wrong one; the next replies tell.
        session.execute(sa.update(Integration).where(Integration.server_skew_s != 0).values(server_skew_s=0))
        raise_case(
            session,
            platform.clock.now(),
            account_id=None,
            kind=CaseKind.CLOCK_PUT_BACK,
            subject="clock",
            sentence="A clock was ahead and was put back, or one server's is ahead of the database's. What was planned "
            "by it counts as due now, what it said had happened lately as having happened now; the pause between two "
            "inventory pushes starts anew. Check that every server keeps its time (NTP).",
        )
        run.finish(session)


def _free(session: Session, key: InstrumentedAttribute[int], *over: sa.ColumnElement[bool]) -> Iterator[list[int]]:
    """Lock what is over by ascending id, but for what others have locked, another clean-up above all: that is left to
    them or to the next one."""
    return chunks(session.scalars(sa.select(key).where(*over).order_by(key).with_for_update(skip_locked=True)))


SETTLERS = {
    KIND_ACKNOWLEDGE: Settler(acknowledging.settle, acknowledging.settle, acknowledging.after_submission),
    KIND_INVENTORY: Settler(results.settle, results.given_up, results.after_submission),
    KIND_TRACKING: Settler(tracking.settle, tracking.settle, tracking.after_submission),
}

HANDLERS: dict[str, Handler] = {
    TaskKind.HEARTBEAT: store_heartbeat,
    TaskKind.CLOCK_PUT_BACK: mend_clock,
    TaskKind.RESEAL: reseal_stored,
    TaskKind.ORDERS_CHECK: partial(check_orders, ended=orders_have_come),
    TaskKind.ORDERS_RECONCILE: partial(reconcile_orders, ended=orders_have_come),
    TaskKind.ORDERS_CUSTOMIZE: fetch_customizations,
    TaskKind.ORDERS_REVIEW: review_orders,
    TaskKind.ORDERS_PLACE: place_orders,
    TaskKind.ORDERS_STOP: stop_orders,
    TaskKind.ACKNOWLEDGEMENTS_SEND: send_acknowledgements,
    TaskKind.INVENTORY_ACTIVITY: take_activity,
    TaskKind.INVENTORY_PUSH: push_inventory,
    TaskKind.INVENTORY_COMPARE: compare_inventory,
    TaskKind.INVENTORY_DRIFT: compare_with_cart,
    TaskKind.WAREHOUSE_READ: read_warehouse,
    TaskKind.TRACKING_POST: post_tracking,
    TaskKind.SUBMISSIONS_POLL: partial(poll_submission, settlers=SETTLERS),
}
