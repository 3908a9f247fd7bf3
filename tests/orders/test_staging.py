"""What a page of orders makes of what is stored: newer news win, values the cart leaves out are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import IntegrationState
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.errors import BadInput, Conflict
from is2_core.orders.actions import MAX_ADDRESS_TEXT, approve, correct_address, recipient_of
from is2_core.orders.importing.staging import stage
from is2_core.orders.models import OrderEvent, ReceivedLine, ReceivedOrder, Recipient
from is2_core.orders.states import ReceivedState
from plugins.interface import (
    Address,
    Buyer,
    FulfilledBy,
    Money,
    Order,
    OrderLine,
    OrderReject,
    OrderState,
    ShippingMappingUI,
    UnknownValue,
)
from tests.support.world import World

Stage = Callable[[Order | OrderReject], ReceivedOrder]
HOME = Address(name="Ann", lines=("1 Main St",), city="Reno", postal_code="89501", country="US")


@pytest.fixture
def taken(world: World) -> Stage:
    """Stage one order of a store, and return its row."""
    with world.platform.db.write() as session:
        row = Integration(
            account_id=world.account,
            cart="amazon",
            wms_target="embedded",
            region="na",
            seller_id="A2SIMNA0000009",
            state=IntegrationState.ACTIVE,
            settings={},
            sites=[],
            created_at=world.clock.now(),
        )
        session.add(row)
        session.flush()
        store = row.id

    def take(order: Order | OrderReject) -> ReceivedOrder:
        orders, rejects = ([order], []) if isinstance(order, Order) else ([], [order])
        with world.platform.db.write() as session:
            integration = session.get_one(Integration, store)
            stage(world.platform, session, integration, ShippingMappingUI(()), orders, rejects=rejects)
        return world.orders()[order.remote_id]

    return take


@pytest.fixture
def order(world: World) -> Order:
    now = world.clock.now()
    return Order(
        remote_id="111-1111111-1111111",
        site="ATVPDKIKX0DER",
        state=OrderState.READY,
        fulfilled_by=FulfilledBy.MERCHANT,
        created_at=now - timedelta(hours=1),
        updated_at=now - timedelta(minutes=30),
        lines=(
            OrderLine("1", "TENT-2P", "Tent", 1, 0, 1, ioss="IM1234567890", handling_requirements=("SERIAL_NUMBER",)),
        ),
        shipping_method="STANDARD",
        recipient=Address(name="Ann", lines=("1 Main St",), city="Reno", postal_code="89501", country="US"),
        buyer=Buyer(name="Ann Buyer", purchase_order="PO-77"),
        total=Money(Decimal("12.50"), "USD"),
        ship_after=now,
        ship_by=now + timedelta(days=2),
        deliver_after=now + timedelta(days=3),
        deliver_by=now + timedelta(days=5),
        original_order="111-2222222-2222222",
    )


def test_promised_windows_and_what_customs_want_are_kept(taken: Stage, order: Order) -> None:
    row = taken(order)
    promised = (row.ship_after, row.ship_by, row.deliver_after, row.deliver_by)
    assert promised == (order.ship_after, order.ship_by, order.deliver_after, order.deliver_by)
    assert (row.original_order, row.lines[0].ioss) == ("111-2222222-2222222", "IM1234567890")
    assert row.lines[0].handling_requirements == ["SERIAL_NUMBER"]


def test_what_the_cart_leaves_out_of_a_later_page_is_kept(world: World, taken: Stage, order: Order) -> None:
    taken(order)
    fewer = replace(order, buyer=None, total=None, updated_at=order.updated_at + timedelta(minutes=1))
    row = taken(fewer)
    assert (row.total, row.currency) == ("12.50", "USD")
    assert (
        recipient_of(world.platform, order_id=row.id, scope=account_scope(world.account))["buyer"]["purchase_order"]
        == "PO-77"
    )
    newer = replace(fewer, total=Money(Decimal("9"), "USD"), buyer=Buyer(name="Bob"))
    row = taken(newer)
    assert row.total == "9"
    assert recipient_of(world.platform, order_id=row.id, scope=account_scope(world.account))["buyer"]["name"] == "Bob"


def test_an_unknown_value_is_told_in_words(world: World, taken: Stage, order: Order) -> None:
    taken(replace(order, unknown=(UnknownValue("fulfillmentStatus", "DRONE"),)))
    told = world.hold_texts(order.remote_id)["UNKNOWN_VALUE"]
    assert told == "The cart says fulfillment status 'DRONE', which this platform does not know."


def test_a_line_the_cart_shows_no_more_after_placing_is_told_of_once(world: World, taken: Stage, order: Order) -> None:
    second = OrderLine("2", "LAMP-USB", "Lamp", 2, 0, 2)
    row = taken(replace(order, lines=(*order.lines, second)))
    with world.platform.db.write() as session:
        placed = session.get_one(ReceivedOrder, row.id)
        placed.placed_at, placed.state = world.clock.now(), ReceivedState.INJECTED
        session.execute(sa.update(ReceivedLine).values(placed=ReceivedLine.open))
    for minute in (1, 2):
        taken(replace(order, updated_at=order.updated_at + timedelta(minutes=minute)))
    with world.platform.db.read() as session:
        told = session.scalars(sa.select(OrderEvent.code).where(OrderEvent.code == "FEWER_UNITS")).all()
        cases = session.scalars(sa.select(SupportCase.kind)).all()
    assert (told, cases) == (["FEWER_UNITS"], [CaseKind.CANCELLED_UNITS])


def test_an_order_the_cart_warns_of_waits_for_a_person(world: World, taken: Stage, order: Order) -> None:
    row = taken(replace(order, caution="The label of this order comes from the shop."))
    assert world.hold_texts(order.remote_id)["CAUTION"] == "The label of this order comes from the shop."
    approve(world.platform, order_id=row.id, scope=account_scope(world.account), user_id=world.owner, codes=["CAUTION"])
    assert "CAUTION" not in world.holds(order.remote_id)


def test_a_wish_to_cancel_after_placing_is_told_of_once(world: World, taken: Stage, order: Order) -> None:
    row = taken(order)
    with world.platform.db.write() as session:
        session.get_one(ReceivedOrder, row.id).placed_at = world.clock.now()
    for minute in (1, 2):
        later = order.updated_at + timedelta(minutes=minute)
        taken(replace(order, updated_at=later, cancellation_request="Ordered by mistake"))
    with world.platform.db.read() as session:
        cases = [(case.kind, case.message) for case in session.scalars(sa.select(SupportCase))]
    told = f"The buyer of order {row.number} asks to cancel it (Ordered by mistake); the warehouse has it already."
    assert world.timeline(order.remote_id).count(told) == 1
    # A case has no place for what a buyer wrote.
    assert [(kind, "mistake" in text) for kind, text in cases] == [(CaseKind.CANCELLATION_REQUESTED, False)]


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("", "The buyer has asked to cancel this order."),
        ("Too late", "The buyer has asked to cancel this order. Reason given: Too late."),
    ],
)
def test_a_wish_to_cancel_holds_the_order_with_the_buyers_reason(
    world: World, taken: Stage, order: Order, reason: str, message: str
) -> None:
    taken(replace(order, cancellation_request=reason))
    assert world.hold_texts(order.remote_id)["CANCELLATION_REQUESTED"] == message


TYPED = {"name": "Ann", "line1": "2 Side St", "city": "Reno", "postal_code": "89501", "country": "us"}


def test_what_the_buyer_wrote_comes_in_where_the_address_was_typed_by_hand(
    world: World, taken: Stage, order: Order
) -> None:
    bare = replace(order, recipient=None, buyer=None)
    row = taken(bare)
    correct_address(
        world.platform, order_id=row.id, scope=account_scope(world.account), user_id=world.owner, values=TYPED
    )
    told = replace(
        order,
        updated_at=order.updated_at + timedelta(minutes=1),
        lines=(replace(order.lines[0], gift_message="Happy birthday!"),),
    )
    taken(told)
    sealed = recipient_of(world.platform, order_id=row.id, scope=account_scope(world.account))
    assert sealed["address"]["lines"] == ["2 Side St"]
    assert sealed["buyer"]["name"] == "Ann Buyer"
    assert sealed["lines"]["1"]["gift_message"] == "Happy birthday!"


def later(order: Order, minutes: int, **changes: Any) -> Order:
    return replace(order, updated_at=order.updated_at + timedelta(minutes=minutes), **changes)


def test_a_typed_address_stands_whatever_the_cart_says_later_and_the_buyer_s_words_go_on(
    world: World, taken: Stage, order: Order
) -> None:
    impossible = replace(HOME, lines=())
    row = taken(replace(order, recipient=impossible))
    assert "ADDRESS_IMPOSSIBLE" in world.holds(order.remote_id)
    correct_address(
        world.platform, order_id=row.id, scope=account_scope(world.account), user_id=world.owner, values=TYPED
    )
    moved = replace(HOME, lines=("3 Moved Rd",))
    for minute, told in enumerate((impossible, moved, None), start=1):
        gift = (replace(order.lines[0], gift_message=f"Wish {minute}"),)
        taken(later(order, minute, recipient=told, lines=gift, buyer=Buyer(name=f"Buyer {minute}")))
        pii = recipient_of(world.platform, order_id=row.id, scope=account_scope(world.account))
        assert pii["address"]["lines"] == ["2 Side St"]
        assert (pii["buyer"]["name"], pii["lines"]["1"]["gift_message"]) == (f"Buyer {minute}", f"Wish {minute}")
        assert world.holds(order.remote_id) & {"ADDRESS_IMPOSSIBLE", "ADDRESS_MISSING"} == set()


@pytest.mark.parametrize("placed", [True, False])
def test_what_was_erased_of_a_buyer_stays_erased(world: World, taken: Stage, order: Order, placed: bool) -> None:
    row = taken(replace(order, cancellation_request="Moved to 5 Secret St"))
    correct_address(
        world.platform, order_id=row.id, scope=account_scope(world.account), user_id=world.owner, values=TYPED
    )
    with world.platform.db.write() as session:
        session.execute(sa.update(ReceivedOrder).values(placed_at=world.clock.now() if placed else None))
        erased = {"sealed_cancel_reason": None, "has_address": False, "address_corrected": False}
        session.execute(sa.update(ReceivedOrder).values(erased))
        session.execute(sa.update(Recipient).values(sealed=None, corrected=None, erased_at=world.clock.now()))
    gift = (replace(order.lines[0], gift_message="Happy birthday!", title="Tent, green"),)
    row = taken(later(order, 1, lines=gift, shipping_method="EXPEDITED", cancellation_request="Moved to 5 Secret St"))
    # The order goes on following the cart; its buyer does not come back.
    assert (row.shipping_method, row.cancellation_requested, row.cancel_reason) == ("EXPEDITED", True, "")
    assert (row.has_address, row.lines[0].title) == (False, "Tent, green")
    assert recipient_of(world.platform, order_id=row.id, scope=account_scope(world.account)) == {}
    with pytest.raises(Conflict):
        correct_address(
            world.platform, order_id=row.id, scope=account_scope(world.account), user_id=world.owner, values=TYPED
        )


def test_a_buyer_of_whom_nothing_is_new_is_not_sealed_again(world: World, taken: Stage, order: Order) -> None:
    def stored() -> str:
        with world.platform.db.read() as session:
            return session.scalars(sa.select(sa.type_coerce(Recipient.sealed, sa.Text))).one()

    gift = (replace(order.lines[0], gift_message="Happy birthday!"),)
    taken(replace(order, lines=gift))
    first = stored()
    for minute, changes in enumerate(({}, {"buyer": None}, {"recipient": None}, {"lines": order.lines}), start=1):
        taken(later(order, minute, **{"lines": gift, **changes}))
        assert stored() == first, changes
    taken(later(order, 9, lines=(replace(order.lines[0], gift_message="Happy new year!"),)))
    assert stored() != first


def test_what_was_erased_or_corrected_of_one_order_stops_no_other(world: World, taken: Stage, order: Order) -> None:
    other = {"scope": account_scope(world.account), "user_id": world.owner}
    for number in ("erased", "corrected", "sealed as before", "plain"):
        row = taken(replace(order, remote_id=number, recipient=replace(HOME, city="")))
        match number:
            case "erased":
                with world.platform.db.write() as session:
                    values = {"sealed": None, "erased_at": world.clock.now()}
                    session.execute(sa.update(Recipient).where(Recipient.order_id == row.id).values(values))
            case "corrected":
                correct_address(world.platform, order_id=row.id, values=TYPED, **other)
            case "sealed as before":
                with world.platform.db.write() as session:
                    session.get_one(ReceivedOrder, row.id).address_corrected = True
    plain = taken(later(order, 1, remote_id="plain", cancellation_request="Found it cheaper"))
    assert (plain.address_problem, plain.cancel_reason != "" or plain.cancellation_requested) == ("", True)
    pii = recipient_of(world.platform, order_id=plain.id, scope=account_scope(world.account))
    assert pii["address"]["city"] == "Reno"
    for number, city in (("corrected", "Reno"), ("sealed as before", "")):
        row = taken(later(order, 1, remote_id=number, recipient=replace(HOME, city="Elsewhere")))
        pii = recipient_of(world.platform, order_id=row.id, scope=account_scope(world.account))
        assert pii["address"]["city"] == city, number
    row = taken(later(order, 1, remote_id="erased"))
    assert recipient_of(world.platform, order_id=row.id, scope=account_scope(world.account)) == {}


def test_an_unreadable_order_keeps_when_it_was_bought_and_one_that_becomes_readable_gets_it(
    world: World, taken: Stage, order: Order
) -> None:
    taken(OrderReject(order.remote_id, "BROKEN", "It cannot be read."))
    row = taken(order)
    assert row.cart_created_at == order.created_at
    row = taken(OrderReject(order.remote_id, "BROKEN", "It cannot be read.", order.updated_at + timedelta(minutes=1)))
    assert (row.state, row.cart_created_at) == (ReceivedState.QUARANTINED, order.created_at)


def test_what_the_buyer_wrote_waits_for_an_address(world: World, taken: Stage, order: Order) -> None:
    gift = (replace(order.lines[0], gift_message="Happy birthday!"),)
    row = taken(replace(order, recipient=None, lines=gift))
    assert "ADDRESS_MISSING" in world.holds(order.remote_id)
    correct_address(
        world.platform, order_id=row.id, scope=account_scope(world.account), user_id=world.owner, values=TYPED
    )
    sealed = recipient_of(world.platform, order_id=row.id, scope=account_scope(world.account))
    assert sealed["address"]["lines"] == ["2 Side St"]
    assert sealed["buyer"]["purchase_order"] == "PO-77"
    assert sealed["lines"]["1"]["gift_message"] == "Happy birthday!"


@pytest.mark.parametrize(("city", "district"), [("Reno", "Old Town"), ("Sparks", "")])
def test_a_corrected_address_keeps_what_nobody_typed(
    world: World, taken: Stage, order: Order, city: str, district: str
) -> None:
    assert order.recipient is not None
    told = replace(order.recipient, district="Old Town", kind="RESIDENTIAL", instructions="Ring twice")
    row = taken(replace(order, recipient=told))
    values = {**TYPED, "city": city}
    correct_address(
        world.platform, order_id=row.id, scope=account_scope(world.account), user_id=world.owner, values=values
    )
    address = recipient_of(world.platform, order_id=row.id, scope=account_scope(world.account))["address"]
    assert (address["lines"], address["city"]) == (["2 Side St"], city)
    assert (address["kind"], address["instructions"], address["district"]) == ("RESIDENTIAL", "Ring twice", district)


def test_an_address_text_too_long_is_refused_and_nothing_cut(world: World, taken: Stage, order: Order) -> None:
    row = taken(order)
    values = {**TYPED, "line2": "x" * (MAX_ADDRESS_TEXT + 1)}
    with pytest.raises(BadInput) as error:
        correct_address(
            world.platform, order_id=row.id, scope=account_scope(world.account), user_id=world.owner, values=values
        )
    assert error.value.field == "line2"
    sealed = recipient_of(world.platform, order_id=row.id, scope=account_scope(world.account))
    assert sealed["address"]["lines"] == ["1 Main St"]
