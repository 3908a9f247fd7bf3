"""Tasks whose calls together outlast the job timeout: every turn ends in time and keeps what it was answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
import sqlalchemy as sa
from is2_tiny import shop

from is2_core.clock import VirtualClock
from is2_core.comparison.models import ComparedOrder
from is2_core.comparison.states import Outcome
from is2_core.embedded_warehouse.models import WarehouseActivity, WarehouseFeed
from is2_core.items.models import CartItem
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.models import ImportCursor, LineCustomization, ReceivedLine, ReceivedOrder, Recipient
from is2_core.orders.states import AckState, CustomizationState, ReceivedState
from is2_core.orders.wording.events import EventCode
from is2_core.platform import Platform
from is2_core.tasks.pace import CALLS
from is2_core.warehouses.models import WarehouseCursor
from tests.support.buyers import change_pii
from tests.support.slow import SKU, JobTimeout, SlowStore

# At six seconds a call, more than fits into the job timeout; and what is enough for a worker to die in its midst.
MANY, SOME = 52, 14


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def store(platform: Platform, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> SlowStore:
    # Each read of the item list is five calls.
    monkeypatch.setattr(shop, "PAGE", 11)
    return SlowStore(platform, clock)


@dataclass(frozen=True)
class Case:
    """A task with so much to do that it needs several turns, and how much of it is done.

    Args:
        kept: the least that is done after a worker's end at its 8th call.
        later: how many then wait longer than for the next turn.
    """

    kind: str
    prepare: Callable[[SlowStore, int], None]
    done: Callable[[SlowStore], int]
    kept: int
    later: int = 0


def _tracking(store: SlowStore, count: int) -> None:
    store.packages(count)


def _posted(store: SlowStore) -> int:
    return store.count(Package.post_state == PostState.DONE)


def _acknowledgements(store: SlowStore, count: int) -> None:
    store.orders(count, placed_at=store.clock.now(), ack_state=AckState.DUE)


def _acknowledged(store: SlowStore) -> int:
    return store.count(ReceivedOrder.ack_state == AckState.DONE)


def _not_shown(store: SlowStore, count: int) -> None:
    store.orders(count, placed_at=store.clock.now())


def _shown(store: SlowStore) -> int:
    return store.count(ComparedOrder.outcome == Outcome.AGREES)


def _fresh(store: SlowStore, count: int) -> None:
    store.orders(count, state=ReceivedState.STAGED, read_at=store.clock.now() + timedelta(hours=5))


def _stale(store: SlowStore, count: int) -> None:
    store.warehouse.slow = False
    store.orders(count, state=ReceivedState.STAGED, read_at=store.clock.now() - timedelta(hours=2))


def _read_again(store: SlowStore) -> int:
    return store.count(ReceivedOrder.read_at >= store.clock.now() - timedelta(hours=1))


def _ended(store: SlowStore, count: int) -> None:
    store.orders(count, state=ReceivedState.EXCLUDED, reason_code=EventCode.NOT_FROM_HERE)


def _reopened(store: SlowStore) -> int:
    return store.count(ReceivedOrder.reason_code != EventCode.NOT_FROM_HERE)


def _unknown(store: SlowStore, count: int) -> None:
    store.orders(count)
    store.place_in_warehouse()
    with store.platform.db.write() as session:
        session.execute(sa.update(ReceivedOrder).values(state=ReceivedState.STAGED, placed_at=None))


def _placed(store: SlowStore) -> int:
    return store.count(ReceivedOrder.placed_at.is_not(None))


def _cancelled(store: SlowStore, count: int) -> None:
    store.orders(count)
    store.place_in_warehouse()
    with store.platform.db.write() as session:
        session.execute(sa.update(ReceivedOrder).values(cart_state="CANCELLED"))


def _stopped(store: SlowStore) -> int:
    return store.count(ReceivedOrder.stop_asked_at.is_not(None))


def _customized(store: SlowStore, count: int) -> None:
    store.orders(count, state=ReceivedState.STAGED)
    with store.platform.db.write() as session:
        for row in session.scalars(sa.select(Recipient)).all():
            line = session.scalars(sa.select(ReceivedLine).where(ReceivedLine.order_id == row.order_id)).one()
            line.customization = CustomizationState.DUE
            lines = {line.remote_id: {"gift_message": "", "customization_url": f"https://x/{line.id}"}}
            change_pii(session, row, lines=lines)


def _fetched(store: SlowStore) -> int:
    return store.count(LineCustomization.fetched_at.is_not(None))


def _due_items(store: SlowStore, count: int) -> None:
    store.items(count, channel_read_at=store.clock.now() + timedelta(hours=5))
    with store.platform.db.write() as session:
        session.add(
            ImportCursor(integration_id=store.id, kind="routine", watermark=store.clock.now() + timedelta(hours=5))
        )


def _pushed(store: SlowStore) -> int:
    return store.count(CartItem.pushed_at.is_not(None))


def _unread_items(store: SlowStore, count: int) -> None:
    store.items(count)


def _read(store: SlowStore) -> int:
    return store.count(CartItem.channel_read_at.is_not(None))


def _pushed_items(store: SlowStore, count: int) -> None:
    long_ago = store.clock.now() - timedelta(days=1)
    store.items(count, pushed_at=long_ago, pushed_version=1, pushed_quantity=0)


def _activity(store: SlowStore, count: int) -> None:
    with store.platform.db.write() as session:
        session.execute(sa.delete(WarehouseActivity))
        session.execute(sa.update(WarehouseFeed).values(position=count))
        for position in range(1, count + 1):
            session.add(WarehouseActivity(account_id=store.account, position=position, sku=f"{SKU}-{position}"))


def _activity_read(store: SlowStore) -> int:
    with store.platform.db.read() as session:
        cursor = session.scalar(sa.select(WarehouseCursor.cursor).where(WarehouseCursor.kind == "activity"))
    return int(cursor or 0)


# Three calls of six seconds fit into the 20 s after which results are stored at the latest.
CASES = {
    "tracking": Case("tracking.post", _tracking, _posted, 4),
    "acknowledgements": Case("acknowledgements.send", _acknowledgements, _acknowledged, 4),
    "placing": Case("orders.place", _fresh, _placed, 4),
    "reading again": Case("orders.place", _stale, _read_again, 7),
    "reopening": Case("orders.reopen", _ended, _reopened, 7),
    "unknown": Case("orders.place", _unknown, _placed, 7),
    "comparing": Case("orders.compare", _not_shown, _shown, 7),
    "stopping": Case("orders.stop", _cancelled, _stopped, 7),
    "customizations": Case("orders.customize", _customized, _fetched, 7),
    # Numbers whose answer was lost go with the run after the next floor.
    "inventory": Case("inventory.push", _due_items, _pushed, 4, later=3),
    # This cart shows its whole list, page by page, whatever it is asked for: 5 pages a call.
    "channels": Case("inventory.push", _unread_items, _read, 1),
    "drift": Case("inventory.drift", _pushed_items, _read, 1),
    "warehouse": Case("warehouse.read", _activity, _activity_read, 7),
}


@pytest.mark.parametrize("name", CASES)
def test_field_A2_a_task_that_outlasts_the_job_timeout_gets_to_its_end(store: SlowStore, name: str) -> None:
    case = CASES[name]
    case.prepare(store, MANY)
    turns = store.run_until(case.kind, lambda: case.done(store), MANY)
    assert turns > 1
    writes = Counter(sent for sent in store.transport.sent if sent[0] == "PUT")
    assert set(writes.values()) <= {1}, "something was sent twice"


@pytest.mark.parametrize("name", CASES)
def test_what_was_answered_before_the_end_of_a_worker_stays(store: SlowStore, name: str) -> None:
    case = CASES[name]
    case.prepare(store, SOME)
    store.timer.dies_at = store.timer.calls + 8
    with pytest.raises(JobTimeout):
        store.run_once(case.kind)
    assert case.done(store) >= case.kept
    store.sweep()
    store.run_until(case.kind, lambda: case.done(store), SOME - case.later)
    writes = Counter(sent for sent in store.transport.sent if sent[0] == "PUT")
    assert sum(count - 1 for count in writes.values()) <= 3
    assert max(writes.values(), default=1) <= 2


def test_quick_calls_are_stored_by_the_ten(store: SlowStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.slow.CALL_S", 0.8)
    store.packages(50)
    batches: list[int] = []
    call = store.platform.carts.call

    def counted(cart: str, hook: str, **arguments: object) -> object:
        if hook == "post_tracking":
            batches.append(len(arguments["packages"]))  # type: ignore[arg-type]
        return call(cart, hook, **arguments)

    monkeypatch.setattr(store.platform.carts, "call", counted)
    assert store.run_until("tracking.post", lambda: _posted(store), 50) == 1
    assert sum(batches) == 50
    assert max(batches) == CALLS
