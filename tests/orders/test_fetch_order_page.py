"""Fetching one order by the shop's number, from View Integrations and from a search that finds nothing."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.admin import cart_setup
from is2_core.clock import VirtualClock
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ReceivedState
from tests.support.amazon import SimulatedAmazon
from tests.support.panel import ALICE, BOB, CHARLIE, SUPPORT, Panel

UNKNOWN = "111-0000000-0000000"
BUTTON = "Fetch this order"


@pytest.fixture
def amazon(amazon_for_template: tuple[VirtualClock, SimulatedAmazon]) -> SimulatedAmazon:
    """The Amazon that knows the furnished stores; it is every test's, so nothing but new orders is made there."""
    return amazon_for_template[1]


def test_a_search_that_finds_nothing_offers_to_fetch(panel: Panel, amazon: SimulatedAmazon) -> None:
    order_id = amazon.generate(plain=1)["plain"][0]
    browser = panel.browser(BOB)
    page = browser.get(f"/received-orders?q={order_id}")
    assert "No order here has this number." in page.text
    assert page.field("Order number at the shop")["value"] == order_id
    page = browser.press(BUTTON)
    assert page.heading == f"Order {order_id}"
    assert page.messages == "Read from Amazon. It goes to the warehouse next."
    assert "Fetched by a person. by Bob" in page.text
    page = browser.get(f"/received-orders?q={order_id}")
    assert "Fetch this order" not in page.text


def test_an_order_that_is_not_paid_is_said_to_wait(panel: Panel, amazon: SimulatedAmazon) -> None:
    order_id = amazon.generate(pending=1)["pending"][0]
    browser = panel.browser(ALICE)
    browser.get("/integrations")
    page = browser.press(BUTTON, remote_id=order_id)
    assert page.messages == (
        "Read from Amazon. Stock is reserved for it; it goes to the warehouse once the cart lets it. The payment is "
        "pending at the cart."
    )


def test_a_store_is_asked_from_view_integrations(panel: Panel, amazon: SimulatedAmazon) -> None:
    order_id = amazon.generate(unmapped_method=1)["unmapped_method"][0]
    browser = panel.browser(ALICE)
    browser.get("/integrations")
    page = browser.press(BUTTON, remote_id=f" {order_id} ")
    assert page.heading == f"Order {order_id}"
    assert page.messages == "Read from Amazon. It waits: see below why, and what to do."
    assert "has no shipping mapping" in page.text


def test_an_order_of_the_past_is_shown_with_the_reason_it_is_not_shipped(panel: Panel, amazon: SimulatedAmazon) -> None:
    order_id = amazon.generate(plain=1)["plain"][0]
    with panel.platform.db.write() as db:
        db.execute(sa.update(Integration).values(orders_from=panel.clock.now()))
    browser = panel.browser(ALICE)
    browser.get("/integrations")
    page = browser.press(BUTTON, remote_id=order_id)
    assert "The warehouse does not ship it. Bought before 2026-11-23 12:00 UTC, when" in page.messages


def test_a_number_amazon_does_not_know_is_said_at_the_field(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    browser.get("/integrations")
    page = browser.press(BUTTON, remote_id=UNKNOWN)
    assert page.status == 404
    assert page.problem_at("Order number at the shop") == f"Amazon does not know an order {UNKNOWN} of this store."
    assert page.field("Order number at the shop")["value"] == UNKNOWN
    page = browser.press(BUTTON, remote_id="  ")
    assert page.status == 400
    assert "Type the number" in page.problem_at("Order number at the shop")


def test_what_is_typed_is_escaped(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    browser.get("/integrations")
    page = browser.press(BUTTON, remote_id="<b>1</b>")
    assert page.status >= 400
    assert "<b>1" not in page.html
    assert page.field("Order number at the shop")["value"] == "<b>1</b>"


def test_an_order_can_be_read_again_from_its_page(panel: Panel) -> None:
    with panel.platform.db.read() as db:
        order = db.scalars(
            sa.select(ReceivedOrder).where(
                ReceivedOrder.account_id == panel.northwind, ReceivedOrder.state == ReceivedState.INJECTED
            )
        ).first()
    assert order is not None
    browser = panel.browser(ALICE)
    browser.get(f"/received-orders/{order.id}")
    page = browser.press("Fetch this order again")
    assert page.path == f"/received-orders/{order.id}"
    assert page.messages == "Read from Amazon. The warehouse has it."


def test_what_is_not_about_the_number_is_said_on_top(panel: Panel) -> None:
    store = panel.store(panel.northwind)
    cart_setup.disable_cart(panel.platform, "amazon")
    page = panel.browser(ALICE).post("/received-orders/fetch", {"integration_id": store.id, "remote_id": UNKNOWN})
    assert page.status == 403
    assert page.alerts == ["Amazon is not enabled on this platform at the moment."]
    assert page.field("Order number at the shop")["value"] == UNKNOWN
    assert "aria-invalid" not in page.field("Order number at the shop").attrs


def test_support_and_other_merchants_cannot_fetch(panel: Panel) -> None:
    store = panel.store(panel.northwind)
    values = {"integration_id": store.id, "remote_id": UNKNOWN}
    sue = panel.browser(SUPPORT)
    assert BUTTON not in sue.get("/integrations").text
    assert BUTTON not in sue.get(f"/received-orders?q={UNKNOWN}").text
    assert sue.post("/received-orders/fetch", values).status == 403
    assert panel.browser(CHARLIE).post("/received-orders/fetch", values).status == 404
    assert panel.browser(ALICE).post("/received-orders/fetch", {"remote_id": UNKNOWN}).status == 404


def test_a_store_that_cannot_be_asked_is_not_offered(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    cart_setup.disable_cart(panel.platform, "amazon")
    assert BUTTON not in browser.get("/integrations").text
    cart_setup.enable_cart(panel.platform, "amazon")
    with panel.platform.db.write() as db:
        db.execute(sa.update(Integration).values(state=IntegrationState.PAUSED))
    assert BUTTON not in browser.get("/integrations").text
    assert BUTTON not in browser.get(f"/received-orders?q={UNKNOWN}").text
    store = panel.store(panel.northwind)
    page = browser.post("/received-orders/fetch", {"integration_id": store.id, "remote_id": UNKNOWN})
    assert page.status == 409
    assert "This store is not active" in page.text


def test_with_several_stores_the_shop_is_chosen(panel: Panel) -> None:
    store = panel.store(panel.northwind)
    with panel.platform.db.write() as db:
        db.add(
            Integration(
                account_id=panel.northwind,
                cart="amazon",
                wms_target="embedded",
                region="eu",
                seller_id="A2SIMEU0000009",
                nickname="Alps",
                state=IntegrationState.ACTIVE,
                created_at=panel.clock.now(),
            )
        )
    browser = panel.browser(ALICE)
    page = browser.get(f"/received-orders?q={UNKNOWN}&integration={store.id}")
    form = page.form(BUTTON)
    assert [option.get_text() for option in form.find_all("option")] == ["Amazon, Outdoor", "Amazon, Alps"]
    page = browser.press(BUTTON)
    assert page.status == 404
    assert "Amazon does not know an order" in page.problem_at("Order number at the shop")
