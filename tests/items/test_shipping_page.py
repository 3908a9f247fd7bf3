"""Shipping mappings."""

from __future__ import annotations

import pytest

from plugins.interface import Temporary
from tests.support.browser import Browser
from tests.support.panel import ALICE, Panel


def opened(panel: Panel, query: str = "") -> Browser:
    browser = panel.browser(ALICE)
    browser.get(f"/integrations/{panel.store(panel.northwind).id}/shipping{query}")
    return browser


def test_the_envelope_leads_here(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    page = browser.get("/integrations")
    page = browser.get(page.link("Shipping mappings of Outdoor"))
    assert page.heading == "Shipping mappings of Outdoor"


def test_methods_on_waiting_orders_come_first_with_their_aliases(panel: Panel) -> None:
    page = opened(panel).page
    assert page is not None
    assert "EXPEDITED (Express) 4 orders" in page.text
    options = [tag["value"] for tag in page.soup.select("datalist#methods option")]
    assert options[0] == "EXPEDITED"
    assert "STANDARD" not in options, "it is mapped"
    assert set(options) > {"SAME_DAY", "PRIORITY"}


def test_one_is_added_and_the_form_is_ready_for_the_next(panel: Panel) -> None:
    browser = opened(panel)
    page = browser.press("Add Mapping", method="EXPEDITED", service="TWO_DAY")
    assert "was added" in page.messages
    assert "EXPEDITED (Express) Two Day No Remove" in page.text
    method = page.field("Cart Shipping Method")
    assert method["value"] == ""
    assert method.has_attr("autofocus")
    page = browser.press("Add Mapping", method="next day", service="OVERNIGHT", hold="yes")
    assert "NEXT_DAY (1-Day) added as next day Overnight Hold Remove" in page.text


@pytest.mark.parametrize(
    ("values", "label", "message", "status"),
    [
        ({"method": "", "service": "GROUND"}, "Cart Shipping Method", "Choose or type", 400),
        ({"method": "EXPEDITED", "service": ""}, "Warehouse service", "Choose one of the warehouse", 400),
        ({"method": "Std", "service": "GROUND"}, "Cart Shipping Method", "is mapped already", 409),
    ],
)
def test_refusals_stand_at_the_field(
    panel: Panel, values: dict[str, str], label: str, message: str, status: int
) -> None:
    page = opened(panel).press("Add Mapping", hold="yes", **values)
    assert page.status == status
    assert message in page.problem_at(label)
    assert page.field("Cart Shipping Method")["value"] == values["method"]
    assert "checked" in page.field("Hold orders").attrs


def test_a_link_from_a_held_order_fills_the_method_in(panel: Panel) -> None:
    page = opened(panel, "?method=NEXT_DAY").page
    assert page is not None
    assert page.field("Cart Shipping Method")["value"] == "NEXT_DAY"


def test_a_mapping_is_removed(panel: Panel) -> None:
    browser = opened(panel)
    page = browser.press("Remove")
    assert "was removed" in page.messages
    assert "No mapping yet" in page.text


def test_a_cart_that_cannot_be_asked_for_its_methods_leaves_the_page_open(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = panel.platform.carts.call

    def call(name: str, hook: str, **arguments: object) -> object:
        if hook == "shipping_mapping_ui":
            raise Temporary("The shop did not answer.")
        return whole(name, hook, **arguments)

    monkeypatch.setattr(panel.platform.carts, "call", call)
    browser = panel.browser(ALICE)
    page = browser.get(f"/integrations/{panel.store(panel.northwind).id}/shipping")
    assert page.status == 200
    assert "The shop did not answer." in page.text
    page = browser.press("Add Mapping", method="Express", service="GROUND")
    assert page.status == 502
    assert page.field("Cart Shipping Method")["value"] == "Express"
