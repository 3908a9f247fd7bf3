"""Orders move set by set, only where the table of transitions lets them, and their timelines tell it."""

from __future__ import annotations

from itertools import product

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Account, Integration
from is2_core.accounts.states import IntegrationState
from is2_core.orders.models import OrderEvent, ReceivedOrder
from is2_core.orders.states import ALLOWED_FROM, CLASSIFIED, IN_WAREHOUSE, TO_PLACE, ReceivedState
from is2_core.orders.transition import explain, transition
from is2_core.orders.wording.events import EventCode, Told
from is2_core.platform import Platform
from plugins.interface import OrderState
from tests.support.buyers import why
from tests.support.statements import counted

BEFORE, BEFORE_TEXT = Told(EventCode.CANCELLED), "Cancelled at the cart before it was placed."
AFTER, AFTER_TEXT = Told(EventCode.DISMISSED, {"reason": "Sold."}), "Dismissed: Sold."


@pytest.fixture
def ids(platform: Platform) -> dict[ReceivedState, int]:
    """One order in each state."""
    now = platform.clock.now()
    with platform.db.write() as session:
        account = Account(name="Northwind", created_at=now)
        session.add(account)
        session.flush()
        store = Integration(
            account_id=account.id,
            cart="amazon",
            wms_target="embedded",
            region="na",
            state=IntegrationState.ACTIVE,
            settings={},
            sites=[],
            created_at=now,
        )
        session.add(store)
        session.flush()
        orders = {
            state: ReceivedOrder(
                account_id=account.id,
                integration_id=store.id,
                remote_id=state,
                number=f"AM1-{state}",
                state=state,
                cart_state=OrderState.READY,
                reason_code=BEFORE.code,
                cart_created_at=now,
                cart_updated_at=now,
                staged_at=now,
                read_at=now,
            )
            for state in ReceivedState
        }
        session.add_all(orders.values())
        session.flush()
        return {state: order.id for state, order in orders.items()}


def states(platform: Platform) -> dict[str, tuple[str, str]]:
    """(state, reason) by the state each order began in."""
    with platform.db.read() as session:
        return {row.remote_id: (row.state, why(row)) for row in session.scalars(sa.select(ReceivedOrder))}


@pytest.mark.parametrize("to", ReceivedState)
def test_those_that_may_go_there_do_and_the_others_stay(
    platform: Platform, ids: dict[ReceivedState, int], to: ReceivedState
) -> None:
    now = platform.clock.now()
    with platform.db.write() as session:
        moved = transition(session, ids.values(), to, AFTER, now, told=Told(EventCode.RELEASED))
    assert moved == {ids[state] for state in ALLOWED_FROM[to]}
    after = states(platform)
    for state in ReceivedState:
        assert after[state] == ((to, AFTER_TEXT) if state in ALLOWED_FROM[to] else (state, BEFORE_TEXT))
    with platform.db.read() as session:
        events = session.execute(sa.select(OrderEvent.order_id, OrderEvent.code, OrderEvent.at))
        assert sorted(events.all()) == sorted((order_id, "RELEASED", now) for order_id in moved)


def test_each_order_can_have_a_reason_of_its_own_and_shows_it_when_it_is_loaded(
    platform: Platform, ids: dict[ReceivedState, int]
) -> None:
    some = {
        ids[ReceivedState.STAGED]: Told(EventCode.QUARANTINED, {"message": "One."}),
        ids[ReceivedState.HELD]: Told(EventCode.UNKNOWN_TO_CART),
        ids[ReceivedState.DISMISSED]: AFTER,
    }
    with platform.db.write() as session:
        orders = {order_id: session.get_one(ReceivedOrder, order_id) for order_id in some}
        # What is changed on a loaded order before is not lost.
        orders[ids[ReceivedState.STAGED]].waits_for = "STOCK"
        moved = transition(session, some, ReceivedState.QUARANTINED, some, platform.clock.now())
        assert moved == {ids[ReceivedState.STAGED], ids[ReceivedState.HELD]}
        shown = {order_id: (order.state, why(order), order.waits_for) for order_id, order in orders.items()}
    assert shown == {
        ids[ReceivedState.STAGED]: ("QUARANTINED", "One.", "STOCK"),
        ids[ReceivedState.HELD]: ("QUARANTINED", "The cart does not know this order any more.", ""),
        ids[ReceivedState.DISMISSED]: ("DISMISSED", BEFORE_TEXT, ""),
    }


def test_orders_that_are_not_named_have_no_reason_any_more(platform: Platform, ids: dict[ReceivedState, int]) -> None:
    with platform.db.write() as session:
        transition(session, ids.values(), ReceivedState.INJECTED, {}, platform.clock.now())
    assert states(platform)[ReceivedState.STAGED] == ("INJECTED", "")


def test_a_reason_can_change_without_a_move(platform: Platform, ids: dict[ReceivedState, int]) -> None:
    with platform.db.write() as session:
        explain(session, {ids[ReceivedState.STAGED]: None, ids[ReceivedState.HELD]: AFTER})
    after = states(platform)
    assert after[ReceivedState.STAGED] == ("STAGED", "")
    assert after[ReceivedState.HELD] == ("HELD", AFTER_TEXT)
    assert after[ReceivedState.EXCLUDED] == ("EXCLUDED", BEFORE_TEXT)


def test_it_takes_two_statements_for_however_many(platform: Platform, ids: dict[ReceivedState, int]) -> None:
    with platform.db.write() as session, counted(platform) as statements:
        transition(
            session,
            ids.values(),
            ReceivedState.DISMISSED,
            Told(EventCode.DISCONNECTED),
            platform.clock.now(),
            told=Told(EventCode.HELP),
        )
    assert [text.split()[0] for text in statements] == ["UPDATE", "INSERT"]


def test_what_the_cart_decides_is_allowed_from_wherever_it_may_decide() -> None:
    decided = (ReceivedState.STAGED, ReceivedState.HELD, ReceivedState.EXCLUDED, ReceivedState.CANCELLED)
    for before, after in product(CLASSIFIED, decided):
        assert before is after or before in ALLOWED_FROM[after], (before, after)


def test_what_the_warehouse_has_never_goes_back_to_waiting() -> None:
    for before, after in product(IN_WAREHOUSE, TO_PLACE):
        assert before not in ALLOWED_FROM[after]
