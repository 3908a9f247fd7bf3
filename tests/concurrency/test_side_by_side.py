"""Listings of one store at the same time, and what was placed between them: older news never wins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.clock import VirtualClock
from is2_core.orders.fulfillment.rereading import quarantine
from is2_core.orders.importing import staging
from is2_core.orders.models import Hold, OrderEvent, ReceivedLine, ReceivedOrder, Recipient
from is2_core.orders.states import ReceivedState
from is2_core.orders.wording.events import EventCode, Told
from is2_core.platform import Platform
from plugins.interface import (
    Address,
    FulfilledBy,
    Order,
    OrderLine,
    OrderReject,
    OrderState,
    ShippingMappingUI,
)
from tests.support.buyers import pii_of
from tests.support.side_by_side import Gate, Threads
from tests.support.slow import SKU, SlowStore

NO_WORDS = ShippingMappingUI(())


@pytest.fixture
def store(platform: Platform, clock: VirtualClock) -> SlowStore:
    return SlowStore(platform, clock)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """The first to stage stops between deciding and writing."""
    gate, load = Gate(), staging.load_config

    def load_config(*arguments: Any, **more: Any) -> Any:
        gate.stop()
        return load(*arguments, **more)

    monkeypatch.setattr(staging, "load_config", load_config)
    return gate


def shown(
    store: SlowStore, order_id: str, minutes: int, state: OrderState = OrderState.READY, city: str = "A"
) -> Order:
    """An order as the cart shows it so many minutes from now."""
    return Order(
        remote_id=order_id,
        site="",
        state=state,
        fulfilled_by=FulfilledBy.MERCHANT,
        created_at=store.clock.now() - timedelta(hours=1),
        updated_at=store.clock.now() + timedelta(minutes=minutes),
        lines=(OrderLine(f"{order_id}-1", SKU, "A tent", 1, 0 if state is OrderState.READY else 1, 1, None),)
        if state is OrderState.READY
        else (OrderLine(f"{order_id}-1", SKU, "A tent", 1, 1, 0, None),),
        shipping_method="standard",
        recipient=Address(name="Ada", lines=("1 Main Street",), city=city, postal_code="12345", country="US"),
    )


def stage(store: SlowStore, orders: Sequence[Order], rejects: Sequence[OrderReject] = ()) -> None:
    with store.platform.db.write() as session:
        integration = session.get_one(Integration, store.id)
        staging.stage(store.platform, session, integration, NO_WORDS, orders, rejects=rejects)


def only(store: SlowStore) -> ReceivedOrder:
    with store.platform.db.read() as session:
        return session.scalars(sa.select(ReceivedOrder)).one()


def test_field_A4_a_slow_listing_leaves_a_placed_order_placed(store: SlowStore, gate: Gate) -> None:
    def list_and_place() -> None:
        stage(store, [shown(store, "A-1", 5)])
        store.warehouse.slow = False
        store.run_once("orders.place")

    with Threads(store.platform.db) as threads:
        threads.start(lambda: stage(store, [shown(store, "A-1", 5)]))
        gate.wait()
        quick = threads.start(list_and_place)
        threads.until_blocked(quick)
        gate.open()
    assert only(store).state == ReceivedState.INJECTED


@pytest.mark.parametrize("known", [False, True])
def test_field_A4_older_news_never_wins(store: SlowStore, gate: Gate, known: bool) -> None:
    if known:
        gate.open()
        stage(store, [shown(store, "A-1", 0)])
    older = shown(store, "A-1", 1, city="Old Town")
    newer = shown(store, "A-1", 2, OrderState.CANCELLED, city="New Town")
    with Threads(store.platform.db) as threads:
        threads.start(lambda: stage(store, [older]))
        if not known:
            gate.wait()
        quick = threads.start(lambda: stage(store, [newer]))
        threads.until_blocked(quick)
        gate.open()
    order = only(store)
    assert (order.state, order.cart_state) == (ReceivedState.CANCELLED, OrderState.CANCELLED)
    assert order.cart_updated_at == newer.updated_at
    with store.platform.db.read() as session:
        assert session.scalars(sa.select(ReceivedLine.open)).all() == [0]
        assert session.scalars(sa.select(Hold.id)).all() == []


def test_scenario_F13_newer_news_of_a_slow_listing_wins_over_a_quick_older_one(store: SlowStore, gate: Gate) -> None:
    with Threads(store.platform.db) as threads:
        threads.start(lambda: stage(store, [shown(store, "A-1", 2, city="New Town")]))
        gate.wait()
        quick = threads.start(lambda: stage(store, [shown(store, "A-1", 1, city="Old Town")]))
        threads.until_blocked(quick)
        gate.open()
    assert only(store).cart_updated_at == store.clock.now() + timedelta(minutes=2)
    with store.platform.db.read() as session:
        (pii,) = [pii_of(session, row) for row in session.scalars(sa.select(Recipient))]
        read = session.scalars(sa.select(OrderEvent.code)).all()
    assert pii["address"]["city"] == "New Town"
    assert len(read) == 1


def test_an_older_readable_revision_does_not_replace_a_newer_unreadable_one(store: SlowStore) -> None:
    stage(store, [], [OrderReject("A-1", "UNREADABLE", "It cannot be read.", store.clock.now() + timedelta(minutes=2))])
    stage(store, [shown(store, "A-1", 1)])
    assert only(store).state == ReceivedState.QUARANTINED
    stage(store, [shown(store, "A-1", 2)])
    assert only(store).state == ReceivedState.STAGED


def test_a_readable_order_takes_the_place_of_one_that_told_no_time(store: SlowStore) -> None:
    stage(store, [], [OrderReject("A-1", "UNREADABLE", "It cannot be read.")])
    stage(store, [shown(store, "A-1", -60)])
    assert only(store).state == ReceivedState.STAGED


@pytest.mark.parametrize("state", [ReceivedState.INJECTED, ReceivedState.DISMISSED, ReceivedState.CANCELLED])
def test_scenario_F16_an_answer_that_comes_late_sets_no_order_aside_that_has_moved_on(
    store: SlowStore, state: str
) -> None:
    (order_id,) = store.orders(1, state=state)
    with store.platform.db.write() as session:
        assert not quarantine(session, order_id, Told(EventCode.UNKNOWN_TO_CART), store.clock.now())
    assert only(store).state == state
