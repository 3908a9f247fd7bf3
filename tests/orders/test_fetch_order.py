"""Fetching one order by the cart's number."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.admin import cart_setup
from is2_core.carts.live_call import CartUnavailable
from is2_core.errors import BadInput, Conflict, FlowError, Forbidden, NotFound
from is2_core.install import disconnect
from is2_core.orders.importing.fetch_order import MAX_REMOTE_ID, can_fetch, fetch_this_order
from is2_core.orders.models import OrderEvent
from is2_core.orders.states import ReceivedState
from is2_core.tasks.models import Task
from tests.support.buyers import why
from tests.support.world import World


class Fetching:
    """A store whose orders are known to Amazon and not to us yet."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.stock_up()
        self.store = world.connect()
        world.map_methods(self.store, "STANDARD", "Express", "SECOND_DAY", "NEXT_DAY")

    def finish(self, **changes: str) -> None:
        self.world.finish(self.store, **changes)
        self.world.settle()

    def fetch(self, remote_id: str, account: int = 0) -> int:
        return fetch_this_order(
            self.world.platform,
            integration_id=self.store,
            scope=account_scope(account or self.world.account),
            user_id=self.world.owner,
            remote_id=remote_id,
        )

    def refusal(self, remote_id: str = "111-0000000-0000000", account: int = 0) -> FlowError:
        with pytest.raises(FlowError) as refused:
            self.fetch(remote_id, account)
        return refused.value

    def events(self, order_id: int) -> list[tuple[str, int | None]]:
        with self.world.platform.db.read() as session:
            rows = session.execute(
                sa.select(OrderEvent.code, OrderEvent.user_id)
                .where(OrderEvent.order_id == order_id)
                .order_by(OrderEvent.id)
            )
            return [(code, user_id) for code, user_id in rows]

    def integration(self) -> Integration:
        with self.world.platform.db.read() as session:
            return session.get_one(Integration, self.store)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """On SQLite; `test_on_postgresql.py` repeats the main cases there."""
    return sqlite_url


@pytest.fixture
def fetching(world: World) -> Fetching:
    return Fetching(world)


def test_an_order_that_was_never_listed_goes_the_whole_road(fetching: Fetching) -> None:
    fetching.finish()
    order_id = fetching.world.amazon.generate(plain=1)["plain"][0]
    row_id = fetching.fetch(f"  {order_id} ")
    received = fetching.world.orders()[order_id]
    assert (received.id, received.state) == (row_id, ReceivedState.STAGED)
    assert fetching.events(row_id)[-1] == ("FETCHED", fetching.world.owner)
    fetching.world.settle()
    assert fetching.world.orders()[order_id].state == ReceivedState.INJECTED
    assert received.number in fetching.world.warehouse_orders()
    assert fetching.world.quarantined() == []


def test_scenario_F19_a_stored_order_is_refreshed_and_stays_one_row(fetching: Fetching) -> None:
    order_id = fetching.world.amazon.generate(unmapped_method=1)["unmapped_method"][0]
    fetching.finish()
    before = fetching.world.orders()[order_id]
    assert (before.state, before.tags) == (ReceivedState.HELD, [])
    fetching.world.clock.advance(timedelta(minutes=1))
    fetching.world.amazon.touch(order_id)
    assert fetching.fetch(order_id) == before.id
    after = fetching.world.orders()[order_id]
    assert (after.state, after.tags, after.read_at) == (ReceivedState.HELD, ["PRIME"], fetching.world.clock.now())
    assert len(fetching.world.orders()) == 1


def test_an_order_of_the_warehouse_stays_where_it_is(fetching: Fetching) -> None:
    order_id = fetching.world.amazon.generate(plain=1)["plain"][0]
    fetching.finish()
    fetching.world.settle_later(minutes=30)
    placed = fetching.world.orders()[order_id]
    assert placed.state == ReceivedState.INJECTED
    fetching.fetch(order_id)
    fetching.world.settle()
    assert fetching.world.orders()[order_id].state == ReceivedState.INJECTED
    assert len(fetching.world.warehouse_orders()) == 1


