"""Quantities and lead times: the JSON feed, the patch call, and the traps Amazon lays."""

import json

import pytest

from tests.simulator.driver import FEEDS, JSON, NORTHWIND, REMOTE, error

pytestmark = pytest.mark.unit

TYPE = "JSON_LISTINGS_FEED"
US = "ATVPDKIKX0DER"
ITEMS = f"/na/listings/2021-08-01/items/{NORTHWIND}"


def availability(quantity=None, lead=None, op="replace", **more) -> dict:
    value = {"fulfillment_channel_code": "DEFAULT"} | more
    if quantity is not None:
        value["quantity"] = quantity
    if lead is not None:
        value["lead_time_to_ship_max_days"] = lead
    value = {key: inner for key, inner in value.items() if inner is not None}
    return {"op": op, "path": "/attributes/fulfillment_availability", "value": [value]}


def line(sku: str, *patches: dict, number: int = 1) -> dict:
    return {
        "messageId": number,
        "sku": sku,
        "operationType": "PATCH",
        "productType": "PRODUCT",
        "patches": list(patches),
    }


def whole(sku: str, attributes: dict | None = None, **changes) -> dict:
    """A message that updates a listing as a whole, changed as wanted."""
    given = {"fulfillment_availability": availability(4, 2)["value"]} if attributes is None else attributes
    message = {"messageId": 1, "sku": sku, "operationType": "UPDATE", "productType": "PRODUCT", "attributes": given}
    return message | changes


def feed(*messages: dict, **header) -> bytes:
    header = {"sellerId": NORTHWIND, "version": "2.0", "issueLocale": "en_US"} | header
    return json.dumps({"header": header, "messages": messages}).encode()


def run(store, *messages: dict, **header) -> dict:
    return json.loads(store.run(TYPE, feed(*messages, **header), JSON))


def listing(amazon, sku: str, seller: str = NORTHWIND) -> dict:
    (found,) = [one for one in amazon.steer("GET", "listings", seller=seller)["listings"] if one["sku"] == sku]
    return found


def test_a_feed_sets_quantity_and_lead_time(amazon, store):
    report = run(store, line("TENT-2P", availability(7, 3)), line("000123", availability(5, 3), number=2))
    assert report["issues"] == []
    assert report["summary"] == {
        "errors": 0,
        "warnings": 0,
        "messagesProcessed": 2,
        "messagesAccepted": 2,
        "messagesInvalid": 0,
    }
    tent = listing(amazon, "TENT-2P")
    assert (tent["quantity"], tent["lead_days"]) == (7, 3)
    assert listing(amazon, "000123")["quantity"] == 5


def test_replace_without_a_lead_time_wipes_it_merge_keeps_it(amazon, store):
    run(store, line("TENT-2P", availability(7, 5)))
    run(store, line("TENT-2P", availability(6, op="merge")))
    assert listing(amazon, "TENT-2P")["lead_days"] == 5
    run(store, line("TENT-2P", availability(6)))
    wiped = listing(amazon, "TENT-2P")
    assert (wiped["quantity"], wiped["lead_days"], wiped["effective_lead_days"]) == (6, None, 2)


def test_pushing_to_an_fba_sku_turns_the_offer_and_strands_the_stock(amazon, store):
    assert run(store, line("COOLER-FBA", availability(3, 3)))["issues"] == []
    cooler = listing(amazon, "COOLER-FBA")
    assert cooler["fulfillmentAvailability"] == [{"fulfillmentChannelCode": "DEFAULT", "quantity": 3}]
    assert (cooler["converted"], cooler["stranded"]) == (True, 40)


def test_enrolled_in_remote_fulfillment_an_fba_sku_refuses_a_merchant_offer(amazon):
    store = amazon.connect(REMOTE)
    report = run(store, line("COOLER-FBA", availability(3, 3)), sellerId=REMOTE)
    assert report["summary"]["messagesInvalid"] == 1
    assert listing(amazon, "COOLER-FBA", REMOTE)["converted"] is False


