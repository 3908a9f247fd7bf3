"""IS2's clock is ahead for a while, and is put right: everything goes on within a minute, and no pause is cut short."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.bootstrap import build_platform
from is2_core.calls.carts import CartRegistry
from is2_core.calls.rate_limits import Budget, MemoryBuckets, RedisBuckets
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.clock import VirtualClock
from is2_core.embedded_warehouse import packing
from is2_core.inventory.models import InventorySync
from is2_core.inventory.push import push
from is2_core.orders.models import ImportCursor
from is2_core.orders.states import AckState, ReceivedState
from is2_core.submissions.models import Submission
from is2_core.tasks.dispatcher import tick
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import LEASE, Schedule, Task
from is2_core.tasks.states import TaskState
from tests.amazon.payloads import item, ready_order
from tests.conftest import make_config
from tests.support.amazon import NORTHWIND, SimulatedAmazon
from tests.support.parcels import confirming
from tests.support.stock import Stock, iso_time
from tests.support.world import NotedWakeups, World

HOUR = timedelta(hours=1)
FLOOR = timedelta(hours=12)


class WrongClock(VirtualClock):
    """IS2's clock, so far ahead of the true one that everybody else goes by."""

    def __init__(self, true: VirtualClock) -> None:
        self.true, self.ahead = true, timedelta(0)

    def now(self) -> datetime:
        return self.true.now() + self.ahead

    def database_now(self, session: Session) -> datetime:
        return self.now()

    def wall_now(self, session: Session) -> datetime:
        return self.now()

    def advance(self, by: timedelta) -> None:
        self.true.advance(by)

    def advance_to(self, when: datetime) -> None:
        self.true.advance_to(when - self.ahead)


@pytest.fixture
def wrong(clock: VirtualClock) -> WrongClock:
    return WrongClock(clock)


@pytest.fixture
def stock(database_url: str, wrong: WrongClock, carts: CartRegistry, amazon: SimulatedAmazon) -> Iterator[Stock]:
    platform = build_platform(make_config(database_url), clock=wrong, buckets=MemoryBuckets(wrong), carts=carts)
    yield Stock(World(platform, wrong, amazon))
    platform.db.dispose()


def buy(stock: Stock, clock: VirtualClock, order_id: str) -> str:
    """Somebody buys at this moment, by the shop's clock."""
    at = iso_time(clock.now())
    line = item(ordered=1, unfulfilled=1, product={"sellerSku": "TENT-2P", "title": "Tent"})
    order = ready_order(orderId=order_id, createdTime=at, lastUpdatedTime=at, orderItems=[line])
    stock.world.amazon.post("orders", [{**order, "seller": NORTHWIND}])
    return order_id