def test_an_order_from_before_the_first_day_is_set_apart_with_that_reason(fetching: Fetching) -> None:
    order_id = fetching.world.amazon.generate(plain=1)["plain"][0]
    fetching.world.clock.advance(timedelta(days=2))
    fetching.finish(orders_from=fetching.world.clock.now().date().isoformat())
    assert fetching.world.orders() == {}
    fetching.fetch(order_id)
    received = fetching.world.orders()[order_id]
    assert received.state == ReceivedState.EXCLUDED
    assert why(received) == "Bought before 2026-11-25 00:00 UTC, when the first orders begin."


def test_an_order_that_cannot_be_understood_is_set_aside_visibly(fetching: Fetching) -> None:
    fetching.finish()
    order_id = fetching.world.amazon.generate(bad=1)["bad"][0]
    row_id = fetching.fetch(order_id)
    received = fetching.world.orders()[order_id]
    assert (received.id, received.state) == (row_id, ReceivedState.QUARANTINED)
    assert why(received)
    assert fetching.events(row_id)[-1][0] == "FETCHED"


def test_an_order_amazon_does_not_know_is_said_to_be_unknown(fetching: Fetching) -> None:
    fetching.finish()
    refused = fetching.refusal("111-0000000-0000000")
    assert isinstance(refused, NotFound)
    assert refused.message == "Amazon does not know an order 111-0000000-0000000 of this store."
    assert fetching.world.orders() == {}


@pytest.mark.parametrize("typed", ["", "   ", "1" * (MAX_REMOTE_ID + 1), "111\x00222", "111\n222"])
def test_what_cannot_be_a_number_is_refused_without_a_call(fetching: Fetching, typed: str) -> None:
    fetching.finish()
    calls = len(fetching.world.amazon.calls("getOrder"))
    refused = fetching.refusal(typed)
    assert isinstance(refused, BadInput)
    assert refused.field == "remote_id"
    assert len(fetching.world.amazon.calls("getOrder")) == calls


def test_a_store_of_another_account_is_not_there(fetching: Fetching) -> None:
    fetching.finish()
    assert isinstance(fetching.refusal(account=fetching.world.account + 1), NotFound)
    assert fetching.world.amazon.calls("getOrder") == []


def test_only_an_active_store_of_an_enabled_cart_can_be_asked(fetching: Fetching) -> None:
    platform = fetching.world.platform
    assert isinstance(fetching.refusal(), Conflict)
    assert not can_fetch(platform, fetching.integration())
    fetching.finish()
    assert can_fetch(platform, fetching.integration())
    cart_setup.disable_cart(platform, "amazon")
    assert isinstance(fetching.refusal(), Forbidden)
    assert not can_fetch(platform, fetching.integration())
    cart_setup.enable_cart(platform, "amazon")
    disconnect.disconnect(
        platform,
        integration_id=fetching.store,
        scope=account_scope(fetching.world.account),
        user_id=fetching.world.owner,
    )
    assert isinstance(fetching.refusal(), Conflict)
    assert not can_fetch(platform, fetching.integration())


def test_what_amazon_cannot_say_now_stores_nothing(fetching: Fetching) -> None:
    fetching.finish()
    order_id = fetching.world.amazon.generate(plain=1)["plain"][0]
    fetching.world.amazon.fault("getOrder", "5xx")
    refused = fetching.refusal(order_id)
    assert isinstance(refused, CartUnavailable)
    assert "try again" in refused.message
    assert fetching.world.orders() == {}


def test_a_fetched_order_is_placed_before_routine_work(fetching: Fetching) -> None:
    fetching.finish()
    order_id = fetching.world.amazon.generate(plain=1)["plain"][0]
    fetching.fetch(order_id)
    with fetching.world.platform.db.read() as session:
        task = session.scalars(sa.select(Task).where(Task.kind == "orders.place").order_by(Task.id.desc())).first()
    assert task is not None
    assert task.priority == 0
