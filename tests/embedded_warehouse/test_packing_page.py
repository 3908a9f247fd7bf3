"""The pages where orders are packed, shipped, corrected, voided and stopped."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from is2_core.embedded_warehouse.models import WarehouseOrder, WarehousePackage, WarehouseSku
from is2_core.embedded_warehouse.states import WarehouseState
from is2_core.jobs import HANDLERS
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.states import PostState
from is2_core.tasks.models import Task
from is2_core.tasks.runner import run_task
from tests.support.browser import Browser
from tests.support.buyers import post_refused
from tests.support.panel import ADMIN, ALICE, CHARLIE, PACKER, SUPPORT, Panel
from tests.support.parcels import ups_number

FIRST = ups_number(1)


def pending(panel: Panel) -> list[WarehouseOrder]:
    """Northwind's pending orders, those with most lines first."""
    with panel.platform.db.read() as db:
        rows = db.scalars(
            sa.select(WarehouseOrder)
            .where(WarehouseOrder.account_id == panel.northwind, WarehouseOrder.state == WarehouseState.PENDING)
            .order_by(WarehouseOrder.id)
        ).all()
        return sorted(rows, key=lambda row: -len(row.lines))


def packages(panel: Panel) -> list[WarehousePackage]:
    with panel.platform.db.read() as db:
        return list(db.scalars(sa.select(WarehousePackage).order_by(WarehousePackage.id)))


def read_warehouse(panel: Panel) -> None:
    """Run what the warehouse's change asked for, and nothing of what that asks of the cart."""
    with panel.platform.db.read() as db:
        tasks = db.scalars(sa.select(Task.id).where(Task.kind == "warehouse.read")).all()
    for task in tasks:
        run_task(panel.platform, task, {"warehouse.read": HANDLERS["warehouse.read"]})


@pytest.fixture
def order(panel: Panel) -> WarehouseOrder:
    """One of several lines."""
    return pending(panel)[0]


@pytest.fixture
def browser(panel: Panel, order: WarehouseOrder) -> Browser:
    """Walt's, at the page of the order."""
    browser = panel.browser(PACKER)
    browser.get(f"/warehouse/orders/{order.id}")
    return browser


def test_the_form_is_filled_with_what_is_left_and_waits_for_the_number(browser: Browser, order: WarehouseOrder) -> None:
    page = browser.page
    assert page is not None
    assert page.field("Tracking number").has_attr("autofocus")
    assert len(page.soup.find_all(autofocus=True)) == 1
    for line in order.lines:
        assert page.field(f"{line.sku} , units")["value"] == str(line.quantity)
    page = browser.press(
        "Ship package", carrier="UPS", tracking_number=FIRST, **{f"quantity:{order.lines[0].sku}": "1"}
    )
    assert f"Shipped under tracking number {FIRST}." in page.messages
    left = order.lines[0].quantity - 1
    field = page.soup.find(attrs={"name": f"quantity:{order.lines[0].sku}"})
    assert (field["value"] if field else "0") == str(left)


def test_an_order_is_packed_shipped_and_shown_complete(panel: Panel, browser: Browser, order: WarehouseOrder) -> None:
    page = browser.press("Start packing")
    assert "The order is in process." in page.messages
    page = browser.press("Ship package", carrier="other", carrier_name="Bob's Van", tracking_number="0042")
    assert "Shipped under tracking number 0042." in page.messages
    assert "Package 1 Not read yet Carrier Bob's Van Tracking number 0042" in page.text
    assert "by Walt" in page.text
    assert "Ship a package" not in page.text
    assert "Stop this order" not in page.text
    (package,) = packages(panel)
    assert {line.sku: line.quantity for line in package.lines} == {line.sku: line.quantity for line in order.lines}
    listed = browser.get("/warehouse/orders?state=COMPLETED")
    assert order.number in listed.text


def test_the_last_carrier_is_proposed_for_the_next_order(panel: Panel, browser: Browser) -> None:
    browser.press("Ship package", carrier="OnTrac", tracking_number="0001")
    page = browser.get(f"/warehouse/orders/{pending(panel)[0].id}")
    chosen = page.field("Carrier").find("option", selected=True)
    assert chosen is not None
    assert chosen.text == "OnTrac"


