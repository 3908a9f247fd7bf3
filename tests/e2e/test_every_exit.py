"""Nothing waits without an exit: each reason of a hold, each way to be set aside, each withheld SKU, refused write and
failed task is made, and ended by what its page offers. A new one without an entry here fails.

Dismiss and Ask for help are no exits: an order then ships, a write goes through, or a person has chosen otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.accounts import users
from is2_core.accounts.models import Integration
from is2_core.accounts.states import Role
from is2_core.embedded_warehouse.models import WarehouseSku
from is2_core.inventory.withheld import TEXTS, Withheld
from is2_core.items.models import CartItem
from is2_core.jobs import HANDLERS, JOBS, WRITES
from is2_core.orders.holds.reasons import HoldCode
from is2_core.orders.holds.stuck_orders import STUCK
from is2_core.orders.states import AckState, ReceivedState
from is2_core.orders.wording.events import EventCode
from is2_core.submissions.rows import KIND_ACKNOWLEDGE, KIND_INVENTORY, KIND_TRACKING
from is2_core.tasks.dispatcher import tick
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Task
from is2_core.tasks.queue import enqueue
from is2_core.tasks.runner import MAX_ERRORS, run_next
from is2_core.tasks.states import TaskState
from plugins.interface import Permanent
from tests.support.amazon import NORTHWIND
from tests.support.browser import PASSWORD
from tests.support.merchant import Merchant
from tests.support.panel import ADMIN
from tests.support.world import NotedWakeups, World

pytestmark = pytest.mark.slow
ADDRESS = {
    "name": "Ann Buyer",
    "addressLine1": "1 Main St",
    "city": "Reno",
    "stateOrRegion": "NV",
    "postalCode": "89501",
    "countryCode": "US",
}
TYPED = {"name": "Ann", "line1": "1 Main St", "city": "Reno", "region": "NV", "postal_code": "89501", "country": "US"}
# How a case says that only support or the warehouse can end it.
BY_THE_WAREHOUSE = "cancel_order"


@pytest.fixture
def merchant(world: World) -> Merchant:
    return Merchant(world)


def ships(merchant: Merchant, order_id: str) -> None:
    """The order goes all the way: placed, packed, and its tracking at Amazon."""
    assert merchant.received(order_id).state == ReceivedState.INJECTED
    merchant.ship(order_id)
    merchant.world.settle_later(minutes=2)
    merchant.world.settle_later(minutes=2)
    assert merchant.received(order_id).state == ReceivedState.COMPLETED
    assert merchant.world.amazon.order(order_id)["packages"]


def later(merchant: Merchant) -> None:
    """Let ten minutes go by: a feed is sent, worked off and asked about."""
    for _ in range(3):
        merchant.world.settle_later(minutes=3, seconds=20)


def sku_unknown(merchant: Merchant) -> str:
    order_id = merchant.sell(sku="TENT-NEW")
    merchant.page(order_id)
    merchant.follow("List and map this SKU")
    merchant.press("Add item", warehouse_sku="TENT-2P", quantity="1")
    return order_id


def method_unmapped(merchant: Merchant, hold: str | None = None) -> str:
    order_id = merchant.sell(fulfillment={"fulfillmentServiceLevel": "SAME_DAY"})
    merchant.page(order_id)
    merchant.follow("Add a shipping mapping")
    merchant.press("Add Mapping", service="GROUND", hold=hold)
    return order_id


def method_hold(merchant: Merchant) -> str:
    order_id = method_unmapped(merchant, hold="yes")
    merchant.page(order_id)
    merchant.press("Release this order")
    return order_id


def without_address(merchant: Merchant) -> str:
    """An order of one tent whose address Amazon keeps back."""
    (order_id,) = merchant.world.amazon.generate(missing_address=1)["missing_address"]
    (item,) = merchant.world.amazon.order(order_id)["order"]["orderItems"]
    item["product"]["sellerSku"] = "TENT-2P"
    changed = {"orderItems": [item], "fulfillment": {"fulfillmentServiceLevel": "STANDARD"}}
    merchant.world.amazon.post(f"orders/{order_id}", {"set": changed})
    merchant.listing()
    return order_id


def address(**changes: str | None) -> Callable[[Merchant], str]:
    """An order whose address is another one in these fields, or is missing."""

    def correct(merchant: Merchant) -> str:
        if changes:
            order_id = merchant.sell(recipient={"deliveryAddress": {**ADDRESS, **changes}})
        else:
            order_id = without_address(merchant)
        merchant.page(order_id)
        merchant.follow("Correct the address" if changes else "Enter the address")
        merchant.press("Save address", **TYPED)
        return order_id

    return correct


def pressed(button: str, **changes: Any) -> Callable[[Merchant], str]:
    """An order that goes on by one button of its page."""

    def press(merchant: Merchant) -> str:
        order_id = merchant.sell(**changes)
        merchant.page(order_id)
        merchant.press(button)
        return order_id

    return press


def cancellation_requested(merchant: Merchant) -> str:
    (order_id,) = merchant.world.amazon.generate(cancellation_request=1)["cancellation_request"]
    merchant.listing()
    merchant.page(order_id)
    merchant.press("Ship it anyway")
    return order_id


def customization_missing(merchant: Merchant) -> str:
    (order_id,) = merchant.world.amazon.generate(customized=1)["customized"]
    (item,) = merchant.world.amazon.order(order_id)["order"]["orderItems"]
    item["product"] |= {
        "sellerSku": "TENT-2P",
        "customization": {"customizedUrl": f"{merchant.world.amazon.address}/none"},
    }
    changed = {"orderItems": [item], "fulfillment": {"fulfillmentServiceLevel": "STANDARD"}}
    merchant.world.amazon.post(f"orders/{order_id}", {"set": changed})
    merchant.listing()
    merchant.page(order_id)
    merchant.press("Ship it without")
    return order_id


def unknown_value(merchant: Merchant) -> str:
    order_id = pressed("I have looked: ship it", fulfillment={"fulfillmentStatus": "CONSIDERED"})(merchant)
    # Amazon confirms parcels of no order that it considers.
    merchant.world.amazon.post(f"orders/{order_id}", {"set": {"fulfillment": {"fulfillmentStatus": "UNSHIPPED"}}})
    return order_id


def first_review(merchant: Merchant) -> str:
    with merchant.world.platform.db.write() as session:
        session.get_one(Integration, merchant.store).review_first = True
    return pressed("Approve this order")(merchant)


def warehouse_refused(merchant: Merchant) -> str:
    merchant.listing()
    name = sa.update(WarehouseSku)
    with merchant.world.platform.db.write() as session:
        session.execute(name.where(WarehouseSku.sku == "TENT-2P").values(sku="GONE"))
    order_id = merchant.sell()
    assert merchant.world.holds(order_id) == {HoldCode.WAREHOUSE_REFUSED}
    assert "Only the warehouse can take it. Support has been told." in merchant.page(order_id).text
    assert merchant.cases() == ["WAREHOUSE_REFUSED"]
    with merchant.world.platform.db.write() as session:
        session.execute(name.where(WarehouseSku.sku == "GONE").values(sku="TENT-2P"))
    merchant.press("Ask the warehouse again")
    assert merchant.cases() == []
    return order_id


HOLDS: dict[str, Callable[[Merchant], str]] = {
    HoldCode.SKU_UNKNOWN: sku_unknown,
    HoldCode.METHOD_UNMAPPED: method_unmapped,
    HoldCode.METHOD_HOLD: method_hold,
    HoldCode.ADDRESS_MISSING: address(),
    HoldCode.ADDRESS_IMPOSSIBLE: address(countryCode="ZZ"),
    HoldCode.ADDRESS_INCOMPLETE: address(postalCode=None),
    HoldCode.CAUTION: pressed("Ship it anyway", programs=["NEWEST_PROGRAM"]),
    HoldCode.CANCELLATION_REQUESTED: cancellation_requested,
    HoldCode.CUSTOMIZATION_MISSING: customization_missing,
    HoldCode.UNKNOWN_VALUE: unknown_value,
    HoldCode.FIRST_REVIEW: first_review,
    HoldCode.WAREHOUSE_REFUSED: warehouse_refused,
}


@pytest.mark.parametrize("code", HoldCode)
def test_an_order_that_is_held_ships_by_what_its_page_offers(
    merchant: Merchant, code: HoldCode, held: list[str]
) -> None:
    order_id = HOLDS[code](merchant)
    assert code in held, "the entry makes another hold than it says"
    ships(merchant, order_id)


@pytest.mark.parametrize("code", [HoldCode.SKU_UNKNOWN, HoldCode.ADDRESS_MISSING])
def test_an_order_that_is_held_does_not_ship_where_a_person_chooses_so(merchant: Merchant, code: HoldCode) -> None:
    order_id = merchant.sell(sku="") if code is HoldCode.SKU_UNKNOWN else without_address(merchant)
    assert merchant.world.holds(order_id) == {code}
    merchant.page(order_id)
    merchant.press("Do not ship")
    assert merchant.received(order_id).state == ReceivedState.DISMISSED


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The codes of the holds that pages have shown."""
    from web.orders import order_page

    shown: list[str] = []
    product = order_page.shown_holds

    def noted(*args: Any) -> Any:
        holds = product(*args)
        shown.extend(hold.code for hold in holds)
        return holds

    monkeypatch.setattr(order_page, "shown_holds", noted)
    yield shown


