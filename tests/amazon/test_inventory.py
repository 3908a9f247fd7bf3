"""Sending stock by listings feeds and reading what became of them, against the simulator."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest

from is2_core.calls.http import CallRules, CoreHttp
from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.calls.transport import Request
from plugins.amazon import plugin
from plugins.amazon.feeds.client import get_report
from plugins.amazon.feeds.handles import SentFeed, read_handle, write_handle
from plugins.amazon.listings.listings_feed import build_feed
from plugins.interface import (
    Applied,
    CartContext,
    Effect,
    InventoryQuantity,
    Permanent,
    RateLimited,
    Rejected,
    Reply,
    Result,
    Retry,
    SettingsError,
    Submission,
    Temporary,
    WriteReply,
)
from tests.amazon.conftest import SELLER, Harness

US, CA, MX = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2", "A1AM78C64UM0Y8"
ALPEN = "A2SIMEU0000001"
REMOTE = "A2SIMNA0000003"
EUROPE = (
    "A1F83G8C2ARO7P",
    "A1PA6795UKMFR9",
    "A13V1IB3VIYZZH",
    "APJ6JRA9NG5V4",
    "A1RKKUPIHCS9HS",
    "A1805IZSGTT6HS",
    "A2NODRKZP88ZB9",
)


def north_america(harness: Harness, seller: str = SELLER, **settings: str) -> CartContext:
    return harness.store(seller, "na", (US, CA, MX), US, **settings)


def level(
    sku: str, available: int = 7, lead_days: int | None = 3, remote_id: str = f"{US},{CA},{MX}"
) -> InventoryQuantity:
    return InventoryQuantity(f"key-{sku}", sku, remote_id, available, lead_days=lead_days)


def listing(harness: Harness, sku: str, seller: str = SELLER) -> dict[str, Any]:
    found = harness.steer("GET", f"listings?seller={seller}")["listings"]
    return next(one for one in found if one["sku"] == sku)


def submission(harness: Harness, reply: WriteReply) -> Submission:
    (pending,) = reply.pending
    assert pending.ask_at - harness.clock.now() == timedelta(seconds=30)
    return Submission(pending.handle, "push_inventory", pending.keys, harness.clock.now())


def settle(harness: Harness, ctx: CartContext, sent: Submission) -> dict[str, Result]:
    harness.clock.advance(120)
    reply = plugin.poll_submission(ctx, sent)
    assert reply.pending == ()
    return dict(reply.results)


def push(harness: Harness, ctx: CartContext, *levels: InventoryQuantity) -> dict[str, Result]:
    reply = plugin.push_inventory(ctx, levels)
    assert reply.results == {}
    return settle(harness, ctx, submission(harness, reply))


def created_feeds(harness: Harness) -> list[str]:
    """The marketplace of each listings feed, in the order they were made."""
    return [feed["marketplaceIds"][0] for feed in harness.steer("GET", "feeds")["feeds"]]


def test_quantity_and_latency_travel_together_to_every_marketplace(harness: Harness) -> None:
    ctx = north_america(harness)
    reply = plugin.push_inventory(ctx, [level("TENT-2P", 7, 3), level("000123", 0, 30)])
    sent = submission(harness, reply)
    waiting = plugin.poll_submission(ctx, sent)
    assert waiting.pending[0].keys == sent.keys
    assert settle(harness, ctx, sent) == {"key-TENT-2P": Applied(), "key-000123": Applied()}
    assert created_feeds(harness) == [US, CA, MX]
    tent, spork = listing(harness, "TENT-2P"), listing(harness, "000123")
    assert (tent["quantity"], tent["lead_days"]) == (7, 3)
    assert (spork["quantity"], spork["lead_days"]) == (0, 30)


def test_each_sku_goes_where_it_is_listed(harness: Harness) -> None:
    ctx = north_america(harness)
    harness.steer("POST", "listings", {"seller": SELLER, "sku": "CA-ONLY", "marketplaces": [CA]})
    harness.steer("POST", "listings", {"seller": SELLER, "sku": "US-ONLY", "marketplaces": [US]})
    results = push(harness, ctx, level("CA-ONLY", remote_id=CA), level("US-ONLY", remote_id=US), level("TENT-2P"))
    assert set(results.values()) == {Applied()}
    assert created_feeds(harness) == [US, CA, MX]
    assert [listing(harness, sku)["quantity"] for sku in ("CA-ONLY", "US-ONLY", "TENT-2P")] == [7, 7, 7]


def test_where_it_is_not_known_what_lists_a_sku_home_is_written(harness: Harness) -> None:
    ctx = harness.store(SELLER, "na", (US, CA, MX), CA)
    assert push(harness, ctx, level("TENT-2P", remote_id="")) == {"key-TENT-2P": Applied()}
    assert created_feeds(harness) == [CA]


def test_a_sku_that_one_marketplace_refuses_is_refused_and_the_marketplace_named(harness: Harness) -> None:
    ctx = north_america(harness)
    harness.steer("POST", "listings", {"seller": SELLER, "sku": "US-ONLY", "marketplaces": [US]})
    results = push(harness, ctx, level("US-ONLY", remote_id=f"{US},{CA}"), level("TENT-2P"), level("tent-2p"))
    assert results["key-TENT-2P"] == Applied()
    refusal = results["key-US-ONLY"]
    assert isinstance(refusal, Rejected)
    assert (refusal.code, refusal.message.partition(":")[0]) == ("13013", "Canada")
    unknown = results["key-tent-2p"]
    assert isinstance(unknown, Rejected)
    assert unknown.message.startswith("United States: ")


def test_what_must_not_be_sent_is_refused_alone(harness: Harness) -> None:
    ctx = north_america(harness)
    bad = [level("A", lead_days=31), level("B", lead_days=None), level("C\x07"), level("D", remote_id="A1F83G8C2ARO7P")]
    reply = plugin.push_inventory(ctx, [*bad, level("TENT-2P")])
    refusals = {key: result.code for key, result in reply.results.items() if isinstance(result, Rejected)}
    assert refusals == {
        "key-A": "LEAD_DAYS",
        "key-B": "LEAD_DAYS",
        "key-C\x07": "UNFIT_SKU",
        "key-D": "NOT_LISTED",
    }
    assert settle(harness, ctx, submission(harness, reply)) == {"key-TENT-2P": Applied()}
    assert plugin.push_inventory(ctx, bad).pending == ()
    assert plugin.push_inventory(ctx, []) == WriteReply()


def test_the_settings_must_be_complete(harness: Harness) -> None:
    for store in (harness.new_store(), harness.store()):
        with pytest.raises(SettingsError):
            plugin.push_inventory(store, [level("TENT-2P")])


def test_with_remote_fulfillment_home_alone_is_written(harness: Harness) -> None:
    ctx = north_america(harness, REMOTE, remote_fulfillment="yes")
    reply = plugin.push_inventory(ctx, [level("TENT-2P"), level("LAMP-USB", remote_id=CA)])
    refusal = reply.results["key-LAMP-USB"]
    assert isinstance(refusal, Rejected)
    assert refusal.code == "NOT_LISTED_AT_HOME"
    assert settle(harness, ctx, submission(harness, reply)) == {"key-TENT-2P": Applied()}
    assert created_feeds(harness) == [US]


@pytest.mark.parametrize(("option", "words"), [("no", "set the option"), ("yes", "takes no merchant quantity")])
def test_amazons_refusal_of_an_enrolled_sku_is_explained(harness: Harness, option: str, words: str) -> None:
    ctx = north_america(harness, REMOTE, remote_fulfillment=option)
    refusal = push(harness, ctx, level("COOLER-FBA", remote_id=US), level("TENT-2P"))["key-COOLER-FBA"]
    assert isinstance(refusal, Rejected)
    assert refusal.code == "8572"
    assert words in refusal.message
    assert listing(harness, "COOLER-FBA", REMOTE)["converted"] is False


def test_a_feed_of_its_own_budget_is_declared_and_spent(harness: Harness) -> None:
    push(harness, north_america(harness), level("TENT-2P"))
    plans = plugin.cart_manifest().rate_plans
    assert ("createFeed:JSON_LISTINGS_FEED", Effect.WRITE) in harness.http.calls
    plan = plans["createFeed:JSON_LISTINGS_FEED"]
    assert (plan.burst, plan.rate_per_s * 300) == (5, 5)
    assert set(harness.http.operations()) - plans.keys() == {"lwaToken", "uploadFeedDocument", "downloadFeedDocument"}


def europe(harness: Harness, sites: tuple[str, ...]) -> CartContext:
    """A store that sells in so many marketplaces of Europe; one SKU is listed in each of them alone."""
    harness.steer("POST", "seller", {"seller": ALPEN, "marketplaces": list(sites)})
    listings = [{"seller": ALPEN, "sku": f"ONLY-{site}", "marketplaces": [site]} for site in sites]
    harness.steer("POST", "listings", listings)
    return harness.store(ALPEN, "eu", sites, sites[0])


class Budgeted:
    """The core's way out, budgets and learned rates included, for the operations of an integration; it leads to the
    simulator."""

    def __init__(self, harness: Harness) -> None:
        manifest = plugin.cart_manifest()
        rules = CallRules(
            frozenset({urlsplit(harness.address).netloc}),
            manifest.rate_plans,
            "store",
            "application",
            rate_header=manifest.rate_header,
        )
        self._rig = harness
        self._core = CoreHttp(
            transport=self,
            buckets=MemoryBuckets(harness.clock),
            clock=harness.clock,
            rules=rules,
            before_call=lambda effect: None,
        )
        self.call = self._core.call

    def send(self, request: Request) -> Reply:
        return self._rig.http.call(
            "",
            Effect.READ,
            request.method,
            request.url,
            params=request.params,
            headers=request.headers,
            json=request.json,
            data=request.data,
        )


def test_where_amazon_is_slower_than_published_the_reports_of_a_push_are_all_read_in_the_end(harness: Harness) -> None:
    harness.steer("POST", "limits", {"enforced": True, "rates": {"getFeedDocument": [0.000333, 10]}})
    ctx = europe(harness, EUROPE[:5])
    sent = submission(harness, plugin.push_inventory(ctx, [only(site) for site in EUROPE[:5]]))
    harness.clock.advance(120)
    slow = replace(ctx, http=Budgeted(harness))
    with pytest.raises(RateLimited) as spent:
        for _ in range(3):
            plugin.poll_submission(slow, sent)
    harness.clock.instant = spent.value.until
    assert plugin.poll_submission(slow, sent).pending == ()


def only(site: str) -> InventoryQuantity:
    return level(f"ONLY-{site}", remote_id=site)


def test_where_the_budget_ends_the_rest_is_for_later(harness: Harness) -> None:
    harness.steer("POST", "limits", {"enforced": True, "rates": {"createFeed/JSON_LISTINGS_FEED": [1 / 60, 2]}})
    ctx = europe(harness, EUROPE[:3])
    first, second, third = (only(site) for site in EUROPE[:3])
    reply = plugin.push_inventory(ctx, [third, first, second])
    late = reply.results[third.key]
    assert isinstance(late, Retry)
    assert late.when > harness.clock.now()
    assert settle(harness, ctx, submission(harness, reply)) == {first.key: Applied(), second.key: Applied()}
    assert created_feeds(harness) == list(EUROPE[:2])
    assert push(harness, ctx, third) == {third.key: Applied()}


def test_feeds_that_a_sku_needs_go_before_those_of_skus_that_are_in_one_already(harness: Harness) -> None:
    harness.steer("POST", "limits", {"enforced": True})
    ctx = europe(harness, EUROPE[:6])
    harness.steer("POST", "listings", {"seller": ALPEN, "sku": "WIDE", "marketplaces": list(EUROPE[:6])})
    wide, narrow = level("WIDE", 8, remote_id=",".join(EUROPE[:6])), only(EUROPE[5])
    assert push(harness, ctx, wide, narrow) == {wide.key: Applied(), narrow.key: Applied()}
    assert created_feeds(harness) == [EUROPE[place] for place in (0, 5, 1, 2, 3)]
    assert [listing(harness, sku, ALPEN)["quantity"] for sku in ("WIDE", narrow.sku)] == [8, 7]


def test_of_more_marketplaces_than_feeds_each_has_its_turn(harness: Harness) -> None:
    ctx = europe(harness, EUROPE)
    everything = [only(site) for site in EUROPE]
    sent: set[str] = set()
    for _ in EUROPE:
        reply = plugin.push_inventory(ctx, everything)
        sent |= set(submission(harness, reply).keys)
        assert len(reply.results) == len(EUROPE) - 5
        assert all(isinstance(result, Retry) for result in reply.results.values())
        harness.clock.advance(12 * 3600)
    assert sent == {one.key for one in everything}


def test_reports_are_read_however_little_of_their_budget_is_left(harness: Harness) -> None:
    ctx = north_america(harness)
    sent = submission(harness, plugin.push_inventory(ctx, [level("TENT-2P")]))
    harness.clock.advance(120)
    report = next(feed["resultFeedDocumentId"] for feed in harness.steer("GET", "feeds")["feeds"])
    harness.steer("POST", "limits", {"enforced": True})
    for _ in range(8):
        get_report(ctx, report)
    with pytest.raises(RateLimited) as error:
        plugin.poll_submission(ctx, sent)
    harness.clock.instant = error.value.until
    # An acknowledgement's report comes first, out of the same budget.
    get_report(ctx, report)
    assert plugin.poll_submission(ctx, sent).results == {"key-TENT-2P": Applied()}


def test_an_empty_budget_sends_nothing(harness: Harness) -> None:
    ctx = north_america(harness)
    harness.steer("POST", "faults", {"operation": "createFeed", "kind": "429"})
    with pytest.raises(RateLimited):
        plugin.push_inventory(ctx, [level("TENT-2P")])
    assert created_feeds(harness) == []


def test_a_lost_answer_of_a_later_feed_is_unknown_and_newer_numbers_may_follow(harness: Harness) -> None:
    ctx = north_america(harness)
    harness.steer("POST", "faults", {"operation": "createFeed", "kind": "apply_then_drop", "skip": 1})
    with pytest.raises(Temporary) as error:
        plugin.push_inventory(ctx, [level("TENT-2P", 9)])
    assert error.value.unknown
    assert push(harness, ctx, level("TENT-2P", 8)) == {"key-TENT-2P": Applied()}
    assert listing(harness, "TENT-2P")["quantity"] == 8


def test_only_skus_that_were_in_dead_feeds_alone_are_sent_again(harness: Harness) -> None:
    ctx = north_america(harness)
    harness.steer("POST", "listings", {"seller": SELLER, "sku": "CA-ONLY", "marketplaces": [CA]})
    harness.steer("POST", "faults", {"operation": "feedProcessed", "kind": "fatal", "skip": 1})
    results = push(harness, ctx, level("CA-ONLY", remote_id=CA), level("TENT-2P"))
    assert isinstance(results["key-CA-ONLY"], Retry)
    assert results["key-TENT-2P"] == Applied()


def test_a_line_amazon_fails_is_its_own_affair(harness: Harness) -> None:
    ctx = north_america(harness)
    harness.steer("POST", "faults", {"operation": "feedProcessed", "kind": "reject", "sku": "TENT-2P"})
    results = push(harness, ctx, level("TENT-2P"), level("LAMP-USB"), level("STOVE-MINI"))
    refusal = results["key-TENT-2P"]
    assert isinstance(refusal, Rejected)
    place, _, words = refusal.message.partition(": ")
    assert (place, bool(words)) == ("United States", True)
    assert results["key-LAMP-USB"] == results["key-STOVE-MINI"] == Applied()


def test_a_file_amazon_refuses_as_a_whole_is_sent_again_later(harness: Harness) -> None:
    ctx = north_america(harness)
    # The token is of one seller, the feed's header of another.
    other = replace(ctx, store=replace(ctx.store, remote_id="A2SIMNA0000002"))
    sent = submission(harness, plugin.push_inventory(other, [level("TENT-2P", remote_id=US)]))
    (result,) = settle(harness, ctx, sent).values()
    assert isinstance(result, Retry)


def test_a_report_about_another_feed_or_seller_is_never_believed(harness: Harness) -> None:
    ctx = north_america(harness)
    first = submission(harness, plugin.push_inventory(ctx, [level("TENT-2P", remote_id=US)]))
    second = submission(harness, plugin.push_inventory(ctx, [level("NO-SUCH", remote_id=US)]))
    harness.clock.advance(120)
    for swap in (_other_report(harness, second.handle), _other_seller(harness)):
        with pytest.raises(Temporary) as alarm:
            plugin.poll_submission(replace(ctx, http=swap), first)
        assert alarm.value.code == "REPORT_MISMATCH"
    assert plugin.poll_submission(ctx, first).results == {"key-TENT-2P": Applied()}


def _other_report(harness: Harness, handle: str) -> Any:
    """A way out on which each feed's report is the one of the feed in `handle`."""
    _, (other,) = read_handle(handle, 1)
    shown = next(feed for feed in harness.steer("GET", "feeds")["feeds"] if feed["feedId"] == other.feed_id)

    class Swapping:
        def call(self, operation: str, *args: Any, **more: Any) -> Reply:
            reply = harness.http.call(operation, *args, **more)
            if operation != "getFeed":
                return reply
            body = reply.json() | {"resultFeedDocumentId": shown["resultFeedDocumentId"]}
            return replace(reply, body=json.dumps(body).encode())

    return Swapping()


