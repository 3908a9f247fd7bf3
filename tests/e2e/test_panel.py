"""The panel after the setup: rows S24 to S28."""

from __future__ import annotations

from bs4 import Tag

from is2_core.accounts.states import Role
from tests.e2e.journey import Journey
from tests.support.browser import Page


def headings(page: Page) -> list[str]:
    """The column headings of the page's first table."""
    table = page.soup.find("table")
    assert isinstance(table, Tag)
    return [tag.get_text(" ", strip=True) for tag in table.find_all("th")]


def test_S24_view_integrations_shows_the_integration(journey: Journey) -> None:
    """**Integration > View Integrations** shows the store: who the seller is, how its checks go, what came in."""
    journey.world.stock_up(["TENT-2P"])
    store = journey.add_store(nickname="Outdoor")
    journey.map_methods(store, "STANDARD")
    journey.sell("TENT-2P")
    journey.wait()
    home = journey.merchant.get("/")
    page = journey.merchant.get(home.link("Integration"))
    page = journey.merchant.get(page.link("View Integrations"))
    assert page.heading.startswith("View Integrations")
    (seller,) = [entry for entry in journey.amazon.get("sellers")["sellers"] if entry["authorized"]]
    assert f"{seller['name']} ({seller['seller']})" in page.text
    assert "Amazon · Outdoor Active" in page.text
    assert "Region North America" in page.text
    (check,) = journey.listings()
    last = page.soup.find("time", attrs={"datetime": check["time"].replace(".000", "")})
    assert last is not None, check["time"]
    assert "1 received" in page.text


def test_S25_the_envelope_leads_to_shipping_mappings(journey: Journey) -> None:
    """The envelope icon of a store leads to its shipping mappings: **Cart Shipping Method**, a drop-down of services,
    **Add Mapping**, with the form emptied and focused for the next; orders that waited for it go on."""
    journey.world.stock_up(["TENT-2P"])
    store = journey.add_store(nickname="Outdoor")
    orders = [journey.sell("TENT-2P", method=method) for method in ("STANDARD", "EXPEDITED", "NEXT_DAY")]
    journey.wait()
    assert journey.acknowledged() == set()
    page = journey.merchant.get("/integrations")
    icon = page.soup.select_one("a .bi-envelope")
    assert icon is not None
    envelope = icon.parent
    assert isinstance(envelope, Tag)
    assert envelope["title"] == "Shipping mappings"
    page = journey.merchant.get(str(envelope["href"]))
    assert page.heading.startswith("Shipping mappings of Outdoor")
    assert headings(page)[:2] == ["Cart Shipping Method", "Warehouse service"]
    services = [option.get_text() for option in page.field("Warehouse service").find_all("option")]
    assert {"Ground (3 to 5 business days)", "Overnight"} <= set(services)
    for method, service in (("Standard", "GROUND"), ("express", "GROUND"), ("NEXT_DAY", "OVERNIGHT")):
        page = journey.merchant.press("Add Mapping", method=method, service=service)
        assert "You can add the next one." in page.messages
        field = page.field("Cart Shipping Method")
        assert field["value"] == ""
        assert field.has_attr("autofocus")
    rows = [" ".join(row.get_text(" ").split()) for row in page.soup.select("tbody tr")]
    assert len(rows) == 3
    journey.wait()
    assert journey.acknowledged() == set(orders)
    listed = [
        " ".join(row.get_text(" ").split()) for row in journey.merchant.get("/warehouse/orders").soup.select("tr")
    ]
    assert sum("Overnight" in row.title() for row in listed) == 1, listed
    assert journey.merchant.get(f"/integrations/{store}/shipping").text.count("added as express") == 1


