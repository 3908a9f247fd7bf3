"""The journey from the starting link to a finished setup: rows S01 to S04, S07 to S11."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

from bs4 import Tag

from is2_core.accounts.states import Role
from is2_core.admin import cart_setup
from tests.e2e.journey import ALICE, Journey
from tests.e2e.seller_central import SellerCentral
from tests.support.amazon import NORTHWIND
from tests.support.browser import PASSWORD

HARBOR = "A2SIMNA0000002"
COUNTRIES = {
    "na": ("United States", "Canada", "Mexico", "Brazil"),
    "eu": ("United Kingdom", "Germany", "France", "Italy", "Spain"),
    "fe": ("Japan", "Australia", "Singapore"),
}


def is_authorized(journey: Journey, seller: str) -> bool:
    """Whether Amazon has a consent of the seller."""
    return any(entry["authorized"] for entry in journey.amazon.get("sellers")["sellers"] if entry["seller"] == seller)


def test_S01_the_starting_link_is_public_and_every_cart_has_one(journey: Journey) -> None:
    """`/amazon/install` opens for a stranger, and in general `/<cart>/install`; Amazon is asked nothing by that."""
    stranger = journey.browser()
    page = stranger.get("/amazon/install", follow=False)
    assert page.status == 200
    assert page.heading == "Connect your Amazon store"
    assert page.form("Submit")
    assert stranger.get("/tiny/install").status == 404, "a cart nobody has enabled"
    cart_setup.save_cart_settings(journey.world.platform, "tiny", "live", {})
    cart_setup.enable_cart(journey.world.platform, "tiny")
    page = stranger.get("/tiny/install")
    assert page.heading == "Sign in with your fulfillment account"
    assert "create the Tiny Shop integration" in page.text
    assert stranger.get("/unheard/install").status == 404
    assert journey.amazon.get("calls")["calls"] == []


def test_S02_the_sales_region_is_chosen_and_submitted(journey: Journey) -> None:
    """A screen names each sales region with its countries; **Submit** leads to the Seller Central of that region."""
    sellers = journey.amazon.get("sellers")["sellers"]
    for region, countries in COUNTRIES.items():
        page = journey.merchant.get("/amazon/install")
        choice = page.soup.find("input", attrs={"name": "region", "value": region})
        assert isinstance(choice, Tag)
        label = page.soup.find("label", attrs={"for": choice["id"]})
        assert isinstance(label, Tag)
        assert [name for name in countries if name not in label.get_text()] == []
        visit = journey.leave(region)
        assert visit.sellers == {entry["seller"] for entry in sellers if entry["region"] == region}
    assert journey.merchant.get("/amazon/install/sign-in").alerts == ["Choose the region you sell in."]


def test_S03_the_sign_in_says_who_asks_and_where_the_integration_is_created(journey: Journey) -> None:
    """The fulfillment account that signs in between owns the integration; a user who is signed in is shown it too."""
    contoso = journey.owner_of("Contoso")
    stranger = journey.browser()
    stranger.get("/amazon/install")
    page = stranger.press("Submit", region="na")
    assert page.heading == "Sign in with your fulfillment account"
    assert "who is asking and where to create the Amazon integration" in page.text
    page = stranger.press("Sign in", email=ALICE, password=PASSWORD)
    for words in ("Continue as Alice?", ALICE, "Create in account Northwind", "WMS target Embedded warehouse"):
        assert words in page.text
    assert not is_authorized(journey, NORTHWIND)
    contoso.get("/amazon/install")
    page = contoso.press("Submit", region="na")
    assert "Create in account Contoso" in page.text
    page = contoso.press("Continue to Amazon")
    visit = SellerCentral(page.link("Continue to Amazon"))
    visit.sign_in(HARBOR)
    contoso.get(visit.agree())
    contoso.press("Finish Setup", nickname="Pier")
    assert is_authorized(journey, HARBOR)
    assert "Amazon · Pier" in contoso.get("/integrations").text
    assert "Pier" not in stranger.get("/integrations").text


def test_S04_amazons_page_is_read_ticked_and_left_by_next(journey: Journey) -> None:
    """Amazon's page names the application and its roles; **Next** takes effect only with all boxes ticked, and leads
    back to the installer for the initial configuration."""
    visit = journey.leave()
    visit.sign_in(NORTHWIND)
    assert "asks for these roles" in visit.text
    assert "Direct-to-Consumer" in visit.text
    some = visit.boxes[:-1]
    assert some
    visit.press("Next", **dict.fromkeys(some, "yes"))
    assert visit.status == 400
    assert not is_authorized(journey, NORTHWIND)
    back = visit.agree()
    assert is_authorized(journey, NORTHWIND)
    page = journey.merchant.get(back)
    assert page.heading == "Set up Northwind Outdoor"
    assert page.form("Finish Setup")
    (call,) = journey.amazon.calls("getMarketplaceParticipations")
    assert (call["seller"], call["status"]) == (NORTHWIND, 200)


def test_S07_new_orders_are_checked_in_the_chosen_interval(journey: Journey) -> None:
    """**Scheduling**: 30 minutes is marked as the most common choice and is the default; Amazon is asked just so."""
    page = journey.connect()
    field = page.field("Scheduling: check for new orders")
    chosen = field.find("option", selected=True)
    assert isinstance(chosen, Tag)
    assert chosen.get_text() == "every 30 minutes (most common)"
    journey.merchant.press("Finish Setup")
    store = int(page.path.split("/")[2])

    def gaps(hours: int) -> set[timedelta]:
        since = len(journey.amazon.get("calls")["calls"])
        for _ in range(4 * hours):
            journey.world.settle_later(minutes=15)
        found = journey.amazon.get("calls", operation="searchOrders", since=str(since))["calls"]
        times = [datetime.fromisoformat(call["time"]) for call in found]
        return {later - earlier for earlier, later in itertools.pairwise(times)}

    journey.world.settle()
    assert gaps(2) == {timedelta(minutes=30)}
    journey.change_settings(store, orders_every="3600")
    gaps(1)
    assert gaps(3) == {timedelta(minutes=60)}


def test_S08_available_inventory_is_sent_back_twice_a_day_or_not_at_all(journey: Journey) -> None:
    """**Scheduling** of stock is optional, twice a day is marked as the most common, and nothing below 12 hours can
    be had, for that is a limit of Amazon's."""
    journey.world.stock_up(["TENT-2P"], 50)
    journey.list_at_amazon("TENT-2P")
    page = journey.connect()
    field = page.field("Scheduling: send available inventory")
    hours = {str(option["value"]): option.get_text() for option in field.find_all("option")}
    assert hours == {
        "off": "Off",
        "86400": "every 24 hours",
        "43200": "every 12 hours (twice a day, most common)",
    }
    page = journey.merchant.press("Finish Setup", inventory_every="3600")
    assert page.status == 400
    assert page.problem_at("Scheduling: send available inventory")
    store = int(page.path.split("/")[2])
    page = journey.merchant.press("Finish Setup", inventory_every="off")
    assert "Success" in page.messages
    journey.add_item(store, "TENT-2P")
    journey.wait(hours=25)
    assert journey.fed() == []
    journey.change_settings(store, inventory_every="43200")
    begun = journey.world.clock.now()
    warehouse = journey.staff(Role.WAREHOUSE)
    for _ in range(9):
        warehouse.get("/warehouse/stock")
        warehouse.press("Receive", account_id=str(journey.world.account), sku="TENT-2P", quantity="1")
        journey.wait(hours=3)
    # One feed for each of the seller's marketplaces, at the same time.
    times = sorted({call["time"] for call in journey.amazon.calls("feedProcessed") if call["skus"]})
    first, second, third = [datetime.fromisoformat(time) for time in times]
    assert first - begun < timedelta(hours=3.5)
    assert all(timedelta(hours=12) <= gap < timedelta(hours=15.5) for gap in (second - first, third - second))


