"""Acknowledgements that are lost as a whole: made again in smaller writes, and told of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import AckState, ReceivedState
from plugins.interface import Applied, Retry, WriteReply
from tests.support.world import World


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """On SQLite; `test_on_postgresql.py` repeats the main cases there."""
    return sqlite_url


@pytest.fixture
def spoiled(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A store of 20 placed orders, and a shop that loses every write with the one in `world.poison`."""
    world.stock_up()
    store = world.connect()
    world.map_methods(store, "STANDARD", "EXPEDITED", "NEXT_DAY", "SECOND_DAY")
    made = world.amazon.generate(plain=20)["plain"]
    world.poison = made[7]  # type: ignore[attr-defined]
    world.sizes = []  # type: ignore[attr-defined]
    call = world.platform.carts.call

    def answer(cart: str, hook: str, **arguments: Any) -> Any:
        if hook != "acknowledge_orders":
            return call(cart, hook, **arguments)
        batch = arguments["acknowledgements"]
        world.sizes.append(len(batch))  # type: ignore[attr-defined]
        lost = world.poison in {entry.order_id for entry in batch}  # type: ignore[attr-defined]
        result = Retry(world.clock.now() + timedelta(minutes=30)) if lost else Applied()
        return WriteReply({entry.key: result for entry in batch})

    monkeypatch.setattr(world.platform.carts, "call", answer)
    world.finish(store)
    world.settle()
    return world


def cases(world: World) -> list[SupportCase]:
    with world.platform.db.read() as session:
        return list(session.scalars(sa.select(SupportCase).where(SupportCase.kind == CaseKind.NO_ANSWER)))


def test_an_order_that_spoils_every_write_ends_up_alone(spoiled: World) -> None:
    spoiled.pass_time(hours=6)
    states = {remote_id: row.ack_state for remote_id, row in spoiled.orders().items()}
    poison: str = spoiled.poison  # type: ignore[attr-defined]
    assert states.pop(poison) == AckState.DUE
    assert set(states.values()) == {AckState.DONE}
    assert spoiled.sizes[0] == 20 and spoiled.sizes[-1] == 1  # type: ignore[attr-defined]
    (case,) = cases(spoiled)
    assert "1 orders of" in case.message and case.closed_at is None

    spoiled.poison = ""  # type: ignore[attr-defined]
    spoiled.pass_time(hours=1)
    assert spoiled.orders()[poison].ack_state == AckState.DONE
    assert cases(spoiled)[0].closed_at is not None


def test_newer_orders_do_not_wait_behind_it(spoiled: World) -> None:
    spoiled.pass_time(hours=3)
    (newer,) = spoiled.amazon.generate(plain=1)["plain"]
    spoiled.amazon.touch(newer)
    spoiled.pass_time(minutes=40)
    assert spoiled.orders()[newer].ack_state == AckState.DONE


def test_an_order_shipped_in_full_needs_none_any_more(spoiled: World) -> None:
    poison: str = spoiled.poison  # type: ignore[attr-defined]
    with spoiled.platform.db.write() as session:
        row = session.scalars(sa.select(ReceivedOrder).where(ReceivedOrder.remote_id == poison)).one()
        row.state = ReceivedState.COMPLETED
    spoiled.pass_time(hours=3)
    assert spoiled.orders()[poison].ack_state == AckState.NOT_NEEDED
