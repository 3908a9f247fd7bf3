"""What buyers had made on lines: fetched at once, waited for, tried again, given up visibly."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.errors import NotFound
from is2_core.orders import actions, customizations
from is2_core.orders.holds.reasons import HoldCode
from is2_core.orders.models import LineCustomization, ReceivedLine, ReceivedOrder, Recipient
from is2_core.orders.states import CustomizationState, ReceivedState
from is2_core.tasks.models import Task
from is2_core.tasks.queue import enqueue
from is2_core.tasks.states import TaskState
from plugins.interface import Customization
from tests.support.buyers import change_pii, pii_of
from tests.support.world import World


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """On SQLite; `test_on_postgresql.py` repeats the main cases there."""
    return sqlite_url


@pytest.fixture
def shop(world: World) -> World:
    """A connected store with stock and mappings, whose one customized order has just been bought."""
    world.stock_up()
    store = world.connect()
    world.map_methods(store, "STANDARD", "EXPEDITED", "NEXT_DAY", "SECOND_DAY")
    (world.order_id,) = world.amazon.generate(customized=1)["customized"]  # type: ignore[attr-defined]
    world.finish(store)
    return world


def order_of(world: World) -> ReceivedOrder:
    return world.orders()[world.order_id]  # type: ignore[attr-defined, no-any-return]


def downloads(world: World) -> list[int]:
    return [call["status"] for call in world.amazon.calls("downloadCustomization")]


def events(world: World) -> list[str]:
    return [text for text in world.timeline(world.order_id) if text.startswith("What the buyer had made is ")]  # type: ignore[attr-defined]


def test_it_is_fetched_before_the_order_goes_on(shop: World) -> None:
    shop.settle()
    order = order_of(shop)
    line = order.lines[0]
    assert (order.state, line.customization) == (ReceivedState.INJECTED, CustomizationState.STORED)
    here = customizations.customization_of(shop.platform, line_id=line.id, scope=account_scope(shop.account))
    assert here is not None and here.content_type == "application/zip"
    with zipfile.ZipFile(io.BytesIO(here.content)) as packed:
        assert b"Simgift for" in packed.read(packed.namelist()[0])
    with shop.platform.db.engine.connect() as connection:
        stored = connection.exec_driver_sql("SELECT sealed FROM line_customization").scalar()
    assert isinstance(stored, str) and "UEsDB" not in stored, "what a buyer wrote lies sealed"
    with pytest.raises(NotFound):
        customizations.customization_of(shop.platform, line_id=line.id, scope=account_scope(shop.account + 1))


def test_the_order_waits_for_it_and_a_later_try_sets_it_free(shop: World) -> None:
    shop.amazon.fault("downloadCustomization", "5xx", times=2)
    shop.settle()
    assert (order_of(shop).state, shop.holds(order_of(shop).remote_id)) == (
        ReceivedState.HELD,
        {"CUSTOMIZATION_MISSING"},
    )
    shop.pass_time(minutes=11)
    assert order_of(shop).state == ReceivedState.INJECTED


def test_an_address_that_is_not_good_any_more_is_asked_for_anew(shop: World) -> None:
    shop.amazon.fault("downloadCustomization", "5xx")
    shop.settle()
    # The simulated address is good for an hour; the workers are away meanwhile.
    shop.settle_later(minutes=70)
    assert len(shop.amazon.calls("getOrder")) >= 1
    assert order_of(shop).lines[0].customization == CustomizationState.STORED


def test_what_is_fetched_while_its_address_changes_is_fetched_anew(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = customizations._call

    def meanwhile_listed(*arguments: Any) -> Customization:
        found = fetch(*arguments)
        monkeypatch.setattr(customizations, "_call", fetch)
        with shop.platform.db.write() as session:
            for row in session.scalars(sa.select(Recipient)):
                newer = {
                    line: {**notes, "customization_url": ""} for line, notes in pii_of(session, row)["lines"].items()
                }
                change_pii(session, row, lines=newer)
        return found

    monkeypatch.setattr(customizations, "_call", meanwhile_listed)
    shop.settle()
    assert downloads(shop) == [200, 200]
    assert order_of(shop).lines[0].customization == CustomizationState.STORED
    assert events(shop) == ["What the buyer had made is here."]


def test_it_is_given_up_visibly_and_a_person_can_ship_without_or_fetch_again(shop: World) -> None:
    shop.amazon.fault("downloadCustomization", "5xx", times=100)
    shop.pass_time(minutes=5 * customizations.GIVE_UP_AFTER)
    order = order_of(shop)
    assert order.lines[0].customization == CustomizationState.FAILED
    assert (order.state, shop.holds(order.remote_id)) == (ReceivedState.HELD, {"CUSTOMIZATION_MISSING"})
    assert "missing" in events(shop)[0]
    (told,) = shop.hold_texts(order.remote_id).values()
    assert "could not be fetched" in told
    assert told.startswith("What the buyer had made on")
    tried = shop.amazon.get("faults")
    shop.pass_time(hours=2)
    assert shop.amazon.get("faults") == tried, "given up is not tried again by itself"
    actions.approve(
        shop.platform,
        order_id=order.id,
        scope=account_scope(shop.account),
        user_id=shop.owner,
        codes=[HoldCode.CUSTOMIZATION_MISSING],
    )
    shop.settle()
    assert order_of(shop).state == ReceivedState.INJECTED


def test_tries_are_minutes_apart_wherever_the_address_comes_from(shop: World) -> None:
    shop.settle()
    with shop.platform.db.write() as session:
        # As after an address corrected by hand: no address of the customization is stored.
        session.execute(sa.update(LineCustomization).values(sealed=None))
        session.execute(sa.update(ReceivedLine).values(customization=CustomizationState.DUE))
        session.execute(sa.update(ReceivedOrder).values(state=ReceivedState.HELD))
        for row in session.scalars(sa.select(Recipient)):
            change_pii(session, row, lines={})
        enqueue(
            session,
            kind="orders.customize",
            integration=session.scalars(sa.select(Integration)).one(),
            now=shop.clock.now(),
        )
    shop.amazon.fault("downloadCustomization", "5xx", times=100)
    shop.settle()
    before = len(downloads(shop))
    shop.pass_time(minutes=customizations.AGAIN / timedelta(minutes=1) * (customizations.GIVE_UP_AFTER - 1) - 1)
    assert order_of(shop).lines[0].customization == CustomizationState.DUE
    assert len(downloads(shop)) - before == customizations.GIVE_UP_AFTER - 2


def test_one_address_that_hangs_keeps_no_other_waiting(shop: World) -> None:
    others = shop.amazon.generate(customized=3)["customized"]
    shop.amazon.fault("downloadCustomization", "429")
    shop.settle()
    states = [shop.orders()[each].state for each in (order_of(shop).remote_id, *others)]
    assert sorted(states) == [ReceivedState.HELD, *[ReceivedState.INJECTED] * 3]
    shop.pass_time(minutes=10)
    assert {row.state for row in shop.orders().values()} == {ReceivedState.INJECTED}


def test_what_was_set_aside_is_asked_for_with_the_next_listing(shop: World) -> None:
    shop.amazon.fault("downloadCustomization", "5xx")
    shop.settle()
    with shop.platform.db.write() as session:
        session.execute(sa.update(Task).where(Task.kind == "orders.customize").values(state=TaskState.QUARANTINED))
    shop.pass_time(minutes=31)
    assert order_of(shop).state == ReceivedState.INJECTED


def test_a_newer_revision_gives_what_failed_another_chance(shop: World) -> None:
    shop.amazon.fault("downloadCustomization", "5xx", times=100)
    shop.pass_time(minutes=5 * customizations.GIVE_UP_AFTER)
    shop.amazon.heal()
    shop.amazon.touch(order_of(shop).remote_id)
    shop.pass_time(minutes=40)
    assert order_of(shop).state == ReceivedState.INJECTED
    with shop.platform.db.read() as session:
        assert session.scalars(sa.select(LineCustomization.tries)).all() == [0]


def test_fetching_twice_keeps_one(shop: World) -> None:
    shop.settle()
    shop.amazon.touch(order_of(shop).remote_id)
    shop.pass_time(hours=1)
    assert order_of(shop).lines[0].customization == CustomizationState.STORED
    assert downloads(shop) == [200]


def test_nothing_is_fetched_for_a_buyer_whose_data_was_erased(shop: World) -> None:
    shop.amazon.fault("downloadCustomization", "5xx", times=1)
    shop.settle()
    assert order_of(shop).lines[0].customization == CustomizationState.DUE
    with shop.platform.db.write() as session:
        session.execute(sa.update(Recipient).values(sealed=None, erased_at=shop.clock.now()))
    before = len(downloads(shop))
    shop.pass_time(minutes=customizations.AGAIN / timedelta(minutes=1) + 1)
    assert len(downloads(shop)) == before
    with shop.platform.db.read() as session:
        assert session.scalars(sa.select(LineCustomization.sealed)).all() == [None]
