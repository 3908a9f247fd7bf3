"""One answer is no fact: what is final and what may pass (`is2_core.integrations.finality`), end to end."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Credential, Integration
from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import IntegrationState
from is2_core.carts.live_call import CartRefused
from is2_core.integrations import connection_test
from is2_core.integrations.models import PassingAnswer
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ReceivedState
from tests.support.amazon import NORTHWIND
from tests.support.world import World


@pytest.fixture
def store(world: World) -> int:
    world.stock_up()
    return world.connect()


def state_of(world: World, store: int) -> tuple[str, str]:
    with world.platform.db.read() as session:
        row = session.get_one(Integration, store)
        return row.state, row.pause_message


def answers(world: World) -> list[tuple[str, str]]:
    with world.platform.db.read() as session:
        return list(session.execute(sa.select(PassingAnswer.answer, PassingAnswer.subject)).all())


def held_for_hours(world: World, store: int) -> str:
    """An order that was read five hours ago and is freed now."""
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.finish(store)
    world.settle()
    assert world.orders()[order_id].state == ReceivedState.HELD
    with world.platform.db.write() as session:
        session.execute(sa.update(ReceivedOrder).values(read_at=world.clock.now() - timedelta(hours=5)))
    return order_id


def test_field_B3_an_order_not_found_once_stays_and_is_read_again_soon(world: World, store: int) -> None:
    order_id = held_for_hours(world, store)
    world.amazon.fault("getOrder", "404")
    world.map_methods(store, "STANDARD")
    world.settle()
    assert world.orders()[order_id].state in (ReceivedState.HELD, ReceivedState.STAGED)
    assert world.warehouse_orders() == {}
    world.pass_time(minutes=2)
    assert world.orders()[order_id].state == ReceivedState.INJECTED
    assert len(world.amazon.calls("getOrder")) == 2


def test_an_order_that_is_never_found_is_set_aside_after_a_day_and_not_before(world: World, store: int) -> None:
    order_id = held_for_hours(world, store)
    world.amazon.fault("getOrder", "404", lasts_s=200_000)
    world.amazon.fault("searchOrders", "omit", lasts_s=200_000, order_id=order_id)
    world.map_methods(store, "STANDARD")
    for _ in range(10):
        world.settle_later(hours=2)
    assert world.orders()[order_id].state == ReceivedState.STAGED
    calls = len(world.amazon.calls("getOrder"))
    assert calls >= 10
    for _ in range(3):
        world.settle_later(hours=2)
    assert world.orders()[order_id].state == ReceivedState.QUARANTINED
    assert world.quarantined() == []


def test_field_B4_a_role_gone_for_half_an_hour_pauses_nothing(world: World, store: int) -> None:
    world.map_methods(store, "STANDARD")
    world.finish(store)
    world.settle()
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.amazon.touch(order_id)
    world.amazon.fault("searchOrders", "403", lasts_s=31 * 60)
    world.pass_time(minutes=40)
    asked = len(world.amazon.calls("searchOrders"))
    assert 4 < asked < 40
    assert state_of(world, store) == (IntegrationState.ACTIVE, "")
    assert world.orders()[order_id].state == ReceivedState.INJECTED
    assert answers(world) == []


def test_field_B4_a_role_that_stays_away_pauses_after_an_hour_and_its_return_resumes(world: World, store: int) -> None:
    world.map_methods(store, "STANDARD")
    world.finish(store)
    world.settle()
    world.amazon.fault("searchOrders", "403", lasts_s=5 * 3600)
    world.settle_later(minutes=31)
    for _ in range(5):
        world.settle_later(minutes=11)
    assert state_of(world, store)[0] == IntegrationState.ACTIVE
    world.settle_later(minutes=6)
    state, message = state_of(world, store)
    assert (state, "lacks the role" in message) == (IntegrationState.PAUSED, True)
    # Its connection works all the while, so it goes on on trial each hour: one more refusal pauses it at once.
    calls = len(world.amazon.calls("searchOrders"))
    for _ in range(2):
        world.settle_later(minutes=60)
        assert state_of(world, store) == (state, message)
    assert len(world.amazon.calls("searchOrders")) == calls + 2
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.amazon.touch(order_id)
    for _ in range(3):
        world.settle_later(minutes=60)
    assert state_of(world, store) == (IntegrationState.ACTIVE, "")
    assert world.orders()[order_id].state == ReceivedState.INJECTED
    assert world.quarantined() == []


def mint_anew(world: World) -> None:
    with world.platform.db.write() as session:
        session.execute(sa.update(Credential).values(access_token=None, access_expires_at=None))


def test_a_refused_authorization_that_passes_pauses_nothing_and_one_that_lasts_does(world: World, store: int) -> None:
    world.finish(store)
    world.settle()
    world.amazon.fault("token", "invalid_grant", lasts_s=10 * 60)
    mint_anew(world)
    world.clock.advance(timedelta(minutes=31))
    world.amazon.fault("token", "invalid_grant", lasts_s=10 * 60)
    for _ in range(4):
        world.settle_later(minutes=4)
    assert state_of(world, store) == (IntegrationState.ACTIVE, "")
    mint_anew(world)
    world.amazon.fault("token", "invalid_grant", lasts_s=100 * 60)
    world.settle_later(minutes=31)
    for _ in range(3):
        world.settle_later(minutes=6)
    assert state_of(world, store)[0] == IntegrationState.PAUSED
    world.settle_later(minutes=60)
    world.settle_later(minutes=60)
    assert state_of(world, store) == (IntegrationState.ACTIVE, "")


def test_a_paused_integration_is_tried_again_for_a_week(world: World, store: int) -> None:
    world.finish(store)
    world.settle()
    world.amazon.post("seller", {"seller": NORTHWIND, "revoke": True})
    mint_anew(world)
    for _ in range(7):
        world.settle_later(minutes=8)
    assert state_of(world, store)[0] == IntegrationState.PAUSED
    refused = len(world.amazon.calls("token"))
    for _ in range(3):
        world.settle_later(hours=1)
    assert len(world.amazon.calls("token")) == refused + 3
    world.settle_later(days=7)
    world.settle_later(hours=1)
    refused = len(world.amazon.calls("token"))
    for _ in range(3):
        world.settle_later(hours=1)
    assert len(world.amazon.calls("token")) == refused
    assert world.quarantined() == []


def test_a_persons_test_shows_its_result_at_once_and_counts_as_one(world: World, store: int) -> None:
    world.finish(store)
    world.settle()
    world.amazon.fault("getMarketplaceParticipations", "403", lasts_s=3 * 3600)
    test = {"integration_id": store, "scope": account_scope(world.account)}
    for wait in (0, 31, 30):
        world.clock.advance(timedelta(minutes=wait))
        assert state_of(world, store)[0] == IntegrationState.ACTIVE
        with pytest.raises(CartRefused, match="lacks the role"):
            connection_test.test_connection(world.platform, **test)
    assert state_of(world, store)[0] == IntegrationState.PAUSED


def test_a_missing_setting_needs_no_second_answer(world: World, store: int) -> None:
    world.finish(store)
    with world.platform.db.write() as session:
        session.execute(sa.text("UPDATE credential SET credentials = (SELECT secrets FROM cart_setting)"))
        session.execute(sa.update(Credential).values(access_token=None))
    world.settle_later(seconds=1)
    assert state_of(world, store)[0] == IntegrationState.PAUSED
