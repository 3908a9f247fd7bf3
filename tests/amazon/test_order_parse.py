"""Amazon's order JSON becomes the core's Order, or a reject that says why."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from is2_core.orders.holds.addresses import address_problem
from plugins.amazon.orders.fields import QUANTITY_MAX, TEXT_MAX
from plugins.amazon.orders.parse import parse_order
from plugins.interface import (
    Address,
    Buyer,
    FulfilledBy,
    Money,
    Order,
    OrderReject,
    OrderState,
    UnknownValue,
)
from tests.amazon.payloads import CANCELLATION_ASKED, CANCELLED_ITEM, item, ready_order, with_status

pytestmark = pytest.mark.unit


def test_packages_come_with_reference_number_and_units() -> None:
    package = {
        "packageReferenceId": "1",
        "trackingNumber": "1Z1",
        "carrier": "UPS",
        "packageItems": [{"orderItemId": "A", "quantity": 2}],
    }
    (shown,) = order_of(with_status("SHIPPED", packages=[package])).packages or ()
    assert (shown.reference, shown.tracking_number, shown.carrier) == ("1", "1Z1", "UPS")
    assert [(line.remote_id, line.quantity) for line in shown.lines] == [("A", 2)]


@pytest.mark.parametrize("packages", [None, "all", [7], [{"packageItems": [{"quantity": 1}]}]])
def test_packages_that_cannot_be_read_are_not_told_and_reject_nothing(packages: Any) -> None:
    assert order_of(with_status("SHIPPED", packages=packages)).packages is None


def order_of(raw: dict[str, Any]) -> Order:
    order = parse_order(raw)
    assert isinstance(order, Order), order
    return order


def reject_of(raw: Any) -> OrderReject:
    reject = parse_order(raw)
    assert isinstance(reject, OrderReject), reject
    return reject


def test_every_field_of_a_ready_order() -> None:
    order = order_of(ready_order(orderAliases=[{"aliasId": "IS2-7", "aliasType": "SELLER_ORDER_ID"}]))
    assert order.remote_id == "111-2223334-5556667"
    assert order.site == "ATVPDKIKX0DER"
    assert order.state is OrderState.READY
    assert order.fulfilled_by is FulfilledBy.MERCHANT
    assert order.created_at == datetime(2026, 11, 20, 8, 15, 30, tzinfo=UTC)
    assert order.updated_at == datetime(2026, 11, 20, 9, 0, 0, 500_000, tzinfo=UTC)
    assert order.shipping_method == "EXPEDITED"
    assert order.recipient == Address(
        name="Grace Simbuyer",
        company="Harbor Ltd",
        lines=("12 Dock Road", "Gate 3"),
        city="Portland",
        district="Multnomah",
        region="OR",
        postal_code="97201",
        country="US",
        phone="+1-555-0142",
        kind="COMMERCIAL",
        instructions="Reception. Ring twice",
    )
    assert order.buyer == Buyer("Grace Simbuyer", "grace@marketplace.example", "Harbor Ltd", "PO-9")
    assert order.total == Money(Decimal("45.00"), "USD")
    assert order.ship_after == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert order.ship_by == datetime(2026, 11, 24, 7, 59, 59, tzinfo=UTC)
    assert order.deliver_after == datetime(2026, 11, 26, 8, tzinfo=UTC)
    assert order.deliver_by == datetime(2026, 11, 28, 7, 59, 59, tzinfo=UTC)
    assert order.tags == ("PRIME",)
    assert order.cancellation_request is None
    assert order.cart_order_number == "IS2-7"
    assert order.original_order == ""
    assert order.unknown == ()
    (line,) = order.lines
    assert (line.remote_id, line.sku, line.title) == ("70000000000001", " 000123 Mug", "Mug")
    assert (line.ordered, line.cancelled, line.open) == (3, 0, 3)
    assert line.unit_price == Money(Decimal("15.00"), "USD")
    assert (line.gift_message, line.gift_wrap) == ("Happy\nBirthday", "PREMIUM")
    assert line.customization_url == "https://custom.example/1"
    assert line.handling_requirements == ("SIGNATURE",)
    assert line.ioss == ""


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("PENDING", OrderState.PENDING),
        ("PENDING_AVAILABILITY", OrderState.PENDING),
        ("UNSHIPPED", OrderState.READY),
        ("PARTIALLY_SHIPPED", OrderState.PARTLY_SHIPPED),
        ("SHIPPED", OrderState.SHIPPED),
        ("CANCELLED", OrderState.CANCELLED),
    ],
)
def test_each_status_has_its_state(status: str, state: OrderState) -> None:
    order = order_of(with_status(status, orderItems=[item(unfulfilled=0, fulfilled=0)]))
    assert order.state is state
    assert order.unknown == ()


@pytest.mark.parametrize("status", ["UNFULFILLABLE", "TELEPORTED", "unshipped"])
def test_a_status_without_a_word_is_reported_and_never_guessed(status: str) -> None:
    order = order_of(with_status(status))
    assert order.state is OrderState.UNKNOWN
    assert order.unknown == (UnknownValue("fulfillmentStatus", status),)


def test_an_unknown_fulfiller_is_reported_and_a_shipping_method_is_the_merchants_to_decide() -> None:
    raw = ready_order()
    raw["fulfillment"] |= {"fulfilledBy": "ROBOT", "fulfillmentServiceLevel": "DRONE"}
    order = order_of(raw)
    assert order.fulfilled_by is FulfilledBy.UNKNOWN
    assert order.shipping_method == "DRONE"
    assert order.unknown == (UnknownValue("fulfilledBy", "ROBOT"),)


def test_a_missing_fulfillment_dataset_is_unknown_too() -> None:
    order = order_of(ready_order(fulfillment=None))
    assert (order.state, order.fulfilled_by) == (OrderState.UNKNOWN, FulfilledBy.UNKNOWN)
    assert {unknown.field for unknown in order.unknown} == {"fulfillmentStatus", "fulfilledBy"}


def test_an_order_amazon_fulfills_brings_no_personal_data() -> None:
    raw = ready_order()
    raw["fulfillment"]["fulfilledBy"] = "AMAZON"
    order = order_of(raw)
    assert order.fulfilled_by is FulfilledBy.CART
    assert order.recipient is None
    assert order.buyer is None


@pytest.mark.parametrize(
    "recipient",
    [None, {}, {"deliveryAddress": {}}, {"deliveryAddress": {"city": "Portland", "countryCode": "US"}}],
)
def test_an_address_without_a_street_is_none(recipient: dict[str, Any] | None) -> None:
    assert order_of(ready_order(recipient=recipient)).recipient is None


def test_field_E1_an_address_without_a_name_is_the_buyers() -> None:
    address = {"addressLine1": "芝公園4-2-8", "stateOrRegion": "東京都", "postalCode": "105-0011", "countryCode": "JP"}
    recipient = order_of(ready_order(recipient={"deliveryAddress": address})).recipient
    assert recipient is not None
    assert (recipient.name, address_problem(recipient)) == ("Grace Simbuyer", "")
    company = order_of(ready_order(recipient={"deliveryAddress": address | {"companyName": "Acme"}})).recipient
    assert company is not None
    assert (company.name, company.company) == ("", "Acme")
    nobody = order_of(ready_order(recipient={"deliveryAddress": address}, buyer=None)).recipient
    assert nobody is not None
    assert address_problem(nobody) == "NAME"


def test_brazilian_parts_are_added_only_where_the_lines_lack_them() -> None:
    address = {
        "name": "Rui Simbuyer",
        "addressLine1": "Avenida Central, 1000",
        "addressLine2": "SALA 301",
        "city": "São Paulo",
        "countryCode": "BR",
        "extendedFields": {
            "streetName": "Avenida Central",
            "streetNumber": "1000",
            "complement": "Sala 301",
            "neighborhood": "Bela Vista",
        },
    }
    recipient = order_of(ready_order(recipient={"deliveryAddress": address})).recipient
    assert recipient is not None
    assert recipient.lines == ("Avenida Central, 1000", "SALA 301", "Bela Vista")

    only_parts = {name: value for name, value in address.items() if not name.startswith("addressLine")}
    recipient = order_of(ready_order(recipient={"deliveryAddress": only_parts})).recipient
    assert recipient is not None
    assert recipient.lines == ("Avenida Central, 1000", "Sala 301", "Bela Vista")


def test_a_brazilian_part_that_is_only_a_piece_of_a_line_is_added() -> None:
    parts = {"streetName": "Rua do Centro", "streetNumber": "123", "complement": "12", "neighborhood": "Centro"}
    address = {"name": "Rui", "addressLine1": "Rua do Centro, 123", "countryCode": "BR", "extendedFields": parts}
    recipient = order_of(ready_order(recipient={"deliveryAddress": address})).recipient
    assert recipient is not None
    assert recipient.lines == ("Rua do Centro, 123", "12", "Centro")


@pytest.mark.parametrize("program", ["FBM_SHIP_PLUS", "AMAZON_EASY_SHIP", "DELIVERY_BY_AMAZON", "IN_STORE_PICK_UP"])
def test_field_E3_what_is_no_ordinary_parcel_comes_with_a_caution(program: str) -> None:
    assert order_of(ready_order(programs=["PRIME", program])).caution


@pytest.mark.parametrize("of_order", [True, False], ids=["order", "item"])
def test_field_E3_a_program_nobody_has_heard_of_comes_with_a_caution(of_order: bool) -> None:
    programs = ["PRIME", "MOON_DELIVERY"]
    raw = ready_order(programs=programs) if of_order else ready_order(orderItems=[item(programs=programs)])
    assert "under MOON_DELIVERY, which this platform does not know" in order_of(raw).caution


@pytest.mark.parametrize(
    "program",
    "AMAZON_BAZAAR AMAZON_BUSINESS AMAZON_HAUL INVOICE_BY_AMAZON PREMIUM PREORDER PRIME TRANSPARENCY "
    "SUBSCRIBE_AND_SAVE".split(),
)
def test_field_E3_ordinary_programs_come_without_a_caution(program: str) -> None:
    assert order_of(ready_order(programs=[program])).caution == ""


def test_programs_and_relations_are_marks_known_or_not() -> None:
    order = order_of(
        ready_order(
            programs=["PREMIUM", "NEW_PROGRAM"],
            associatedOrders=[{"orderId": "1", "associationType": "REPLACEMENT_ORIGINAL_ID"}],
            salesChannel={"channelName": "NON_AMAZON"},
            orderItems=[item(programs=["TRANSPARENCY"], unfulfilled=1)],
        )
    )
    assert order.tags == ("PREMIUM", "NEW_PROGRAM", "TRANSPARENCY", "REPLACEMENT", "NON_AMAZON")
    assert order.unknown == ()
    assert order.site == ""
    assert order.lines[0].handling_requirements == ("TRANSPARENCY_CODE",)


@pytest.mark.parametrize(
    ("associated", "original"),
    [
        ([{"orderId": "111-1", "associationType": "REPLACEMENT_ORIGINAL_ID"}], "111-1"),
        ([{"orderId": "111-2", "associationType": "EXCHANGE_ORIGINAL_ID"}], "111-2"),
        ([{"orderId": "9", "associationType": "SIBLING"}, {"orderId": "8", "associationType": "X_ORIGINAL_ID"}], "8"),
        ([{"orderId": "9", "associationType": "SIBLING"}, {}], ""),
        ([], ""),
    ],
)
def test_the_order_it_replaces_is_named(associated: list[dict[str, str]], original: str) -> None:
    assert order_of(ready_order(associatedOrders=associated)).original_order == original


def test_of_a_ship_plus_order_the_warehouse_is_warned() -> None:
    assert order_of(ready_order()).caution == ""
    assert order_of(ready_order(programs=["PRIME", "FBM_SHIP_PLUS"])).caution == (
        "This is a Ship+ order: its label has to be bought from Amazon. The warehouse's own label would not be "
        "accepted there."
    )


def test_every_program_of_amazons_is_a_mark() -> None:
    programs = (
        "AMAZON_BAZAAR AMAZON_BUSINESS AMAZON_EASY_SHIP AMAZON_HAUL DELIVERY_BY_AMAZON FBM_SHIP_PLUS INVOICE_BY_AMAZON "
        "IN_STORE_PICK_UP PREMIUM PREORDER PRIME"
    ).split()
    subscribed = item(programs=["SUBSCRIBE_AND_SAVE"], unfulfilled=1)
    shown = [{"FBM_SHIP_PLUS": "Ship+"}.get(program, program) for program in programs]
    assert order_of(ready_order(programs=programs, orderItems=[subscribed])).tags == (*shown, "SUBSCRIBE_AND_SAVE")


@pytest.mark.parametrize(
    ("entry", "contradicts"),
    [
        (item(ordered=3, fulfilled=0, unfulfilled=3, cancellation=CANCELLED_ITEM), True),
        (item(ordered=3, fulfilled=1, unfulfilled=2, cancellation=CANCELLED_ITEM), True),
        (item(ordered=3, fulfilled=0, unfulfilled=2, cancellation=CANCELLED_ITEM), False),
        (item(ordered=3, fulfilled=3, unfulfilled=0, cancellation=CANCELLED_ITEM), False),
        (item(ordered=3, fulfilled=0, unfulfilled=3, cancellation=CANCELLATION_ASKED), False),
        (item(ordered=3, fulfilled=0, unfulfilled=3), False),
    ],
)
def test_an_item_that_is_cancelled_and_wholly_open_waits_for_a_person(entry: dict[str, Any], contradicts: bool) -> None:
    assert ("counts an item" in order_of(ready_order(orderItems=[item(9, 1), entry])).caution) is contradicts


def with_fulfillment(**fulfillment: Any) -> dict[str, Any]:
    """A ready order of one line with these fields in the line's fulfillment."""
    return ready_order(orderItems=[item() | {"fulfillment": fulfillment}])


