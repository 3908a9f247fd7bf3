"""Only what a parcel needs rejects an order: each field of the payload is made strange, one at a time (case E2)."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from plugins.amazon.orders.fields import TEXT_MAX
from plugins.amazon.orders.parse import parse_order
from plugins.interface import Money, Order, OrderReject
from tests.amazon.payloads import item, ready_order

pytestmark = pytest.mark.unit

MONEY = {"amount": "1.00", "currencyCode": "USD"}
WINDOW = {"earliestDateTime": "2026-11-20T08:00:00Z", "latestDateTime": "2026-11-24T07:59:59Z"}
TIMES = {"startTime": {"hour": 9, "minute": 0}, "endTime": {"hour": 17, "minute": 30}}
STRANGE: tuple[Any, ...] = (
    None,
    "",
    " ",
    7,
    -1,
    1e308,
    float("nan"),
    float("inf"),
    True,
    [],
    [7],
    ["x"],
    [[]],
    {},
    {"x": 7},
    {"amount": "NaN"},
    "x" * (TEXT_MAX + 1),
    "a\0b",
    "a\ud800b",
)


def whole_order() -> dict[str, Any]:
    """An order with every field of orders_2026-01-01.json."""
    raw = ready_order(
        orderAliases=[{"aliasId": "IS2-7", "aliasType": "SELLER_ORDER_ID"}],
        associatedOrders=[{"orderId": "111-1", "associationType": "REPLACEMENT_ORIGINAL_ID"}],
        payment={"paymentExecutions": [{"paymentMethod": "COD", "paymentAmount": MONEY, "acquirerId": "1"}]},
        tax={"taxRegistrations": [{"legalName": "Harbor", "taxRegistrationAddress": {"city": "Portland"}}]},
        packages=[
            {
                "packageReferenceId": "1",
                "trackingNumber": "1Z1",
                "carrier": "UPS",
                "shippingService": "Ground",
                "shipTime": "2026-11-20T09:00:00Z",
                "packageStatus": {"status": "IN_TRANSIT"},
                "packageItems": [{"orderItemId": "70000000000001", "quantity": 1}],
            }
        ],
        fulfillmentOrders=[{"fulfillmentOrderId": "1"}],
    )
    raw["proceeds"]["breakdowns"] = [{"type": "ITEM", "subtotal": MONEY}]
    raw["fulfillment"]["labelPrintingWindow"] = WINDOW
    raw["recipient"]["deliveryAddress"] |= {"municipality": "Portland", "extendedFields": {"neighborhood": "Docks"}}
    raw["recipient"]["deliveryPreference"] |= {
        "deliveryTime": {
            "businessHours": [{"dayOfWeek": "MON", "timeWindows": [TIMES]}],
            "exceptionDates": [{"exceptionDate": "2026-12-24", "exceptionDateType": "OPEN", "timeWindows": [TIMES]}],
        },
        "deliveryCapabilities": ["PALLET_DISABLED"],
    }
    (first,) = raw["orderItems"]
    first |= {
        "programs": ["SUBSCRIBE_AND_SAVE"],
        "associatedOrderItems": [{"orderId": "1", "orderItemId": "2", "associationType": "VALUE_ADD_SERVICE"}],
        "measurement": {"unit": "COUNT", "value": 3},
        "proceeds": {"proceedsTotal": MONEY, "breakdowns": [{"type": "ITEM", "subtotal": MONEY}]},
        "expense": {"pointsCost": {"pointsGranted": {"pointsNumber": 3, "pointsMonetaryValue": MONEY}}},
        "promotion": {"breakdowns": [{"promotionId": "P"}]},
        "cancellation": {"cancellationRequest": {"requester": "BUYER", "cancelReason": "Ordered by mistake"}},
        "tax": {"taxCollections": [{"model": "M"}]},
    }
    first["product"] |= {"condition": {"conditionType": "NEW"}, "serialNumbers": ["S1"]}
    first["fulfillment"]["shipping"] |= {
        "scheduledDeliveryWindow": WINDOW,
        "internationalShipping": {"iossNumber": "IM3720000224"},
    }
    first["fulfillment"]["picking"] = {"substitutionPreference": {"substitutionType": "NONE"}}
    raw["orderItems"].append(item(2, 5, unfulfilled=5))
    return copy.deepcopy(raw)


ADDRESS = ("recipient", "deliveryAddress")
ITEM = ("orderItems", 0)
# What a parcel needs, and what says whether and when it ships.
NEEDED = {
    ("orderId",),
    ("createdTime",),
    ("lastUpdatedTime",),
    ("fulfillment", "fulfillmentStatus"),
    ("fulfillment", "fulfilledBy"),
    ("fulfillment", "fulfillmentServiceLevel"),
    *(
        (*ADDRESS, name)
        for name in "name companyName addressLine1 addressLine2 addressLine3 city municipality districtOrCounty "
        "stateOrRegion postalCode countryCode".split()
    ),
    (*ADDRESS, "extendedFields", "neighborhood"),
    *((*ITEM, name) for name in ("orderItemId", "quantityOrdered", "cancellation")),
    (*ITEM, "product", "sellerSku"),
    (*ITEM, "product", "customization", "customizedUrl"),
    (*ITEM, "fulfillment", "quantityFulfilled"),
    (*ITEM, "fulfillment", "quantityUnfulfilled"),
    (*ITEM, "fulfillment", "packing"),
    *((*ITEM, "fulfillment", "packing", "giftOption", name) for name in ("giftMessage", "giftWrapLevel")),
    (*ITEM, "fulfillment", "shipping", "internationalShipping", "iossNumber"),
    (*ITEM, "fulfillment", "shipping", "shippingConstraints", "signatureConfirmation"),
    (*ITEM, "fulfillment", "shipping", "shippingConstraints"),
}
# Read, and not needed: what is strange there is named.
SPARE = {
    "grandTotal": ("proceeds", "grandTotal"),
    "shipByWindow": ("fulfillment", "shipByWindow"),
    "deliverByWindow": ("fulfillment", "deliverByWindow", "latestDateTime"),
    "programs": ("programs",),
    "buyer": ("buyer",),
    "buyerName": ("buyer", "buyerName"),
    "marketplaceId": ("salesChannel", "marketplaceId"),
    "phone": (*ADDRESS, "phone"),
    "addressType": (*ADDRESS, "addressType"),
    "deliveryPreference": ("recipient", "deliveryPreference"),
    "dropOffLocation": ("recipient", "deliveryPreference", "dropOffLocation"),
    "deliveryTime": ("recipient", "deliveryPreference", "deliveryTime"),
    "deliveryCapabilities": ("recipient", "deliveryPreference", "deliveryCapabilities"),
    "orderAliases": ("orderAliases",),
    "associatedOrders": ("associatedOrders",),
    "associatedOrderItems": (*ITEM, "associatedOrderItems"),
    "packages": ("packages",),
    "title": (*ITEM, "product", "title"),
    "unitPrice": (*ITEM, "product", "price"),
    "cancelReason": (*ITEM, "cancellation", "cancellationRequest", "cancelReason"),
}
Path = tuple[Any, ...]


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of all that stands in a payload, sections included."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in entries:
        yield (*path, key)
        yield from places(child, (*path, key))


PLACES = list(places(whole_order()))


def with_value(path: Path, value: Any) -> dict[str, Any]:
    raw = whole_order()
    holder: Any = raw
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = copy.deepcopy(value)
    return raw


def is_needed(path: Path) -> bool:
    """Whether it is needed, or holds something that is."""
    return any(needed[: len(path)] == path for needed in NEEDED)


def test_the_whole_order_is_readable_and_every_name_is_of_one_of_its_places() -> None:
    order = parse_order(whole_order())
    assert isinstance(order, Order)
    assert order.unreadable == ()
    assert set(PLACES) >= NEEDED | set(SPARE.values())


def test_field_E2_a_total_without_a_currency_rejects_nothing() -> None:
    order = parse_order(ready_order(proceeds={"grandTotal": {"amount": "0.00", "currencyCode": ""}}))
    assert isinstance(order, Order)
    assert (order.total, order.unreadable) == (None, ("grandTotal",))


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_field_E2_a_field_no_parcel_needs_never_rejects_the_order(path: Path) -> None:
    for value in STRANGE:
        found = parse_order(with_value(path, value))
        if isinstance(found, Order):
            continue
        assert is_needed(path) or path[:2] == ("orderItems", 1), f"{path} made {value!r}: {found.message}"
        assert found.code
        assert found.message


@pytest.mark.parametrize("name", SPARE)
def test_field_E2_what_is_unreadable_is_named(name: str) -> None:
    for value in (7, "a\0b"):
        order = parse_order(with_value(SPARE[name], value))
        assert isinstance(order, Order)
        assert order.unreadable == (name,), value


@pytest.mark.parametrize("path", sorted(NEEDED, key=str), ids=lambda path: ".".join(map(str, path)))
def test_field_E2_what_a_parcel_needs_stays_strict_and_the_rest_keeps_its_stock(path: Path) -> None:
    strange: Any = "x" if path[-1] in ("cancellation", "packing", "shippingConstraints") else [7]
    if path[-1] == "signatureConfirmation":
        raw = with_value(path[:-1], {"a\0b": "MANDATORY"})
    else:
        raw = with_value(path, strange)
    found = parse_order(raw)
    assert isinstance(found, OrderReject), path
    units = {line.sku: line.open for line in found.lines}
    # Of the line itself nothing can be kept without its SKU.
    first = {} if path[-1] == "sellerSku" else {" 000123 Mug": 3}
    assert units == {**first, "SKU-2": 5}


@pytest.mark.parametrize(
    ("entry", "units"),
    [
        (item(1, 3, fulfilled=1, unfulfilled="2"), 2),
        (item(1, "3", unfulfilled=2), 2),
        (item(1, -3, fulfilled=0), 0),
        (item(1, 2, fulfilled=2, unfulfilled=1), 1),
        (item(1, 10**9, unfulfilled=10**9), 0),
        (item(1, None, unfulfilled=None), 0),
    ],
)
def test_units_are_kept_as_far_as_they_can_be_read(entry: dict[str, Any], units: int) -> None:
    found = parse_order(ready_order(orderItems=[entry]))
    assert isinstance(found, OrderReject)
    assert sum(line.open for line in found.lines) == units


def test_two_lines_of_one_id_keep_the_stock_of_both() -> None:
    found = parse_order(ready_order(orderItems=[item(1, 2), item(1, 3)]))
    assert isinstance(found, OrderReject)
    assert [(line.remote_id, line.open) for line in found.lines] == [("70000000000001", 2), ("unreadable-2", 3)]


@pytest.mark.parametrize("change", [{"fulfilledBy": "AMAZON"}, {"fulfillmentStatus": "CANCELLED"}])
def test_an_order_nobody_here_ships_keeps_no_stock(change: dict[str, str]) -> None:
    raw = whole_order() | {"createdTime": 7}
    raw["fulfillment"] |= change
    found = parse_order(raw)
    assert isinstance(found, OrderReject)
    assert found.lines == ()


def test_of_a_list_what_can_be_read_counts() -> None:
    order = parse_order(ready_order(programs=[7, "FBM_SHIP_PLUS"]))
    assert isinstance(order, Order)
    assert order.tags == ("Ship+",)
    assert "Ship+" in order.caution
    assert order.unreadable == ("programs",)


def test_one_unreadable_field_costs_no_other() -> None:
    raw = whole_order()
    raw["buyer"]["buyerEmail"] = 7
    raw["recipient"]["deliveryAddress"]["phone"] = ["+1"]
    raw["orderItems"][0]["product"]["price"]["unitPrice"]["amount"] = "twelve"
    order = parse_order(raw)
    assert isinstance(order, Order)
    assert order.buyer is not None
    assert (order.buyer.name, order.buyer.email) == ("Grace Simbuyer", "")
    assert order.recipient is not None
    assert (order.recipient.city, order.recipient.phone) == ("Portland", "")
    assert (order.lines[0].unit_price, order.total) == (None, Money(Decimal("45.00"), "USD"))
    assert sorted(order.unreadable) == ["buyerEmail", "phone", "unitPrice"]
