"""The packing pages ask the shop before anything is packed, and tell the packer what it says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from is2_core.accounts import users
from is2_core.accounts.states import Role
from is2_core.clock import VirtualClock
from is2_core.embedded_warehouse.models import WarehouseOrder
from is2_core.embedded_warehouse.states import WarehouseState
from tests.support.browser import PASSWORD, Browser
from tests.support.panel import PACKER, START, app_over
from tests.support.parcels import ups_number
from tests.support.world import World


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """On SQLite; what the pages call is tried on both in `tests/orders/test_before_packing.py`."""
    return sqlite_url


@pytest.fixture
def order_id(world: World) -> str:
    """An order at the cart that the warehouse has since twenty minutes."""
    world.stock_up()
    store = world.connect()
    world.map_methods(store, "STANDARD")
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.finish(store)
    world.settle()
    world.clock.advance(timedelta(minutes=20))
    return order_id


@pytest.fixture
def browser(world: World, order_id: str) -> Browser:
    """The packer's, at the page of the order."""
    users.create_user(world.platform, email=PACKER, name="Walt", password=PASSWORD, role=Role.WAREHOUSE)
    browser = Browser(app_over(world.platform, VirtualClock(START)))
    browser.sign_in(PACKER)
    browser.get(f"/warehouse/orders/{row(world).id}")
    return browser


def row(world: World) -> WarehouseOrder:
    (found,) = world.warehouse_orders().values()
    return found


@pytest.mark.parametrize("button", ["Start packing", "Ship package"])
def test_an_order_cancelled_at_the_shop_is_not_packed(
    world: World, order_id: str, browser: Browser, button: str
) -> None:
    world.amazon.post(f"orders/{order_id}", {"cancel": True})
    typed = {} if button == "Start packing" else {"carrier": "UPS", "tracking_number": ups_number(1)}
    page = browser.press(button, **typed)
    assert page.status == 409
    assert "Do not pack this order. Cancelled at Amazon after it was placed; the warehouse stopped it." in page.text
    assert "Ended before all of it was shipped" in page.text
    assert row(world).state == WarehouseState.CANCELLED
    assert "Ship package" not in page.text and "Start packing" not in page.text


def test_an_order_that_is_wanted_is_packed_and_the_shop_asked_once(
    world: World, order_id: str, browser: Browser
) -> None:
    page = browser.press("Start packing")
    assert page.messages == "The order is in process."
    page = browser.press("Ship package", carrier="UPS", tracking_number=ups_number(1))
    assert page.status == 200
    assert row(world).state == WarehouseState.COMPLETED
    assert len(world.amazon.calls("getOrder")) == 1


def test_a_stop_between_the_form_shown_and_sent_refuses_the_parcel(
    world: World, order_id: str, browser: Browser
) -> None:
    browser.press("Start packing")
    world.amazon.post(f"orders/{order_id}", {"cancel": True})
    world.settle_later(minutes=11)
    page = browser.press("Ship package", carrier="UPS", tracking_number=ups_number(1))
    assert page.status == 409
    assert row(world).state == WarehouseState.CANCELLED
    assert all(line.shipped == 0 for line in row(world).lines)


def test_a_shop_that_cannot_be_asked_is_told_and_the_packer_goes_on(
    world: World, order_id: str, browser: Browser
) -> None:
    world.amazon.fault("getOrder", "5xx", times=4)
    page = browser.press("Start packing")
    assert "could not be asked of Amazon" in page.messages
    assert "The order is in process." in page.messages
    assert row(world).state == WarehouseState.IN_PROCESS