def test_every_requirement_has_the_name_the_contract_knows() -> None:
    constraints = (
        "palletDelivery",
        "cashOnDelivery",
        "signatureConfirmation",
        "recipientIdentityVerification",
        "recipientAgeVerification",
    )
    raw = with_fulfillment(
        packing={"serialNumberRequirement": {"requirementType": "REQUIRED"}},
        shipping={"shippingConstraints": dict.fromkeys((*constraints, "newDemand"), "MANDATORY") | {"gone": None}},
    )
    raw["orderItems"][0]["programs"] = ["TRANSPARENCY"]
    (line,) = order_of(raw).lines
    named = ("PALLET", "CASH_ON_DELIVERY", "SIGNATURE", "IDENTITY_CHECK", "AGE_CHECK")
    assert line.handling_requirements == (*named, "newDemand", "SERIAL_NUMBER", "TRANSPARENCY_CODE")
    odd = with_fulfillment(shipping={"shippingConstraints": {"a\0b": "MANDATORY"}})
    assert reject_of(odd).code == "UNREADABLE_TEXT"


def test_the_number_customs_want_is_on_the_line() -> None:
    (line,) = order_of(with_fulfillment(shipping={"internationalShipping": {"iossNumber": " IM3720000224 "}})).lines
    assert line.ioss == "IM3720000224"