@pytest.mark.parametrize(
    "message",
    [
        line("NO-SUCH-SKU", availability(1, 1)),
        line("tent-2p", availability(1, 1)),
        line("TENT-2P", availability(-1, 1)),
        line("TENT-2P", availability(1.5, 1)),
        line("TENT-2P", availability("7", 1)),
        line("TENT-2P", availability(1, 31)),
        line("TENT-2P", availability(None, 3)),
        line("TENT-2P", availability(1, 1, fulfillment_channel_code=None)),
        line("TENT-2P", availability(1, 1, fulfillment_channel_code="AMAZON_NA")),
        line("TENT-2P", availability(1, 1, handling_time=3)),
        line("TENT-2P", availability(1, 1) | {"op": "set"}),
        line("TENT-2P", availability(1, 1) | {"path": "/attributes/list_price"}),
        line("TENT-2P"),
        line("TENT-2P", availability(1, 1), number=0),
        line("TENT-2P", availability(1, 1)) | {"operationType": "Patch"},
        line("TENT-2P", availability(1, 1)) | {"productType": "LUGGAGE"},
        line("TENT-2P", availability(1, 1)) | {"attributes": {"a": []}},
        line("TENT-2P", availability(1, 1)) | {"sku": ""},
        line("TENT-2P", availability(1, 1)) | {"messageId": True},
        line("TENT-2P", availability(1, 1) | {"op": "delete", "value": "DEFAULT"}),
        whole("TENT-2P", {}, operationType="PARTIAL_UPDATE"),
        whole("TENT-2P", {}),
        whole("TENT-2P", requirements="FOO"),
        whole("NEW-1", productType=""),
        whole("NEW-1", productType=5),
    ],
)
def test_a_bad_message_is_reported_and_the_others_are_applied(amazon, store, message):
    report = run(store, message, line("LAMP-USB", availability(9, 3), number=2))
    assert (report["summary"]["messagesInvalid"], report["summary"]["errors"]) == (1, 1)
    assert report["issues"][0]["severity"] == "ERROR"
    assert listing(amazon, "TENT-2P")["quantity"] == 0
    assert listing(amazon, "LAMP-USB")["quantity"] == 9


def test_a_message_id_must_be_unique(amazon, store):
    report = run(store, line("TENT-2P", availability(1, 1)), line("LAMP-USB", availability(1, 1)))
    assert report["summary"]["messagesAccepted"] == 1
    assert listing(amazon, "LAMP-USB")["quantity"] == 0


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"not json", "4002001"),
        (b"<AmazonEnvelope/>", "4002001"),
        (b"[]", "4002005"),
        (feed(), "4002005"),
        (feed(line("TENT-2P", availability(1, 1)), version="1.0"), "4002005"),
        (feed(line("TENT-2P", availability(1, 1)), sellerId="A2SIMNA0000002"), "4002005"),
        (feed(line("TENT-2P", availability(1, 1)), color="red"), "4002005"),
        (feed(line("TENT-2P", availability(1, 1)), issueLocale=5), "4002005"),
        *(
            (feed(line("TENT-2P", availability(1, 1)), report=report), "4002005")
            for report in (
                None,
                {"foo": 1},
                {"includedData": [], "apiVersion": "2021-08-01"},
                {"includedData": ["pictures"], "apiVersion": "2021-08-01"},
                {"includedData": ["summaries"], "apiVersion": "2020-09-01"},
            )
        ),
    ],
)
def test_a_file_that_is_no_such_feed_applies_nothing(amazon, store, content, code):
    report = json.loads(store.run(TYPE, content, JSON))
    assert report["summary"]["messagesAccepted"] == 0
    assert "messageId" not in report["issues"][0]
    assert report["issues"][0]["code"] == code
    assert listing(amazon, "TENT-2P")["quantity"] == 0


