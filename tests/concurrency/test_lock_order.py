"""Transactions that touch the same rows in different orders: on PostgreSQL none of them is a deadlock's victim."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import IntegrationState
from is2_core.admin import support_cases
from is2_core.cases import cases
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.clock import VirtualClock
from is2_core.db.base import Owned
from is2_core.db.locks import lock_rows
from is2_core.install import disconnect
from is2_core.inventory.models import InventorySync
from is2_core.inventory.push.sync_row import sync_row
from is2_core.items import custom_items, table_parts
from is2_core.items.models import CartItem
from is2_core.items.table_plan import PreviewRow, What
from is2_core.orders.importing.staging import stage, stage_singly
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.platform import Platform
from tests.concurrency.test_side_by_side import NO_WORDS, shown
from tests.conftest import Engines, empty_postgres
from tests.support.postgres import PostgresServer
from tests.support.side_by_side import Gate, Threads
from tests.support.slow import SlowStore

pytestmark = pytest.mark.postgres


@pytest.fixture
def database_url(postgres: PostgresServer, engines: Engines) -> str:
    return empty_postgres(postgres, engines)


@pytest.fixture
def store(platform: Platform, clock: VirtualClock) -> SlowStore:
    return SlowStore(platform, clock)


def _list_items(store: SlowStore) -> None:
    seen = {f"SHIRT-{number}": ("A shirt", f"item-{number}") for number in (3, 2, 1)}
    custom_items._keep_list(store.platform, store.id, account_scope(store.account), seen)


def _apply_table(store: SlowStore, session: Session) -> None:
    ids = session.scalars(sa.select(CartItem.id).order_by(CartItem.id.desc())).all()
    rows = [
        PreviewRow(number, f"SHIRT-{item}", What.CHANGED, (), "A shirt", True, (), item_id=item)
        for number, item in enumerate(ids)
    ]
    table_parts.lock_items(session, store.id, [row.sku for row in rows])
    table_parts._change(session, rows)


def _stage_singly(store: SlowStore, session: Session) -> None:
    integration = session.get_one(Integration, store.id)
    orders = [shown(store, f"A-{number}", 5) for number in (3, 2, 1)]
    stage_singly(store.platform, session, integration, NO_WORDS, orders)


def _stage(store: SlowStore, session: Session) -> None:
    integration = session.get_one(Integration, store.id)
    stage(store.platform, session, integration, NO_WORDS, [shown(store, f"A-{number}", 5) for number in (3, 2, 1)])


def _in_one_unit(operation: Callable[[SlowStore, Session], None]) -> Callable[[SlowStore], None]:
    def run(store: SlowStore) -> None:
        with store.platform.db.write() as session:
            operation(store, session)

    return run


OPERATIONS: dict[str, tuple[type[Owned], Callable[[SlowStore], None]]] = {
    "list of items": (CartItem, _list_items),
    "table of items": (CartItem, _in_one_unit(_apply_table)),
    "page": (ReceivedOrder, _in_one_unit(_stage)),
    "page, one by one": (ReceivedOrder, _in_one_unit(_stage_singly)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_rows_are_locked_by_ascending_id(store: SlowStore, name: str) -> None:
    """Somebody has the first row and wants the last; who wants them all must not have the last already."""
    table, operation = OPERATIONS[name]
    if table is CartItem:
        store.items(3)
    else:
        store.orders(3, state=ReceivedState.STAGED)
    with store.platform.db.write() as session:
        # The first row now lies behind the others, where a statement without an order finds it last.
        first, *_, last = session.scalars(sa.select(table.id).order_by(table.id)).all()
        session.execute(sa.update(table).where(table.id == first).values(account_id=store.account))
    gate = Gate()

    def first_and_last() -> None:
        with store.platform.db.write() as session:
            lock_rows(session, table.id, [first])
            gate.stop()
            lock_rows(session, table.id, [last])

    def all_of_them() -> None:
        operation(store)

    with Threads(store.platform.db) as threads:
        threads.start(first_and_last)
        gate.wait()
        threads.until_blocked(threads.start(all_of_them))
        gate.open()


def _raise(store: SlowStore, session: Session, subject: str) -> None:
    case = {"account_id": store.account, "kind": CaseKind.OVERSOLD, "subject": subject}
    cases.raise_case(session, store.clock.now(), **case, message="More than there is.")


def _end(store: SlowStore, session: Session, subject: str) -> None:
    cases.end_case(session, store.clock.now(), account_id=store.account, kind=CaseKind.OVERSOLD, subject=subject)


def test_cases_of_an_account_are_changed_by_one_at_a_time(store: SlowStore) -> None:
    with store.platform.db.write() as session:
        _raise(store, session, "sku B")
    gate = Gate()

    def end_and_raise() -> None:
        with store.platform.db.write() as session:
            _end(store, session, "sku B")
            gate.stop()
            _raise(store, session, "sku C")

    def raise_both() -> None:
        with store.platform.db.write() as session:
            _raise(store, session, "sku A")
            _raise(store, session, "sku B")

    with Threads(store.platform.db) as threads:
        threads.start(end_and_raise)
        gate.wait()
        threads.until_blocked(threads.start(raise_both))
        gate.open()
    assert store.count(SupportCase.closed_at.is_(None)) == 3


def test_a_case_is_closed_while_its_order_is_changed(store: SlowStore, monkeypatch: pytest.MonkeyPatch) -> None:
    (order_id,) = store.orders(1)
    with store.platform.db.write() as session:
        about = {"account_id": store.account, "kind": CaseKind.CANCELLED_UNITS, "subject": "order 1"}
        cases.raise_case(session, store.clock.now(), **about, message="Fewer.", order_id=order_id)
        case_id = session.scalars(sa.select(SupportCase.id)).one()
    gate, add = Gate(), support_cases.record

    def record(*arguments: object) -> None:
        gate.stop()
        add(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(support_cases, "record", record)

    def change() -> None:
        with store.platform.db.write() as session:
            lock_rows(session, ReceivedOrder.id, [order_id])
            cases.raise_case(session, store.clock.now(), **about, message="Still fewer.", order_id=order_id)

    with Threads(store.platform.db) as threads:
        threads.start(lambda: support_cases.close_case(store.platform, case_id=case_id, user_id=1, answer="Done."))
        gate.wait()
        threads.until_blocked(threads.start(change))
        gate.open()
    assert store.count(SupportCase.closed_at.is_(None)) == 1


def test_a_store_is_disconnected_while_its_orders_are_listed(store: SlowStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.orders(1, state=ReceivedState.STAGED, read_at=store.clock.now())
    gate, move = Gate(), disconnect.transition

    def transition(*arguments: Any, **fields: Any) -> set[int]:
        gate.stop()
        return move(*arguments, **fields)

    monkeypatch.setattr(disconnect, "transition", transition)

    def list_orders() -> None:
        with store.platform.db.write() as session:
            _stage(store, session)

    with Threads(store.platform.db) as threads:
        threads.start(
            lambda: (
                disconnect.disconnect(
                    store.platform, integration_id=store.id, scope=account_scope(store.account), user_id=1
                )
                and None
            )
        )
        gate.wait()
        threads.until_blocked(threads.start(list_orders))
        gate.open()
    assert store.count(Integration.state == IntegrationState.DISCONNECTED) == 1


def test_the_row_of_a_store_is_made_by_two_at_once(store: SlowStore) -> None:
    gate = Gate()

    def note(problem: str) -> None:
        with store.platform.db.write() as session:
            row = sync_row(session, store.id)
            gate.stop()
            row.problem_skus = [*row.problem_skus, problem]

    with Threads(store.platform.db) as threads:
        threads.start(lambda: note("A"))
        gate.wait()
        threads.until_blocked(threads.start(lambda: note("B")))
        gate.open()
    with store.platform.db.read() as session:
        assert session.get_one(InventorySync, store.id).problem_skus == ["A", "B"]