def _other_seller(harness: Harness) -> Any:
    """A way out on which each report names another seller."""

    class Renaming:
        def call(self, operation: str, *args: Any, **more: Any) -> Reply:
            reply = harness.http.call(operation, *args, **more)
            if operation != "downloadFeedDocument":
                return reply
            return replace(reply, body=reply.body.replace(SELLER.encode(), b"A2SIMNA0000009"))

    return Renaming()


def test_many_skus_get_each_its_own_result(harness: Harness) -> None:
    ctx = north_america(harness)
    skus = [f"BULK {number:04d}" for number in range(600)]
    places = [[US, CA], [US], [CA], [US, CA, MX]]
    harness.steer(
        "POST",
        "listings",
        [
            {"seller": SELLER, "sku": sku, "marketplaces": places[number % 4]}
            for number, sku in enumerate(skus)
            if number % 50
        ],
    )
    results = push(
        harness,
        ctx,
        *(level(sku, number, remote_id=",".join(places[number % 4])) for number, sku in enumerate(skus)),
    )
    assert [sku for sku in skus if isinstance(results[f"key-{sku}"], Rejected)] == skus[::50]
    quantities = {one["sku"]: one["quantity"] for one in harness.steer("GET", f"listings?seller={SELLER}")["listings"]}
    assert all(quantities[sku] == number for number, sku in enumerate(skus) if number % 50)