def test_a_report_holds_the_items_where_the_header_asks_for_them(amazon, store):
    wanted = {"includedData": ["summaries", "fulfillmentAvailability"], "apiVersion": "2021-08-01"}
    messages = [
        line("TENT-2P", availability(3, 1)),
        line("NOPE", availability(1, 1), number=2),
        whole("NEW-1", messageId=3),
        {"messageId": 4, "sku": "LAMP-USB", "operationType": "DELETE"},
    ]
    report = run(store, *messages, report=wanted)
    assert report["header"]["report"] == wanted
    assert [item["sku"] for item in report["items"]] == ["TENT-2P", "NEW-1"]
    assert report["items"][0]["fulfillmentAvailability"] == [{"fulfillmentChannelCode": "DEFAULT", "quantity": 3}]
    assert [one["marketplaceId"] for one in report["items"][0]["summaries"]] == [US]
    assert report["summary"]["itemSummary"] == {"items": 2, "errors": 0, "warnings": 0}
    plain = run(store, line("TENT-2P", availability(3, 1)))
    assert (plain["header"].keys(), "items" in plain) == ({"sellerId", "version", "feedId"}, False)


def test_25000_messages_are_the_most(amazon, store):
    many = [line(f"S{number}", availability(1, 1), number=number) for number in range(1, 25_002)]
    assert run(store, *many)["summary"]["messagesProcessed"] == 0
    assert run(store, *many[:-1])["summary"]["messagesProcessed"] == 25_000


def test_a_json_feed_is_for_one_marketplace(store):
    body = {
        "feedType": TYPE,
        "marketplaceIds": [US, "A2EUQ1WTGCTBG2"],
        "inputFeedDocumentId": store.upload(feed(), JSON),
    }
    assert store.call("POST", f"{FEEDS}/feeds", body).status == 400


def test_a_sku_is_there_only_for_the_marketplaces_that_list_it(amazon, store):
    canada = {"marketplaceIds": "A2EUQ1WTGCTBG2"}
    amazon.steer("POST", "listings", {"seller": NORTHWIND, "sku": "HERE", "marketplaces": [US]})
    report = json.loads(
        store.report(_submitted(amazon, store, line("HERE", availability(3, 3)), place="A2EUQ1WTGCTBG2"))
    )
    assert report["summary"]["messagesInvalid"] == 1
    assert run(store, line("HERE", availability(3, 3)))["issues"] == []
    assert store.call("GET", f"{ITEMS}/HERE", marketplaceIds=US).status == 200
    assert store.call("GET", f"{ITEMS}/HERE", **canada).status == 404
    assert patch(store, "HERE", availability(1, 1), **canada).status == 400
    both = store.call("GET", ITEMS, identifiers="HERE,TENT-2P", identifiersType="SKU", **canada).json()
    assert [item["sku"] for item in both["items"]] == ["TENT-2P"]


def _submitted(amazon, store, message: dict, place: str) -> str:
    feed_id = store.submit(TYPE, feed(message), JSON, place)
    amazon.advance(60)
    return feed_id


def test_an_fba_offer_is_sold_abroad_while_the_seller_is_enrolled(amazon):
    def places() -> list[str]:
        return listing(amazon, "COOLER-FBA")["marketplaces"]

    assert places() == [US]
    amazon.steer("POST", "seller", {"seller": NORTHWIND, "remote_fulfillment": True})
    assert places() == [US, "A2EUQ1WTGCTBG2", "A1AM78C64UM0Y8"]
    amazon.steer("POST", "seller", {"seller": NORTHWIND, "remote_fulfillment": False})
    assert places() == [US]
    assert len(listing(amazon, "COOLER-FBA", REMOTE)["marketplaces"]) == 3