def test_windows_may_be_open_at_either_end() -> None:
    raw = ready_order()
    raw["fulfillment"] |= {"shipByWindow": {"earliestDateTime": "2026-11-20T08:00:00Z"}, "deliverByWindow": None}
    order = order_of(raw)
    assert (order.ship_after, order.ship_by) == (datetime(2026, 11, 20, 8, tzinfo=UTC), None)
    assert (order.deliver_after, order.deliver_by) == (None, None)


def _time(hour: int, minute: int = 0) -> dict[str, int]:
    return {"hour": hour, "minute": minute}


def _instructions(**preference: Any) -> str:
    address = {"addressLine1": "1 Dock Road"}
    recipient = order_of(
        ready_order(recipient={"deliveryAddress": address, "deliveryPreference": preference})
    ).recipient
    assert recipient is not None
    return recipient.instructions


def test_when_and_how_an_address_takes_deliveries_is_told() -> None:
    window = {"startTime": _time(9), "endTime": _time(17, 30)}
    times = {
        "businessHours": [{"dayOfWeek": "MON", "timeWindows": [window, window]}, {"dayOfWeek": "SUN"}],
        "exceptionDates": [
            {"exceptionDate": "2026-12-25", "exceptionDateType": "CLOSED"},
            {"exceptionDate": "2026-12-24", "exceptionDateType": "OPEN", "timeWindows": [window]},
        ],
    }
    assert _instructions(
        dropOffLocation="Dock 3",
        addressInstruction="Ring twice.",
        deliveryTime=times,
        deliveryCapabilities=["HAS_ACCESS_POINT", "PALLET_DISABLED"],
    ) == ("Dock 3. Ring twice. Mon 09:00-17:30, 09:00-17:30; closed 2026-12-25; 2026-12-24 09:00-17:30. No pallets")


