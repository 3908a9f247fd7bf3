"""Traps other developers of Selling Partner API clients fell into, one test (or a few) for each trap.

Each docstring names the one-line change of ours that would walk into the trap again; that change was made, and the test
seen to fail. The numbers are those of the list of traps: times and parameters 1-3, orders 4-7, shipping 8-9, Amazon's
outages and limits 10-13, stock 14, acknowledgements 15-16, personal data 17, deadlines 18.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pluggy
import pytest
from defusedxml.ElementTree import fromstring

from plugins import interface
from plugins.amazon import plugin
from plugins.amazon.feeds.acknowledgement_feed import build_feed
from plugins.amazon.orders.parse import parse_order
from plugins.interface import (
    PROJECT,
    AcknowledgedLine,
    Acknowledgement,
    Applied,
    CartContext,
    InventoryQuantity,
    Order,
    OrderQuery,
    OrderReject,
    OrderState,
    Package,
    PackageLine,
    PageExpired,
    Permanent,
    QueryBy,
    RateLimited,
    Rejected,
    Submission,
    Temporary,
    UnknownValue,
    WriteReply,
)
from plugins.testkit import served
from tests.amazon.conftest import SELLER, Harness
from tests.amazon.payloads import CANCELLED_ITEM, item, ready_order, with_status
from tests.amazon.scripted import answered, passing, reply

US = "ATVPDKIKX0DER"
READY = (OrderState.READY, OrderState.PARTLY_SHIPPED)


def book(harness: Harness, count: int = 1, branch: str = "plain") -> list[str]:
    made = harness.steer("POST", "orders/generate", {"seller": SELLER, "mix": {branch: count}})
    return list(made["branches"][branch])


def window(harness: Harness, end: timedelta = timedelta(minutes=3), by: QueryBy = QueryBy.UPDATED) -> OrderQuery:
    now = harness.clock.now()
    return OrderQuery(by, now - timedelta(days=3), now - end, READY)


def order_of(raw: dict[str, Any]) -> Order:
    order = parse_order(raw)
    assert isinstance(order, Order), order
    return order


def shipped(harness: Harness, order_id: str, reference: str, quantity: int, number: str = "") -> Package:
    """A package of the first line of an order."""
    line = harness.steer("GET", f"orders/{order_id}")["order"]["orderItems"][0]
    lines = (PackageLine(line["orderItemId"], quantity),)
    number = number or f"1Z{reference}"
    return Package("key", order_id, US, reference, None, "UPS", "UPS", "Ground", number, harness.clock.now(), lines)


def one_line_order(harness: Harness, quantity: int) -> str:
    """An order of the United States of one line with so many units."""
    (order_id,) = book(harness)
    order = harness.steer("GET", f"orders/{order_id}")["order"]
    line = order["orderItems"][0] | {
        "quantityOrdered": quantity,
        "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": quantity},
    }
    place = order["salesChannel"] | {"marketplaceId": US}
    harness.steer("POST", f"orders/{order_id}", {"set": {"orderItems": [line], "salesChannel": place}})
    return order_id


def acknowledge(harness: Harness, ctx: CartContext, order_id: str, number: str) -> WriteReply:
    """Acknowledge an order, and what became of it."""
    shown = harness.steer("GET", f"orders/{order_id}")["order"]["orderItems"]
    lines = tuple(AcknowledgedLine(each["orderItemId"], str(n)) for n, each in enumerate(shown, start=1))
    (pending,) = plugin.acknowledge_orders(ctx, [Acknowledgement("key", order_id, number, US, lines)]).pending
    harness.clock.advance(120)
    return plugin.poll_submission(ctx, Submission(pending.handle, "acknowledge_orders", ("key",), harness.clock.now()))


def test_01_a_window_ends_well_before_the_two_minutes_amazon_asks_for(harness: Harness) -> None:
    """Change: manifest.py, `read_lag=timedelta(seconds=120)`: a clock half a minute off is refused then."""
    book(harness, 2)
    lag = plugin.cart_manifest().read_lag
    assert len(plugin.fetch_orders(harness.store(), window(harness, lag - timedelta(seconds=29))).orders) == 2


def test_01_the_bound_in_the_reply_is_no_error(harness: Harness) -> None:
    """Change: orders.py, read `body["lastUpdatedBefore"]` as a failure."""
    for bound in ("lastUpdatedBefore", "createdBefore"):
        ctx, _ = answered(harness.store(), reply(200, {"orders": [], bound: "2026-11-20T09:00:00Z"}))
        assert plugin.fetch_orders(ctx, window(harness)).orders == ()


@pytest.mark.parametrize("by", QueryBy)
def test_02_the_two_families_of_times_never_mix(harness: Harness, by: QueryBy) -> None:
    """Change: orders.search_params, `"lastUpdatedBefore": _iso(query.end)` for either family."""
    book(harness, 2)
    assert len(plugin.fetch_orders(harness.store(), window(harness, by=by)).orders) == 2


def test_02_nothing_but_the_datasets_changes_with_a_page_token(harness: Harness) -> None:
    """Change: orders.fetch_page, drop the comparison of `bookmark.query` with the fingerprint."""
    book(harness, 101)
    ctx, query = harness.store(), window(harness)
    page = plugin.fetch_orders(ctx, query).next_page
    calls = len(harness.http.calls)
    with pytest.raises(PageExpired):
        plugin.fetch_orders(ctx, replace(query, end=query.end - timedelta(seconds=1), page=page))
    assert len(harness.http.calls) == calls
    assert len(plugin.fetch_orders(ctx, replace(query, page=page)).orders) == 1


def test_03_a_page_token_and_times_travel_encoded_and_with_their_zone(harness: Harness) -> None:
    """Change: orders.py, put the token into the address unquoted, or `_iso` = `value.isoformat()[:-6]`."""
    seen: list[str] = []

    def shop(environ: dict[str, Any], start: Any) -> list[bytes]:
        seen.append(environ["QUERY_STRING"])
        start("200 OK", [("Content-Type", "application/json")])
        return [b'{"orders": [], "pagination": {"nextToken": "a+b/c=="}}' if len(seen) == 1 else b'{"orders": []}']

    ctx, query = harness.store(), window(harness)
    ctx.token.get()
    with served(lambda address: shop) as address:
        app = replace(ctx.app, values={**ctx.app.values, "simulator_url": address})
        elsewhere = replace(ctx, app=app)
        page = plugin.fetch_orders(elsewhere, query).next_page
        plugin.fetch_orders(elsewhere, replace(query, page=page))
    assert "paginationToken=a%2Bb%2Fc%3D%3D" in seen[1]
    for name, instant in (("After", query.start), ("Before", query.end)):
        sent = dict(pair.split("=") for pair in seen[1].split("&"))[f"lastUpdated{name}"].replace("%3A", ":")
        assert sent == f"{instant:%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03d}Z"


def test_04_without_the_role_an_order_comes_without_address_and_not_with_half_of_one(harness: Harness) -> None:
    """Change: order_people.read_recipient, drop `if not lines: return None`."""
    book(harness, 2)
    harness.steer("POST", "seller", {"seller": SELLER, "roles": ["Inventory and Order Tracking"]})
    page = plugin.fetch_orders(harness.store(), window(harness))
    assert [(order.state, order.recipient) for order in page.orders] == [(OrderState.READY, None)] * 2
    assert page.rejects == ()


@pytest.mark.parametrize("status", ["PENDING", "PENDING_AVAILABILITY"])
def test_05_a_pending_order_is_known_and_waits_whatever_it_lacks(status: str) -> None:
    """Change: order_parse.STATES, `"PENDING": OrderState.READY` (or the line dropped)."""
    bare = with_status(status, recipient=None, buyer=None, proceeds=None, orderItems=[item(ordered=2)])
    order = order_of(bare)
    assert (order.state, order.recipient, order.buyer, order.total) == (OrderState.PENDING, None, None, None)
    assert (order.unknown, order.lines[0].open) == ((), 2)


def test_06_a_line_of_nothing_is_passed_over_and_open_units_are_amazons_figure() -> None:
    """Change: order_lines, reject `ordered == 0`, or compute open units as `ordered - fulfilled`."""
    part = item(2, ordered=5, fulfilled=1, unfulfilled=2, cancellation=CANCELLED_ITEM)
    (line,) = order_of(with_status("PARTIALLY_SHIPPED", orderItems=[item(1, ordered=0), part])).lines
    assert (line.sku, line.ordered, line.cancelled, line.open) == ("SKU-2", 5, 2, 2)


def test_07_the_word_for_cancelled_has_two_l(harness: Harness) -> None:
    """Change: order_parse.STATES, `"CANCELED"`: the query then asks in a word Amazon does not know."""
    (order_id,) = book(harness, branch="cancelled")
    query = replace(window(harness), states=(*READY, OrderState.CANCELLED))
    (order,) = plugin.fetch_orders(harness.store(), query).orders
    assert (order.remote_id, order.state) == (order_id, OrderState.CANCELLED)
    assert order_of(with_status("Canceled")).unknown == (UnknownValue("fulfillmentStatus", "Canceled"),)


def test_08_each_package_is_a_call_with_its_quantities_and_the_rest_stays_open(harness: Harness) -> None:
    """Change: tracking.confirmation, drop `"quantity"` or send 1; order_parse.STATES, `PARTIALLY_SHIPPED` = READY."""
    order_id, ctx = one_line_order(harness, 5), harness.store()
    assert plugin.post_tracking(ctx, [shipped(harness, order_id, "1", 2)]).results == {"key": Applied()}
    harness.clock.advance(300)
    (again,) = plugin.fetch_orders(ctx, window(harness)).orders
    assert (again.remote_id, again.state, again.lines[0].open) == (order_id, OrderState.PARTLY_SHIPPED, 3)
    assert plugin.post_tracking(ctx, [shipped(harness, order_id, "2", 3)]).results == {"key": Applied()}
    assert harness.http.operations().count("confirmShipment") == 2
    packages = harness.steer("GET", f"orders/{order_id}")["packages"]
    assert [package["packageItems"][0]["quantity"] for package in packages] == [2, 3]


def test_09_a_reference_is_a_text_and_an_order_shipped_already_is_read_back(harness: Harness) -> None:
    """Change: tracking.py, `int(package.reference)`, or drop `if shown.holds(...): return Applied()`, or pass over
    every package of a lower number than ours."""
    order_id, ctx = one_line_order(harness, 1), harness.store()
    assert plugin.post_tracking(ctx, [shipped(harness, order_id, "1", 1, "1Z777")]).results == {"key": Applied()}
    assert plugin.post_tracking(ctx, [shipped(harness, order_id, "10001", 1, "1Z777")]).results == {"key": Applied()}
    other = plugin.post_tracking(ctx, [shipped(harness, order_id, "10001", 1, "1Z9")]).results["key"]
    assert isinstance(other, Rejected)
    assert other.code == "ALREADY_FULFILLED"


def test_10_a_known_good_query_that_is_refused_goes_on_with_less_or_is_tried_again(harness: Harness) -> None:
    """Change: orders._read, return the first reply; errors._meaning, drop the branch of ORDER_READS."""
    book(harness, 2)
    ctx = harness.store()
    harness.steer("POST", "faults", {"operation": "searchOrders", "kind": "400", "dataset": "PACKAGES", "times": 9})
    page = plugin.fetch_orders(ctx, window(harness))
    assert (len(page.orders), bool(page.notice)) == (2, True)
    harness.steer("POST", "faults", {"operation": "searchOrders", "kind": "400", "dataset": "FULFILLMENT", "times": 9})
    with pytest.raises(Temporary):
        plugin.fetch_orders(ctx, window(harness))


def test_11_what_a_page_leaves_out_is_found_by_the_overlap(harness: Harness) -> None:
    """Change: manifest.py, `overlap=timedelta(0)`."""
    (order_id,) = book(harness)
    ctx = harness.store()
    harness.steer("POST", f"orders/{order_id}", {"set": {"programs": ["PRIME"]}})
    harness.clock.advance(300)
    query = window(harness)
    harness.steer("POST", "faults", {"operation": "searchOrders", "kind": "omit", "order_id": order_id})
    assert plugin.fetch_orders(ctx, query).orders == ()
    harness.clock.advance(300)
    following = replace(window(harness), start=query.end - plugin.cart_manifest().overlap)
    assert [order.remote_id for order in plugin.fetch_orders(ctx, following).orders] == [order_id]


def test_11_absent_fields_and_unknown_words_never_lose_an_order() -> None:
    """Change: order_parse._known, `table[value]`; or read `packageStatus.detailedStatus` as a needed field."""
    bare = {"packageReferenceId": "1", "packageStatus": {"status": "LOST_IN_SPACE"}}
    raw = with_status("TELEPORTED", packages=[bare], programs=None, associatedOrders=None, salesChannel=None)
    raw["fulfillment"] |= {"shipByWindow": None, "newField": {"a": 1}}
    order = order_of(raw)
    assert order.state is OrderState.UNKNOWN
    assert order.unknown == (UnknownValue("fulfillmentStatus", "TELEPORTED"),)


def test_12_amazon_may_ask_for_a_pause_at_any_time(harness: Harness) -> None:
    """Change: errors._BY_STATUS, drop 429: nothing would ever be asked again."""
    book(harness)
    ctx = harness.store()
    harness.steer("POST", "faults", {"operation": "searchOrders", "kind": "429"})
    with pytest.raises(RateLimited) as error:
        plugin.fetch_orders(ctx, window(harness))
    assert harness.clock.now() < error.value.until <= harness.clock.now() + timedelta(minutes=5)
    assert len(plugin.fetch_orders(ctx, window(harness)).orders) == 1


def test_13_a_feed_may_take_hours_and_is_neither_waited_for_nor_sent_again(harness: Harness) -> None:
    """Change: submissions._goes_on, leave out IN_PROGRESS or IN_QUEUE (then the rest is sent anew)."""
    harness.steer("POST", "feeds", {"delay_s": 6 * 3600})
    ctx = harness.store(SELLER, "na", (US,), US)
    (pending,) = plugin.push_inventory(ctx, [InventoryQuantity("key", "TENT-2P", US, 7, lead_days=3)]).pending
    sent_at = harness.clock.now()
    for hours in (0, 1, 3, 5):
        harness.clock.instant = sent_at + timedelta(hours=hours)
        again = plugin.poll_submission(ctx, Submission(pending.handle, "push_inventory", ("key",), sent_at))
        assert again.results == {}
        assert again.pending[0].handle == pending.handle
        assert again.pending[0].ask_at > harness.clock.now()
    harness.clock.instant = sent_at + timedelta(hours=7)
    done = plugin.poll_submission(ctx, Submission(pending.handle, "push_inventory", ("key",), sent_at))
    assert done == WriteReply({"key": Applied()})
    assert len(harness.steer("GET", "feeds")["feeds"]) == 1


@pytest.mark.parametrize("status", ["IN_QUEUE", "IN_PROGRESS"])
def test_13_either_word_means_wait(harness: Harness, status: str) -> None:
    """Change: submissions._goes_on, leave out one of the two words."""
    ctx, _ = answered(harness.store(), reply(200, {"feedId": "7", "processingStatus": status}))
    sent = Submission("JSON_LISTINGS_FEED/7", "push_inventory", ("a",), harness.clock.now() - timedelta(hours=3))
    assert plugin.poll_submission(ctx, sent).pending[0].keys == ("a",)


def test_14_a_quantity_never_travels_without_the_handling_time(harness: Harness) -> None:
    """Change: listings_feed._message, drop `lead_time_to_ship_max_days`; or `refuse`, let None pass."""
    harness.steer("POST", "listings", {"seller": SELLER, "sku": "TENT-2P", "quantity": 4, "lead_days": 9})
    ctx = harness.store(SELLER, "na", (US,), US)
    bare = plugin.push_inventory(ctx, [InventoryQuantity("bare", "TENT-2P", US, 7, lead_days=None)])
    assert isinstance(bare.results["bare"], Rejected)
    (pending,) = plugin.push_inventory(ctx, [InventoryQuantity("key", "TENT-2P", US, 7, lead_days=5)]).pending
    harness.clock.advance(120)
    plugin.poll_submission(ctx, Submission(pending.handle, "push_inventory", ("key",), harness.clock.now()))
    listings = harness.steer("GET", f"listings?seller={SELLER}")["listings"]
    (shown,) = (listing for listing in listings if listing["sku"] == "TENT-2P")
    assert (shown["quantity"], shown["lead_days"]) == (7, 5)


def test_15_the_acknowledgement_has_the_envelope_and_the_type_of_its_feed(harness: Harness) -> None:
    """Change: acknowledgement_feed.py, another MessageType, root element or content type."""
    (order_id,) = book(harness)
    ctx, http = answered(harness.store(), passing(harness.http))
    assert acknowledge(harness, ctx, order_id, "IS2-1").results == {"key": Applied()}
    (upload,) = (call for call in http.calls if call.operation == "uploadFeedDocument")
    assert upload.headers == {"content-type": "text/xml; charset=UTF-8"}
    (feed,) = harness.steer("GET", "feeds")["feeds"]
    assert feed["feedType"] == "POST_ORDER_ACKNOWLEDGEMENT_DATA"
    envelope = fromstring(build_feed("A1", [Acknowledgement("k", order_id, "IS2-1", US, ())]))
    assert (envelope.tag, envelope.findtext("MessageType")) == ("AmazonEnvelope", "OrderAcknowledgement")


def test_15_a_text_report_is_never_taken_for_success(harness: Harness) -> None:
    """Change: submissions._report, answer an unreadable report like one without errors."""
    feed = reply(200, {"feedId": "7", "processingStatus": "DONE", "resultFeedDocumentId": "d"})
    document = reply(200, {"feedDocumentId": "d", "url": "https://tortuga-prod-na.s3.amazonaws.com/d"})
    ctx, _ = answered(
        harness.store(), feed, document, reply(200, b"Number of records processed\t0\n90012\tNo such file\n")
    )
    with pytest.raises(Temporary):
        plugin.poll_submission(ctx, Submission("POST_ORDER_ACKNOWLEDGEMENT_DATA/7", "x", ("a",), harness.clock.now()))


def test_16_a_number_registered_before_us_stays_and_refuses_nothing(harness: Harness) -> None:
    """Change: reports.parse_report, take warnings (`ResultCode` other than Error) for refusals."""
    (order_id,) = book(harness)
    ctx = harness.store()
    acknowledge(harness, ctx, order_id, "MWS-1")
    assert acknowledge(harness, ctx, order_id, "IS2-1").results == {"key": Applied()}
    order = plugin.fetch_order(ctx, order_id)
    assert isinstance(order, Order)
    assert order.cart_order_number == "MWS-1"


def test_17_what_a_buyer_wrote_and_had_made_is_in_no_log_and_no_error(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    """Change: customization.py, put the address into an error's detail; fields.py, a value into a sentence."""
    link, wish = "https://zme-caps.amazon.com/t/private", "For my dearest Ada"
    raw = ready_order()
    raw["orderItems"][0]["product"]["customization"] = {"customizedUrl": link}
    raw["orderItems"][0]["fulfillment"]["packing"] = {"giftOption": {"giftMessage": wish}}
    order = order_of(raw)
    assert (order.lines[0].gift_message, order.lines[0].customization_url) == (wish, link)
    raw["orderItems"][0]["fulfillment"]["packing"]["giftOption"]["giftMessage"] = f"{wish}\0"
    reject = parse_order(raw)
    assert isinstance(reject, OrderReject)
    with caplog.at_level(logging.DEBUG):
        told = repr((order, reject))
        for status in (302, 403, 500):
            ctx, _ = answered(harness.store(), reply(status, b"x", location=f"{link}/2"))
            with pytest.raises((Permanent, Temporary)) as error:
                plugin.fetch_customization(replace(ctx, app=replace(ctx.app, environment="production")), link)
            told += f"{error.value.message}{error.value.detail}{error.value}"
    for secret in (link, "dearest"):
        assert secret not in told + caplog.text