def test_S09_several_stores_are_told_apart_by_their_nicknames(journey: Journey) -> None:
    """One account holds several Amazon stores, each with an optional nickname and with settings of its own."""
    journey.world.stock_up(["TENT-2P", "LAMP-USB"], 50)
    journey.list_at_amazon("TENT-2P")
    journey.list_at_amazon("LAMP-USB", seller=HARBOR)
    outdoor = journey.add_store(NORTHWIND, nickname="Outdoor", lead_days="2")
    page = journey.connect(HARBOR)
    harbor = int(page.path.split("/")[2])
    assert page.field("Nickname")
    page = journey.merchant.press("Finish Setup", nickname="outdoor", lead_days="4")
    assert "Another of your stores has this nickname" in page.problem_at("Nickname")
    page = journey.merchant.press("Finish Setup", nickname="", lead_days="4")
    assert "Amazon · Outdoor" in page.text
    assert "Amazon · Blue Harbor Home" in page.text
    journey.change_settings(harbor, nickname="Home")
    for store, nickname, days in ((outdoor, "Outdoor", "2"), (harbor, "Home", "4")):
        page = journey.merchant.get(f"/integrations/{store}/settings")
        assert page.heading == f"Settings of {nickname}"
        assert page.field("Fulfillment Latency")["value"] == days
        for tab in ("items", "stock", "shipping"):
            assert nickname in journey.merchant.get(f"/integrations/{store}/{tab}").heading
    journey.add_item(outdoor, "TENT-2P")
    journey.add_item(harbor, "LAMP-USB")
    journey.wait(hours=13)
    assert journey.shown()["TENT-2P"] == (50, 2)
    assert journey.shown(seller=HARBOR)["LAMP-USB"] == (50, 4)