def test_a_second_press_of_the_same_page_ships_nothing(panel: Panel, order: WarehouseOrder) -> None:
    browser = panel.browser(PACKER)
    first = browser.get(f"/warehouse/orders/{order.id}")
    values = {"carrier": "UPS", "tracking_number": FIRST, **{f"quantity:{line.sku}": "0" for line in order.lines}}
    values[f"quantity:{order.lines[0].sku}"] = "1"
    browser.press("Ship package", **values)
    browser.page = first
    page = browser.press("Ship package", **values)
    assert page.status == 409
    assert "was shipped a moment ago" in page.alerts[0]
    assert page.field("Tracking number")["value"] == ""
    assert len(packages(panel)) == 1


@pytest.mark.parametrize(
    ("changed", "label"),
    [
        ({"tracking_number": " "}, "Tracking number"),
        ({"carrier": ""}, "Carrier"),
        ({"carrier": "other"}, "Name of another carrier"),
        ({"carrier_name": "Bob's Van"}, "Name of another carrier"),
        ({"service": "x" * 101}, "Service used"),
        ({"quantity:{sku}": "99"}, "{sku} , units"),
        ({"quantity:{sku}": "x"}, "{sku} , units"),
    ],
)
def test_what_cannot_be_shipped_is_said_at_the_field(
    panel: Panel, browser: Browser, order: WarehouseOrder, changed: dict[str, str], label: str
) -> None:
    sku = order.lines[0].sku
    changed, label = {key.format(sku=sku): value for key, value in changed.items()}, label.format(sku=sku)
    page = browser.press("Ship package", **{"carrier": "UPS", "tracking_number": FIRST, "service": "Air", **changed})
    assert page.status == 400
    assert page.problem_at(label)
    assert page.field(label).has_attr("autofocus")
    assert len(page.soup.find_all(autofocus=True)) == 1
    assert page.field("Service used")["value"] == changed.get("service", "Air")
    assert packages(panel) == []


def test_what_is_about_no_field_is_said_on_top(browser: Browser, order: WarehouseOrder) -> None:
    nothing = {f"quantity:{line.sku}": "0" for line in order.lines}
    page = browser.press("Ship package", carrier="UPS", tracking_number="1", **nothing)
    assert "A package holds at least one unit." in page.text
    page = browser.press("Ship package", carrier="UPS", tracking_number="1", **{**nothing, "quantity:BOAT": "1"})
    assert page.alerts == ["This order has no SKU BOAT."]


def test_a_package_is_corrected_and_voided(panel: Panel, browser: Browser, order: WarehouseOrder) -> None:
    browser.press("Ship package", carrier="other", carrier_name="Bob's Van", tracking_number="0001")
    page = browser.get(browser.page.link("Correct package 1") if browser.page else "")
    assert "Correct package 1" in page.text
    assert page.field("Name of another carrier")["value"] == "Bob's Van"
    assert page.field("Tracking number")["value"] == "0001"
    page = browser.press("Save correction", carrier="UPS", carrier_name="", tracking_number=FIRST)
    assert "Package 1 was corrected." in page.messages
    page = browser.press("Void package 1", reason=" ")
    assert page.status == 400
    assert page.problem_at("Why it is taken back") == "Give the reason."
    page = browser.press("Void package 1", reason="wrong label")
    assert "Package 1 was voided." in page.messages
    assert "Void package 1" not in page.text
    assert "Ship a package" in page.text
    (package,) = packages(panel)
    assert (package.carrier, package.tracking_number, package.revision) == ("UPS", FIRST, 3)
    assert package.voided_at is not None
    with panel.platform.db.read() as db:
        sku = db.scalars(sa.select(WarehouseSku.id).where(WarehouseSku.sku == order.lines[0].sku)).first()
    ledger = browser.get(f"/warehouse/stock/{sku}")
    assert f"voided {order.number} package 1 (wrong label) Walt" in ledger.text