def test_a_listing_may_have_both_channels_or_none(amazon):
    amazon.steer("POST", "listings", {"seller": NORTHWIND, "sku": "TWIN", "channels": {"DEFAULT": 1, "AMAZON_NA": 2}})
    amazon.steer("POST", "listings", {"seller": NORTHWIND, "sku": "BARE", "channels": {}})
    assert [each["quantity"] for each in listing(amazon, "TWIN")["fulfillmentAvailability"]] == [1, 2]
    bare = listing(amazon, "BARE")
    assert (bare["fulfillmentAvailability"], bare["fba"], bare["marketplaces"][0]) == ([], False, US)


def patch(store, sku: str, *patches: dict, **query: str):
    body = {"productType": "PRODUCT", "patches": list(patches)}
    return store.call("PATCH", f"{ITEMS}/{sku}", body, **({"marketplaceIds": US} | query))


def test_a_patch_is_accepted_and_can_be_read_back(amazon, store):
    assert patch(store, "Mug%20Blue%2012oz", availability(4, 2)).json()["status"] == "ACCEPTED"
    read = store.call(
        "GET", f"{ITEMS}/Mug%20Blue%2012oz", marketplaceIds=US, includedData="fulfillmentAvailability,attributes"
    ).json()
    assert read["fulfillmentAvailability"] == [{"fulfillmentChannelCode": "DEFAULT", "quantity": 4}]
    assert read["attributes"]["fulfillment_availability"][0]["lead_time_to_ship_max_days"] == 2


def test_the_quantity_is_shared_by_the_marketplaces_of_the_region(store):
    patch(store, "TENT-2P", availability(4, 2))
    there = store.call(
        "GET", f"{ITEMS}/TENT-2P", marketplaceIds="A2EUQ1WTGCTBG2", includedData="fulfillmentAvailability"
    )
    assert there.json()["fulfillmentAvailability"][0]["quantity"] == 4


def test_a_preview_changes_nothing(amazon, store):
    assert patch(store, "TENT-2P", availability(4, 2), mode="VALIDATION_PREVIEW").json()["status"] == "VALID"
    assert listing(amazon, "TENT-2P")["quantity"] == 0


def test_a_patch_that_breaks_a_rule_is_invalid_with_an_issue(store):
    answer = patch(store, "TENT-2P", availability(None, 4)).json()
    assert answer["status"] == "INVALID"
    assert "cannot be changed without quantity" in answer["issues"][0]["message"]


def test_a_sku_with_a_slash_travels_encoded(amazon, store):
    amazon.steer("POST", "listings", {"seller": NORTHWIND, "sku": "A/B +1"})
    assert patch(store, "A%2FB%20%2B1", availability(2, 1)).json()["sku"] == "A/B +1"


def test_reading_what_is_not_there_or_not_ones_own(store):
    assert store.call("GET", f"{ITEMS}/NOPE", marketplaceIds=US).status == 404
    elsewhere = store.call("GET", "/na/listings/2021-08-01/items/A2SIMNA0000002/TENT-2P", marketplaceIds=US)
    assert elsewhere.status == 403
    missing = store.call("GET", f"{ITEMS}/TENT-2P")
    assert (missing.status, error(missing)["code"]) == (400, "BAD_REQUEST")


def test_search_by_sku_and_page_by_page(store):
    query = {"marketplaceIds": US, "includedData": "fulfillmentAvailability"}
    some = store.call("GET", ITEMS, identifiers="COOLER-FBA,TENT-2P", identifiersType="SKU", **query).json()
    assert {item["sku"]: item["fulfillmentAvailability"][0]["fulfillmentChannelCode"] for item in some["items"]} == {
        "COOLER-FBA": "AMAZON_NA",
        "TENT-2P": "DEFAULT",
    }
    first = store.call("GET", ITEMS, pageSize="4", **query).json()
    rest = store.call("GET", ITEMS, pageSize="4", pageToken=first["pagination"]["nextToken"], **query).json()
    assert first["numberOfResults"] == len(first["items"]) + len(rest["items"]) == 7
    assert store.call("GET", ITEMS, pageSize="21", **query).status == 400