@pytest.mark.parametrize(
    "odd",
    [
        {"deliveryTime": "always"},
        {"deliveryTime": {"businessHours": [{"timeWindows": [{"startTime": {"hour": "nine"}}]}]}},
        {"deliveryCapabilities": "PALLET_DISABLED"},
        {"deliveryCapabilities": ["PALLET_ENABLED"], "deliveryTime": {}},
    ],
)
def test_delivery_times_that_cannot_be_read_cost_nothing_else(odd: dict[str, Any]) -> None:
    assert _instructions(dropOffLocation="Dock 3", **odd) == "Dock 3"


@pytest.mark.parametrize(
    ("status", "raw", "cancelled", "still_open"),
    [
        ("UNSHIPPED", item(ordered=3, fulfilled=0, unfulfilled=3), 0, 3),
        ("UNSHIPPED", item(ordered=3), 0, 3),
        ("PARTIALLY_SHIPPED", item(ordered=3, fulfilled=1, unfulfilled=2), 0, 2),
        ("PARTIALLY_SHIPPED", item(ordered=3, fulfilled=1), 0, 2),
        ("PARTIALLY_SHIPPED", item(ordered=3, fulfilled=1, unfulfilled=1, cancellation=CANCELLED_ITEM), 1, 1),
        ("UNSHIPPED", item(ordered=3, fulfilled=1, cancellation=CANCELLED_ITEM), 2, 0),
        ("PENDING", item(ordered=3), 0, 3),
        ("PENDING", item(ordered=3, fulfilled=0, unfulfilled=0), 0, 3),
        ("PENDING", item(ordered=3, cancellation=CANCELLED_ITEM), 3, 0),
        ("CANCELLED", item(ordered=3, fulfilled=0, unfulfilled=0), 3, 0),
        ("CANCELLED", item(ordered=3, fulfilled=1, unfulfilled=2), 2, 0),
        ("SHIPPED", item(ordered=3, fulfilled=3, unfulfilled=0), 0, 0),
        ("SHIPPED", item(ordered=3), 0, 0),
    ],
)
def test_cancelled_and_open_units(status: str, raw: dict[str, Any], cancelled: int, still_open: int) -> None:
    (line,) = order_of(with_status(status, orderItems=[raw])).lines
    assert (line.ordered, line.cancelled, line.open) == (3, cancelled, still_open)


