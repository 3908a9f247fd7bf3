"""A walk through all pages, by everybody, over data of every kind and over none."""

from __future__ import annotations

import io
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from werkzeug.datastructures import FileStorage

from is2_core.accounts.models import Credential
from is2_core.accounts.states import Role
from is2_core.items.models import CartItem
from is2_core.tasks.models import Task
from is2_core.tasks.states import TaskState
from tests.e2e.crawl import Walk, faults, walk
from tests.e2e.journey import ALICE, Journey
from tests.support.amazon import NORTHWIND
from tests.support.bay import FarBay
from tests.support.browser import Browser, Page
from tests.support.parcels import ups_number

HARBOR, SUMMIT, SAKURA, MERLION = "A2SIMNA0000002", "A2SIMNA0000003", "A2SIMFE0000001", "A2SIMFE0000002"


def a_busy_store(journey: Journey) -> tuple[int, list[str], str]:
    """A store with items and received orders in every state; with the orders to be packed, and one of a bundle."""
    journey.amazon.post("seller", {"seller": NORTHWIND, "older_token": True})
    journey.world.stock_up(["TENT-2P", "LAMP-USB", "STOVE-MINI", "000123", "Mug Blue 12oz"], 100)
    to_pack = [journey.sell("TENT-2P", quantity=2) for _ in range(4)]
    bundle = journey.sell("BUNDLE-CAMP")
    journey.amazon.generate(
        plain=3,
        pending=1,
        unmapped_sku=1,
        unmapped_method=1,
        missing_address=1,
        cancellation_request=1,
        cancelled=1,
        amazon_fulfilled=1,
        gift=1,
        unknown_enum=2,
        bad=2,
        business=1,
        customized=2,
        ioss=1,
        serial=1,
        replacement=1,
        constraints=1,
    )
    days_ago = (journey.world.clock.now() - timedelta(days=5)).date().isoformat()
    store = journey.add_store(nickname="Outdoor", orders_from=days_ago)
    journey.map_methods(store, "Standard", "EXPEDITED", "SECOND_DAY", "NEXT_DAY")
    journey.add_item(store, "TENT-2P")
    journey.add_item(store, "BUNDLE-CAMP", ("TENT-2P", "1"), ("LAMP-USB", "2"))
    journey.add_item(store, "COOLER-FBA", ("LAMP-USB", "1"))
    journey.add_item(store, "lamp-usb")
    journey.add_item(store, "STOVE-MINI", active=False)
    journey.amazon.fault("feedProcessed", "reject", sku="BUNDLE-CAMP", times=10)
    journey.wait()
    journey.amazon.heal()
    return store, to_pack, bundle


def packages_of_every_kind(journey: Journey, packer: Browser, orders: list[str], bundle: str) -> None:
    """Packages the cart has, has refused, and waits for, one that was taken back, and an order that was stopped."""
    sent, refused, voided, stopped = orders
    ship(packer, sent, {"TENT-2P": "1"})
    journey.wait()
    journey.amazon.fault("confirmShipment", "400")
    ship(packer, refused)
    journey.wait()
    ship(packer, voided)
    packer.press("Void package 1", reason="the label was damaged")
    open_in_warehouse(packer, stopped)
    packer.press("Stop this order", reason="water damage")
    ship(packer, bundle, {"TENT-2P": "1", "LAMP-USB": "0"})
    journey.wait()
    page = journey.order_page(refused)
    assert page.form("Send tracking again")


def questions(journey: Journey) -> None:
    """A held order that is asked about twice and dismissed."""
    page = journey.order_page(
        next(order for order in journey.world.orders() if "SKU_UNKNOWN" in journey.world.holds(order))
    )
    help_page = page.link("Ask for help with this order")
    journey.merchant.press("Dismiss this order", reason="a prank")
    for question in ("Was this a prank?", "And what now?"):
        journey.merchant.get(help_page)
        journey.merchant.press("Request help", text=question)


