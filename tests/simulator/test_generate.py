"""The generated store: every branch, the same again from the same seed, buyers that can be found."""

import json

import pytest

from plugins.amazon.simulator.clock import parse_time
from plugins.amazon.simulator.orders.buyers import SENTINELS
from plugins.amazon.simulator.orders.generate import MIX, ON_REQUEST, mix_for
from tests.simulator.driver import NORTHWIND, START, Driver

pytestmark = pytest.mark.unit


@pytest.fixture
def orders(amazon) -> dict[str, list[dict]]:
    """The orders of a store of 300, by branch."""
    made = amazon.steer("POST", "orders/generate", {"seller": NORTHWIND})
    assert made["count"] == 300
    return {
        branch: [amazon.steer("GET", f"orders/{order_id}")["order"] for order_id in ids]
        for branch, ids in made["branches"].items()
    }


def skus(order: dict) -> set[str]:
    return {item["product"]["sellerSku"] for item in order["orderItems"]}


def test_300_orders_meet_every_branch_as_often_as_planned(orders):
    assert {branch: len(found) for branch, found in orders.items()} == MIX


def test_each_branch_is_what_its_name_says(orders):
    assert all(one["fulfillment"]["fulfilledBy"] == "AMAZON" for one in orders["amazon_fulfilled"])
    assert all(one["fulfillment"]["fulfillmentStatus"] == "PENDING" for one in orders["pending"])
    assert all(one["fulfillment"]["fulfillmentStatus"] == "CANCELLED" for one in orders["cancelled"])
    assert all(skus(one) == {"BUNDLE-CAMP"} for one in orders["bundle"])
    assert all(skus(one) == {"000123"} for one in orders["leading_zero"])
    assert all(any(sku.startswith("MYSTERY-") for sku in skus(one)) for one in orders["unmapped_sku"])
    assert all(one["fulfillment"]["fulfillmentServiceLevel"] == "SCHEDULED" for one in orders["unmapped_method"])
    assert all("recipient" not in one for one in orders["missing_address"])
    assert all("cancellationRequest" in str(one["orderItems"]) for one in orders["cancellation_request"])
    assert all("giftMessage" in str(one["orderItems"]) for one in orders["gift"])
    assert all(len(one["orderItems"]) >= 3 for one in orders["multi_line"])
    assert all(not one["recipient"]["deliveryAddress"]["name"].isascii() for one in orders["non_ascii"])
    assert {
        program for name in ("prime", "business", "premium") for one in orders[name] for program in one["programs"]
    } == {
        "PRIME",
        "AMAZON_BUSINESS",
        "PREMIUM",
    }
    assert all(one["packages"] for one in orders["partially_shipped"])
    assert all(skus(one) <= {"TENT-2P", "LAMP-USB", "STOVE-MINI", "000123", "Mug Blue 12oz"} for one in orders["plain"])


@pytest.fixture
def special(amazon) -> dict[str, dict]:
    """One order of each branch that only a mix names."""
    made = amazon.steer("POST", "orders/generate", {"seller": NORTHWIND, "mix": dict.fromkeys(ON_REQUEST, 1)})
    return {branch: amazon.steer("GET", f"orders/{ids[0]}")["order"] for branch, ids in made["branches"].items()}


def test_branches_on_request_are_what_their_names_say(special):
    def first(branch: str) -> dict:
        return special[branch]["orderItems"][0]

    assert special.keys() == set(ON_REQUEST)
    assert first("customized")["product"]["customization"]["customizedUrl"]
    assert first("ioss")["fulfillment"]["shipping"]["internationalShipping"]["iossNumber"].startswith("IM")
    assert first("serial")["fulfillment"]["packing"]["serialNumberRequirement"] == {"requirementType": "REQUIRED"}
    assert first("transparency")["programs"] == ["TRANSPARENCY"]
    assert special["replacement"]["associatedOrders"][0]["associationType"] == "REPLACEMENT_ORIGINAL_ID"
    assert special["replacement"]["proceeds"]["grandTotal"]["amount"] == "0.00"
    assert special["ship_plus"]["programs"] == ["FBM_SHIP_PLUS"]
    assert special["delivery_preference"]["recipient"]["deliveryPreference"]["dropOffLocation"] == "RECEPTIONIST"
    assert "signatureConfirmation" in first("constraints")["fulfillment"]["shipping"]["shippingConstraints"]
    assert [item["quantityOrdered"] > 0 for item in special["cancelled_line"]["orderItems"]] == [True, False]
    assert "cancellationExecution" in special["cancelled_line"]["orderItems"][1]["cancellation"]