def test_cancelled_lines_of_which_nothing_is_ordered_any_more_are_dropped() -> None:
    for gone in (item(1, 0, cancellation=CANCELLED_ITEM), item(1, 0)):
        assert [line.sku for line in order_of(ready_order(orderItems=[gone, item(2, 1)])).lines] == ["SKU-2"]
    assert order_of(with_status("CANCELLED", orderItems=[item(1, 0)])).lines == ()


def test_a_buyers_cancellation_request_is_standing_until_it_is_carried_out() -> None:
    asked = ready_order(orderItems=[item(1, cancellation=CANCELLATION_ASKED)])
    assert order_of(asked).cancellation_request == "Ordered by mistake"
    unexplained = ready_order(orderItems=[item(1, cancellation={"cancellationRequest": {}})])
    assert order_of(unexplained).cancellation_request == ""
    done = ready_order(orderItems=[item(1, 2, unfulfilled=1, cancellation=CANCELLATION_ASKED | CANCELLED_ITEM)])
    assert order_of(done).cancellation_request is None


def with_sku(sku: str) -> dict[str, Any]:
    return ready_order(orderItems=[item(product={"sellerSku": sku})])


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (ready_order(orderItems=[item(ordered=0)]), "NO_LINES"),
        (ready_order(orderItems=[item(ordered=-1)]), "ABSURD_QUANTITY"),
        (ready_order(orderItems=[item(ordered=QUANTITY_MAX + 1)]), "ABSURD_QUANTITY"),
        (ready_order(orderItems=[item(ordered=1, fulfilled=1, unfulfilled=1)]), "ABSURD_QUANTITY"),
        (ready_order(orderItems=[item(ordered="2")]), "UNREADABLE_FIELD"),
        (ready_order(orderItems=[item(ordered=True)]), "UNREADABLE_FIELD"),
        (ready_order(orderItems=[item(orderItemId=None)]), "MISSING_FIELD"),
        (ready_order(orderItems=[item(product=None)]), "MISSING_FIELD"),
        (ready_order(orderItems=[item(1), item(1)]), "REPEATED_LINE"),
        (ready_order(orderItems=[]), "NO_LINES"),
        (ready_order(orderItems="none"), "UNREADABLE_FIELD"),
        (ready_order(createdTime=None), "MISSING_FIELD"),
        (ready_order(createdTime="yesterday"), "UNREADABLE_FIELD"),
        (ready_order(lastUpdatedTime="2026-11-20T09:00:00"), "UNREADABLE_FIELD"),
        (with_sku("x" * (TEXT_MAX + 1)), "FIELD_TOO_LONG"),
        (with_sku("a\0b"), "UNREADABLE_TEXT"),
        (with_sku("a\ud800b"), "UNREADABLE_TEXT"),
        ("an order", "UNREADABLE_FIELD"),
    ],
)
def test_what_cannot_be_understood_is_rejected_with_a_reason(raw: Any, code: str) -> None:
    reject = reject_of(raw)
    assert reject.code == code
    assert reject.message.startswith("Amazon sent the order")


