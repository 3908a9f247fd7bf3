"""Two real connections in the order in which a read, a decision and a write would go wrong: nothing is lost, doubled or
put back, and nobody is a deadlock's victim."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.accounts import users
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import IntegrationState
from is2_core.carts.latency import LEAD_DAYS
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.clock import VirtualClock
from is2_core.comparison import compare
from is2_core.comparison.actions import compare_now
from is2_core.comparison.models import ComparedOrder, Comparison
from is2_core.comparison.not_found import note_not_found
from is2_core.comparison.runs import begin
from is2_core.db.locks import LOCK
from is2_core.embedded_warehouse import packing, port
from is2_core.embedded_warehouse.models import WarehouseOrder, WarehousePackage, WarehouseSku
from is2_core.embedded_warehouse.states import WarehouseState
from is2_core.errors import Conflict
from is2_core.install.disconnect import disconnect
from is2_core.integrations import refusals
from is2_core.integrations.connection_test import test_connection as try_connection
from is2_core.integrations.finality import Answer, note_answer
from is2_core.integrations.models import PassingAnswer
from is2_core.inventory.models import InventoryPushLine
from is2_core.inventory.push import push
from is2_core.items import custom_items, item_table
from is2_core.items.models import CartItem
from is2_core.items.states import UnknownSku
from is2_core.items.unknown_skus import answer_sent_sku
from is2_core.jobs import HANDLERS
from is2_core.orders import actions
from is2_core.orders.fulfillment import placeable, placing, rereading
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.importing import staging
from is2_core.orders.models import Hold, ImportCursor, ReceivedLine, ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Task
from is2_core.tasks.queue import enqueue
from is2_core.tasks.runner import run_task
from is2_core.tasks.states import TaskState
from plugins.interface import Order, OrderState, SettingsError
from tests.concurrency.test_side_by_side import only, shown, stage
from tests.conftest import Engines, empty_postgres
from tests.support.parcels import ups_number
from tests.support.postgres import PostgresServer
from tests.support.side_by_side import Gate, Threads
from tests.support.slow import ADDRESS, SKU, SlowStore

pytestmark = pytest.mark.postgres

GNOME = "GARDEN-GNOME"
ROLE = SettingsError("The role is missing.", code="ROLE_MISSING")
Work = Callable[[], object]


@pytest.fixture
def database_url(postgres: PostgresServer, engines: Engines) -> str:
    return empty_postgres(postgres, engines)


@pytest.fixture
def store(platform: Platform, clock: VirtualClock) -> SlowStore:
    made = SlowStore(platform, clock)
    made.warehouse.slow = False
    return made


class Race:
    """The first stops at a place in the code; the second ends meanwhile or waits for it; then the first goes on."""

    def __init__(self, store: SlowStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self._store, self._patch = store, monkeypatch

    def __call__(self, first: Work, second: Work, where: ModuleType, what: str, *, after: bool = False) -> None:
        """Run both.

        Args:
            where, what: the module and the name of the function at which the first stops.
            after: it stops behind it, else before.
        """
        gate, real = Gate(), getattr(where, what)

        def stops(*arguments: Any, **more: Any) -> Any:
            if not after:
                gate.stop()
            answer = real(*arguments, **more)
            if after:
                gate.stop()
            return answer

        self._patch.setattr(where, what, stops)
        with Threads(self._store.platform.db) as threads:
            threads.start(lambda: first() and None)
            gate.wait()
            threads.until_blocked(threads.start(lambda: second() and None))
            gate.open()
        self._patch.setattr(where, what, real)
        assert self._store.count(Task.error_code != "") == 0


@pytest.fixture
def race(store: SlowStore, monkeypatch: pytest.MonkeyPatch) -> Race:
    return Race(store, monkeypatch)


def refused(work: Work) -> Work:
    """Work that somebody else was faster than."""

    def run() -> None:
        with pytest.raises(Conflict):
            work()

    return run


def person(store: SlowStore, name: str) -> int:
    mail = f"{name}@example.com"
    return users.create_user(
        store.platform, email=mail, name=name, password="A long pass phrase 7", account_id=store.account
    )


def runs(store: SlowStore, *kinds: str) -> Work:
    return lambda: [store.run_once(kind) for kind in kinds]


def one(store: SlowStore, model: type[Any]) -> Any:
    with store.platform.db.read() as session:
        return session.scalars(sa.select(model)).one()


def count(store: SlowStore, model: type[Any]) -> int:
    return store.count(model.id.is_not(None))


def ship(store: SlowStore) -> int:
    parcel = {"carrier": "UPS", "service": "", "tracking_number": ups_number(1), "lines": {SKU: "1"}}
    return packing.ship(store.platform, order_id=one(store, WarehouseOrder).id, user_id=None, **parcel)


def correct(store: SlowStore, package_id: int) -> None:
    parcel = {"carrier": "UPS", "service": "", "tracking_number": ups_number(2), "lines": {SKU: "1"}}
    packing.correct_package(store.platform, package_id=package_id, user_id=None, **parcel)


def pressed(store: SlowStore, action: Callable[..., object]) -> Work:
    return lambda: action(store.platform, order_id=only(store).id, scope=account_scope(store.account), user_id=1)


def open_cases(store: SlowStore) -> list[str]:
    with store.platform.db.read() as session:
        return list(session.scalars(sa.select(SupportCase.kind).where(SupportCase.closed_at.is_(None))))


def test_a_stop_comes_while_the_order_is_shipped(store: SlowStore, race: Race) -> None:
    store.orders(1)
    store.place_in_warehouse()
    pressed(store, actions.ask_to_stop)()
    race(lambda: ship(store), runs(store, "orders.stop"), packing, "set_contents")
    store.run_once("warehouse.read")
    order = only(store)
    assert (order.state, order.stopped) == (ReceivedState.SHIPPED, False)
    assert (one(store, WarehouseOrder).state, one(store, WarehouseSku).on_hand) == (WarehouseState.COMPLETED, 999)
    assert (count(store, Package), open_cases(store)) == (1, [CaseKind.TOO_LATE])


def test_an_order_is_shipped_from_a_form_while_it_is_stopped(store: SlowStore, race: Race) -> None:
    store.orders(1)
    store.place_in_warehouse()
    pressed(store, actions.ask_to_stop)()
    race(runs(store, "orders.stop"), refused(lambda: ship(store)), port, "end_order")
    order = only(store)
    assert (order.state, order.stopped) == (ReceivedState.DISMISSED, True)
    assert (one(store, WarehouseOrder).state, one(store, WarehouseSku).on_hand) == (WarehouseState.CANCELLED, 1000)
    assert (count(store, WarehousePackage), open_cases(store)) == (0, [])


@pytest.mark.parametrize("listing_first", [True, False])
def test_an_order_is_compared_while_a_listing_stages_it(store: SlowStore, race: Race, listing_first: bool) -> None:
    store.packages(1)
    with store.platform.db.write() as session:
        session.execute(sa.update(ReceivedOrder).values(shown_at=store.clock.now()))
    news = shown(store, "A-1", 5, OrderState.CANCELLED)
    compares, lists = runs(store, "orders.compare"), lambda: stage(store, [news])
    if listing_first:
        race(lists, compares, staging, "load_config")
    else:
        race(compares, lists, compare, "settle")
    order = only(store)
    assert (order.cart_state, order.cart_updated_at) == (OrderState.CANCELLED, news.updated_at)
    assert one(store, Comparison).ended_at is not None
    assert (count(store, ComparedOrder), count(store, Package)) == (1, 1)
    assert open_cases(store) == [CaseKind.TOO_LATE]


def test_an_order_is_compared_while_the_warehouse_tells_of_it(store: SlowStore, race: Race) -> None:
    store.orders(1, shown_at=store.clock.now())
    store.place_in_warehouse()
    package_id = ship(store)
    store.run_once("warehouse.read")
    correct(store, package_id)
    race(runs(store, "orders.compare"), runs(store, "warehouse.read"), compare, "settle")
    package = one(store, Package)
    assert (package.revision, package.tracking_number) == (2, ups_number(2))
    assert store.count(Task.kind == TaskKind.TRACKING_POST, Task.state == TaskState.READY) == 1
    assert one(store, Comparison).ended_at is not None


def test_a_comparison_is_begun_by_a_person_and_by_its_task(store: SlowStore, race: Race) -> None:
    store.orders(1)
    alice = person(store, "alice")

    def by_a_person() -> str:
        return compare_now(store.platform, integration_id=store.id, scope=account_scope(store.account), user_id=alice)

    race(runs(store, "orders.compare"), by_a_person, compare.runs, "take_what_agrees")
    with store.platform.db.read() as session:
        begun = session.scalars(sa.select(Comparison).order_by(Comparison.id)).all()
    assert [(row.user_id, row.ended_at is None) for row in begun] == [(None, False), (alice, True)]


def test_a_person_ends_an_order_just_before_the_warehouse_is_asked(store: SlowStore, race: Race) -> None:
    store.orders(1, state=ReceivedState.STAGED)
    race(pressed(store, actions.do_not_ship), runs(store, "orders.place"), actions, "transition")
    assert only(store).state == ReceivedState.DISMISSED
    assert (only(store).placing_since, count(store, WarehouseOrder)) == (None, 0)


def test_a_person_ends_an_order_just_as_the_warehouse_is_asked(store: SlowStore, race: Race) -> None:
    store.orders(1, state=ReceivedState.STAGED)
    race(runs(store, "orders.place"), pressed(store, actions.do_not_ship), placeable, "config_for")
    store.run_once("orders.stop")
    assert only(store).state == ReceivedState.DISMISSED
    assert {row.state for row in _all(store, WarehouseOrder)} <= {WarehouseState.CANCELLED}


def test_a_person_has_an_order_stopped_just_as_the_warehouse_has_taken_it(store: SlowStore, race: Race) -> None:
    store.orders(1, state=ReceivedState.STAGED)
    race(runs(store, "orders.place"), pressed(store, actions.ask_to_stop), placing, "store_placed", after=True)
    store.run_once("orders.stop")
    assert only(store).state == ReceivedState.DISMISSED
    assert one(store, WarehouseOrder).state == WarehouseState.CANCELLED


def _all(store: SlowStore, model: type[Any]) -> list[Any]:
    with store.platform.db.read() as session:
        return list(session.scalars(sa.select(model)))


def gnome(store: SlowStore) -> Order:
    """An order of something the warehouse does not have."""
    store.shop.add_order("A-1", (GNOME, 1), created=_told(store), updated=_told(store))
    order = shown(store, "A-1", 0)
    return replace(order, lines=(replace(order.lines[0], sku=GNOME),))


def _told(store: SlowStore) -> str:
    return store.clock.now().isoformat()


def answer(store: SlowStore, sku: str, said: UnknownSku) -> None:
    with store.platform.db.write() as session:
        answer_sent_sku(store.platform, session, session.get_one(Integration, store.id), sku, said)


def test_a_sku_is_not_shipped_from_here_while_its_first_order_is_staged(store: SlowStore, race: Race) -> None:
    order = gnome(store)

    def says_so() -> None:
        answer(store, GNOME, UnknownSku.NOT_FROM_HERE)
        store.run_once("orders.review")

    race(lambda: stage(store, [order]), says_so, staging, "load_config", after=True)
    assert (only(store).state, count(store, Hold)) == (ReceivedState.EXCLUDED, 0)


def test_that_is_undone_while_its_first_order_is_staged(store: SlowStore, race: Race) -> None:
    order = gnome(store)
    answer(store, GNOME, UnknownSku.NOT_FROM_HERE)

    def undo() -> None:
        answer(store, GNOME, UnknownSku.HOLD)
        store.run_once("orders.review")

    race(lambda: stage(store, [order]), undo, staging, "load_config", after=True)
    assert store.count(Task.kind == TaskKind.ORDERS_REOPEN, Task.state == TaskState.READY) == 1
    store.run_once("orders.reopen")
    assert (only(store).state, count(store, Hold)) == (ReceivedState.HELD, 1)


def test_a_sku_is_not_shipped_from_here_while_its_order_is_placed(store: SlowStore, race: Race) -> None:
    store.orders(1, state=ReceivedState.STAGED)

    def says_so() -> None:
        answer(store, SKU, UnknownSku.NOT_FROM_HERE)
        store.run_once("orders.review")

    race(runs(store, "orders.place"), says_so, placeable, "config_for", after=True)
    line = one(store, ReceivedLine)
    # What the warehouse was asked for is shipped.
    assert (line.not_from_here, line.placed) == (False, 1)
    assert (only(store).state, one(store, WarehouseOrder).state) == (ReceivedState.INJECTED, WarehouseState.PENDING)


@pytest.mark.parametrize("subjects", [("orders.check", "orders.check"), ("orders.check", "tracking.post")])
def test_two_tasks_count_a_refusal_at_once(store: SlowStore, race: Race, subjects: tuple[str, str]) -> None:
    def note(subject: str) -> Work:
        def run() -> None:
            with store.platform.db.write() as session:
                refusals._note(session, store.id, ROLE, subject, store.clock.now())

        return run

    race(note(subjects[0]), note(subjects[1]), refusals, "_note", after=True)
    assert sum(row.times for row in _all(store, PassingAnswer)) == 2


def test_a_test_fails_for_the_last_time_while_another_one_works(store: SlowStore, race: Race) -> None:
    for _ in range(2):
        refusals.note_failed_test(store.platform, store.id, ROLE)
        store.clock.advance(timedelta(minutes=31))

    def fails() -> None:
        refusals.note_failed_test(store.platform, store.id, ROLE)

    def works() -> str:
        return try_connection(store.platform, integration_id=store.id, scope=account_scope(store.account))

    race(fails, works, refusals, "_note", after=True)
    # The newer answer counts.
    assert one(store, Integration).state == IntegrationState.ACTIVE


def test_an_order_is_not_found_by_two_who_read_it_at_once(store: SlowStore, race: Race) -> None:
    store.shop.orders.clear()
    (order_id,) = store.orders(1, state=ReceivedState.STAGED, read_at=store.clock.now() - timedelta(days=3))
    store.shop.orders.clear()
    with store.platform.db.write() as session:
        now = store.clock.now()
        for hours in (25, 12):
            then = now - timedelta(hours=hours)
            note_answer(session, store.id, Answer.ORDER_NOT_FOUND, "A-1", then)
        comparison = begin(session, session.get_one(Integration, store.id), now, now)

    def compares() -> None:
        with store.platform.db.write() as session:
            note_not_found(store.platform, session, comparison, order_id)

    race(runs(store, "orders.place"), compares, rereading, "note_answer", after=True)
    assert one(store, PassingAnswer).times == 4
    assert only(store).state == ReceivedState.QUARANTINED
    assert open_cases(store).count(CaseKind.NOT_AT_CART) == 1


def paused(store: SlowStore) -> Work:
    """Pause a store; returns its task that tries whether it goes on."""
    with store.platform.db.write() as session:
        refusals._pause(session, store.id, ROLE, store.clock.now())
        enqueue(
            session,
            kind=TaskKind.ORDERS_CHECK,
            integration=session.get_one(Integration, store.id),
            now=store.clock.now(),
        )
    store.clock.advance(timedelta(hours=1))
    with store.platform.db.read() as session:
        task_id = session.scalars(sa.select(Task.id).where(Task.kind == TaskKind.INTEGRATIONS_RETRY)).one()
    return lambda: run_task(store.platform, task_id, HANDLERS)


@pytest.mark.parametrize(("what", "after"), [("_works", True), ("resume", False)])
def test_a_store_goes_on_by_itself_while_a_person_disconnects_it(
    store: SlowStore, race: Race, what: str, after: bool
) -> None:
    def leave() -> str:
        return disconnect(store.platform, integration_id=store.id, scope=account_scope(store.account), user_id=1)

    race(paused(store), leave, refusals, what, after=after)
    assert one(store, Integration).state == IntegrationState.DISCONNECTED
    assert store.count(Task.kind == TaskKind.ORDERS_CHECK, Task.state == TaskState.WAITING) == 1


@pytest.mark.parametrize(("what", "after"), [("_works", True), ("resume", False)])
def test_a_store_goes_on_by_itself_while_a_person_lets_it(store: SlowStore, race: Race, what: str, after: bool) -> None:
    def let() -> str:
        return try_connection(store.platform, integration_id=store.id, scope=account_scope(store.account))

    race(paused(store), let, refusals, what, after=after)
    assert one(store, Integration).state == IntegrationState.ACTIVE
    assert store.count(Task.kind == TaskKind.ORDERS_CHECK, Task.state == TaskState.READY) == 1
    assert store.count(Task.kind == TaskKind.INTEGRATIONS_RETRY, Task.state != TaskState.DONE) == 0


def table(store: SlowStore, name: str, row: str) -> Work:
    """Upload a table of one row; returns its being applied."""
    content = f"cart_sku,title,active,warehouse_sku,quantity\r\n{row}\r\n".encode()
    owner = {"integration_id": store.id, "scope": account_scope(store.account)}
    kept = item_table.preview(store.platform, **owner, user_id=person(store, name), content=content)
    return lambda: item_table.apply(store.platform, upload_id=kept.upload_id, scope=account_scope(store.account))


def test_an_item_is_edited_while_a_table_changes_it(store: SlowStore, race: Race) -> None:
    store.items(1)
    item_id = one(store, CartItem).id

    def edit() -> None:
        custom_items.edit_item(
            store.platform, item_id=item_id, scope=account_scope(store.account), sku="SHIRT-1", title="Blue"
        )

    race(table(store, "alice", f"SHIRT-1,,no,{SKU},2"), edit, item_table, "write_rows")
    item = one(store, CartItem)
    assert (item.title, item.active) == ("Blue", False)


def test_two_tables_change_an_item(store: SlowStore, race: Race) -> None:
    store.items(1)
    tables = table(store, "alice", f"SHIRT-1,,no,{SKU},2"), table(store, "bob", f"SHIRT-1,Blue,,{SKU},3")
    race(*tables, item_table, "write_rows")
    with store.platform.db.read() as session:
        item = session.scalars(sa.select(CartItem)).one()
        assert (item.title, item.active, [part.quantity for part in item.mappings]) == ("Blue", False, [3])
    assert item.due_version > 1


def to_push(store: SlowStore) -> int:
    """Have an item of which nothing but its push is missing; returns its id."""
    later = store.clock.now() + timedelta(hours=5)
    store.items(1, channel_read_at=later)
    with store.platform.db.write() as session:
        session.add(ImportCursor(integration_id=store.id, kind="routine", watermark=later))
    return one(store, CartItem).id


def test_a_latency_is_saved_while_a_push_reads_the_item(store: SlowStore, race: Race) -> None:
    item_id = to_push(store)

    with store.platform.db.write() as session:
        session.get_one(Integration, store.id).settings = {"shop_url": ADDRESS, LEAD_DAYS: "3"}

    def save() -> None:
        # As its page does; this cart knows none, so its page offers none.
        with store.platform.db.write() as session:
            session.get_one(CartItem, item_id, with_for_update=LOCK).latency = "2"

    race(runs(store, "inventory.push"), save, push, "sellable_of", after=True)
    item = one(store, CartItem)
    assert (item.latency, item.pushed_lead_days, item.pushed_quantity) == ("2", 2, 1000)


def test_an_item_is_stopped_while_a_push_reads_it(store: SlowStore, race: Race) -> None:
    item_id = to_push(store)

    def stop() -> None:
        custom_items.set_active(store.platform, item_id=item_id, scope=account_scope(store.account), active=False)

    race(runs(store, "inventory.push"), stop, push, "sellable_of", after=True)
    assert (one(store, CartItem).pushed_at, count(store, InventoryPushLine)) == (None, 0)
