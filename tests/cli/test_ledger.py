"""The comparison itself: what counts as a difference."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cli.demo.verification.comparison import CartSide, Row, compare, example_of
from cli.demo.verification.expected import SetUp, hold_codes
from cli.demo.verification.packages import COMPLETED, PACKAGES, compare_packages
from cli.demo.verification.stock import FBA, LEVELS, ListingsSide, Run, compare_stock, runs_of, too_close

pytestmark = pytest.mark.unit

SET_UP = SetUp(skus={"TENT-2P"}, methods={"STANDARD"})
ID = "111-0000001-0000001"


def amazon_order(**changes: Any) -> dict[str, Any]:
    """An order at Amazon that nothing holds."""
    return {
        "orderId": ID,
        "fulfillment": {"fulfillmentStatus": "UNSHIPPED", "fulfillmentServiceLevel": "STANDARD"},
        "recipient": {"deliveryAddress": {}},
        "orderItems": [{"product": {"sellerSku": "TENT-2P"}}],
        **changes,
    }


def amazon(order: dict[str, Any], *, told: bool = True, **summary: Any) -> CartSide:
    """Amazon's records about that one order, given and (where `told`) acknowledged."""
    short = {
        "orderId": ID,
        "seller": "A1",
        "branch": "plain",
        "status": order["fulfillment"]["fulfillmentStatus"],
        "fulfilledBy": "MERCHANT",
        "merchantOrderId": "AM1-x" if told else None,
        "buyer_view": "Processing" if told else "Ordered",
        **summary,
    }
    ids = frozenset({ID})
    return CartSide({ID: short}, {ID: order}, ids, ids if told else frozenset())


def received(**changes: Any) -> dict[str, Any]:
    """The same order in IS2, placed and acknowledged."""
    return {
        "cart_id": ID,
        "number": "AM1-x",
        "state": "INJECTED",
        "cart_state": "READY",
        "reason": "",
        "holds": [],
        "acknowledgement": "DONE",
        **changes,
    }


def differing(rows: list[Row]) -> set[str]:
    """The names of the rows that differ."""
    return {row.name for row in rows if not row.same}


def test_a_placed_and_acknowledged_order_agrees() -> None:
    rows = compare([received()], amazon(amazon_order()), SET_UP)
    assert differing(rows) == set()
    assert {row.name: len(row.is2) for row in rows}["“Processing” for the buyer"] == 1


@pytest.mark.parametrize(
    ("is2", "cart", "rows"),
    [
        ([], {}, "Offered by Amazon and received"),
        ([received(), received()], {}, "Given in a listing and staged once"),
        ([received(state="STAGED", acknowledgement="NONE")], {"told": False}, "Placed in the warehouse"),
        ([received(acknowledgement="SENT")], {}, "Acknowledged"),
        ([received()], {"merchantOrderId": "another"}, "Linked by our order number"),
        ([received()], {"buyer_view": "Ordered"}, "“Processing” for the buyer"),
        ([received(state="EXCLUDED", reason="Bought before")], {}, "Excluded for another reason"),
        ([received(state="QUARANTINED")], {}, "Quarantined: cannot be right"),
    ],
)
def test_each_kind_of_difference_is_seen(is2: list[dict[str, Any]], cart: dict[str, Any], rows: str) -> None:
    found = compare(list(is2), amazon(amazon_order(), **cart), SET_UP)
    assert rows in differing(found)
    assert all(ID in row.is2 ^ row.cart for row in found if not row.same)