def test_25001_skus_are_two_feeds(harness: Harness) -> None:
    ctx = harness.store(SELLER, "na", (US,), US)
    skus = [f"BULK {number:05d}" for number in range(25_001)]
    harness.steer("POST", "listings", [{"seller": SELLER, "sku": sku, "marketplaces": [US]} for sku in skus])
    levels = [level(sku, number % 100, remote_id=US) for number, sku in enumerate(skus)]
    most = plugin.cart_manifest().inventory_batch
    sent = [
        submission(harness, plugin.push_inventory(ctx, levels[start : start + most]))
        for start in range(0, len(levels), most)
    ]
    assert [len(one.keys) for one in sent] == [25_000, 1]
    assert created_feeds(harness) == [US, US]
    results = [result for one in sent for result in settle(harness, ctx, one).values()]
    assert results == [Applied()] * 25_001
    quantities = {one["sku"]: one["quantity"] for one in harness.steer("GET", f"listings?seller={SELLER}")["listings"]}
    assert all(quantities[one.sku] == one.available for one in levels)


@pytest.mark.parametrize("kind", ["fatal", "fatal_text_report", "apply_then_fatal"])
def test_of_a_feed_that_died_everything_is_sent_again(harness: Harness, kind: str) -> None:
    ctx = harness.store(SELLER, "na", (US,), US)
    harness.steer("POST", "faults", {"operation": "feedProcessed", "kind": kind})
    results = push(harness, ctx, level("TENT-2P", remote_id=US), level("LAMP-USB", remote_id=US))
    assert [type(result) for result in results.values()] == [Retry, Retry]