def test_a_package_of_another_order_is_not_touched_from_here(
    panel: Panel, browser: Browser, order: WarehouseOrder
) -> None:
    browser.press("Ship package", carrier="UPS", tracking_number=FIRST)
    (package,) = packages(panel)
    other = pending(panel)[0]
    for verb in ("void", "correct"):
        values = {"package_id": package.id, "reason": "x", "carrier": "UPS", "tracking_number": "2"}
        assert browser.post(f"/warehouse/orders/{other.id}/{verb}", values).status == 404
    assert [row.revision for row in packages(panel)] == [1]


def test_an_order_is_held_released_and_stopped(panel: Panel, browser: Browser, order: WarehouseOrder) -> None:
    page = browser.press("Put on hold")
    assert "The order is on hold." in page.messages
    assert "Ship a package" not in page.text
    page = browser.press("Release")
    assert "The order was released." in page.messages
    page = browser.press("Stop this order", reason="")
    assert page.problem_at("Reason") == "Give the reason."
    page = browser.press("Stop this order", reason="The stoves are wet")
    assert "The order was stopped." in page.messages
    assert "Ended before all of it was shipped: The stoves are wet" in page.text
    listed = browser.get(f"/warehouse/orders?state=CANCELLED&q={order.number}")
    assert order.number in listed.text


def test_the_page_says_what_the_cart_was_told(panel: Panel, browser: Browser, order: WarehouseOrder) -> None:
    browser.press("Ship package", carrier="UPS", tracking_number=FIRST)
    address = f"/warehouse/orders/{order.id}"
    read_warehouse(panel)
    assert "Package 1 To be sent to the cart" in browser.get(address).text
    with panel.platform.db.write() as db:
        package = db.scalars(sa.select(Package)).one()
        package.post_state = PostState.REJECTED
        package.sealed_post_message = post_refused(package.order_id, package.warehouse_ref, "The number is too short.")
    page = browser.get(address)
    assert "Package 1 Refused by the cart The number is too short." in page.text
    browser.get(page.link("Correct package 1"))
    page = browser.press("Save correction", tracking_number=ups_number(2))
    assert "Package 1 Not read yet" in page.text
    assert "too short" not in page.text
    read_warehouse(panel)
    assert "Package 1 To be sent to the cart" in browser.get(address).text


@pytest.mark.parametrize("email", [ALICE, SUPPORT])
def test_who_does_not_work_in_the_warehouse_looks_on(
    panel: Panel, browser: Browser, order: WarehouseOrder, email: str
) -> None:
    browser.press("Ship package", carrier="UPS", tracking_number=FIRST)
    other = panel.browser(email)
    page = other.get(f"/warehouse/orders/{order.id}?package={packages(panel)[0].id}")
    assert FIRST in page.text
    assert not page.soup.select("main form")
    assert "Correct" not in page.text
    for verb in ("ship", "correct", "void", "stop", "start", "hold", "release"):
        assert other.post(f"/warehouse/orders/{order.id}/{verb}").status == 403
    assert panel.browser(CHARLIE).get(f"/warehouse/orders/{order.id}").status == 404


def test_an_admin_may_ship_but_not_read_the_address(panel: Panel, order: WarehouseOrder) -> None:
    browser = panel.browser(ADMIN)
    page = browser.get(f"/warehouse/orders/{order.id}")
    assert "Masked" in page.text
    page = browser.press("Ship package", carrier="UPS", tracking_number=FIRST)
    assert f"Shipped under tracking number {FIRST}." in page.messages