def test_a_hold_without_its_cause_is_a_difference() -> None:
    held = received(
        state="HELD", acknowledgement="NONE", holds=[{"code": "ADDRESS_MISSING", "subject": "", "sentence": ""}]
    )
    assert "Held: address missing" in differing(compare([held], amazon(amazon_order(), told=False), SET_UP))
    assert differing(compare([held], amazon(amazon_order(recipient={}), told=False), SET_UP)) == set()


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, set()),
        ({"recipient": {}}, {"ADDRESS_MISSING"}),
        ({"orderItems": [{"product": {"sellerSku": "tent-2p"}}]}, {"SKU_UNKNOWN"}),
        ({"fulfillment": {"fulfillmentStatus": "NEW_WORD", "fulfillmentServiceLevel": "STANDARD"}}, {"UNKNOWN_VALUE"}),
        (
            {"fulfillment": {"fulfillmentStatus": "UNSHIPPED", "fulfillmentServiceLevel": "DRONE"}},
            {"METHOD_UNMAPPED"},
        ),
        (
            {"orderItems": [{"product": {"sellerSku": "TENT-2P"}, "cancellation": {"cancellationRequest": {}}}]},
            {"CANCELLATION_REQUESTED"},
        ),
    ],
)
def test_why_an_order_must_wait(changes: dict[str, Any], codes: set[str]) -> None:
    assert hold_codes(amazon_order(**changes), SET_UP) == codes


def test_an_order_the_warehouse_stopped_is_still_open_for_the_buyer() -> None:
    stopped = received(state="CANCELLED", reason="The warehouse ended this order: damaged")
    set_up = SetUp(SET_UP.skus, SET_UP.methods, frozenset({ID}))
    assert differing(compare([stopped], amazon(amazon_order()), set_up)) == set()
    assert "Stopped by the warehouse, told to the merchant" in differing(
        compare([received()], amazon(amazon_order()), set_up)
    )


def test_what_our_warehouse_shipped_counts_as_placed() -> None:
    shipped = amazon_order(fulfillment={"fulfillmentStatus": "SHIPPED", "fulfillmentServiceLevel": "STANDARD"})
    completed = received(state="COMPLETED", cart_state="SHIPPED")
    assert differing(compare([completed], amazon(shipped, buyer_view="Shipped"), SET_UP)) == set()


def amazon_package(**changes: Any) -> dict[str, Any]:
    """A package at Amazon."""
    return {
        "packageReferenceId": "1",
        "trackingNumber": "1Z1",
        "packageItems": [{"orderItemId": "77", "quantity": 2}],
        **changes,
    }


def package(**changes: Any) -> dict[str, Any]:
    """The same package in IS2."""
    return {"reference": "1", "tracking_number": "1Z1", "posted": "DONE", "units": {"77": 2}, **changes}


def packages_of(
    ours: list[dict[str, Any]], theirs: list[dict[str, Any]], before: frozenset[str] = frozenset(), **order: Any
) -> dict[str, Row]:
    """The rows about packages of that one order."""
    shipped = amazon_order(
        packages=theirs, fulfillment={"fulfillmentStatus": "SHIPPED", "fulfillmentServiceLevel": "STANDARD"}
    )
    is2 = received(**{"state": "COMPLETED", "packages": ours, **order})
    return {row.name: row for row in compare_packages([is2], amazon(shipped), {ID: before}, "Store")}


def test_the_same_package_on_both_sides_agrees() -> None:
    rows = packages_of([package()], [amazon_package()])
    assert all(row.same for row in rows.values()) and len(rows[PACKAGES].is2) == 1
    # Voided before it was told, or completing nothing: Amazon cannot have it.
    assert packages_of([package(), package(posted="VOIDED"), package(units={})], [amazon_package()])[PACKAGES].same
    # Shipped by somebody else before the order came to IS2.
    others = amazon_package(packageReferenceId="9")
    assert packages_of([package()], [amazon_package(), others], frozenset({"9"}))[PACKAGES].same


@pytest.mark.parametrize(
    "theirs",
    [
        [],
        [amazon_package(trackingNumber="1Z2")],
        [amazon_package(packageReferenceId="2")],
        [amazon_package(packageItems=[{"orderItemId": "77", "quantity": 1}])],
        [amazon_package(), amazon_package(packageReferenceId="2")],
    ],
)
def test_another_package_is_named_with_its_order(theirs: list[dict[str, Any]]) -> None:
    row = packages_of([package()], theirs)[PACKAGES]
    assert not row.same
    assert all(entry.startswith(f"{ID} package ") for entry in row.is2 ^ row.cart)


def test_an_order_that_is_not_completed_here_is_a_difference() -> None:
    row = packages_of([package()], [amazon_package()], state="SHIPPED")[COMPLETED]
    assert (row.is2, row.cart) == (frozenset(), frozenset({ID}))