@pytest.mark.parametrize(
    ("database_url", "ahead"),
    [
        ("sqlite", HOUR),
        pytest.param("postgresql", timedelta(days=1), marks=pytest.mark.postgres),
        ("sqlite", timedelta(days=366)),
    ],
    indirect=["database_url"],
)
def test_field_A6_a_store_goes_on_within_a_minute(stock: Stock, wrong: WrongClock, ahead: timedelta) -> None:
    world = stock.world
    stock.finish()
    wrong.ahead = ahead
    world.settle()
    # The shop lists what is two minutes old.
    bought = buy(stock, wrong.true, "111-0000000-0000001")
    world.settle_later(seconds=90)
    world.settle_later(seconds=90)
    assert bought not in world.orders()
    wrong.ahead = timedelta(0)
    world.settle_later(seconds=30)
    world.settle_later(seconds=30)
    now = wrong.now()
    with world.platform.db.read() as session:
        late = sa.or_(
            Task.run_at > now + FLOOR, sa.and_(Task.kind != TaskKind.INVENTORY_PUSH, Task.run_at > now + HOUR)
        )
        waiting = session.scalars(sa.select(Task.kind).where(Task.state == TaskState.READY, late)).all()
        slots = session.scalars(sa.select(Schedule.kind).where(Schedule.next_at > now + timedelta(days=1))).all()
    assert (waiting, slots) == ([], [])
    # The shop's own limit lets the listing come a few minutes later.
    world.pass_time(minutes=8)
    assert world.orders()[bought].state == ReceivedState.INJECTED
    assert {row.ack_state for row in world.orders().values()} == {AckState.DONE}
    now = wrong.now()
    with world.platform.db.read() as session:
        assert session.scalars(sa.select(Submission.id).where(Submission.closed_at.is_(None))).all() == []
        accepted = session.scalars(sa.select(InventorySync.accepted_at)).one()
        checked = session.scalars(sa.select(ImportCursor.checked_at)).all()
        cases = session.scalars(sa.select(SupportCase).where(SupportCase.kind == CaseKind.CLOCK_PUT_BACK)).all()
    assert all(at is None or at <= now for at in checked)
    assert [case.account_id for case in cases] == [None]
    assert accepted is not None and accepted <= now
    # The floor is not undercut: nothing is sent before it has passed since the last push, by any clock.
    sent = stock.feeds()
    world.settle_later(hours=11)
    world.settle_later(minutes=30)
    assert stock.feeds() == sent
    world.settle_later(minutes=31)
    world.pass_time(minutes=3)
    assert stock.feeds() > sent
    assert world.quarantined() == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_package_that_left_by_a_clock_that_is_ahead_is_confirmed(stock: Stock, wrong: WrongClock) -> None:
    world = stock.world
    stock.finish()
    bought = buy(stock, wrong.true, "111-0000000-0000002")
    world.settle_later(minutes=61)
    world.pass_time(minutes=2)
    # Since the last listing, which would have told it.
    wrong.ahead = HOUR
    (order,) = world.warehouse_orders().values()
    label = {"carrier": "UPS", "service": "", "tracking_number": "1Z9999999999999999"}
    confirming(packing.ship, world.platform, order_id=order.id, **label, lines={"TENT-2P": "1"}, user_id=None)
    world.settle_later(seconds=10)
    world.settle_later(seconds=10)
    assert [entry["trackingNumber"] for entry in world.amazon.get(f"orders/{bought}")["packages"]] == [
        "1Z9999999999999999"
    ]
    assert world.orders()[bought].state == ReceivedState.COMPLETED


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_lease_is_cut_to_its_length_and_not_taken_for_ended(stock: Stock, wrong: WrongClock) -> None:
    platform = stock.world.platform
    stock.finish()
    with platform.db.write() as session:
        task_id = session.scalars(sa.select(Task.id).where(Task.kind == TaskKind.ORDERS_CHECK).limit(1)).one()
        until = wrong.now() + timedelta(days=1)
        session.execute(sa.update(Task).where(Task.id == task_id).values(state=TaskState.RUNNING, lease_until=until))
    tick(platform, NotedWakeups())
    assert _task(stock, task_id).lease_until == wrong.now() + LEASE
    assert (_task(stock, task_id).state, _task(stock, task_id).crashes) == (TaskState.RUNNING, 0)
    wrong.advance(LEASE + timedelta(seconds=1))
    tick(platform, NotedWakeups())
    assert (_task(stock, task_id).state, _task(stock, task_id).crashes) == (TaskState.READY, 1)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_floor_starts_anew_where_a_push_was_accepted_in_the_future(stock: Stock, wrong: WrongClock) -> None:
    stock.finish()
    wrong.ahead = timedelta(days=3)
    with stock.world.platform.db.write() as session:
        session.execute(sa.update(InventorySync).values(accepted_at=wrong.now()))
        session.execute(sa.update(Schedule).values(set_at=wrong.now(), next_at=wrong.now() + HOUR))
    wrong.ahead = timedelta(0)
    stock.world.settle()
    with stock.world.platform.db.read() as session:
        integration = session.get_one(Integration, stock.store)
        may_at = push.next_possible(stock.world.platform, session, integration, wrong.now())
    assert may_at == wrong.now() + FLOOR


def _task(stock: Stock, task_id: int) -> Task:
    with stock.world.platform.db.read() as session:
        return session.get_one(Task, task_id)


BUCKET = Budget("test", rate_per_s=0.5, burst=2)


def test_buckets_in_memory_are_full_again_as_soon_as_an_empty_one(wrong: WrongClock) -> None:
    buckets = MemoryBuckets(wrong)
    wrong.ahead = timedelta(days=1)
    buckets.empty(BUCKET)
    wrong.ahead = timedelta(0)
    assert buckets.take([BUCKET]) == pytest.approx(2)
    wrong.advance(timedelta(seconds=2))
    assert buckets.take([BUCKET]) == 0


def test_buckets_in_redis_are_full_again_as_soon_as_an_empty_one(redis_url: str) -> None:
    import redis

    with redis.Redis.from_url(redis_url) as connection:
        buckets = RedisBuckets(connection)
        seconds, _ = connection.time()
        # As it was left by a clock that was a day ahead.
        connection.set("is2:bucket:test", str((seconds + 86_400) * 1000))
        assert 1 < buckets.take([BUCKET]) <= 2
        at = float(connection.get("is2:bucket:test"))
        assert at <= (seconds + 6) * 1000, "it is kept, or it would be as far away for a day"
