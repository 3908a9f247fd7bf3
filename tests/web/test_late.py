"""Pages where something they promise was not done: late since when, and never that all is well."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.integrations.pausing import resume
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.states import PostState
from is2_core.submissions.models import Submission
from is2_core.tasks.lateness import LATE_AFTER, is_late, late_since
from is2_core.tasks.models import Schedule, Task
from is2_core.tasks.queue import pause_tasks
from is2_core.tasks.states import TaskState
from tests.integrations.test_integrations_page import first_order, ship
from tests.support.panel import ALICE, CHARLIE, START, Panel

CHECK = "orders.check"
LATE = "late since Nov 23, 2026, 12:30 UTC"


def plan_check(panel: Panel, state: TaskState, **values: object) -> None:
    """Put the newest check of Alice's integration into a state."""
    store = panel.store(panel.northwind)
    with panel.platform.db.write() as db:
        newest = sa.select(sa.func.max(Task.id)).where(Task.integration_id == store.id, Task.kind == CHECK)
        db.execute(sa.update(Task).where(Task.id == newest.scalar_subquery()).values(state=state, **values))


def only_checks(panel: Panel) -> None:
    """Leave the check as the only scheduled work, so that nothing else is late."""
    with panel.platform.db.write() as db:
        db.execute(sa.delete(Schedule).where(Schedule.kind != CHECK))
        db.execute(sa.update(Task).where(Task.state == TaskState.READY).values(state=TaskState.DONE))


def test_two_minutes_are_granted() -> None:
    assert not is_late(START, START + LATE_AFTER)
    assert is_late(START, START + LATE_AFTER + timedelta(seconds=1))
    assert not is_late(START + timedelta(days=1), START)
    assert not is_late(None, START)


def test_with_dispatcher_and_workers_dead_no_page_says_that_all_is_well(panel: Panel) -> None:
    only_checks(panel)
    alice = panel.browser(ALICE)
    panel.clock.advance(timedelta(minutes=32))
    page = alice.get("/integrations")
    assert "without problems" in page.text
    assert "late" not in page.text
    panel.clock.advance(timedelta(seconds=1))
    page = alice.get("/integrations")
    assert f"Next check {LATE} : the checks are not running; we have been told" in page.text
    assert "without problems" not in page.text
    assert page.soup.select_one("dd .text-danger-emphasis strong") is not None, "it is red"
    order, store = first_order(panel), panel.store(panel.northwind)
    for address in (
        "/received-orders",
        f"/received-orders/{order.id}",
        *(f"/integrations/{store.id}/{name}" for name in ("stock", "items", "shipping", "settings")),
    ):
        assert f"Outdoor: {LATE} ." in alice.get(address).text, address
    # Charlie's own is late as well; Alice's is not spoken of to him.
    theirs = panel.browser(CHARLIE).get("/integrations").text
    assert LATE in theirs
    assert "Outdoor" not in theirs


def test_a_check_that_waits_for_a_worker_is_late_as_well(panel: Panel) -> None:
    only_checks(panel)
    plan_check(panel, TaskState.READY, run_at=START)
    panel.clock.advance(timedelta(minutes=5))
    assert "Next check late since Nov 23, 2026, 12:00 UTC" in panel.browser(ALICE).get("/integrations").text


def test_a_check_under_way_is_not_late_until_its_worker_is_gone(panel: Panel) -> None:
    only_checks(panel)
    panel.clock.advance(timedelta(minutes=5))
    now = panel.clock.now()
    plan_check(panel, TaskState.RUNNING, run_at=START, lease_until=now + timedelta(seconds=60))
    page = panel.browser(ALICE).get("/integrations")
    assert "Last check running now" in page.text
    assert "Next check Nov 23, 2026, 12:30 UTC" in page.text
    panel.clock.advance(timedelta(minutes=4))
    page = panel.browser(ALICE).get("/integrations")
    assert "running now" not in page.text
    assert "without problems" not in page.text
    assert "Next check late since Nov 23, 2026, 12:06 UTC" in page.text


def test_a_last_check_long_ago_is_no_good_news_though_the_next_one_is_planned(panel: Panel) -> None:
    only_checks(panel)
    panel.clock.advance(timedelta(hours=5))
    with panel.platform.db.write() as db:
        db.execute(sa.update(Schedule).values(next_at=panel.clock.now() + timedelta(minutes=5)))
    page = panel.browser(ALICE).get("/integrations")
    assert "Last check Nov 23, 2026, 12:00 UTC , 5 hours ago" in page.text
    assert "without problems" not in page.text
    assert "late" not in page.text


def test_a_check_of_the_future_has_just_been(panel: Panel) -> None:
    """The clock was put back."""
    panel.clock._now -= timedelta(hours=1)
    page = panel.browser(ALICE).get("/integrations")
    assert "Last check Nov 23, 2026, 11:00 UTC" in page.text


@pytest.mark.parametrize("state", [IntegrationState.PAUSED, IntegrationState.DISCONNECTED])
def test_who_waits_for_a_person_is_not_late(panel: Panel, state: IntegrationState) -> None:
    store = panel.store(panel.northwind)
    with panel.platform.db.write() as db:
        db.execute(sa.update(Integration).where(Integration.id == store.id).values(state=state))
    panel.clock.advance(timedelta(days=3))
    alice = panel.browser(ALICE)
    for address in ("/integrations", "/received-orders"):
        assert "late since" not in alice.get(address).text, address
    page = alice.get(f"/integrations/{store.id}/stock")
    assert "late since" not in page.text
    assert "Next push when it is active again" in page.text


def test_what_was_missed_while_paused_is_not_late_when_it_goes_on(panel: Panel) -> None:
    store = panel.store(panel.northwind)
    with panel.platform.db.write() as db:
        db.execute(sa.update(Integration).where(Integration.id == store.id).values(state=IntegrationState.PAUSED))
        pause_tasks(db, store.id)
    panel.clock.advance(timedelta(days=3))
    with panel.platform.db.write() as db:
        resume(db, db.get_one(Integration, store.id), panel.platform)
    with panel.platform.db.read() as db:
        assert late_since(db, panel.clock.now(), panel.northwind) == {}


def test_a_push_its_result_and_the_next_try_of_a_parcel_are_late(panel: Panel) -> None:
    store, now = panel.store(panel.northwind), panel.clock.now()
    ship(panel, 1, PostState.DUE, None)
    with panel.platform.db.write() as db:
        db.execute(sa.update(Schedule).where(Schedule.kind == "inventory.push").values(next_at=now))
        db.execute(sa.update(Package).values(post_at=now))
        common = {"account_id": panel.northwind, "integration_id": store.id}
        db.add(Submission(**common, kind="push_inventory", handle="", sent_at=now, ask_at=now))
        db.add(Task(**common, kind="submissions.poll", business_key="poll", run_at=now, created_at=now))
    panel.clock.advance(timedelta(minutes=3))
    alice = panel.browser(ALICE)
    page = alice.get(f"/integrations/{store.id}/stock")
    assert "Next push late since Nov 23, 2026, 12:00 UTC : inventory is not being sent; we have been told" in page.text
    assert "Asking for its result is late since Nov 23, 2026, 12:00 UTC" in page.text
    with panel.platform.db.read() as db:
        order_id = db.scalars(sa.select(Package.order_id)).one()
    assert "Next try late since Nov 23, 12:00" in alice.get(f"/received-orders/{order_id}").text