def unreadable(merchant: Merchant) -> str:
    order_id = merchant.sell(units=10**9)
    (item,) = merchant.world.amazon.order(order_id)["order"]["orderItems"]
    item["quantityOrdered"] = item["fulfillment"]["quantityUnfulfilled"] = 1
    merchant.world.amazon.post(f"orders/{order_id}", {"set": {"orderItems": [item]}})
    return order_id


def waiting(merchant: Merchant) -> str:
    """An order that waits for a shipping mapping."""
    return merchant.sell(fulfillment={"fulfillmentServiceLevel": "SAME_DAY"})


def unknown_to_cart(merchant: Merchant) -> str:
    order_id = waiting(merchant)
    merchant.world.amazon.fault("getOrder", "404", times=1000)
    merchant.world.amazon.fault("searchOrders", "omit", times=1000, order_id=order_id)
    merchant.world.settle_later(hours=6)
    merchant.world.map_methods(merchant.store, "SAME_DAY")
    merchant.world.settle()
    for _ in range(30):
        if merchant.received(order_id).state == ReceivedState.QUARANTINED:
            break
        merchant.world.settle_later(hours=6)
    merchant.world.amazon.heal()
    return order_id


_TAKE_ANOTHERS = sa.text(
    "UPDATE recipient SET sealed = (SELECT sealed FROM recipient WHERE order_id = :other) WHERE order_id = :mine"
)


