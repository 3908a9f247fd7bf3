"""Composition: what runs each kind of task, when it comes due, how long it is kept, what follows in other slices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from is2_core.accounts.models import Integration
from is2_core.accounts.sessions.rows import forget_ended
from is2_core.audit.chain import BATCH, forget_entries, seal_entries
from is2_core.carts.cart_settings import forget_former_secrets
from is2_core.cases.cases import raise_case
from is2_core.cases.states import CaseKind
from is2_core.comparison.compare import EVERY_S, compare_orders
from is2_core.comparison.runs import forget_comparisons
from is2_core.db.base import Base
from is2_core.db.changes import rows_changed
from is2_core.db.chunks import chunks
from is2_core.db.instants import instants, mend_instants
from is2_core.db.reseal import all_steps, reseal
from is2_core.install.settings_form import INVENTORY_EVERY, ORDERS_EVERY, interval
from is2_core.integrations.claims import wipe_claims
from is2_core.integrations.finality import forget_old_answers
from is2_core.integrations.refusals import judged, try_again
from is2_core.integrations.secret_ages import warn_of_old_secrets
from is2_core.inventory.activity import take_activity
from is2_core.inventory.drift import can_compare, compare_with_cart, night_slot
from is2_core.inventory.models import InventoryPush, InventoryPushLine
from is2_core.inventory.push.plan import compare_inventory
from is2_core.inventory.push.push import push_inventory
from is2_core.inventory.push.send import INVENTORY
from is2_core.inventory.push.sync_row import orders_have_come
from is2_core.items.item_table import apply_kept
from is2_core.items.models import ItemUpload
from is2_core.orders.customizations import fetch_customizations
from is2_core.orders.fulfillment.acknowledging import ACKNOWLEDGEMENTS, send_acknowledgements
from is2_core.orders.fulfillment.placing import place_orders
from is2_core.orders.fulfillment.stopping import stop_orders
from is2_core.orders.holds.review import review_orders
from is2_core.orders.importing.listing import check_orders, reconcile_orders
from is2_core.orders.importing.sent_skus import odd_skus
from is2_core.orders.not_from_here.reopening import reopen_orders
from is2_core.platform import Platform
from is2_core.privacy.forgetting import forget
from is2_core.privacy.purge import purge
from is2_core.shipments.tracking import TRACKING, post_tracking
from is2_core.shipments.warehouse_news import READ_EVERY_S, read_warehouse
from is2_core.submissions.models import Submission, SubmissionLine
from is2_core.submissions.polling import poll_submission
from is2_core.submissions.sending import WriteKind
from is2_core.tasks.dispatcher import KindSchedules, SlotsOf
from is2_core.tasks.heartbeat import store_heartbeat
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Task
from is2_core.tasks.run import TaskRun
from is2_core.tasks.runner import Handler
from is2_core.tasks.schedule import Slots
from is2_core.tasks.states import TaskState
from plugins.interface import SchedulePlan

KEEP_DONE = timedelta(days=7)
KEEP_SETTLED = timedelta(days=30)
KEEP_UPLOADS = timedelta(days=1)
_SEAL_AUDIT = Slots(every_s=60)
_CLEAN_UP = Slots(every_s=600)
# At night, where few wait for what it delays.
_RECONCILE, _COMPARE, _PURGE = Slots(daily_at="02:30"), Slots(daily_at="03:30"), Slots(daily_at="04:30")


@dataclass(frozen=True)
class Job:
    """All there is to say of a kind of task.

    Args:
        run: runs it; what follows in another slice is handed in here.
        schedule: when it comes due by itself, for the platform or, as a function, for an integration; None where it
            only runs when it is asked for.
        keep: how long a task that is done stays.
    """

    run: Handler
    schedule: SlotsOf | Slots | None = None
    keep: timedelta = KEEP_DONE


def clean_up(platform: Platform, run: TaskRun | None = None) -> int:
    """Delete tasks done long ago, pushes and submissions settled long ago, uploads nobody confirmed, secrets that were
    replaced long enough ago, authorizations whose seller was not proved in time and sessions that are over; returns how
    many tasks."""
    deleted = 0
    with run.write() if run else platform.db.write() as session:
        # They age by real time, wherever a trial's clock is.
        forget_ended(session, platform.clock.wall_now(session))
    for clean in (_forget, _clean_submissions, _clean_uploads, _clean_pushes, _clean_tasks):
        with run.write() if run else platform.db.write() as session:
            deleted = clean(session, platform.clock.database_now(session))
    return deleted


def _clean_up(platform: Platform, run: TaskRun) -> None:
    clean_up(platform, run)


def reseal_stored(platform: Platform, run: TaskRun) -> None:
    """Task `platform.reseal`: seal again what earlier rules or keys sealed, as far as the time of the run reaches;
    and tell the support of secrets that are to be renewed."""
    reseal(run.write, all_steps(), run.has_time)
    warn_of_old_secrets(platform, run)


def seal_audit(platform: Platform, run: TaskRun) -> None:
    """Task `audit.seal`: put the rows of the audit log that were added since into its chain."""
    while run.has_time():
        with run.write() as session:
            if seal_entries(session, platform.clock.now()) < BATCH:
                run.finish(session)
                return


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
            message="A clock was ahead and was put back, or one server's is ahead of the database's. What was planned "
            "by it counts as due now, what it said had happened lately as having happened now; the pause between two "
            "inventory pushes starts anew. Check that every server keeps its time (NTP).",
        )
        run.finish(session)


def _forget(session: Session, now: datetime) -> int:
    forget_former_secrets(session, now)
    wipe_claims(session, now)
    forget_comparisons(session, now)
    forget_old_answers(session, now)
    forget_entries(session, now)
    return 0


def _clean_submissions(session: Session, now: datetime) -> int:
    for ids in _free(session, Submission.id, Submission.closed_at < now - KEEP_SETTLED):
        session.execute(sa.delete(SubmissionLine).where(SubmissionLine.submission_id.in_(ids)))
        session.execute(sa.delete(Submission).where(Submission.id.in_(ids)))
    return 0


def _clean_uploads(session: Session, now: datetime) -> int:
    for ids in _free(session, ItemUpload.id, ItemUpload.at < now - KEEP_UPLOADS):
        session.execute(sa.delete(ItemUpload).where(ItemUpload.id.in_(ids)))
    return 0


def _clean_pushes(session: Session, now: datetime) -> int:
    for ids in _free(session, InventoryPush.id, InventoryPush.closed_at < now - KEEP_SETTLED):
        session.execute(sa.delete(InventoryPushLine).where(InventoryPushLine.push_id.in_(ids)))
        session.execute(sa.delete(InventoryPush).where(InventoryPush.id.in_(ids)))
    return 0


def _clean_tasks(session: Session, now: datetime) -> int:
    ended = [sa.and_(Task.kind == kind, Task.finished_at < now - job.keep) for kind, job in JOBS.items()]
    unknown = sa.and_(Task.kind.not_in(JOBS), Task.finished_at < now - KEEP_DONE)
    over = (Task.state == TaskState.DONE, sa.or_(unknown, *ended))
    return sum(rows_changed(session, sa.delete(Task).where(Task.id.in_(ids))) for ids in _free(session, Task.id, *over))


def _free(session: Session, key: InstrumentedAttribute[int], *over: sa.ColumnElement[bool]) -> Iterator[list[int]]:
    """Lock what is over by ascending id, but for what others have locked, another clean-up above all: that is left to
    them or to the next one."""
    return chunks(session.scalars(sa.select(key).where(*over).order_by(key).with_for_update(skip_locked=True)))


def _each(slots: Slots) -> SlotsOf:
    return lambda platform, integration: slots


def _orders_slots(platform: Platform, integration: Integration) -> Slots | None:
    plan = platform.carts.manifest(integration.cart).order_schedule
    return _slots(integration.settings.get(ORDERS_EVERY), plan)


def _stock_slots(platform: Platform, integration: Integration) -> Slots | None:
    plan = platform.carts.manifest(integration.cart).inventory_schedule
    return _slots(integration.settings.get(INVENTORY_EVERY, "off"), plan)


def _compare_slots(platform: Platform, integration: Integration) -> Slots | None:
    return _COMPARE if _stock_slots(platform, integration) else None


def _drift_slots(platform: Platform, integration: Integration) -> Slots | None:
    if not can_compare(platform, integration) or not _stock_slots(platform, integration):
        return None
    return Slots(daily_at=night_slot(integration.id))


def _slots(chosen: str | None, plan: SchedulePlan | None) -> Slots | None:
    """The slots a merchant chose; those the cart proposes before."""
    if plan is None:
        return None
    every = plan.default if chosen is None else interval(chosen)
    return Slots(every_s=int(every.total_seconds())) if every else None


WRITES: dict[str, WriteKind] = {kind.hook: kind for kind in (ACKNOWLEDGEMENTS, INVENTORY, TRACKING)}

JOBS: dict[TaskKind, Job] = {
    TaskKind.HEARTBEAT: Job(store_heartbeat),
    TaskKind.AUDIT_SEAL: Job(seal_audit, _SEAL_AUDIT, keep=timedelta(days=1)),
    TaskKind.CLEAN_UP: Job(_clean_up, _CLEAN_UP, keep=timedelta(days=1)),
    TaskKind.CLOCK_PUT_BACK: Job(mend_clock),
    TaskKind.RESEAL: Job(reseal_stored, Slots()),
    TaskKind.ITEMS_APPLY: Job(partial(apply_kept, sent=odd_skus)),
    TaskKind.INTEGRATIONS_RETRY: Job(try_again),
    TaskKind.ORDERS_CHECK: Job(partial(check_orders, ended=orders_have_come), _orders_slots),
    TaskKind.ORDERS_RECONCILE: Job(partial(reconcile_orders, ended=orders_have_come), _each(_RECONCILE)),
    TaskKind.ORDERS_COMPARE: Job(compare_orders, _each(Slots(every_s=EVERY_S))),
    TaskKind.ORDERS_CUSTOMIZE: Job(fetch_customizations),
    TaskKind.ORDERS_REVIEW: Job(review_orders),
    TaskKind.ORDERS_REOPEN: Job(reopen_orders),
    TaskKind.ORDERS_PLACE: Job(place_orders),
    TaskKind.ORDERS_STOP: Job(stop_orders),
    TaskKind.ACKNOWLEDGEMENTS_SEND: Job(send_acknowledgements),
    TaskKind.INVENTORY_ACTIVITY: Job(take_activity),
    TaskKind.INVENTORY_PUSH: Job(push_inventory, _stock_slots),
    TaskKind.INVENTORY_COMPARE: Job(compare_inventory, _compare_slots),
    TaskKind.INVENTORY_DRIFT: Job(compare_with_cart, _drift_slots),
    TaskKind.WAREHOUSE_READ: Job(read_warehouse, _each(Slots(every_s=READ_EVERY_S))),
    TaskKind.TRACKING_POST: Job(post_tracking),
    TaskKind.PRIVACY_PURGE: Job(purge, _PURGE),
    TaskKind.PRIVACY_FORGET: Job(forget),
    TaskKind.SUBMISSIONS_POLL: Job(partial(poll_submission, writes=WRITES)),
}
HANDLERS: dict[str, Handler] = {kind: judged(job.run) for kind, job in JOBS.items()}
SCHEDULES = KindSchedules(
    of_integrations={kind: job.schedule for kind, job in JOBS.items() if callable(job.schedule)},
    of_platform={kind: job.schedule for kind, job in JOBS.items() if isinstance(job.schedule, Slots)},
)
