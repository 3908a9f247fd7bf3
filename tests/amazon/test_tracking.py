"""Posting packages by confirmShipment, against the simulator."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from plugins.amazon import plugin
from plugins.amazon.shipping.shown_packages import read_shipped_order, shipped_order
from plugins.amazon.shipping.tracking import confirmation
from plugins.interface import (
    Applied,
    AuthorizationLost,
    CartContext,
    Effect,
    Package,
    PackageLine,
    RateLimited,
    Rejected,
    Reply,
    Retry,
    SettingsError,
    WriteReply,
)
from tests.amazon.conftest import SELLER, Harness
from tests.amazon.scripted import answered, passing, refusal, reply

SOON, LATER = timedelta(minutes=1), timedelta(seconds=90)


def book(harness: Harness, quantity: int = 1, branch: str = "plain", **changes: Any) -> dict[str, Any]:
    """One order whose first item has so many units; what steering shows of it."""
    made = harness.steer("POST", "orders/generate", {"seller": SELLER, "mix": {branch: 1}})
    (order_id,) = made["branches"][branch]
    item = harness.steer("GET", f"orders/{order_id}")["order"]["orderItems"][0]
    fields = {"orderItems": [item | {"quantityOrdered": quantity}]} | changes
    return harness.steer("POST", f"orders/{order_id}", {"set": fields})


def package(order: dict[str, Any], reference: str = "10001", quantity: int = 1, **changes: Any) -> Package:
    shipped_at = changes.pop("shipped_at", None) or datetime.fromisoformat(order["createdTime"]) + timedelta(minutes=5)
    one = Package(
        key=f"key-{order['orderId']}-{reference}",
        order_id=order["orderId"],
        site=order["marketplaceId"],
        reference=reference,
        cart_ref=None,
        carrier_code="UPS",
        carrier_name="UPS",
        service="Ground",
        tracking_number=f"1Z{reference}",
        shipped_at=shipped_at,
        lines=(PackageLine(order["order"]["orderItems"][0]["orderItemId"], quantity),),
    )
    return replace(one, **changes)


def read(harness: Harness, order: dict[str, Any]) -> dict[str, Any]:
    return harness.steer("GET", f"orders/{order['orderId']}")


def post_one(ctx: CartContext, one: Package) -> Any:
    return plugin.post_tracking(ctx, [one]).results[one.key]


def test_a_package_shows_on_the_order(harness: Harness) -> None:
    order = book(harness)
    assert plugin.post_tracking(harness.store(), [one := package(order)]) == WriteReply({one.key: Applied()})
    (shown,) = read(harness, order)["packages"]
    assert (shown["packageReferenceId"], shown["carrier"], shown["trackingNumber"]) == ("10001", "UPS", "1Z10001")
    assert (shown["shippingService"], shown["packageItems"][0]["quantity"]) == ("Ground", 1)
    assert read(harness, order)["status"] == "SHIPPED"


def test_an_order_shipped_in_parts_has_a_package_for_each(harness: Harness) -> None:
    order = book(harness, quantity=3)
    ctx = harness.store()
    assert post_one(ctx, package(order, "10002", 2)) == Applied()
    assert read(harness, order)["status"] == "PARTIALLY_SHIPPED"
    assert post_one(ctx, package(order, "10001", 1)) == Applied()
    assert read(harness, order)["status"] == "SHIPPED"
    assert sorted(each["packageReferenceId"] for each in read(harness, order)["packages"]) == ["10001", "10002"]


def test_the_same_reference_again_corrects_the_package(harness: Harness) -> None:
    order = book(harness)
    ctx = harness.store()
    post_one(ctx, package(order))
    assert post_one(ctx, package(order, tracking_number="1Z-CORRECTED")) == Applied()
    assert [each["trackingNumber"] for each in read(harness, order)["packages"]] == ["1Z-CORRECTED"]


@pytest.mark.parametrize("kind", ["apply_then_drop", "refuse", "5xx", "html_200"])
def test_after_a_lost_answer_the_same_is_sent_again_and_the_cart_has_one_package(harness: Harness, kind: str) -> None:
    order = book(harness)
    ctx = harness.store()
    harness.steer("POST", "faults", {"operation": "confirmShipment", "kind": kind})
    lost = post_one(ctx, package(order))
    assert lost == Retry(harness.clock.now() + SOON)
    assert post_one(ctx, package(order)) == Applied()
    assert len(read(harness, order)["packages"]) == 1


def test_where_amazon_does_not_answer_at_all_the_rest_waits(harness: Harness) -> None:
    orders = [book(harness) for _ in range(4)]
    harness.steer("POST", "faults", {"operation": "confirmShipment", "kind": "5xx", "times": 4})
    results = plugin.post_tracking(harness.store(), [package(order) for order in orders]).results
    now = harness.clock.now()
    assert [results[package(order).key] for order in orders] == [
        *[Retry(now + LATER)] * 2,
        *[Retry(now + SOON)] * 2,
    ]
    assert harness.http.operations().count("confirmShipment") == 2


def test_packages_that_always_fail_leave_the_others_their_turn(harness: Harness) -> None:
    bad, good = [book(harness) for _ in range(2)], [book(harness) for _ in range(2)]
    ctx = harness.store()
    broken = [order["orderId"] for order in bad]

    class Failing:
        def call(self, operation: str, effect: Effect, method: str, url: str, **more: Any) -> Reply:
            if operation == "confirmShipment" and any(order_id in url for order_id in broken):
                return Reply(500, {}, b"")
            return harness.http.call(operation, effect, method, url, **more)

    waiting = {package(order).key: (harness.clock.now(), package(order)) for order in (*bad, *good)}
    for _ in range(5):
        due = [one for at, one in waiting.values() if at <= harness.clock.now()]
        for key, result in plugin.post_tracking(replace(ctx, http=Failing()), due).results.items():
            if isinstance(result, Retry):
                waiting[key] = (result.when, waiting[key][1])
            else:
                del waiting[key]
        harness.clock.advance(60)
    assert {one.order_id for _, one in waiting.values()} == set(broken)


def test_failures_in_between_hold_back_those_packages_only(harness: Harness) -> None:
    orders = [book(harness) for _ in range(5)]
    for skip in (1, 2):
        harness.steer("POST", "faults", {"operation": "confirmShipment", "kind": "5xx", "skip": skip})
    results = plugin.post_tracking(harness.store(), [package(order) for order in orders]).results
    assert [type(result) for result in results.values()] == [Applied, Retry, Applied, Retry, Applied]


def test_where_the_budget_ends_half_way_the_rest_is_for_later(harness: Harness) -> None:
    harness.steer("POST", "limits", {"enforced": True, "rates": {"confirmShipment": [0.1, 2]}})
    orders = [book(harness) for _ in range(4)]
    results = plugin.post_tracking(harness.store(), [package(order) for order in orders]).results
    assert [type(result) for result in results.values()] == [Applied, Applied, Retry, Retry]
    harness.clock.advance(60)
    assert post_one(harness.store(), package(orders[2])) == Applied()


@pytest.mark.parametrize("by_hand", ["1", "7", "10002", "123456"])
def test_an_order_shipped_by_hand_under_the_same_number_is_done(harness: Harness, by_hand: str) -> None:
    order = book(harness)
    ctx = harness.store()
    post_one(ctx, package(order, by_hand, tracking_number="1z 777"))
    assert post_one(ctx, package(order, tracking_number="1Z777")) == Applied()
    assert [each["packageReferenceId"] for each in read(harness, order)["packages"]] == [by_hand]


def test_an_order_shipped_by_hand_under_another_number_needs_a_person(harness: Harness) -> None:
    order = book(harness)
    ctx = harness.store()
    post_one(ctx, package(order, "1", tracking_number="ANOTHER"))
    result = post_one(ctx, package(order))
    assert isinstance(result, Rejected)
    assert (result.code, "shipped in full already" in result.message) == ("ALREADY_FULFILLED", True)


def test_more_units_than_ordered_are_refused_in_amazons_words(harness: Harness) -> None:
    order = book(harness, quantity=2)
    result = post_one(harness.store(), package(order, quantity=3))
    assert isinstance(result, Rejected)
    assert result.code == "InvalidInput"
    assert "more than the quantity left to ship" in result.message


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("errorMetric=NonexistentOrderItem", "ITEM_NOT_FOUND", "does not know an item"),
        ("OrderItemId is invalid, please obtain the value", "ITEM_NOT_FOUND", "does not know an item"),
        ("errorMetric=InvalidPackageVersion", "PACKAGE_CHANGED", "a newer version of this package"),
        ("exceeds the maximum number of allowed updates", "TOO_MANY_CORRECTIONS", "corrected too often"),
        ("ShipDate is invalid.", "InvalidInput", "Amazon refused the package: ShipDate is invalid."),
    ],
)
@pytest.mark.parametrize("where", ["message", "details"])
def test_what_amazon_refuses_a_package_for_is_explained(
    harness: Harness, words: str, code: str, told: str, where: str
) -> None:
    order = book(harness)
    ctx = harness.store()
    message, details = (words, "") if where == "message" else ("ShipDate is invalid.", words)
    ctx, http = answered(ctx, passing(harness.http))
    http.answers.insert(0, refusal(400, message, details=details))
    result = post_one(ctx, package(order))
    assert isinstance(result, Rejected)
    assert (result.code, told in result.message) == (code, True)
    assert http.operations() == ["confirmShipment", "getOrder"]


@pytest.mark.parametrize("words", ["order already fulfilled. errorMetric=X", "errorMetric=PackageToUpdateNotFound"])
@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        ("SHIPPED", "ALREADY_FULFILLED", "shipped in full already"),
        ("PARTIALLY_SHIPPED", "InvalidInput", "Amazon refused the package: Failed"),
        ("UNSHIPPED", "InvalidInput", "Amazon refused the package: Failed"),
        (None, "InvalidInput", "Amazon refused the package: Failed"),
    ],
)
def test_an_order_is_said_to_be_shipped_only_where_amazon_shows_it_so(
    harness: Harness, words: str, status: str | None, code: str, told: str
) -> None:
    order = book(harness)
    shown = refusal(400, "Invalid Input")
    if status is not None:
        shown = reply(200, {"order": {"fulfillment": {"fulfillmentStatus": status}}})
    ctx, _ = answered(harness.store(), refusal(400, f"Failed to create package: {words}"), shown)
    result = post_one(ctx, package(order))
    assert isinstance(result, Rejected)
    assert (result.code, told in result.message) == (code, True)


@pytest.mark.parametrize(
    ("branch", "changes", "code"),
    [
        ("plain", {"programs": ["FBM_SHIP_PLUS"]}, "SHIP_PLUS"),
        ("cancelled", {}, "ORDER_CANCELLED"),
        ("pending", {}, "InvalidInput"),
    ],
)
def test_what_amazon_takes_no_package_for_is_told_and_stops_no_other(
    harness: Harness, branch: str, changes: dict[str, Any], code: str
) -> None:
    bad, good = book(harness, branch=branch, **changes), book(harness)
    results = plugin.post_tracking(harness.store(), [package(bad), package(good)]).results
    refusal = results[package(bad).key]
    assert isinstance(refusal, Rejected)
    assert refusal.code == code
    assert results[package(good).key] == Applied()


def test_an_order_amazon_does_not_know_is_refused(harness: Harness) -> None:
    order = book(harness)
    result = post_one(harness.store(), package(order, order_id="111-0000000-0000000"))
    assert isinstance(result, Rejected)
    assert result.code == "ORDER_NOT_FOUND"


@pytest.mark.parametrize("body", [{}, {"order": None}])
def test_an_answer_without_an_order_means_that_amazon_does_not_know_it(harness: Harness, body: dict[str, Any]) -> None:
    order = book(harness)
    ctx, _ = answered(harness.store(), refusal(400, "Sorry"), reply(200, body))
    result = post_one(ctx, package(order))
    assert isinstance(result, Rejected)
    assert (result.code, result.message) == ("ORDER_NOT_FOUND", "Amazon does not know this order.")


@pytest.mark.parametrize("body", [{"order": [1]}, {"order": {"packages": 7}}, {"order": {"packages": [None]}}])
def test_an_order_that_is_shown_in_another_shape_is_read_again(harness: Harness, body: dict[str, Any]) -> None:
    order = book(harness)
    ctx, _ = answered(harness.store(), refusal(400, "Sorry"), reply(200, body))
    assert post_one(ctx, package(order)) == Retry(harness.clock.now() + SOON)


def test_where_the_read_back_fails_nothing_is_given_up(harness: Harness) -> None:
    order = book(harness, quantity=2)
    ctx = harness.store()
    harness.steer("POST", "faults", {"operation": "getOrder", "kind": "5xx"})
    assert post_one(ctx, package(order, quantity=3)) == Retry(harness.clock.now() + SOON)


def test_a_carrier_without_a_code_goes_by_its_name(harness: Harness) -> None:
    order = book(harness)
    one = package(order, carrier_code="", carrier_name="Hill & Dale Couriers", service="")
    assert post_one(harness.store(), one) == Applied()
    (shown,) = read(harness, order)["packages"]
    assert shown["carrier"] == "Hill & Dale Couriers"
    assert "shippingService" not in shown


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("Hill\N{NO-BREAK SPACE}&\N{ZERO WIDTH SPACE} Dale", "Hill & Dale"),
        (" \tHill\n& Dale ", "Hill & Dale"),
        ("Transportes " * 100, "Transportes Transportes Transportes Transportes Tr"),
    ],
    ids=["unseen", "blanks", "long"],
)
def test_field_D3_carrier_and_service_go_to_amazon_readable_and_within_its_limits(
    harness: Harness, given: str, told: str
) -> None:
    order = book(harness)
    one = package(order, carrier_code="", carrier_name=given, service=given)
    assert post_one(harness.store(), one) == Applied()
    (shown,) = read(harness, order)["packages"]
    assert (shown["carrier"], shown["shippingService"]) == (told, told)
    # After a lost answer it is found to be the same.
    held = read_shipped_order(harness.store(), order["orderId"])
    assert held is not None
    assert held.holds(one)


@pytest.mark.parametrize(
    "changes",
    [
        {"tracking_number": " "},
        {"carrier_code": "", "carrier_name": ""},
        {"carrier_code": "", "carrier_name": "\N{ZERO WIDTH SPACE}\N{NO-BREAK SPACE}"},
    ],
    ids=["number", "carrier", "unseen carrier"],
)
def test_what_is_missing_is_told_without_a_call(harness: Harness, changes: dict[str, str]) -> None:
    order = book(harness)
    assert isinstance(post_one(harness.store(), package(order, **changes)), Rejected)
    assert "confirmShipment" not in harness.http.operations()


def test_a_package_of_the_future_is_one_of_now(harness: Harness) -> None:
    order = book(harness)
    late = package(order, shipped_at=harness.clock.now() + timedelta(hours=3))
    assert post_one(harness.store(), late) == Applied()
    assert read(harness, order)["packages"][0]["shipTime"] <= harness.clock.now().isoformat()


def test_the_body_has_the_types_amazon_wants(harness: Harness) -> None:
    order = book(harness)
    body = confirmation(package(order, "12"), "ATVPDKIKX0DER", harness.clock.now())
    detail = body["packageDetail"]
    assert detail["packageReferenceId"] == "12"
    assert isinstance(detail["orderItems"], list)
    assert detail["shipDate"].endswith("Z")
    assert "carrierName" not in detail


def test_a_revoked_store_stops_at_once(harness: Harness) -> None:
    order = book(harness)
    ctx = harness.store()
    harness.steer("POST", "seller", {"seller": SELLER, "revoke": True})
    with pytest.raises(AuthorizationLost):
        plugin.post_tracking(ctx, [package(order)])


def test_a_missing_role_is_named(harness: Harness) -> None:
    order = book(harness)
    ctx = harness.store()
    harness.steer("POST", "seller", {"seller": SELLER, "roles": []})
    with pytest.raises(SettingsError) as error:
        plugin.post_tracking(ctx, [package(order)])
    assert "Inventory and Order Tracking or Direct-to-Consumer Shipping" in error.value.message


def shown_package(order: dict[str, Any], reference: str, quantity: int, **fields: str) -> dict[str, Any]:
    """A package as getOrder shows it."""
    line = {"orderItemId": order["order"]["orderItems"][0]["orderItemId"], "quantity": quantity}
    shown = {"packageReferenceId": reference, "trackingNumber": "1Z10001", "carrier": "UPS", "packageItems": [line]}
    return shown | fields


def test_units_of_several_shown_packages_under_one_number_add_up(harness: Harness) -> None:
    order = book(harness, quantity=3)
    split = [shown_package(order, "1", 2), shown_package(order, "2", 1), {"packageReferenceId": "3"}]
    shown = shipped_order({"packages": split})
    assert shown.holds(package(order, quantity=3))
    assert not shown.holds(package(order, quantity=4))
    assert not shown.holds(package(order, quantity=1, tracking_number="1Z2"))


@pytest.mark.parametrize(
    ("fields", "quantity", "held"),
    [
        ({}, 2, True),
        ({"trackingNumber": "1z 10001"}, 2, True),
        ({"carrier": "ups"}, 2, True),
        ({"shippingService": "ground"}, 2, True),
        ({"shippingService": "Air"}, 2, False),
        ({"trackingNumber": "1Z2"}, 2, False),
        ({"carrier": "FedEx"}, 2, False),
        ({}, 1, False),
        ({}, 3, False),
    ],
)
def test_under_our_own_reference_it_is_held_only_just_as_it_was_sent(
    harness: Harness, fields: dict[str, str], quantity: int, held: bool
) -> None:
    order = book(harness, quantity=3)
    shown = shipped_order(
        {"packages": [shown_package(order, "10001", quantity, **fields), shown_package(order, "9", 2)]}
    )
    assert shown.holds(package(order, "10001", 2)) is held


@pytest.mark.parametrize(("held", "posted"), [("10001", "10002"), ("10002", "10001")])
def test_two_packages_of_ours_under_one_number_do_not_stand_for_each_other(
    harness: Harness, held: str, posted: str
) -> None:
    order = book(harness, quantity=2)
    shown = shipped_order({"packages": [shown_package(order, held, 1)]})
    one = package(order, posted, 1, tracking_number="1Z10001")
    assert not shown.holds(replace(one, sibling_references=frozenset({held})))
    assert shown.holds(one)


def test_what_our_other_package_holds_at_amazon_makes_a_refused_one_not_done(harness: Harness) -> None:
    order = book(harness, quantity=2)
    ctx = harness.store()
    wanted = [
        package(order, "10002", 2, tracking_number="MASTER", sibling_references=frozenset({"10001"})),
        package(order, "10001", 1, tracking_number="MASTER", sibling_references=frozenset({"10002"})),
    ]
    results = plugin.post_tracking(ctx, wanted).results
    assert results[wanted[0].key] == Applied()
    assert isinstance(results[wanted[1].key], Rejected)


CORRECTION_REFUSALS = ["errorMetric=InvalidPackageVersion", "the maximum number of allowed updates"]


@pytest.mark.parametrize("words", CORRECTION_REFUSALS)
@pytest.mark.parametrize(
    "correction", [{"tracking_number": "1Z-CORRECTED"}, {"service": "Air"}, {"carrier_code": "FedEx"}], ids=str
)
def test_a_correction_that_is_refused_is_not_taken_for_done(
    harness: Harness, words: str, correction: dict[str, str]
) -> None:
    order = book(harness)
    ctx = harness.store()
    assert post_one(ctx, package(order)) == Applied()
    ctx, http = answered(ctx, passing(harness.http))
    http.answers.insert(0, refusal(400, words))
    corrected = package(order, carrier_name="", **correction)
    assert isinstance(post_one(ctx, corrected), Rejected)


@pytest.mark.parametrize("words", CORRECTION_REFUSALS)
def test_a_refused_repeat_of_what_amazon_holds_under_our_reference_is_done(harness: Harness, words: str) -> None:
    """After a lost answer Amazon may find the same package older than its own: it is the very one."""
    order = book(harness)
    ctx = harness.store()
    harness.steer("POST", "faults", {"operation": "confirmShipment", "kind": "apply_then_drop"})
    assert isinstance(post_one(ctx, package(order)), Retry)
    ctx, http = answered(ctx, passing(harness.http))
    http.answers.insert(0, refusal(400, words))
    assert post_one(ctx, package(order)) == Applied()


def test_where_the_budget_ends_several_packages_wait_for_several_calls(harness: Harness) -> None:
    orders = [book(harness) for _ in range(12)]
    until = harness.clock.now() + timedelta(milliseconds=500)
    for count, seconds in ((1, 0.5), (4, 2), (12, 5)):
        ctx, _ = answered(harness.store(), RateLimited("Spent.", until=until))
        results = plugin.post_tracking(ctx, [package(order) for order in orders[:count]]).results
        assert set(results.values()) == {Retry(harness.clock.now() + timedelta(seconds=seconds))}


@pytest.mark.parametrize(("ahead_s", "sent_s"), [(3600, -60), (0, -60), (-30, -60), (-61, -61)])
def test_a_ship_date_is_never_of_amazons_future(harness: Harness, ahead_s: int, sent_s: int) -> None:
    order, now = book(harness), harness.clock.now().replace(microsecond=0)
    one = package(order, shipped_at=now + timedelta(seconds=ahead_s))
    sent = datetime.fromisoformat(confirmation(one, "ATVPDKIKX0DER", now)["packageDetail"]["shipDate"])
    assert sent == now + timedelta(seconds=sent_s)


def test_failures_with_nothing_left_behind_them_are_tried_again_soon(harness: Harness) -> None:
    orders = [book(harness) for _ in range(2)]
    harness.steer("POST", "faults", {"operation": "confirmShipment", "kind": "5xx", "times": 2})
    results = plugin.post_tracking(harness.store(), [package(order) for order in orders]).results
    assert set(results.values()) == {Retry(harness.clock.now() + SOON)}


def test_a_failure_before_the_end_of_the_budget_is_tried_again_soon(harness: Harness) -> None:
    orders = [book(harness) for _ in range(3)]
    spent = RateLimited("Spent.", until=harness.clock.now() + timedelta(hours=1))
    ctx, _ = answered(harness.store(), refusal(500, "Sorry", "InternalFailure"), spent)
    results = plugin.post_tracking(ctx, [package(order) for order in orders]).results
    late = Retry(spent.until)
    assert list(results.values()) == [Retry(harness.clock.now() + SOON), late, late]


def test_a_carrier_with_a_code_needs_no_name(harness: Harness) -> None:
    order = book(harness)
    assert post_one(harness.store(), package(order, carrier_name="")) == Applied()


def test_an_order_whose_marketplace_is_not_known_is_one_of_home(harness: Harness) -> None:
    order = book(harness)
    ctx = harness.store(home_site=order["marketplaceId"])
    assert post_one(ctx, package(order, site="")) == Applied()