def open_in_warehouse(packer: Browser, order_id: str) -> None:
    """Open the page of an order in the warehouse."""
    found = packer.get(f"/warehouse/orders?q={order_id}").soup.select_one("td a.number")
    assert found is not None
    packer.get(str(found["href"]))


def ship(packer: Browser, order_id: str, units: dict[str, str] | None = None) -> None:
    """Ship all of an order, or these units."""
    open_in_warehouse(packer, order_id)
    quantities = {f"quantity:{sku}": count for sku, count in (units or {}).items()}
    page = packer.press("Ship package", carrier="UPS", tracking_number=ups_number(int(order_id[-7:])), **quantities)
    assert "Shipped" in page.messages, page.text


def stores_of_every_kind(journey: Journey, busy: int) -> None:
    """Beside the busy store, one each that shares its stock, keeps it back, is paused, disconnected, not finished."""
    shares = journey.add_store(HARBOR, nickname="Home")
    journey.add_item(shares, "TENT-2P")
    enrolled = journey.add_store(SUMMIT, nickname="Summit")
    journey.add_item(enrolled, "000123")
    paused = journey.add_store(SAKURA, "fe", nickname="Sakura")
    journey.add_store("A2SIMEU0000001", "eu", nickname="Alpen")
    journey.wait()
    journey.amazon.post("seller", {"seller": SAKURA, "revoke": True, "expire_access_tokens": True})
    with journey.world.platform.db.write() as db:
        long_ago = journey.world.clock.now() - timedelta(days=360)
        db.execute(sa.update(Credential).where(Credential.integration_id == busy).values(authorized_at=long_ago))
    # One answer is no fact: the shop must have said so for a while.
    for _ in range(3):
        journey.wait(minutes=30)
    page = journey.merchant.get("/integrations")
    assert "Paused." in page.text
    journey.merchant.get(f"/integrations/{paused + 1}/disconnect")
    journey.merchant.press("Disconnect")
    journey.leave("eu")
    journey.connect(MERLION, "fe")
    assert journey.merchant.get("/integrations").text.count("Setup not finished") == 2


def a_preview(journey: Journey, store: int) -> str:
    """The page of a table that was uploaded and not applied yet."""
    journey.merchant.get(f"/integrations/{store}/items/table")
    content = b"cart_sku,title,active,warehouse_sku,quantity\nNEW-1,New,yes,TENT-2P,1\nTENT-2P,Tent,no,,\nX,,maybe,,\n"
    return journey.merchant.press("Upload", file=FileStorage(io.BytesIO(content), "items.csv", "file")).path


def what_differs(journey: Journey) -> None:
    """A SKU of which Amazon shows another number than it was sent."""
    with journey.world.platform.db.write() as db:
        now = journey.world.clock.now()
        shown = {"drift": "The cart shows a quantity of 8, where 9 was sent.", "drift_at": now, "channel_read_at": now}
        db.execute(sa.update(CartItem).where(CartItem.sku == "TENT-2P").values(**shown))


