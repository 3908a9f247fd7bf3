"""Reading channels, quantities and marketplaces of SKUs, against the simulator."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from plugins.amazon import plugin
from plugins.amazon.listings.shown_listings import parse_listing, shown_inventory
from plugins.interface import (
    MERCHANT_CHANNEL,
    CartContext,
    Effect,
    NotRead,
    Permanent,
    RateLimited,
    Reply,
    SettingsError,
    ShownInventory,
    Temporary,
)
from tests.amazon.conftest import SELLER, Harness

US, CA, MX = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2", "A1AM78C64UM0Y8"
EVERYWHERE = f"{US},{CA},{MX}"
REMOTE = "A2SIMNA0000003"


def north_america(harness: Harness, seller: str = SELLER, **settings: str) -> CartContext:
    return harness.store(seller, "na", (CA, MX, US), US, **settings)


def put(harness: Harness, sku: str, **fields: Any) -> None:
    harness.steer("POST", "listings", {"seller": SELLER, "sku": sku, **fields})


def read(ctx: CartContext, *skus: str) -> dict[str, ShownInventory | NotRead]:
    return {level.sku: level for level in plugin.read_inventory(ctx, skus)}


def test_who_ships_a_sku_how_many_and_where(harness: Harness) -> None:
    put(harness, "TENT-2P", quantity=4, lead_days=5, marketplaces=[CA, US])
    put(harness, "TWIN", channels={"DEFAULT": 2, "AMAZON_NA": 9})
    put(harness, "BARE", channels={})
    shown = read(north_america(harness), "TENT-2P", "COOLER-FBA", "TWIN", "BARE", "NO-SUCH")
    assert shown == {
        "TENT-2P": ShownInventory("TENT-2P", {MERCHANT_CHANNEL: 4}, 5, f"{US},{CA}"),
        "COOLER-FBA": ShownInventory("COOLER-FBA", {"AMAZON_NA": 40}, None, US),
        "TWIN": ShownInventory("TWIN", {MERCHANT_CHANNEL: 2, "AMAZON_NA": 9}, None, EVERYWHERE),
        "BARE": ShownInventory("BARE", {MERCHANT_CHANNEL: 0}, None, EVERYWHERE),
    }


@pytest.mark.parametrize("sku", ["Mug Blue 12oz", "A/B +1", "50% & more", "RED,LARGE", "Ä-ß", "a?b#c"])
def test_a_sku_is_asked_for_letter_by_letter(harness: Harness, sku: str) -> None:
    put(harness, sku, quantity=3)
    assert read(north_america(harness), sku)[sku].fulfillment_channels == {MERCHANT_CHANNEL: 3}


def test_a_sku_that_only_looks_alike_is_not_it(harness: Harness) -> None:
    put(harness, "123", quantity=3)
    put(harness, "RED", quantity=3)
    put(harness, "LARGE", quantity=3)
    assert set(read(north_america(harness), "000123", "tent-2p", "RED,LARGE")) == {"000123"}


@dataclass
class Way:
    """A way out whose searches are looked at, and whose answers may be changed."""

    harness: Harness
    change: Callable[[Reply], Reply] = lambda reply: reply
    urls: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)

    def call(self, operation: str, effect: Effect, method: str, url: str, **more: Any) -> Reply:
        reply = self.harness.http.call(operation, effect, method, url, **more)
        if operation != "searchListingsItems":
            return reply
        self.urls.append(url)
        self.places.append(more["params"]["marketplaceIds"])
        return self.change(reply)


def test_what_a_search_finds_besides_is_left_out(harness: Harness) -> None:
    def add_a_lookalike(reply: Reply) -> Reply:
        body = reply.json()
        body["items"] += [item | {"sku": item["sku"].lower()} for item in body["items"]]
        return replace(reply, body=json.dumps(body).encode())

    ctx = replace(north_america(harness), http=Way(harness, add_a_lookalike))
    assert [level.sku for level in plugin.read_inventory(ctx, ["TENT-2P", "TENT-2P"])] == ["TENT-2P"]
    assert plugin.read_inventory(ctx, []) == []


def test_a_space_travels_as_percent_20(harness: Harness) -> None:
    way = Way(harness)
    read(replace(north_america(harness), http=way), "Mug Blue 12oz", "A+B")
    assert "identifiers=Mug%20Blue%2012oz%2CA%2BB&" in way.urls[0]


def test_a_comma_does_not_push_another_sku_out_of_the_call(harness: Harness) -> None:
    skus = [f"S{number:02d}" for number in range(19)]
    put(harness, "RED,LARGE", quantity=3)
    assert set(read(north_america(harness), *skus, "RED,LARGE")) == {"RED,LARGE"}


def spent_after(harness: Harness, calls: int, until: timedelta = timedelta(milliseconds=200)) -> Any:
    """A way out whose budget for searches ends after so many."""

    class Spent:
        left = calls

        def call(self, operation: str, *args: Any, **more: Any) -> Reply:
            if operation == "searchListingsItems":
                self.left -= 1
                if self.left < 0:
                    raise RateLimited("Spent.", until=harness.clock.now() + until)
            return harness.http.call(operation, *args, **more)

    return Spent()


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_where_the_budget_ends_what_was_read_is_kept_and_the_rest_is_for_later(harness: Harness, calls: int) -> None:
    skus = [f"S{number:02d}" for number in range(45)]
    for sku in skus:
        put(harness, sku, quantity=1)
    shown = plugin.read_inventory(replace(north_america(harness), http=spent_after(harness, calls)), skus)
    read_now, later = shown[: 20 * calls], shown[20 * calls :]
    assert {level.sku for level in read_now if isinstance(level, ShownInventory)} == set(skus[: 20 * calls])
    when = harness.clock.now() + timedelta(milliseconds=200)
    assert later == [NotRead(sku, when) for sku in skus[20 * calls :]]


def test_stores_that_share_a_budget_get_on_call_by_call(harness: Harness) -> None:
    left = skus = [f"S{number:02d}" for number in range(80)]
    for sku in skus:
        put(harness, sku, quantity=1)
    ctx = north_america(harness)
    for calls in (1, 1, 1, 2):
        answer = plugin.read_inventory(replace(ctx, http=spent_after(harness, calls)), left)
        left = [entry.sku for entry in answer if isinstance(entry, NotRead)]
    assert left == []


def test_what_has_no_look_for_remote_fulfillment_is_read_again_with_it(harness: Harness) -> None:
    skus = [f"S{number:02d}" for number in range(25)]
    for sku in skus:
        put(harness, sku, quantity=1)
    ctx = north_america(harness)
    shown = plugin.read_inventory(replace(ctx, http=spent_after(harness, 2)), skus)
    assert {level.sku for level in shown if isinstance(level, ShownInventory)} == set(skus[:20])
    # Two calls are needed then, so it waits for the budget of two.
    when = harness.clock.now() + timedelta(milliseconds=400)
    assert shown[20:] == [NotRead(sku, when) for sku in skus[20:]]
    again = plugin.read_inventory(replace(ctx, http=spent_after(harness, 2)), skus[20:])
    assert {level.sku for level in again if isinstance(level, ShownInventory)} == set(skus[20:])


def test_without_a_sku_to_search_for_the_look_may_be_missed(harness: Harness) -> None:
    put(harness, "RED,LARGE", quantity=3)
    shown = plugin.read_inventory(replace(north_america(harness), http=spent_after(harness, 0)), ["RED,LARGE"])
    assert [type(level) for level in shown] == [ShownInventory]


def test_after_the_budget_for_skus_with_a_comma_is_spent_a_full_one_is_waited_for(harness: Harness) -> None:
    ctx = north_america(harness)

    class Spent:
        def call(self, operation: str, *args: Any, **more: Any) -> Reply:
            if operation == "getListingsItem":
                raise RateLimited("Spent.", until=harness.clock.now() + timedelta(milliseconds=200))
            return harness.http.call(operation, *args, **more)

    shown = plugin.read_inventory(replace(ctx, http=Spent()), ["RED,LARGE", "TENT-2P"])
    assert [level.sku for level in shown] == ["TENT-2P", "RED,LARGE"]
    assert shown[1] == NotRead("RED,LARGE", harness.clock.now() + timedelta(seconds=2))


def test_any_number_of_skus_with_a_comma_gets_through(harness: Harness) -> None:
    harness.steer("POST", "limits", {"enforced": True})
    wanted = [f"SHIRT,{number:02d}" for number in range(80)]
    for number, sku in enumerate(wanted[:-1]):
        put(harness, sku, quantity=number)
    ctx = north_america(harness)
    shown: dict[str, ShownInventory] = {}
    left = wanted
    for _ in range(8):
        answer = plugin.read_inventory(ctx, left)
        shown |= {entry.sku: entry for entry in answer if isinstance(entry, ShownInventory)}
        later = [entry for entry in answer if isinstance(entry, NotRead)]
        left = [entry.sku for entry in later]
        harness.clock.instant = max((entry.when for entry in later), default=harness.clock.now())
    assert left == []
    assert {sku: level.fulfillment_channels for sku, level in shown.items()} == {
        sku: {MERCHANT_CHANNEL: number} for number, sku in enumerate(wanted[:-1])
    }


def test_the_home_marketplace_comes_first(harness: Harness) -> None:
    shown = read(harness.store(SELLER, "na", (US, CA, MX), MX), "TENT-2P")
    assert shown["TENT-2P"].remote_id == f"{MX},{US},{CA}"


def test_twenty_skus_are_one_call(harness: Harness) -> None:
    skus = [f"S{number:02d}" for number in range(45)]
    for sku in skus:
        put(harness, sku, quantity=1)
    shown = read(north_america(harness), *skus)
    assert set(shown) == set(skus)
    # The fourth looks for Remote Fulfillment.
    assert harness.http.operations().count("searchListingsItems") == 4
    assert "getListingsItem" not in harness.http.operations()


def test_a_full_budget_is_enough_for_eighty_skus(harness: Harness) -> None:
    harness.steer("POST", "limits", {"enforced": True})
    skus = [f"S{number:02d}" for number in range(80)]
    assert read(north_america(harness), *skus) == {}
    (late,) = plugin.read_inventory(north_america(harness), ["TENT-2P"])
    assert isinstance(late, NotRead)
    assert late.when > harness.clock.now()


def test_with_remote_fulfillment_home_alone_is_read(harness: Harness) -> None:
    ctx = north_america(harness, REMOTE, remote_fulfillment="yes")
    shown = read(ctx, "TENT-2P", "COOLER-FBA")
    assert shown["TENT-2P"].remote_id == US
    assert shown["COOLER-FBA"].fulfillment_channels == {"AMAZON_NA": 40}


@pytest.mark.parametrize("skus", [["COOLER-FBA"], ["TENT-2P"]], ids=["it is asked for", "it is not asked for"])
def test_an_enrolled_account_that_says_no_is_told_to_say_yes(harness: Harness, skus: list[str]) -> None:
    with pytest.raises(SettingsError) as error:
        read(north_america(harness, REMOTE), *skus)
    assert error.value.code == "REMOTE_FULFILLMENT"
    assert error.value.message == (
        "Your Amazon account is enrolled in Remote Fulfillment with FBA: set the option Remote Fulfillment With FBA to "
        "Yes, then stock is synced."
    )


def test_among_many_skus_an_enrollment_shows_in_what_was_changed_last(harness: Harness) -> None:
    def put_remote(number: int, prefix: str, **fields: Any) -> dict[str, Any]:
        return {"seller": REMOTE, "sku": f"{prefix}{number:02d}", "quantity": 1, **fields}

    ctx = north_america(harness, REMOTE)
    harness.clock.instant += timedelta(minutes=1)
    harness.steer("POST", "listings", [put_remote(number, "A") for number in range(25)])
    # The preset FBA offer was changed before those 25: nothing asked for or changed last gives the enrollment away.
    assert set(read(ctx, "A00")) == {"A00"}
    harness.clock.instant += timedelta(minutes=1)
    harness.steer("POST", "listings", [put_remote(0, "Z-FBA-", fba=True)])
    with pytest.raises(SettingsError) as error:
        read(ctx, "A00")
    assert error.value.code == "REMOTE_FULFILLMENT"


def test_enrollment_comes_and_goes(harness: Harness) -> None:
    assert set(read(north_america(harness), "TENT-2P")) == {"TENT-2P"}
    harness.steer("POST", "seller", {"seller": SELLER, "remote_fulfillment": True})
    with pytest.raises(SettingsError):
        read(north_america(harness), "TENT-2P")
    harness.steer("POST", "seller", {"seller": SELLER, "remote_fulfillment": False})
    assert set(read(north_america(harness), "TENT-2P")) == {"TENT-2P"}


def test_outside_the_united_states_fba_in_several_countries_is_no_remote_fulfillment(harness: Harness) -> None:
    seller = "A2SIMEU0000001"
    harness.steer("POST", "seller", {"seller": seller, "remote_fulfillment": True})
    ctx = harness.store(seller, "eu", ("A1F83G8C2ARO7P", "A1PA6795UKMFR9"), "A1F83G8C2ARO7P")
    assert read(ctx, "COOLER-FBA")["COOLER-FBA"].fulfillment_channels == {"AMAZON_EU": 40}


def test_a_missing_role_is_named(harness: Harness) -> None:
    ctx = north_america(harness)
    harness.steer("POST", "seller", {"seller": SELLER, "roles": []})
    with pytest.raises(SettingsError) as error:
        read(ctx, "TENT-2P")
    assert "Product Listing or Inventory and Order Tracking" in error.value.message


@pytest.mark.parametrize("kind", ["html_200", "truncate", "5xx", "refuse"])
def test_an_unusable_answer_is_temporary(harness: Harness, kind: str) -> None:
    harness.steer("POST", "faults", {"operation": "searchListingsItems", "kind": kind})
    with pytest.raises(Temporary) as error:
        read(north_america(harness), "TENT-2P")
    assert error.value.unknown is False


@pytest.mark.parametrize(
    ("availability", "submitted", "channels"),
    [
        ([], None, {MERCHANT_CHANNEL: 0}),
        ([], [{"fulfillment_channel_code": "DEFAULT", "lead_time_to_ship_max_days": 3}], {MERCHANT_CHANNEL: 0}),
        ([], [{"fulfillment_channel_code": "AMAZON_NA"}], {"AMAZON_NA": 0}),
        ([], [{"fulfillment_channel_code": "DEFAULT"}, {"fulfillment_channel_code": "AMAZON_NA"}], {"AMAZON_NA": 0}),
        ([], [{"lead_time_to_ship_max_days": 3}], {MERCHANT_CHANNEL: 0}),
        (None, None, {}),
        (None, [{"fulfillment_channel_code": "DEFAULT", "quantity": 21}], {}),
        (None, [{"fulfillment_channel_code": "AMAZON_NA", "quantity": 4}], {"AMAZON_NA": 4}),
        ([{"fulfillmentChannelCode": "DEFAULT"}], [{"fulfillment_channel_code": "AMAZON_NA"}], {MERCHANT_CHANNEL: 0}),
        ([{"fulfillmentChannelCode": "AMAZON_NA"}], [{"fulfillment_channel_code": "DEFAULT"}], {"AMAZON_NA": 0}),
    ],
)
def test_who_ships_a_sku_is_never_guessed(
    availability: list[dict[str, Any]] | None, submitted: list[dict[str, Any]] | None, channels: dict[str, int]
) -> None:
    """What is on sale counts; what was submitted may tell of Amazon only; of neither, nothing is known unless Amazon
    says that there is none."""
    item: dict[str, Any] = {"sku": "A", "summaries": [{"marketplaceId": US}]}
    if availability is not None:
        item["fulfillmentAvailability"] = availability
    if submitted is not None:
        item["attributes"] = {"fulfillment_availability": submitted}
    level = shown_inventory(parse_listing(item), [US])
    assert level is not None
    assert level.fulfillment_channels == channels


def test_fields_amazon_leaves_out_are_no_error() -> None:
    listing = parse_listing({"sku": "A", "fulfillmentAvailability": [{"fulfillmentChannelCode": "AMAZON_NA"}]})
    assert listing.channels == {"AMAZON_NA": 0}
    assert shown_inventory(listing, [US]) is None


def one_marketplace_a_call(harness: Harness, operation: str = "searchListingsItems") -> None:
    harness.steer("POST", "faults", {"operation": operation, "kind": "one_marketplace", "lasts_s": 86_400})


def test_field_G2_where_a_list_of_marketplaces_is_refused_they_are_asked_one_by_one(harness: Harness) -> None:
    put(harness, "TENT-2P", quantity=4, lead_days=5, marketplaces=[CA, US])
    put(harness, "NORTH", quantity=4, marketplaces=[CA])
    put(harness, "RED,LARGE", quantity=3, marketplaces=[MX, US])
    put(harness, "TWIN", channels={"DEFAULT": 2, "AMAZON_NA": 9})
    skus = ("TENT-2P", "NORTH", "COOLER-FBA", "TWIN", "RED,LARGE", "NO-SUCH")
    before = read(north_america(harness), *skus)
    assert before["NORTH"] == ShownInventory("NORTH", {MERCHANT_CHANNEL: 4}, None, CA)
    one_marketplace_a_call(harness)
    one_marketplace_a_call(harness, "getListingsItem")
    way = Way(harness)
    assert read(replace(north_america(harness), http=way), *skus) == before
    # The list is tried once; then the SKUs, and what was changed last in Canada and Mexico.
    assert [places.count(",") for places in way.places] == [2, 0, 0, 0, 0, 0]
    harness.steer("DELETE", "faults")
    assert read(north_america(harness), *skus) == before


def test_field_G2_an_enrollment_shows_one_by_one_as_well(harness: Harness) -> None:
    one_marketplace_a_call(harness)
    with pytest.raises(SettingsError, match="Remote Fulfillment"):
        read(north_america(harness, REMOTE), "COOLER-FBA", "TENT-2P")


def test_a_refusal_of_one_marketplace_alone_is_told_as_before(harness: Harness) -> None:
    harness.steer("POST", "faults", {"operation": "searchListingsItems", "kind": "400", "lasts_s": 60})
    with pytest.raises(Permanent):
        read(north_america(harness), "TENT-2P")


@pytest.mark.parametrize("calls", [1, 2, 3])
def test_one_by_one_what_the_budget_leaves_out_waits_for_a_full_one(harness: Harness, calls: int) -> None:
    put(harness, "TENT-2P", quantity=4)
    one_marketplace_a_call(harness)
    ctx = replace(north_america(harness), http=spent_after(harness, calls))
    assert read(ctx, "TENT-2P") == {"TENT-2P": NotRead("TENT-2P", harness.clock.now() + timedelta(seconds=1))}
    ctx = replace(north_america(harness), http=spent_after(harness, 4))
    assert read(ctx, "TENT-2P") == {"TENT-2P": ShownInventory("TENT-2P", {MERCHANT_CHANNEL: 4}, None, EVERYWHERE)}


def test_more_marketplaces_than_a_budget_holds_have_their_turns(harness: Harness) -> None:
    seller = "A2SIMEU0000001"
    places = ("A1F83G8C2ARO7P", "A1PA6795UKMFR9", "A13V1IB3VIYZZH", "APJ6JRA9NG5V4", "A1RKKUPIHCS9HS")
    harness.steer("POST", "listings", {"seller": seller, "sku": "FAR", "quantity": 4, "marketplaces": [places[-1]]})
    one_marketplace_a_call(harness)
    ctx = harness.store(seller, "eu", places, places[0])
    found: dict[str, ShownInventory | NotRead] = {}
    for _ in places:
        found |= read(replace(ctx, http=spent_after(harness, 5)), "FAR")
        harness.clock.advance(60)
    assert found == {"FAR": ShownInventory("FAR", {MERCHANT_CHANNEL: 4}, None, places[-1])}