def listing(sku: str, quantity: int | None, lead_days: int | None = 3, **changes: Any) -> dict[str, Any]:
    """A listing at Amazon."""
    return {
        "sku": sku,
        "quantity": quantity,
        "lead_days": lead_days,
        "effective_lead_days": 2 if lead_days is None else lead_days,
        "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": quantity}],
        "fba": False,
        "converted": False,
        "stranded": 0,
        **changes,
    }


FBA_LISTING = listing("COOLER", None, None, fba=True, fulfillmentAvailability=[{"fulfillmentChannelCode": "AMAZON_NA"}])
BEFORE = {"TENT-2P": listing("TENT-2P", 0, None), "COOLER": FBA_LISTING}
RUN = Run(datetime(2026, 11, 23, tzinfo=UTC), frozenset({"TENT-2P"}))


def stock_rows(sent: int | None, shown: dict[str, Any], **cooler: Any) -> dict[str, Row]:
    """The rows about a store that sent one SKU and may not send the other."""
    tent = {"sku": "TENT-2P", "quantity": sent, "lead_days": None if sent is None else 3}
    items = [tent, {"sku": "COOLER", "quantity": None, "lead_days": None, **cooler}]
    now = {**BEFORE, "TENT-2P": shown}
    stock = {"items": items, "pushes": [{"applied": ["TENT-2P"]}]}
    return {row.name: row for row in compare_stock(stock, ListingsSide(BEFORE, now, [RUN]), "Store")}


def test_stock_as_it_was_sent_agrees() -> None:
    rows = stock_rows(5, listing("TENT-2P", 5))
    assert all(row.same for row in rows.values())
    assert (len(rows[LEVELS].is2), len(rows[FBA].is2)) == (1, 1)


@pytest.mark.parametrize("shown", [listing("TENT-2P", 4), listing("TENT-2P", 5, 2), listing("TENT-2P", 5, None)])
def test_another_quantity_or_latency_is_named_with_its_sku(shown: dict[str, Any]) -> None:
    row = stock_rows(5, shown)[LEVELS]
    assert not row.same
    assert all(entry.startswith("TENT-2P: ") for entry in row.is2 ^ row.cart)


def test_a_listing_that_changed_although_nothing_was_sent_is_a_difference() -> None:
    assert not stock_rows(None, listing("TENT-2P", 9))[LEVELS].same


def test_a_number_over_amazons_own_offer_is_a_difference() -> None:
    assert not stock_rows(5, listing("TENT-2P", 5), quantity=3, lead_days=3)[FBA].same


def test_feeds_of_one_run_belong_together() -> None:
    def processed(hour: int, minute: int, *skus: str) -> dict[str, Any]:
        return {"operation": "feedProcessed", "time": f"2026-11-23T{hour:02}:{minute:02}:00Z", "skus": list(skus)}

    calls = [
        {"operation": "searchOrders", "time": "2026-11-23T00:00:00Z", "skus": []},
        processed(1, 0, "A"),
        processed(1, 1, "A", "B"),
        processed(2, 0),
        processed(13, 1, "B"),
    ]
    runs = runs_of(calls)
    assert [run.skus for run in runs] == [{"A", "B"}, {"B"}]
    assert not too_close(ListingsSide({}, {}, runs))
    assert too_close(ListingsSide({}, {}, runs_of([*calls, processed(20, 0, "B")])))


def test_an_example_needs_a_reason_or_an_acknowledgement() -> None:
    entry = {"orderId": ID, "seller": "A1", "status": "UNSHIPPED", "fulfilledBy": "MERCHANT"}
    assert example_of(entry, [received()]).accounted_for
    assert example_of(entry, [received(state="EXCLUDED", reason="Shipped already.")]).accounted_for
    assert not example_of(entry, [received(state="STAGED", acknowledgement="NONE")]).accounted_for
    assert not example_of(entry, [received(acknowledgement="DUE")]).accounted_for
    assert not example_of(entry, []).accounted_for
    assert not example_of(entry, [received(), received()]).accounted_for
