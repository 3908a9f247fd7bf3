"""Stock and latency on their way to the store: rows S05, S06, S12 to S18."""

from __future__ import annotations

import io

from werkzeug.datastructures import FileStorage

from is2_core.accounts.states import Role
from tests.e2e.journey import Journey
from tests.support.amazon import NORTHWIND

HARBOR, SUMMIT = "A2SIMNA0000002", "A2SIMNA0000003"
LATENCY = "Fulfillment Latency"


def receive(journey: Journey, *skus: str, units: int = 50) -> None:
    """Goods are in the warehouse from the start."""
    journey.world.stock_up(skus, units)


def test_S05_the_latency_says_what_it_promises_and_reaches_amazon(journey: Journey) -> None:
    """**Fulfillment Latency** is explained in days until tracking is uploaded (1 = within 24 hours of the sale), with
    2 the least advised and 3 the set-and-forget value; what is saved is what Amazon shows."""
    receive(journey, "TENT-2P")
    journey.list_at_amazon("TENT-2P")
    page = journey.connect()
    store = int(page.path.split("/")[2])
    field = page.field(LATENCY)
    assert field["value"] == "3"
    explained = page.soup.find(id=str(field["aria-describedby"]))
    assert explained is not None
    words = explained.get_text()
    for part in (
        "until tracking is uploaded",
        "1 means within 24 hours of the sale",
        "within one business day of receiving an order",
        "at least 2",
        "default of 3 also covers weekends and holidays",
    ):
        assert part in words
    page = journey.merchant.press("Finish Setup", lead_days="1")
    assert "With fewer than 2 days" in page.messages
    page = journey.change_settings(store, lead_days="2")
    assert "With fewer than 2 days" not in page.messages
    journey.add_item(store, "TENT-2P")
    journey.wait()
    assert journey.shown()["TENT-2P"] == (50, 2)


def test_S06_a_new_latency_goes_out_sku_by_sku_with_its_quantity(journey: Journey) -> None:
    """A changed latency waits for the next push of each SKU's quantity: 12 hours at least, and longer for a SKU
    without activity; the store says how many carry it."""
    receive(journey, "TENT-2P", "LAMP-USB")
    journey.list_at_amazon("TENT-2P", "LAMP-USB")
    store = journey.add_store()
    for sku in ("TENT-2P", "LAMP-USB"):
        journey.add_item(store, sku)
    journey.wait()
    assert journey.shown("TENT-2P", "LAMP-USB") == {"TENT-2P": (50, 3), "LAMP-USB": (50, 3)}
    journey.change_settings(store, lead_days="5")
    receive(journey, "TENT-2P", units=1)
    journey.wait(hours=11)
    assert journey.shown("TENT-2P", "LAMP-USB") == {"TENT-2P": (50, 3), "LAMP-USB": (50, 3)}
    journey.wait(hours=1)
    assert journey.shown("TENT-2P", "LAMP-USB") == {"TENT-2P": (51, 5), "LAMP-USB": (50, 3)}
    message = "1 of 2 SKUs carry the new latency; the rest follow at their next activity."
    for address in ("settings", "stock"):
        assert message in journey.merchant.get(f"/integrations/{store}/{address}").text
    journey.wait(hours=25)
    assert journey.shown()["LAMP-USB"] == (50, 3)


def test_S12_only_skus_with_activity_are_sent_again(journey: Journey) -> None:
    """After the first push only what was sold, received or adjusted since goes out."""
    receive(journey, "TENT-2P", "LAMP-USB", "STOVE-MINI", "000123")
    journey.list_at_amazon("TENT-2P", "LAMP-USB", "STOVE-MINI", "000123")
    store = journey.add_store()
    journey.map_methods(store, "STANDARD")
    for sku in ("TENT-2P", "LAMP-USB", "STOVE-MINI", "000123"):
        journey.add_item(store, sku)
    journey.wait()
    assert set().union(*journey.fed()) == {"TENT-2P", "LAMP-USB", "STOVE-MINI", "000123"}
    before = len(journey.fed())
    journey.sell("000123", 2)
    warehouse = journey.staff(Role.WAREHOUSE)
    warehouse.get("/warehouse/stock")
    page = warehouse.press("Receive", account_id=str(journey.world.account), sku="TENT-2P", quantity="7")
    warehouse.get(page.link("LAMP-USB"))
    warehouse.press("Adjust", delta="-3", reason="counted")
    journey.wait(hours=1)
    page = journey.merchant.get(f"/integrations/{store}/stock?show=due")
    assert sorted(tag.get_text() for tag in page.soup.select("td.stock-sku .sku")) == ["000123", "LAMP-USB", "TENT-2P"]
    journey.wait(hours=12)
    assert set().union(*journey.fed()[before:]) == {"000123", "TENT-2P", "LAMP-USB"}
    sent = {"TENT-2P": (57, 3), "LAMP-USB": (47, 3), "STOVE-MINI": (50, 3), "000123": (48, 3)}
    assert journey.shown(*sent) == sent


