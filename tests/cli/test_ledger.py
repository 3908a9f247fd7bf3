"""The comparison itself: what counts as a difference."""

from __future__ import annotations

from typing import Any

import pytest

from cli.demo.ledger import CartSide, Row, compare, example_of
from cli.demo.oracle import SetUp, hold_codes

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
            {"UNKNOWN_VALUE", "METHOD_UNMAPPED"},
        ),
        (
            {"orderItems": [{"product": {"sellerSku": "TENT-2P"}, "cancellation": {"cancellationRequest": {}}}]},
            {"CANCELLATION_REQUESTED"},
        ),
    ],
)
def test_why_an_order_must_wait(changes: dict[str, Any], codes: set[str]) -> None:
    assert hold_codes(amazon_order(**changes), SET_UP) == codes


def test_an_example_needs_a_reason_or_an_acknowledgement() -> None:
    entry = {"orderId": ID, "seller": "A1", "status": "UNSHIPPED", "fulfilledBy": "MERCHANT"}
    assert example_of(entry, [received()]).accounted_for
    assert example_of(entry, [received(state="EXCLUDED", reason="Shipped already.")]).accounted_for
    assert not example_of(entry, [received(state="STAGED", acknowledgement="NONE")]).accounted_for
    assert not example_of(entry, [received(acknowledgement="DUE")]).accounted_for
    assert not example_of(entry, []).accounted_for
    assert not example_of(entry, [received(), received()]).accounted_for
