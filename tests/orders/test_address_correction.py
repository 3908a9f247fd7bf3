"""Addresses by country on their way: staged, held, corrected on the page, printed for the packer."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.accounts.scope import account_scope
from is2_core.orders import actions
from is2_core.orders.holds.reasons import HoldCode
from is2_core.orders.models import Hold, ReceivedOrder
from is2_core.orders.states import ReceivedState
from tests.support.browser import Browser
from tests.support.panel import ALICE, Panel
from tests.support.world import World


def read(world: World, **address: str | None) -> ReceivedOrder:
    """An order with this address, as it is once everything that can be done with it is done."""
    world.stock_up()
    store = world.connect()
    world.map_methods(store, "STANDARD", "Express", "SECOND_DAY", "NEXT_DAY", "PRIORITY", "SAME_DAY", "FREE_ECONOMY")
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.amazon.post(f"orders/{order_id}", {"set": {"recipient": {"deliveryAddress": address}}})
    world.finish(store)
    world.settle()
    return world.orders()[order_id]


def test_field_E1_an_address_of_japan_is_placed(world: World) -> None:
    address = {"addressLine1": "芝公園4-2-8", "stateOrRegion": "東京都", "postalCode": "105-0011", "countryCode": "JP"}
    order = read(world, **address, city=None)
    assert order.state == ReceivedState.INJECTED
    assert not world.holds(order.remote_id)


def test_field_E1_one_of_the_united_states_without_a_postal_code_waits_until_somebody_has_looked(world: World) -> None:
    order = read(world, postalCode=None)
    assert order.state == ReceivedState.HELD
    assert world.holds(order.remote_id) == {"ADDRESS_INCOMPLETE"}
    assert world.hold_texts(order.remote_id)["ADDRESS_INCOMPLETE"].startswith(
        "The delivery address lacks a postal code."
    )
    who = {"order_id": order.id, "scope": account_scope(world.account), "user_id": world.owner}
    actions.approve(world.platform, **who, codes=["ADDRESS_INCOMPLETE"])
    world.settle()
    assert world.orders()[order.remote_id].state == ReceivedState.INJECTED


def test_field_E1_the_cart_s_uk_is_gb_from_here_on(world: World) -> None:
    order = read(world, city="London", stateOrRegion=None, postalCode="SW1A 1AA", countryCode="UK")
    assert order.state == ReceivedState.INJECTED
    sealed = actions.recipient_of(world.platform, order_id=order.id, scope=account_scope(world.account))
    assert sealed["address"]["country"] == "GB"


@pytest.fixture
def form(panel: Panel) -> Browser:
    """Alice at the form of an order without an address."""
    with panel.platform.db.read() as db:
        missing = sa.select(Hold.order_id).where(Hold.code == HoldCode.ADDRESS_MISSING)
        order_id = db.scalars(
            sa.select(ReceivedOrder.id).where(
                ReceivedOrder.account_id == panel.northwind, ReceivedOrder.id.in_(missing)
            )
        ).first()
    browser = panel.browser(ALICE)
    browser.get(f"/received-orders/{order_id}/address")
    return browser


US = {"name": "Pat", "line1": "1 Main Street", "city": "Reno", "region": "NV", "postal_code": "89501", "country": "US"}


def labels(browser: Browser) -> list[str]:
    return [" ".join(tag.get_text(" ").split()) for tag in browser.page.soup.select("form label")]


@pytest.mark.parametrize(
    ("country", "wanted", "absent"),
    [
        ("JP", ["Country", "Name", "Street", "Prefecture", "Postal code"], ["City (optional)", "City"]),
        ("US", ["Country", "Name", "Street", "City", "State", "ZIP code"], ["District (optional)"]),
        ("GB", ["Country", "Name", "Street", "Post town", "Postal code"], ["City", "State or region (optional)"]),
        ("HK", ["Country", "Name", "Street", "District (optional)", "Area"], ["Postal code", "Postal code (optional)"]),
        ("IN", ["Country", "Name", "Street", "City", "PIN code", "State"], []),
    ],
)
def test_field_E1_the_form_has_the_country_s_own_fields(
    form: Browser, country: str, wanted: list[str], absent: list[str]
) -> None:
    page = form.press("Show its fields", country=country, line1="4-2-8 Shibakoen")
    assert page.status == 200
    shown = labels(form)
    assert [label for label in shown if label in wanted] == wanted
    assert not [label for label in absent if label in shown]
    assert page.field("Street")["value"] == "4-2-8 Shibakoen"
    assert "Amazon covers parcels sent to the order's own address only" in page.text


def test_another_country_keeps_what_was_typed_even_where_it_has_no_such_field(form: Browser) -> None:
    form.press("Show its fields", **US)
    page = form.press("Show its fields", country="JP")
    assert (page.field("City")["value"], page.field("Prefecture")["value"]) == ("Reno", "NV")
    assert "Not usual in addresses of this country" in page.text
    page = form.press("Save address", postal_code="105-0011")
    assert "The address was corrected" in page.messages
    assert "1 Main Street, Reno, NV" in page.text


@pytest.mark.parametrize(
    ("typed", "label", "message"),
    [
        ({"country": "ZZ"}, "Country", "unknown country code"),
        ({"country": ""}, "Country", "lacks a country"),
        ({"postal_code": "9" * 200}, "ZIP code", "at most 20 characters"),
        ({"line1": " "}, "Street", "lacks a street"),
        ({"name": ""}, "Name", "lacks a name"),
    ],
)
def test_field_E1_what_no_label_can_be_printed_with_is_refused(
    form: Browser, typed: dict[str, str], label: str, message: str
) -> None:
    form.press("Show its fields", **US)
    page = form.press("Save address", **typed)
    assert page.status == 400
    # The fields of no country have the general labels.
    known = label if "country" not in typed or label == "Country" else "Postal code"
    assert message in page.problem_at(known)


@pytest.mark.parametrize(("typed", "label"), [("", "ZIP code"), ("971", "ZIP code")])
def test_what_a_country_asks_for_can_be_left_out_by_who_knows_better(form: Browser, typed: str, label: str) -> None:
    form.press("Show its fields", **US)
    page = form.press("Save address", postal_code=typed)
    assert page.status == 409
    assert "postal code" in page.problem_at(label)
    # Enter, or the button as before, asks again.
    assert form.press("Save address").status == 409
    # The word given for one address is not good for another.
    assert form.press("Save it as it is", city="").status == 409
    form.press("Save address", city="Reno")
    page = form.press("Save it as it is")
    assert "The address was corrected" in page.messages


def test_field_E1_uk_typed_is_gb(form: Browser) -> None:
    typed: dict[str, Any] = {**US, "country": "UK", "city": "London", "region": None, "postal_code": "SW1A 1AA"}
    page = form.press("Save address", **typed)
    assert "The address was corrected" in page.messages
    assert "UNITED KINGDOM" in page.text