def test_a_handle_tells_which_feed_carries_which_key() -> None:
    handle = write_handle("JSON_LISTINGS_FEED", [(US, "11"), (CA, "12")], [3, 3, 1, 2])
    assert handle == f"JSON_LISTINGS_FEED/{US}=11,{CA}=12/2x3,1x1,1x2"
    assert read_handle(handle, 4) == (
        "JSON_LISTINGS_FEED",
        (SentFeed("11", US, (1, 2, 3)), SentFeed("12", CA, (1, 2, 4))),
    )
    assert read_handle("POST_ORDER_ACKNOWLEDGEMENT_DATA/9", 2) == (
        "POST_ORDER_ACKNOWLEDGEMENT_DATA",
        (SentFeed("9", "", (1, 2)),),
    )


@pytest.mark.parametrize("end", ["", "/", "/US=1/2x1/3", "/US=1/1x1", "/US=1/3x1", "/US=1/2xz", "/US=1/2", "/US=/2x1"])
def test_a_strange_handle_is_refused(harness: Harness, end: str) -> None:
    for handle in (f"JSON_LISTINGS_FEED{end}", "POST_PRODUCT_DATA/1"):
        with pytest.raises(Permanent):
            plugin.poll_submission(
                harness.store(), Submission(handle, "push_inventory", ("a", "b"), harness.clock.now())
            )


@pytest.mark.models
def test_the_feed_keeps_to_amazons_schema(models: str) -> None:
    schema = json.loads(Path(models, "listings-feed-schema-v2.json").read_text(encoding="utf-8"))
    feed = json.loads(build_feed("A1SELLER", [(1, level("Mug Blue 12oz", 0, 0)), (5, level("Ä/1"))]))
    jsonschema.validate(feed, schema)
    assert [(message["messageId"], message["sku"]) for message in feed["messages"]] == [
        (1, "Mug Blue 12oz"),
        (5, "Ä/1"),
    ]