def address_closed(merchant: Merchant) -> str:
    order_id, other = waiting(merchant), waiting(merchant)
    ids = {"mine": merchant.received(order_id).id, "other": merchant.received(other).id}
    with merchant.world.platform.db.write() as session:
        session.execute(_TAKE_ANOTHERS, ids)
    merchant.world.map_methods(merchant.store, "SAME_DAY")
    merchant.world.settle()
    return order_id


SET_ASIDE: dict[str, Callable[[Merchant], str]] = {
    EventCode.QUARANTINED: unreadable,
    EventCode.UNKNOWN_TO_CART: unknown_to_cart,
    EventCode.ADDRESS_CLOSED: address_closed,
}


@pytest.mark.parametrize("why", STUCK[0].events)
def test_an_order_that_is_set_aside_is_read_again_and_ships(merchant: Merchant, why: EventCode) -> None:
    order_id = SET_ASIDE[why](merchant)
    order = merchant.received(order_id)
    assert (order.state, order.reason_code) == (ReceivedState.QUARANTINED, why)
    page = merchant.page(order_id)
    assert "Support has been told." in page.text
    assert "UNREADABLE" in merchant.cases()
    merchant.press("Read it again")
    ships(merchant, order_id)
    assert "UNREADABLE" not in merchant.cases()


@pytest.mark.parametrize("why", [EventCode.QUARANTINED, EventCode.ADDRESS_CLOSED])
def test_an_order_that_is_set_aside_ends_where_a_person_chooses_so(merchant: Merchant, why: EventCode) -> None:
    order_id = SET_ASIDE[why](merchant)
    merchant.page(order_id)
    merchant.press("Do not ship")
    assert merchant.received(order_id).state == ReceivedState.DISMISSED


def sells(merchant: Merchant, sku: str, **listing: Any) -> None:
    """Put a SKU of the warehouse on the list, and on sale at Amazon as given."""
    if listing:
        merchant.world.amazon.post("listings", [{"seller": NORTHWIND, "sku": sku, **listing}])
    merchant.world.add_item(merchant.store, sku)
    later(merchant)