def test_17_what_was_made_is_fetched_from_the_address_at_once(harness: Harness) -> None:
    """Change: plugin.py, drop the hook `fetch_customization`: the address is dead before anybody opens it."""
    (order_id,) = book(harness, branch="customized")
    ctx = harness.store()
    order = plugin.fetch_order(ctx, order_id)
    assert isinstance(order, Order)
    (url,) = (line.customization_url for line in order.lines if line.customization_url)
    carts = pluggy.PluginManager(PROJECT)
    carts.add_hookspecs(interface)
    carts.register(plugin)
    assert carts.hook.fetch_customization(ctx=ctx, url=url).content.startswith(b"PK")


@pytest.mark.parametrize("text", ["2026-11-24T07:59:59Z", "2026-11-23T23:59:59-08:00", "2026-11-24T08:59:59.000+01:00"])
def test_18_a_deadline_is_an_instant_in_utc_whatever_zone_it_is_written_in(text: str) -> None:
    """Change: order_fields.moment, `parsed.replace(tzinfo=UTC)`, or the value with the zone it came in."""
    raw = ready_order()
    raw["fulfillment"]["shipByWindow"] = {"latestDateTime": text}
    ship_by = order_of(raw).ship_by
    assert ship_by is not None
    assert (ship_by, ship_by.tzinfo) == (datetime(2026, 11, 24, 7, 59, 59, tzinfo=UTC), UTC)