def test_S26_a_sku_that_does_not_match_is_visible_and_can_be_fixed(journey: Journey) -> None:
    """A SKU of an order that the warehouse does not have holds the order, with the way to fix it; in the item list the
    mismatch stands in a column of its own, with what was probably meant."""
    journey.world.stock_up(["TENT-2P"], 20)
    journey.list_at_amazon("tent 2p")
    store = journey.add_store()
    journey.map_methods(store, "STANDARD")
    order_id = journey.sell("tent 2p")
    journey.wait()
    assert journey.amazon.order(order_id)["buyer_view"] == "Ordered"
    page = journey.merchant.get("/received-orders?state=HELD")
    assert "tent 2p" in page.text
    page = journey.order_page(order_id)
    why = page.soup.find(attrs={"aria-labelledby": "holds-title"})
    assert isinstance(why, Tag)
    fix = why.find("a")
    assert isinstance(fix, Tag)
    page = journey.merchant.get(str(fix["href"]))
    assert page.field("Cart SKU")["value"] == "tent 2p"
    page = journey.merchant.press("Add item")
    assert "Matches warehouse SKU?" in headings(page)
    assert "tent 2p none ACTIVE No TENT-2P differs only in spaces and signs" in page.text
    journey.wait()
    assert journey.amazon.order(order_id)["buyer_view"] == "Ordered", "nothing is mapped by itself"
    journey.merchant.get(f"/integrations/{store}/items")
    page = journey.merchant.press("Map to TENT-2P")
    assert "tent 2p TENT-2P \N{MULTIPLICATION SIGN} 1 ACTIVE By its mapping" in page.text
    journey.wait(hours=13)
    assert journey.amazon.order(order_id)["buyer_view"] == "Processing"
    assert journey.shown("tent 2p") == {"tent 2p": (19, 3)}


def test_S27_help_can_be_requested_from_every_page_and_every_held_order(journey: Journey) -> None:
    """Every page leads to a request for help that names the page; a held order's request carries the order, and the
    answer of a person is read by the merchant."""
    journey.world.stock_up(["TENT-2P"])
    store = journey.add_store(nickname="Outdoor")
    order_id = journey.sell("TENT-2P")
    journey.wait()
    order = journey.order_page(order_id).path
    item = journey.merchant.get(journey.add_item(store, "ODD").link("Edit ODD")).path
    tabs = [f"/integrations/{store}/{tab}" for tab in ("settings", "items", "stock", "shipping", "disconnect")]
    for address in ("/integrations", "/integrations/add", "/received-orders", order, item, "/warehouse/stock", *tabs):
        page = journey.merchant.get(journey.merchant.get(address).link("Help"))
        assert f"the page {address} " in f"{page.text} ", address
        assert page.form("Request help")
        assert page.link("Back to the page") == address
    page = journey.merchant.get(order)
    assert "Why it waits" in page.text
    journey.merchant.get(page.link("Ask for help with this order"))
    page = journey.merchant.press("Request help", text="Why does this wait?")
    assert "Your request was sent." in page.messages
    support = journey.staff(Role.SUPPORT)
    page = support.get("/support")
    assert page.link(order_id) == order
    assert "Why does this wait?" in page.text
    support.press("Close with this answer", answer="Its shipping method has no mapping yet.")
    assert "Its shipping method has no mapping yet." in journey.merchant.get("/help").text
    assert journey.amazon.order(order_id)["buyer_view"] == "Ordered", "asking changes nothing at Amazon"


def test_S28_a_guide_leads_from_the_finished_setup_to_synced_stock(journey: Journey) -> None:
    """The success message leads to a guide about inventory syncing; who follows its steps and links has stock at
    Amazon afterwards."""
    journey.world.stock_up(["TENT-2P"], 50)
    journey.list_at_amazon("AMZ-TENT")
    journey.connect()
    page = journey.merchant.press("Finish Setup", nickname="Outdoor")
    guide = journey.merchant.get(page.link("How inventory syncing works"))
    assert guide.heading.startswith("How inventory syncing works")
    steps = [item.get_text(" ", strip=True) for item in guide.soup.select("main ol > li")]
    assert [step.split()[0] for step in steps] == ["List", "Match", "Activate", "Choose"]
    for words in (
        "Refresh Cart Items",
        "Custom Items",
        "12 hours",
        "Fulfillment Latency",
        "Remote Fulfillment With FBA",
    ):
        assert words in guide.text
    page = journey.merchant.get(guide.link("Custom Items"))
    assert page.heading.startswith("Custom Items of Outdoor")
    page = journey.merchant.press("Add item", sku="AMZ-TENT")
    journey.merchant.get(page.link("Map AMZ-TENT"))
    journey.merchant.press("Save mappings", warehouse_sku=["TENT-2P"], quantity=["2"])
    journey.wait()
    assert journey.shown("AMZ-TENT") == {"AMZ-TENT": (25, 3)}
    page = journey.merchant.get(journey.merchant.get("/integrations").link("Stock"))
    assert page.link("How inventory syncing works")
    assert "AMZ-TENT 25" in page.text