def sent(merchant: Merchant, sku: str) -> int | None:
    """The quantity Amazon shows of a SKU."""
    listings = merchant.world.amazon.get("listings", seller=NORTHWIND)["listings"]
    return next((entry["quantity"] for entry in listings if entry["sku"] == sku), None)


def stock_page(merchant: Merchant, show: str) -> Any:
    return merchant.browser.get(f"/integrations/{merchant.store}/stock?show={show}")


def withheld_by(**listing: Any) -> Callable[[Merchant, pytest.MonkeyPatch], None]:
    return lambda merchant, _: sells(merchant, "KETTLE-1L", **listing)


def channel_not_told(merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from plugins.interface import ShownInventory

    call = merchant.world.platform.carts.call

    def silent(cart: str, hook: str, **arguments: Any) -> Any:
        answer = call(cart, hook, **arguments)
        if hook != "read_inventory":
            return answer
        return [replace(each, fulfillment_channels={}) if isinstance(each, ShownInventory) else each for each in answer]

    monkeypatch.setattr(merchant.world.platform.carts, "call", silent)
    sells(merchant, "KETTLE-1L", quantity=7)
    monkeypatch.setattr(merchant.world.platform.carts, "call", call)


WITHHELD: dict[Withheld, Callable[[Merchant, pytest.MonkeyPatch], None]] = {
    Withheld.NOT_LISTED: withheld_by(),
    Withheld.CHANNEL_NOT_TOLD: channel_not_told,
    Withheld.CART_STOCK: withheld_by(channels={"AMAZON_NA": 4}),
    Withheld.LISTED_TWICE: withheld_by(channels={"DEFAULT": 5, "AMAZON_NA": 0}),
    Withheld.BY_LOCATION: withheld_by(channels={"DEFAULT": 5, "0e0e0e0e-1111-2222-3333-444455556666": 3}),
}


@pytest.mark.parametrize("reason", [reason for reason in Withheld if reason is not Withheld.SHARED])
def test_a_sku_that_is_withheld_is_sent_once_it_is_mended_at_the_cart(
    merchant: Merchant, reason: Withheld, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant.world.stock_up(("KETTLE-1L",))
    WITHHELD[reason](merchant, monkeypatch)
    page = stock_page(merchant, "withheld")
    begins = TEXTS[reason].format(cart="Amazon", own="", there="", places="", besides="").split("(")[0].strip()
    assert f"Withheld {begins}" in page.text
    assert "withheld for 1 SKU" in merchant.browser.get("/integrations").text
    merchant.follow("withheld for 1 SKU")
    merchant.world.amazon.post("listings", [{"seller": NORTHWIND, "sku": "KETTLE-1L", "channels": {"DEFAULT": 7}}])
    merchant.world.settle_later(minutes=16)
    stock_page(merchant, "withheld")
    merchant.press("Push now")
    later(merchant)
    assert sent(merchant, "KETTLE-1L") == 1000
    assert "Withheld" not in stock_page(merchant, "").soup.find("tbody").get_text()


def test_a_sku_that_is_withheld_or_refused_is_let_be_where_a_person_chooses_so(merchant: Merchant) -> None:
    sells(merchant, "TENT-2P", channels={"AMAZON_NA": 4})
    stock_page(merchant, "withheld")
    merchant.press("Send no stock of it")
    with merchant.world.platform.db.read() as session:
        assert session.scalars(sa.select(CartItem.active)).all() == [False]


def test_stock_that_several_stores_share_is_sent_once_a_person_has_confirmed_it(merchant: Merchant) -> None:
    other = merchant.world.connect("eu", "A2SIMEU0000001")
    merchant.world.finish(other, nickname="Pier")
    merchant.world.add_item(other, "TENT-2P")
    sells(merchant, "TENT-2P", quantity=7)
    page = stock_page(merchant, "withheld")
    assert TEXTS[Withheld.SHARED].format(skus="TENT-2P") in page.text
    merchant.follow("Read and confirm")
    merchant.press("Confirm", understood="yes")
    later(merchant)
    assert sent(merchant, "TENT-2P") == 950, "all but the buffer that was proposed"


def acknowledgement(merchant: Merchant) -> None:
    merchant.world.amazon.fault("feedProcessed", "reject", times=1)
    order_id = merchant.sell()
    later(merchant)
    merchant.browser.get("/integrations")
    assert order_id in merchant.follow("refused for 1 order").text
    merchant.page(order_id)
    merchant.press("Acknowledge again")
    later(merchant)
    assert merchant.received(order_id).ack_state == AckState.DONE


def inventory_line(merchant: Merchant) -> None:
    merchant.world.amazon.fault("feedProcessed", "reject", sku="TENT-2P")
    sells(merchant, "TENT-2P", quantity=7)
    merchant.world.amazon.heal()
    merchant.browser.get("/integrations")
    assert "could not be processed" in merchant.follow("refused for 1 SKU").text
    merchant.press("Push now")
    later(merchant)
    assert sent(merchant, "TENT-2P") == 1000


def tracking(merchant: Merchant) -> None:
    order_id = merchant.sell()
    merchant.world.amazon.fault("confirmShipment", "400", times=1, message="The ship method is not good.")
    merchant.ship(order_id)
    later(merchant)
    merchant.browser.get("/integrations")
    page = merchant.follow("refused for 1 order")
    assert "The ship method is not good." in page.text
    assert page.field("Refused by the cart").find("option", selected=True)["value"] == "tracking"
    merchant.page(order_id)
    merchant.press("Send tracking again")
    later(merchant)
    assert merchant.world.amazon.order(order_id)["packages"]
    assert merchant.received(order_id).state == ReceivedState.COMPLETED


def stop(merchant: Merchant) -> None:
    """Only people can intercept a parcel: the page says so, and a case is there by itself."""
    order_id = merchant.sell()
    merchant.page(order_id)
    merchant.ship(order_id)
    merchant.press("Ask the warehouse to stop it")
    assert "but too late" in merchant.page(order_id).text
    assert merchant.cases() == ["TOO_LATE"]


REFUSED: dict[str, Callable[[Merchant], None]] = {
    KIND_ACKNOWLEDGE: acknowledgement,
    KIND_INVENTORY: inventory_line,
    KIND_TRACKING: tracking,
    BY_THE_WAREHOUSE: stop,
}


@pytest.mark.parametrize("kind", [*WRITES, BY_THE_WAREHOUSE])
def test_field_D5_what_was_refused_is_found_by_its_count_and_goes_through(merchant: Merchant, kind: str) -> None:
    REFUSED[kind](merchant)


def of_platform(kind: TaskKind) -> bool:
    """Whether tasks of a kind belong to no integration."""
    return kind.startswith("platform.")


def test_a_task_of_every_kind_that_failed_is_tried_again_by_its_button(merchant: Merchant) -> None:
    world = merchant.world
    users.create_user(world.platform, email=ADMIN, name="Ada", password=PASSWORD, role=Role.ADMIN)
    world.settle()

    def refuse(platform: Any, run: Any) -> None:
        raise Permanent("It cannot be done.", code="TRIED")

    assert set(JOBS) == set(TaskKind)
    for kind in TaskKind:
        with world.platform.db.write() as session:
            integration = session.get_one(Integration, merchant.store)
            whose = {} if of_platform(kind) else {"integration": integration}
            enqueue(session, kind=kind, now=world.clock.now(), **whose)
        with world.platform.db.write() as session:
            # Each fails for the last time.
            session.execute(sa.update(Task).where(Task.state == TaskState.READY).values(attempts=MAX_ERRORS - 1))
        tick(world.platform, NotedWakeups())
        while run_next(world.platform, {**HANDLERS, **dict.fromkeys(TaskKind, refuse)}):
            pass
    failed = {task.kind for kind in TaskKind for task in world.tasks(kind) if task.state == TaskState.QUARANTINED}
    assert failed == set(TaskKind)
    browser = merchant.visitor()
    browser.sign_in(ADMIN)
    with world.platform.db.read() as session:
        ids = session.scalars(sa.select(Task.id).where(Task.state == TaskState.QUARANTINED)).all()
    for task_id in ids:
        page = browser.post(f"/admin/tasks/{task_id}/try-again")
        assert page.status == 200
    world.clock.advance(timedelta(seconds=1))
    world.settle()
    with world.platform.db.read() as session:
        states = session.execute(sa.select(Task.kind, Task.state, Task.error_message).where(Task.id.in_(ids))).all()
    assert [row for row in states if row.state == TaskState.QUARANTINED] == []
