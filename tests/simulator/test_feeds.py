"""The Feeds API: documents, life cycle, listing, refusals."""

import pytest

from tests.simulator.driver import FEEDS, JSON, XML, error

pytestmark = pytest.mark.unit

TYPE = "POST_ORDER_ACKNOWLEDGEMENT_DATA"
TSV = "text/tab-separated-values; charset=UTF-8"
US = "ATVPDKIKX0DER"


def create(store, **changes):
    body = {"feedType": TYPE, "marketplaceIds": [US], "inputFeedDocumentId": "none"} | changes
    return store.call("POST", f"{FEEDS}/feeds", body)


def put(amazon, store, *, content_type: str = XML, after_s: float = 0, **headers: str):
    url = store.call("POST", f"{FEEDS}/documents", {"contentType": XML}).json()["url"]
    amazon.advance(after_s)
    return amazon.send("PUT", url, headers={"Content-Type": content_type} | headers, body=b"<x/>")


def test_a_feed_goes_from_queue_through_progress_to_done(amazon, store):
    feed_id = store.submit(TYPE, b"<x/>")
    assert store.feed(feed_id)["processingStatus"] == "IN_QUEUE"
    amazon.advance(15)
    started = store.feed(feed_id)
    assert started["processingStatus"] == "IN_PROGRESS"
    assert "processingStartTime" in started
    assert "resultFeedDocumentId" not in started
    amazon.advance(45)
    done = store.feed(feed_id)
    assert done["processingStatus"] == "DONE"
    assert done["processingEndTime"] == "2026-03-02T12:01:00.000Z"
    assert b"ProcessingReport" in store.report(feed_id)


def test_reports_come_plain_and_gzipped(amazon, store):
    forms = set()
    for _ in range(2):
        feed_id = store.submit(TYPE, b"<x/>")
        amazon.advance(60)
        document = store.call("GET", f"{FEEDS}/documents/{store.feed(feed_id)['resultFeedDocumentId']}").json()
        forms.add(document.get("compressionAlgorithm"))
    assert forms == {None, "GZIP"}


def test_a_gzipped_report_may_name_its_encoding(amazon, store):
    plain, packed = store.submit(TYPE, b"<x/>"), store.submit(TYPE, b"<x/>")
    amazon.advance(60)

    def encoding(feed_id: str, **query: str) -> str | None:
        path = f"{FEEDS}/documents/{store.feed(feed_id)['resultFeedDocumentId']}"
        return amazon.send("GET", store.call("GET", path, **query).json()["url"]).headers.get("Content-Encoding")

    asked = {"enableContentEncodingUrlHeader": "true"}
    assert (encoding(plain), encoding(plain, **asked)) == (None, None)
    assert (encoding(packed), encoding(packed, **asked)) == ("identity", "gzip")


def test_the_put_needs_the_declared_content_type_exactly(amazon, store):
    for wrong in ("text/xml", "text/xml; charset=utf-8", "application/xml"):
        assert put(amazon, store, content_type=wrong).status == 403
    assert put(amazon, store).status == 200


def test_the_put_takes_no_sp_api_headers(amazon, store):
    assert put(amazon, store, **{"x-amz-access-token": store.token}).status == 400


def test_an_address_lives_five_minutes(amazon, store):
    assert put(amazon, store, after_s=300).status == 200
    assert put(amazon, store, after_s=301).status == 403


def test_an_address_is_good_for_its_document_only(amazon, store):
    first, second = (store.call("POST", f"{FEEDS}/documents", {"contentType": XML}).json()["url"] for _ in range(2))
    mixed = f"{first.split('?')[0]}?{second.split('?')[1]}"
    assert amazon.send("PUT", mixed, headers={"Content-Type": XML}).status == 403
    assert amazon.send("GET", first).status == 405


@pytest.mark.parametrize("wanted", ["text/xml", "image/png", 7])
def test_a_document_needs_one_of_the_known_content_types(store, wanted):
    assert store.call("POST", f"{FEEDS}/documents", {"contentType": wanted}).status == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"feedType": "POST_NONSENSE"},
        {"marketplaceIds": []},
        {"marketplaceIds": US},
        {"marketplaceIds": ["A1PA6795UKMFR9"]},
        {"inputFeedDocumentId": "amzn1.tortuga.unknown"},
    ],
)
def test_a_feed_that_cannot_be_is_400(store, changes):
    answer = create(store, **({"inputFeedDocumentId": store.upload(b"<x/>")} | changes))
    assert answer.status == 400
    assert error(answer)["code"] == "InvalidInput"


def test_a_document_can_be_used_for_two_days(amazon, store):
    first, second = store.upload(b"<x/>"), store.upload(b"<x/>")
    amazon.advance(2 * 86400)
    store.renew()
    assert create(store, inputFeedDocumentId=first).status == 202
    amazon.advance(1)
    assert create(store, inputFeedDocumentId=second).status == 400


def test_another_sellers_document_or_feed_is_unknown(amazon, store):
    feed_id, document = store.submit(TYPE, b"<x/>"), store.upload(b"<x/>")
    other = amazon.connect("A2SIMNA0000002")
    assert create(other, inputFeedDocumentId=document).status == 400
    assert other.call("GET", f"{FEEDS}/feeds/{feed_id}").status == 404


