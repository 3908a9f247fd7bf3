"""The panel in a real Chromium: what only a browser can tell, such as its policies, cookies over redirects, focus."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from playwright.sync_api import BrowserContext, Page, expect

from is2_core.accounts.models import Integration
from is2_core.embedded_warehouse.models import WarehouseOrder, WarehouseSku
from is2_core.orders.models import ReceivedOrder
from tests.support.browser import PASSWORD
from tests.support.live import Live
from tests.support.panel import ADMIN, ALICE, PACKER

pytestmark = pytest.mark.browser

NARROW = {"width": 390, "height": 800}


def sign_in(page: Page, email: str) -> Page:
    page.goto("/sign-in")
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    return page


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Email address")).to_be_visible()


def test_the_road_from_the_link_to_the_first_items(window: BrowserContext, live: Live) -> None:
    page = window.new_page()
    page.goto("/amazon/install")
    page.get_by_label("North America").check()
    page.get_by_role("button", name="Submit").click()
    page.get_by_label("Email address").fill(ALICE)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Continue to Amazon").click()
    # Amazon's pages, reached by themselves although the panel's forms may lead nowhere else.
    page.wait_for_url(f"{live.amazon.address}/**")
    page.get_by_label("Blue Harbor Home").check()
    page.get_by_role("button", name="Sign in").click()
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Next").click()
    # Back, and still signed in: the cookie came along on a redirect from another site.
    expect(page.get_by_role("heading", name="Set up Blue Harbor Home")).to_be_visible()
    expect(page.get_by_label("Fulfillment Latency")).to_have_value("3")
    page.get_by_label("Nickname").fill("Harbor")
    page.get_by_role("button", name="Finish Setup").click()
    expect(page.get_by_text("Success: your Amazon store Harbor is connected")).to_be_visible()
    page.get_by_role("link", name="Shipping mappings of Harbor").click()
    _add_mappings(page)
    page.get_by_role("link", name="Custom Items").last.click()
    _add_item(page)


def _add_mappings(page: Page) -> None:
    method = page.get_by_label("Cart Shipping Method")
    for code, service in (("STANDARD", "GROUND"), ("EXPEDITED", "TWO_DAY")):
        expect(method).to_be_focused()
        expect(method).to_have_value("")
        page.keyboard.type(code)
        page.get_by_label("Warehouse service").select_option(service)
        page.get_by_role("button", name="Add Mapping").click()
        expect(page.get_by_text(f"The shipping mapping for {code} was added.")).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(3)


def _add_item(page: Page) -> None:
    page.get_by_label("Cart SKU").fill("KIT-1")
    expect(page.get_by_label("Activate for sync")).to_be_checked()
    page.get_by_role("button", name="More rows").click()
    fourth = page.get_by_label("Warehouse SKU, row 4")
    expect(fourth).to_be_focused()
    fourth.fill("LAMP-USB")
    page.get_by_label("Quantity, row 4").fill("2")
    page.get_by_role("button", name="Add item").click()
    expect(page.get_by_text("The item KIT-1 was added.")).to_be_visible()
    expect(page.get_by_role("cell", name="LAMP-USB")).to_be_visible()


def test_removing_asks_first(window: BrowserContext) -> None:
    page = sign_in(window.new_page(), ALICE)
    page.goto("/items")
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("row", name="TENT-2P").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("row", name="TENT-2P")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("row", name="TENT-2P").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("TENT-2P was removed from the list.")).to_be_visible()


def addresses(live: Live) -> dict[str, list[str]]:
    """Every page, by who reads it."""
    with live.app.extensions["is2"].db.read() as db:
        store = db.scalars(sa.select(Integration.id).where(Integration.region == "na")).one()
        order = db.scalars(sa.select(ReceivedOrder.id).where(ReceivedOrder.state == "HELD")).first()
        packed = db.scalars(sa.select(WarehouseOrder.id)).first()
        sku = db.scalars(sa.select(WarehouseSku.id)).first()
    return {
        ALICE: [
            "/integrations",
            "/integrations/add",
            "/amazon/install",
            "/amazon/install/sign-in?region=eu",
            f"/integrations/{store}/settings",
            f"/integrations/{store}/items",
            f"/integrations/{store}/items/table",
            "/item-tables/1",
            f"/integrations/{store}/shipping",
            f"/integrations/{store}/stock?open=1",
            f"/integrations/{store}/shared-stock",
            f"/integrations/{store}/disconnect",
            "/help/inventory-sync",
            "/items/1",
            "/received-orders",
            f"/received-orders/{order}",
            f"/received-orders/{order}/address",
            "/help?from=/integrations",
        ],
        PACKER: ["/warehouse/stock", f"/warehouse/stock/{sku}", "/warehouse/orders", f"/warehouse/orders/{packed}"],
        ADMIN: [
            "/admin/plugins",
            "/admin/plugins/amazon/settings",
            "/admin/plugins/amazon/carriers",
            "/admin/accounts",
            "/admin/people",
            "/admin/people/1",
            "/password",
            "/admin/tasks",
            "/support",
        ],
    }


def test_no_page_is_wider_than_a_telephone(window: BrowserContext, live: Live) -> None:
    page = window.new_page()
    page.set_viewport_size(NARROW)
    for email, pages in addresses(live).items():
        sign_in(page, email)
        for address in pages:
            answer = page.goto(address)
            assert answer is not None
            assert answer.ok, address
            # As wide as the window, neither more nor less; unlike `evaluate` this ends if the page never answers.
            expect(page.locator("html"), address).to_have_js_property("scrollWidth", NARROW["width"])
        sign_out(page)


def test_the_keyboard_skips_to_the_content(window: BrowserContext) -> None:
    page = sign_in(window.new_page(), ALICE)
    page.goto("/integrations")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