def test_a_reject_names_the_order_and_its_time_but_no_value_of_it() -> None:
    reject = reject_of(ready_order(orderItems=[item(ordered=0)]))
    assert reject.remote_id == "111-2223334-5556667"
    assert reject.updated_at == datetime(2026, 11, 20, 9, 0, 0, 500_000, tzinfo=UTC)
    odd = {"deliveryAddress": {"addressLine1": "1 Dock Road", "name": "Simbuyer\0"}}
    assert "Simbuyer" not in repr(reject_of(ready_order(recipient=odd)))


def test_an_order_without_an_id_gets_a_name_that_stays_the_same() -> None:
    nameless = reject_of(ready_order(orderId=None))
    assert nameless.remote_id.startswith("unreadable-")
    assert nameless.remote_id == reject_of(ready_order(orderId=None)).remote_id
    assert nameless.remote_id != reject_of(ready_order(orderId=None, programs=[])).remote_id
    # Or it would take a second row, with stock of its own, whenever something happens to it.
    later = with_status("PARTIALLY_SHIPPED", orderId=None, lastUpdatedTime="2026-11-21T09:00:00Z")
    assert reject_of(later).remote_id == nameless.remote_id


@pytest.mark.parametrize("status", ["CANCELLED", "SHIPPED"])
def test_a_broken_line_does_not_hide_that_an_order_is_over(status: str) -> None:
    raw = with_status(status, orderItems=[item(1, -5), item(2, 1, fulfilled=1, unfulfilled=0)], buyer={"buyerName": 7})
    order = order_of(raw)
    assert order.state.value == status
    assert [line.sku for line in order.lines] == ["SKU-2"]
    assert order.buyer is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in list(entries):
        yield value, key
        yield from _places(child)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data(), status=st.sampled_from(["UNSHIPPED", "CANCELLED", "PENDING"]))
def test_no_single_strange_value_makes_the_translation_fail(data: st.DataObject, status: str) -> None:
    raw = with_status(status)
    holder, key = data.draw(st.sampled_from(list(_places(raw))))
    holder[key] = data.draw(_JSON)
    assert isinstance(parse_order(raw), Order | OrderReject)


def _model_orders(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if isinstance(value.get("orderId"), str) and "orderItems" in value:
            yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for child in value:
            yield from _model_orders(child)


@pytest.mark.models
def test_the_examples_of_amazons_own_model_are_understood() -> None:
    folder = os.environ.get("IS2_SPAPI_MODELS")
    if not folder:
        pytest.skip("IS2_SPAPI_MODELS names no folder with Amazon's model files")
    model = json.loads((Path(folder) / "orders_2026-01-01.json").read_text(encoding="utf-8"))
    examples = list(_model_orders(model))
    orders = {raw["orderId"]: order_of(raw) for raw in examples}
    assert len(orders) == 8
    assert all(order.unknown == () for order in orders.values())
    brazil = orders["171-2345678-9012345"]
    assert brazil.state is OrderState.READY
    assert brazil.total == Money(Decimal("1599.90"), "BRL")
    assert brazil.recipient is not None
    assert brazil.recipient.lines == ("Avenida Paulista, 1000", "Sala 301", "Bela Vista")
    assert orders["250-1234567-8901234"].fulfilled_by is FulfilledBy.CART
    assert orders["202-1234567-8901234"].cart_order_number == "UK-MERCHANT-ORDER-2024-001"
    assert orders["114-9876543-1234567"].tags == ("IN_STORE_PICK_UP", "VALUE_ADD_SERVICE")