def test_S10_finish_setup_is_answered_by_a_success_message_at_the_top(journey: Journey) -> None:
    """**Finish Setup** shows a success message above everything else of the page; only then is the store read."""
    journey.connect()
    journey.wait(hours=1)
    assert journey.listings() == []
    page = journey.merchant.press("Finish Setup", nickname="Outdoor")
    assert page.path == "/integrations"
    assert page.messages.startswith("Success: your Amazon store Outdoor is connected")
    main = page.soup.find("main")
    assert isinstance(main, Tag)
    assert main.get_text(" ", strip=True).startswith("Success")
    journey.wait()
    assert [call["status"] for call in journey.listings()] == [200]


def test_S11_the_older_tokens_warning_can_be_ignored_until_the_migration_ends(journey: Journey) -> None:
    """While the API generation is migrated, a store with the older token is told to ignore Seller Central's expiry
    warning and not to disable that token until further notice, which the end of the migration is."""
    admin = journey.staff(Role.ADMIN)
    admin.get("/admin/plugins")
    admin.press("Begin the migration")
    journey.amazon.post("seller", {"seller": NORTHWIND, "older_token": True})
    assert "ignored" not in journey.connect(HARBOR).text, "this seller has no older token"
    journey.merchant.press("Finish Setup", nickname="Home")
    page = journey.connect(NORTHWIND)
    during = ("token expires", "can be ignored for now", "Do not disable", "until further notice")
    assert [words for words in during if words not in page.text] == []
    journey.merchant.press("Finish Setup", nickname="Outdoor")
    page = journey.merchant.get("/integrations")
    assert [words for words in during if words not in page.text] == []
    assert page.text.count("About the older authorization") == 1
    admin.get("/admin/plugins")
    admin.press("End the migration")
    page = journey.merchant.get("/integrations")
    assert "may now disable it" in page.text
    assert "ignored for now" not in page.text
    sellers = {entry["seller"]: entry["older_token"] for entry in journey.amazon.get("sellers")["sellers"]}
    assert (sellers[NORTHWIND], sellers[HARBOR]) == (True, False)