def test_a_feed_without_upload_or_of_a_retired_type_ends_fatal_without_a_report(amazon, store):
    empty = store.call("POST", f"{FEEDS}/documents", {"contentType": XML}).json()["feedDocumentId"]
    unsent = create(store, inputFeedDocumentId=empty).json()["feedId"]
    retired = store.submit("POST_INVENTORY_AVAILABILITY_DATA", b"<x/>")
    amazon.advance(60)
    for feed_id in (unsent, retired):
        feed = store.feed(feed_id)
        assert feed["processingStatus"] == "FATAL"
        assert "resultFeedDocumentId" not in feed


@pytest.mark.parametrize(
    ("feed_type", "content_type", "status"),
    [
        (TYPE, JSON, "FATAL"),
        (TYPE, TSV, "FATAL"),
        ("POST_ORDER_FULFILLMENT_DATA", JSON, "FATAL"),
        ("JSON_LISTINGS_FEED", XML, "FATAL"),
        ("POST_FLAT_FILE_ORDER_ACKNOWLEDGEMENT_DATA", JSON, "FATAL"),
        ("POST_FLAT_FILE_ORDER_ACKNOWLEDGEMENT_DATA", TSV, "DONE"),
        (TYPE, XML, "DONE"),
        ("JSON_LISTINGS_FEED", JSON, "DONE"),
    ],
)
def test_a_document_declared_as_another_type_than_the_feeds_ends_fatal(amazon, store, feed_type, content_type, status):
    feed_id = store.submit(feed_type, b"{}", content_type)
    amazon.advance(60)
    assert store.feed(feed_id)["processingStatus"] == status


def test_only_a_queued_feed_can_be_cancelled(amazon, store):
    feed_id = store.submit(TYPE, b"<x/>")
    assert store.call("DELETE", f"{FEEDS}/feeds/{feed_id}").status == 200
    amazon.advance(60)
    assert store.feed(feed_id)["processingStatus"] == "CANCELLED"
    running = store.submit(TYPE, b"<x/>")
    amazon.advance(15)
    assert store.call("DELETE", f"{FEEDS}/feeds/{running}").status == 400


def test_feeds_are_listed_newest_first_page_by_page(store):
    made = [store.submit(TYPE, b"<x/>") for _ in range(3)]
    first = store.call("GET", f"{FEEDS}/feeds", feedTypes=TYPE, pageSize="2").json()
    assert [feed["feedId"] for feed in first["feeds"]] == made[:0:-1]
    rest = store.call("GET", f"{FEEDS}/feeds", nextToken=first["nextToken"]).json()
    assert [feed["feedId"] for feed in rest["feeds"]] == made[:1]
    assert "nextToken" not in rest
    assert store.call("GET", f"{FEEDS}/feeds", nextToken=first["nextToken"], pageSize="2").status == 400
    assert store.call("GET", f"{FEEDS}/feeds").status == 400
    assert store.call("GET", f"{FEEDS}/feeds", feedTypes=TYPE, processingStatuses="DONE").json()["feeds"] == []


def test_a_role_is_needed(amazon, store):
    document = store.upload(b"<x/>")
    amazon.steer("POST", "seller", {"seller": store.seller, "roles": ["Product Listing"]})
    assert create(store, inputFeedDocumentId=document).status == 403


def test_feeds_are_kept_for_90_days_and_documents_for_28(amazon, store):
    feed_id = store.submit(TYPE, b"<x/>")
    amazon.advance(60)
    report = f"{FEEDS}/documents/{store.feed(feed_id)['resultFeedDocumentId']}"
    amazon.advance(28 * 86400)
    store.renew()
    assert store.call("GET", report).status == 200
    amazon.advance(1)
    assert store.call("GET", report).status == 404
    amazon.advance(62 * 86400 - 61)
    store.renew()
    assert store.call("GET", f"{FEEDS}/feeds/{feed_id}").status == 200
    assert len(store.call("GET", f"{FEEDS}/feeds", feedTypes=TYPE).json()["feeds"]) == 1
    amazon.advance(1)
    assert store.call("GET", f"{FEEDS}/feeds/{feed_id}").status == 404
    assert store.call("GET", f"{FEEDS}/feeds", feedTypes=TYPE).json()["feeds"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"feedTypes": ",".join([TYPE] * 11)},
        {"marketplaceIds": ",".join([US] * 11)},
        {"processingStatuses": "FINISHED"},
        {"createdSince": "yesterday"},
        {"pageSize": "101"},
    ],
)
def test_a_listing_that_cannot_be_is_400_even_where_there_is_nothing_to_list(store, query):
    assert store.call("GET", f"{FEEDS}/feeds", **({"feedTypes": TYPE} | query)).status == 400


def test_a_listing_by_time_and_place(amazon, store):
    first = store.submit(TYPE, b"<x/>")
    amazon.advance(120)
    second = store.submit(TYPE, b"<x/>")

    def ids(**query: str) -> list[str]:
        return [feed["feedId"] for feed in store.call("GET", f"{FEEDS}/feeds", feedTypes=TYPE, **query).json()["feeds"]]

    assert ids(createdSince="2026-03-02T12:01:00Z") == [second]
    assert ids(createdUntil="2026-03-02T12:01:00Z") == [first]
    assert ids(marketplaceIds=US) == [second, first]
    assert ids(marketplaceIds="A2EUQ1WTGCTBG2") == []