def run_the_platform(journey: Journey, admin: Browser, support: Browser) -> None:
    """Leave behind an admin's and support's work: a migration, a carrier code, an answer, a failed task; and install a
    second warehouse, which has settings."""
    journey.world.platform.warehouses.replace("bay", FarBay())
    admin.get("/admin/plugins")
    admin.press("Begin the migration")
    admin.get("/admin/plugins/amazon/carriers")
    admin.press("Save code", carrier="City Messenger", code="Other")
    support.get("/support")
    support.press("Close with this answer", answer="It was.")
    now = journey.world.clock.now()
    with journey.world.platform.db.write() as db:
        db.add(
            Task(
                kind="orders.check",
                business_key="given up",
                state=TaskState.QUARANTINED,
                run_at=now,
                created_at=now,
                error_code="PLUGIN_BUG",
                error_message="The plugin of this cart failed.",
                error_detail="a trace",
            )
        )


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_every_page_of_a_busy_platform_is_whole_and_leads_on(journey: Journey) -> None:
    """Whoever follows every link finds pages that answer, have a title and a way on, and speak English; and there is
    no page to which no link leads."""
    admin, support, packer = (journey.staff(role) for role in (Role.ADMIN, Role.SUPPORT, Role.WAREHOUSE))
    store, to_pack, bundle = a_busy_store(journey)
    packages_of_every_kind(journey, packer, to_pack, bundle)
    questions(journey)
    stores_of_every_kind(journey, store)
    what_differs(journey)
    run_the_platform(journey, admin, support)
    walks = {
        "stranger": walk(journey.browser(), "/sign-in", "/amazon/install", "/amazon/install/sign-in?region=na"),
        "merchant": walk(journey.merchant, "/", a_preview(journey, store), of_a_kind=12),
        "support": walk(support, "/", of_a_kind=2),
        "admin": walk(admin, "/", of_a_kind=2),
        "packer": walk(packer, "/", of_a_kind=2),
    }
    assert "\n".join(f"{who}: {fault}" for who, found in walks.items() for fault in found.faults) == ""
    assert pages_of(journey) - {endpoint for found in walks.values() for endpoint in endpoints(journey, found)} == set()


def endpoints(journey: Journey, found: Walk) -> set[str]:
    """The pages that were reached."""
    routes = journey.app.url_map.bind("")
    return {str(routes.match(urlsplit(address).path)[0]) for address in found.pages}


def pages_of(journey: Journey) -> set[str]:
    """All that people open in a browser: not what programs read, nor what a cart sends browsers to."""
    rules = [rule for rule in journey.app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    people = {rule.endpoint for rule in rules if not rule.rule.startswith("/api/") and not rule.rule.endswith(".json")}
    return people - {
        "static",
        "health.healthz",
        "health.readyz",
        "install.login_leg",
        "install.come_back",
        "admin.home",
        # The way in, between a password and being signed in: tests/web/test_browser_sign_in.py.
        "passwords.by_link",
        "passwords.replace_old",
        "second_factor.enrol",
        "second_factor.give",
    }


def test_a_brand_new_account_finds_a_way_on_from_every_page(journey: Journey) -> None:
    """Where nothing is there yet, each page says so and leads to what comes first, and is whole in every other way."""
    journey.merchant.sign_in(ALICE)
    found = walk(journey.merchant, "/")
    assert "\n".join(found.faults) == ""
    assert len(found.pages) > 10
    stuck = [
        address
        for address, page in found.pages.items()
        if page.response.mimetype == "text/html" and not page.soup.select("main a[href], main form:not([role=search])")
    ]
    assert stuck == []
    for role in (Role.ADMIN, Role.SUPPORT, Role.WAREHOUSE):
        assert "\n".join(walk(journey.staff(role), "/").faults) == ""


@pytest.mark.parametrize(
    ("email", "address", "status"),
    [
        ("", "/nowhere", 404),
        (ALICE, "/nowhere", 404),
        (ALICE, "/received-orders/1", 404),
        (ALICE, "/admin/plugins", 403),
        (ALICE, "/support", 403),
        (ALICE, "/unheard/install", 404),
    ],
)
def test_an_error_says_what_is_wrong_and_leads_on(journey: Journey, email: str, address: str, status: int) -> None:
    """A page that cannot be shown has a sentence, and links to the first page and to help."""
    page = journey.browser(email).get(address)
    assert page.status == status
    assert faults(page) == []
    assert page.alerts
    assert page.link("To the first page") == "/"
    assert page.link("Help").startswith("/help")


def test_a_form_without_its_token_is_an_error_page_too(journey: Journey) -> None:
    """What comes from elsewhere, or from a page left open for long, changes nothing and says what to do."""
    browser = journey.browser(ALICE)
    page = Page(browser.client.post("/sign-out"))
    assert page.status == 400
    assert faults(page) == []
    assert "reload it and send it again" in page.alerts[0]
    assert "Signed in as Alice" in browser.get("/").text