def test_the_pages_escape_what_was_typed(browser: Browser) -> None:
    script = "<script>alert(1)</script>"
    page = browser.press("Ship package", carrier="other", carrier_name=script, tracking_number=script, service=script)
    assert "<script>alert" not in page.html
    assert script in page.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("UPS", "hello world"), "hello world does not look like a tracking number of UPS."),
        (("FedEx", FIRST), f"{FIRST} is a number of UPS, and the carrier is FedEx."),
        (("other", "hello world"), "hello world does not look like a tracking number."),
    ],
)
def test_field_F1_a_number_that_looks_wrong_is_shipped_once_it_is_confirmed(
    panel: Panel, browser: Browser, typed: tuple[str, str], said: str
) -> None:
    carrier, number = typed
    name = "Bob's Van" if carrier == "other" else ""
    page = browser.press("Ship package", carrier=carrier, carrier_name=name, tracking_number=number, service="Fast")
    assert page.status == 409
    assert page.problem_at("Tracking number") == said
    assert "Nothing was saved yet." in page.text
    assert packages(panel) == []
    # What a scanner's Enter presses asks again.
    form = page.form("Ship package")
    assert form.find_all("button")[0].get("name") is None
    assert browser.press("Ship package").status == 409
    page = browser.press("Confirm and ship")
    assert f"Shipped under tracking number {number}." in page.messages
    (package,) = packages(panel)
    assert (package.carrier, package.service, package.tracking_number) == (name or carrier, "Fast", number)


def test_field_F1_a_number_of_another_order_is_used_again_only_when_confirmed(panel: Panel, browser: Browser) -> None:
    first, second = pending(panel)[:2]
    browser.press("Ship package", carrier="UPS", tracking_number=FIRST, **{f"quantity:{first.lines[0].sku}": "1"})
    browser.get(f"/warehouse/orders/{second.id}")
    spaced = f" {FIRST[:4].lower()}-{FIRST[4:9]} {FIRST[9:]}"
    page = browser.press("Ship package", carrier="UPS", tracking_number=spaced)
    assert page.problem_at("Tracking number") == f"{spaced.strip()} was used before, for order {first.number}."
    # Confirmed is what was asked about, nothing else.
    page = browser.press("Confirm and ship", tracking_number="hello world")
    assert page.problem_at("Tracking number").startswith("hello world does not look like")
    page = browser.press("Ship package", tracking_number=ups_number(2))
    assert f"Shipped under tracking number {ups_number(2)}." in page.messages
    browser.get(page.link("Correct package 1"))
    page = browser.press("Save correction", tracking_number=FIRST)
    assert page.problem_at("Tracking number").endswith(f"for order {first.number}.")
    page = browser.press("Confirm and save")
    assert "Package 1 was corrected." in page.messages
    # Nothing about the number is new: nobody is asked again.
    browser.get(page.link("Correct package 1"))
    page = browser.press("Save correction", service="Ground")
    assert "Package 1 was corrected." in page.messages


NUMBER = "123456789012"


def test_field_F2_what_is_typed_with_its_service_is_found_and_told(panel: Panel, browser: Browser) -> None:
    page = browser.press("Ship package", carrier="other", carrier_name="FedEx Ground", tracking_number=NUMBER)
    assert f"Shipped under tracking number {NUMBER}." in page.messages
    assert "Amazon will see the carrier FedEx and the service Ground." in page.text


@pytest.mark.parametrize("chosen", ["other", ""])
def test_field_F2_who_types_a_carrier_amazon_does_not_know_is_told_before_it_is_sent(
    panel: Panel, browser: Browser, chosen: str
) -> None:
    told = "Amazon knows no carrier Bob's Van: it will see Other, with this name."
    page = browser.press("Ship package", carrier=chosen, carrier_name="Bob's Van", tracking_number=NUMBER)
    assert f"Shipped under tracking number {NUMBER}." in page.messages
    assert told in page.text
    # The same when the package is corrected.
    browser.get(page.link("Correct package 1"))
    page = browser.press("Save correction", carrier="other", carrier_name="Ann's Van")
    assert told.replace("Bob", "Ann") in page.text
    browser.get(page.link("Correct package 1"))
    page = browser.press("Save correction", carrier="other", carrier_name="UPS Ground", tracking_number=FIRST)
    assert "Amazon will see the carrier UPS and the service Ground." in page.text


def test_of_a_carrier_from_the_list_or_refused_nothing_is_told(panel: Panel, browser: Browser) -> None:
    page = browser.press("Ship package", carrier="other", carrier_name="Bob's Van", tracking_number="hello world")
    assert page.status == 409
    assert "knows no carrier" not in page.text
    page = browser.press("Ship package", carrier="UPS", carrier_name="", tracking_number=FIRST)
    assert "will see" not in page.text