def test_S13_refresh_cart_items_does_nothing_at_amazon_and_says_so(journey: Journey) -> None:
    """The integration cannot see the items of an Amazon store: **Refresh Cart Items** asks Amazon nothing, lists
    nothing, and says why."""
    journey.list_at_amazon("TENT-2P", "LAMP-USB")
    store = journey.add_store()
    asked = len(journey.amazon.get("calls")["calls"])
    journey.merchant.get(f"/integrations/{store}/items")
    page = journey.merchant.press("Refresh Cart Items")
    assert "cannot see the items in your Amazon store" in page.messages
    assert "Custom Items" in page.messages
    assert "No item is listed yet." in page.text
    assert len(journey.amazon.get("calls")["calls"]) == asked


def test_S14_stock_goes_only_to_listed_activated_and_exactly_matching_skus(journey: Journey) -> None:
    """Under **Custom Items** a SKU must be listed, activated, and written exactly as in the warehouse; each of the
    three missing keeps its stock back."""
    receive(journey, "TENT-2P", "LAMP-USB", "STOVE-MINI", "000123")
    journey.list_at_amazon("TENT-2P", "LAMP-USB", "stove-mini", "STOVE-MINI", "000123", "123")
    store = journey.add_store()
    page = journey.merchant.get("/items")
    assert page.heading == "Custom Items of Northwind Outdoor"
    journey.add_item(store, "TENT-2P")
    journey.add_item(store, "LAMP-USB", active=False)
    journey.add_item(store, "stove-mini")
    journey.add_item(store, "123")
    journey.wait()
    assert {sku for sku, (_, days) in journey.shown().items() if days is not None} == {"TENT-2P"}
    assert journey.shown()["TENT-2P"] == (50, 3)
    page = journey.merchant.get("/items")
    rows = {" ".join(row.get_text(" ").split()) for row in page.soup.select("tbody tr")}
    assert any("TENT-2P none ACTIVE Yes" in row for row in rows)
    assert any("LAMP-USB none NEW Yes" in row for row in rows)
    assert any("stove-mini none ACTIVE No" in row for row in rows)
    page = journey.merchant.press("Activate for sync")
    assert "LAMP-USB is now activated for sync." in page.messages
    journey.wait(hours=13)
    assert journey.shown()["LAMP-USB"] == (50, 3)
    assert journey.shown()["stove-mini"] == (7, None)