def test_an_order_from_brazil_has_the_parts_of_its_address(amazon, special):
    address = special["brazil"]["recipient"]["deliveryAddress"]
    assert special["brazil"]["salesChannel"]["marketplaceId"] == "A2Q3Y263D00KWC"
    assert address["countryCode"] == "BR"
    assert address["extendedFields"].keys() == {"streetName", "streetNumber", "complement", "neighborhood"}
    assert special["brazil"]["proceeds"]["grandTotal"]["currencyCode"] == "BRL"
    elsewhere = {"seller": "A2SIMEU0000001", "mix": {"brazil": 1}}
    assert amazon.send("POST", "/_sim/orders/generate", body=json.dumps(elsewhere).encode()).status == 400


def test_created_within_two_days_and_changed_more_than_three_minutes_ago(orders):
    for order in (one for found in orders.values() for one in found):
        created, updated = parse_time(order["createdTime"]), parse_time(order["lastUpdatedTime"])
        assert 0 < (START - created).total_seconds() <= 48 * 3600
        assert created <= updated
        assert (START - updated).total_seconds() > 180


def test_the_same_seed_makes_the_same_store_another_seed_another():
    def store(seed: int) -> str:
        driver = Driver()
        driver.steer("POST", "orders/generate", {"seller": NORTHWIND, "seed": seed, "count": 40})
        return json.dumps([one.order for one in driver.simulator.state.book.all()])

    assert store(1) == store(1)
    assert store(1) != store(2)


def test_the_same_seed_and_questions_give_the_same_answers():
    def answers(seed: int) -> list[bytes]:
        driver = Driver(seed=seed)
        store = driver.connect()
        driver.steer("POST", "orders/generate", {"seller": NORTHWIND, "count": 150})
        page = store.search(createdAfter="2026-02-01T00:00:00Z", includedData="RECIPIENT")
        feed_id = store.submit("POST_ORDER_ACKNOWLEDGEMENT_DATA", b"<x/>")
        driver.advance(60)
        return [store.token.encode(), page.body, store.report(feed_id)]

    assert answers(1) == answers(1)
    assert answers(1)[0] != answers(2)[0]


def test_generating_twice_with_one_seed_makes_new_orders(amazon):
    for _ in range(2):
        amazon.steer("POST", "orders/generate", {"seller": NORTHWIND, "count": 40})
    assert len(amazon.steer("GET", "orders")["orders"]) == 80


def test_every_buyer_can_be_found_by_a_sentinel(orders):
    for order in (one for found in orders.values() for one in found):
        address = order.get("recipient", {}).get("deliveryAddress", {})
        personal = [order["buyer"]["buyerName"], order["buyer"]["buyerEmail"]]
        personal += [address[key] for key in ("name", "addressLine1", "addressLine2", "phone") if key in address]
        assert all(any(sentinel in text for sentinel in SENTINELS) for text in personal)


def test_a_small_store_still_meets_every_branch():
    shares = mix_for(40, None)
    assert sum(shares.values()) == 40
    assert shares.keys() == MIX.keys()
    assert mix_for(5, None) == {"plain": 5}


def test_a_mix_is_taken_as_it_is_and_filled_up_with_plain_orders():
    assert mix_for(None, {"gift": 2}) == {"gift": 2}
    assert mix_for(10, {"gift": 2, "plain": 1}) == {"gift": 2, "plain": 8}


@pytest.mark.parametrize(("count", "mix"), [(0, None), (1, {"gift": 2}), (5, {"gifts": 1}), (5, {"gift": -1})])
def test_an_impossible_mix_is_refused(count, mix):
    with pytest.raises(ValueError, match=r"count|branch"):
        mix_for(count, mix)