def test_S15_mappings_are_made_among_the_custom_items(journey: Journey) -> None:
    """A cart SKU is mapped to warehouse SKUs, with quantities, where items are listed: in the same form, or later by
    Map; stock is counted by it and orders are shipped by it."""
    receive(journey, "TENT-2P", "LAMP-USB")
    journey.list_at_amazon("AMZ-TENT", "BUNDLE-CAMP")
    store = journey.add_store()
    journey.map_methods(store, "STANDARD")
    page = journey.add_item(store, "AMZ-TENT")
    assert "AMZ-TENT none ACTIVE No" in page.text
    journey.merchant.get(page.link("Map AMZ-TENT"))
    page = journey.merchant.press("Save mappings", warehouse_sku=["TENT-2P"], quantity=["1"])
    assert "AMZ-TENT TENT-2P \N{MULTIPLICATION SIGN} 1 ACTIVE By its mapping" in page.text
    journey.add_item(store, "BUNDLE-CAMP", ("TENT-2P", "1"), ("LAMP-USB", "4"))
    order_id = journey.sell("BUNDLE-CAMP", 2)
    journey.wait()
    assert journey.amazon.order(order_id)["buyer_view"] == "Processing"
    page = journey.merchant.get(journey.order_page(order_id).link("To be packed"))
    assert page.heading.startswith("Warehouse order")
    assert "LAMP-USB LAMP-USB 8 0 8" in page.text
    assert "TENT-2P TENT-2P 2 0 2" in page.text
    assert journey.shown("AMZ-TENT", "BUNDLE-CAMP") == {"AMZ-TENT": (48, 3), "BUNDLE-CAMP": ((50 - 8) // 4, 3)}


def test_S16_very_many_items_come_as_a_table_or_by_a_request(journey: Journey) -> None:
    """Where there are very many items the page offers a CSV table and a request for help, and both arrive."""
    skus = [f"{number:06}" for number in range(60)]
    receive(journey, *skus, units=5)
    journey.list_at_amazon(*skus)
    store = journey.add_store()
    page = journey.merchant.get(f"/integrations/{store}/items")
    assert "Very many items?" in page.text
    ask, table = page.link("ask us to do it"), page.link("Upload a table")
    journey.merchant.get(ask)
    page = journey.merchant.press("Request help", text="Please list my 60 spoons.")
    assert "Your request was sent" in page.messages
    support = journey.staff(Role.SUPPORT)
    assert "Please list my 60 spoons." in support.get("/support").text
    journey.merchant.get(table)
    lines = ["cart_sku,title,active,warehouse_sku,quantity", *(f'="{sku}",,yes,,' for sku in skus), "ODD,,yes,NONE,1"]
    file = FileStorage(io.BytesIO("\r\n".join(lines).encode()), "items.csv", "file")
    page = journey.merchant.press("Upload", file=file)
    assert page.heading == "What the table would change"
    assert "New (60)" in page.text
    assert "1 item has errors" in page.text
    assert "The warehouse has no SKU NONE" in journey.merchant.get(page.link("Errors, left out (1)")).text
    assert "No item is listed yet." in journey.merchant.get(f"/integrations/{store}/items").text, "nothing applied yet"
    journey.merchant.page = page
    page = journey.merchant.press("Apply")
    assert "60" in page.messages
    journey.wait()
    assert journey.shown(*skus) == dict.fromkeys(skus, (5, 3))


def test_S17_remote_fulfillment_must_be_set_to_yes_by_who_is_enrolled(journey: Journey) -> None:
    """**Remote Fulfillment With FBA** is No unless it is changed; a seller who is enrolled gets no stock synced and
    is told to set Yes, and with Yes it syncs; others sync with No."""
    receive(journey, "TENT-2P", "STOVE-MINI")
    journey.list_at_amazon("TENT-2P", seller=SUMMIT)
    journey.list_at_amazon("LAMP-USB", seller=SUMMIT, fba=True)
    journey.list_at_amazon("STOVE-MINI")
    page = journey.connect(SUMMIT)
    store = int(page.path.split("/")[2])
    option = page.field("Remote Fulfillment With FBA")
    assert [choice.get_text() for choice in option.find_all("option")] == ["Yes", "No"]
    chosen = option.find("option", selected=True)
    assert chosen is not None
    assert chosen.get_text() == "No"
    journey.merchant.press("Finish Setup", nickname="Summit")
    journey.add_item(store, "TENT-2P")
    journey.add_item(store, "LAMP-USB")
    journey.add_item(journey.add_store(NORTHWIND), "STOVE-MINI")
    journey.wait()
    assert journey.shown(seller=SUMMIT)["TENT-2P"] == (7, None)
    assert journey.shown()["STOVE-MINI"] == (50, 3)
    page = journey.merchant.get(f"/integrations/{store}/stock")
    assert "Stock is not being sent." in page.alerts[0]
    assert "Remote Fulfillment With FBA to Yes" in page.alerts[0]
    journey.merchant.get(page.link("Correct the settings"))
    journey.merchant.press("Save settings", remote_fulfillment="yes")
    journey.wait()
    assert journey.shown(seller=SUMMIT)["TENT-2P"] == (50, 3)
    listings = journey.amazon.get("listings", seller=SUMMIT)["listings"]
    assert [entry["sku"] for entry in listings if entry["converted"]] == [], "an FBA offer was written"
    assert journey.merchant.get(f"/integrations/{store}/stock").alerts == []


def test_S18_stock_sold_through_several_stores_is_discussed_before_it_is_synced(journey: Journey) -> None:
    """Before the stock of a SKU that another store sells too is sent, the page says what may go wrong, proposes a
    buffer and waits for a person; nothing of it reaches Amazon before."""
    receive(journey, "TENT-2P", "LAMP-USB", units=100)
    journey.list_at_amazon("TENT-2P")
    journey.list_at_amazon("TENT-2P", "LAMP-USB", seller=HARBOR)
    first = journey.add_store(NORTHWIND, nickname="Outdoor")
    journey.add_item(first, "TENT-2P")
    journey.wait()
    second = journey.add_store(HARBOR, nickname="Home")
    journey.add_item(second, "LAMP-USB")
    page = journey.add_item(second, "TENT-2P")
    assert "1 warehouse SKU of this store is sold by other stores of yours too." in page.text
    journey.wait(hours=13)
    assert journey.shown("TENT-2P", "LAMP-USB", seller=HARBOR) == {"TENT-2P": (7, None), "LAMP-USB": (100, 3)}
    page = journey.change_settings(second)
    assert page.path == f"/integrations/{second}/shared-stock"
    assert "can be sold twice" in page.text
    assert "TENT-2P Outdoor" in page.text
    assert page.field("Buffer of TENT-2P")["value"] == "5"
    assert page.link("request help").startswith("/help?")
    page = journey.merchant.press("Confirm")
    assert page.status == 400, "the box is not ticked"
    page = journey.merchant.press("Confirm", understood="yes")
    assert "Confirmed" in page.messages
    journey.wait(hours=13)
    assert journey.shown(seller=HARBOR)["TENT-2P"] == journey.shown()["TENT-2P"] == (95, 3)
    assert "Shared stock turned on" in journey.staff(Role.SUPPORT).get("/support").text
