"""Requests and replies against Amazon's own model files."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from plugins.amazon.simulator import Response
from plugins.amazon.simulator.access.refusals import wrong_media_type
from plugins.amazon.simulator.clock import parse_time
from plugins.amazon.simulator.models import Models
from plugins.amazon.simulator.operations import NOTIFICATIONS_SCOPE, OPERATIONS, ROTATION_SCOPE
from plugins.amazon.simulator.orders.generate import MIX, ON_REQUEST
from tests.simulator.driver import ALPEN, EVERYTHING, FEEDS, JSON, NORTHWIND, ORDERS, XML, Driver, Store
from tests.simulator.test_acknowledgement_feed import envelope, success
from tests.simulator.test_listings import availability, feed, line, whole
from tests.simulator.test_shipments import detail

pytestmark = [pytest.mark.unit, pytest.mark.models]

LONG_AGO = {"createdAfter": "2026-02-01T00:00:00Z"}


@pytest.fixture
def amazon(models) -> Driver:
    return Driver(models=models, rate_limits=False)


def violations(amazon: Driver) -> list[dict]:
    return amazon.steer("GET", "violations")["violations"]


def load(amazon: Driver, models: str) -> list[dict]:
    return amazon.steer("POST", "orders", {"model_file": f"{models}/orders_2026-01-01.json"})["orders"]


def test_the_model_file_holds_eight_orders_each_in_its_marketplaces_region(amazon, models):
    loaded = load(amazon, models)
    assert len({order["orderId"] for order in loaded}) == 8
    assert {order["region"] for order in loaded} == {"na", "eu", "fe"}


def test_the_examples_were_last_changed_just_before_ten_minutes_ago(amazon, models):
    load(amazon, models)
    now = parse_time(amazon.steer("GET", "clock")["now"])
    for order in amazon.steer("GET", "orders")["orders"]:
        assert 600 < (now - parse_time(order["lastUpdatedTime"])).total_seconds() < 660
        assert order["createdTime"] < order["lastUpdatedTime"]


def test_every_example_goes_out_as_it_came_in_and_keeps_to_the_model(amazon, models):
    source = json.loads(Path(models, "orders_2026-01-01.json").read_text(encoding="utf-8"))
    originals = {}
    for operations in source["paths"].values():
        reply = operations["get"]["responses"]["200"]
        for case in [*reply["examples"].values(), *(one["response"] for one in reply["x-amzn-api-sandbox"]["static"])]:
            originals |= {order["orderId"]: order for order in case.get("orders") or [case["order"]]}
    stores = {}
    for entry in load(amazon, models):
        store = stores.setdefault(entry["seller"], amazon.connect(entry["seller"]))
        path = f"/{entry['region']}/orders/2026-01-01/orders/{entry['orderId']}"
        everything = f"{EVERYTHING},EXPENSE,PROMOTION,TAX,PAYMENT,FULFILLMENT_ORDERS"
        answer = store.call("GET", path, includedData=everything)
        assert answer.status == 200, answer.body
        shown, original = answer.json()["order"], originals.pop(entry["orderId"])
        # One example breaks its own model: an order that Amazon fulfills, with the buyer's e-mail.
        by_amazon = original.get("fulfillment", {}).get("fulfilledBy") == "AMAZON"
        hidden = {"buyerEmail"} if by_amazon else set()
        buyer = {name: value for name, value in original.get("buyer", {}).items() if name not in hidden}
        assert shown.get("buyer", {}) == buyer
        assert shown["salesChannel"] == original["salesChannel"]
        assert [item["product"]["sellerSku"] for item in shown["orderItems"]] == [
            item["product"]["sellerSku"] for item in original["orderItems"]
        ]
    assert originals == {}
    assert violations(amazon) == []


def test_every_example_can_be_read_in_version_0_too(amazon, models):
    stores = {}
    for entry in load(amazon, models):
        store = stores.setdefault(entry["seller"], amazon.connect(entry["seller"]))
        for path in ("", "/buyerInfo", "/address", "/orderItems", "/orderItems/buyerInfo"):
            store.renew()
            elements = ("buyerInfo", "shippingAddress") if path in ("", "/orderItems") else ()
            store.token = store.restricted(f"/orders/v0/orders/{{orderId}}{path}", *elements)
            answer = store.call("GET", f"/{entry['region']}/orders/v0/orders/{entry['orderId']}{path}")
            assert answer.status == 200, answer.body
    assert violations(amazon) == []


def test_an_example_order_prefers_a_connected_seller(amazon, models):
    amazon.connect("A2SIMNA0000003")
    sellers = {order["seller"] for order in load(amazon, models) if order["region"] == "na"}
    assert sellers == {"A2SIMNA0000003"}


@pytest.mark.parametrize("seller", [NORTHWIND, ALPEN, "A2SIMFE0000001"])
def test_every_generated_order_keeps_to_the_model(amazon, seller):
    store = amazon.connect(seller)
    amazon.steer("POST", "orders/generate", {"seller": seller, "count": 300})
    region = amazon.simulator.state.sellers[seller].region
    for roles in (None, ["Inventory and Order Tracking"]):
        amazon.steer("POST", "seller", {"seller": seller, "roles": roles})
        answer = store.call("GET", f"/{region}/orders/2026-01-01/orders", includedData=EVERYTHING, **LONG_AGO)
        assert answer.status == 200, answer.body
    assert violations(amazon) == []


def test_every_operation_is_exercised_and_its_request_and_reply_checked(amazon):
    store, order = amazon.connect(), amazon.order(branch="customized")
    calls = exercises(amazon, store, order)
    assert calls.keys() == OPERATIONS.keys()
    for name, call in calls.items():
        answer = call()
        assert 200 <= answer.status < 300, (name, answer.body)
    found = amazon.steer("GET", "violations")
    assert found["violations"] == []
    # Amazon publishes no model file of rotateApplicationClientSecret: nothing there to check it against.
    modelled = {name for name, operation in OPERATIONS.items() if operation.model is not None}
    assert OPERATIONS.keys() - modelled == {"rotateApplicationClientSecret"}
    assert {name for name, sides in found["checked"].items() if sides.keys() == {"request", "reply"}} == modelled


def exercises(amazon: Driver, store: Store, order: dict) -> dict[str, Callable[[], Response]]:
    """A call of each operation that Amazon would grant, in an order that works."""
    order_id = order["orderId"]
    old, new = f"/na/orders/v0/orders/{order_id}", f"{ORDERS}/{order_id}"
    items, place = f"/na/listings/2021-08-01/items/{NORTHWIND}", {"marketplaceIds": "ATVPDKIKX0DER"}
    patch = {"productType": "PRODUCT", "patches": [availability(1, 1)]}
    put = {"productType": "PRODUCT", "attributes": {"fulfillment_availability": availability(1, 1)["value"]}}
    resource = {"method": "GET", "path": "/orders/v0/orders", "dataElements": ["buyerInfo"]}
    confirmation = {"marketplaceId": order["marketplaceId"], "packageDetail": detail(order)}
    done = store.submit("POST_ORDER_ACKNOWLEDGEMENT_DATA", envelope(success(order_id, "IS2-1")))
    amazon.advance(60)
    queued = store.submit("JSON_LISTINGS_FEED", feed(line("TENT-2P", availability(1, 1))), JSON)
    report = store.feed(done)["resultFeedDocumentId"]
    specification = {"feedType": "JSON_LISTINGS_FEED", "inputFeedDocumentId": store.upload(b"{}", JSON)}
    rotation, notices = amazon.grantless(ROTATION_SCOPE), amazon.grantless(NOTIFICATIONS_SCOPE)
    queues, kind = "/na/notifications/v1/destinations", "/na/notifications/v1/subscriptions/ORDER_CHANGE"
    queue = {"name": "ours", "resourceSpecification": {"sqs": {"arn": "arn:aws:sqs:us-east-1:444455556666:orders"}}}
    ids: dict[str, str] = {}
    roles = amazon.steer("GET", "application")["roles"]
    amazon.steer("POST", "application", {"roles": [*roles, "Finance and Accounting"]})
    european = amazon.connect(ALPEN)

    def send(method: str, path: str, token: str, body: dict | None = None) -> Response:
        headers = {"x-amz-access-token": token, "content-type": "application/json"}
        return amazon.send(method, path, headers=headers, body=json.dumps(body).encode() if body else b"")

    def create_destination() -> Response:
        answer = send("POST", queues, notices, queue)
        ids["destination"] = answer.json()["payload"]["destinationId"]
        return answer

    def create_subscription() -> Response:
        directive = {"eventFilter": {"eventFilterType": "ORDER_CHANGE", "orderChangeTypes": ["OrderStatusChange"]}}
        body = {"payloadVersion": "1.0", "destinationId": ids["destination"], "processingDirective": directive}
        answer = store.call("POST", kind, body)
        ids["subscription"] = answer.json()["payload"]["subscriptionId"]
        return answer

    def get(path: str, **query: str) -> Callable[[], Response]:
        return lambda: store.call("GET", path, **query)

    return {
        "searchOrders": get(ORDERS, **LONG_AGO, includedData=EVERYTHING),
        "getOrder": get(new, includedData=EVERYTHING),
        "getOrders": get("/na/orders/v0/orders", CreatedAfter=LONG_AGO["createdAfter"], MarketplaceIds="ATVPDKIKX0DER"),
        "getOrderV0": get(old),
        "getOrderBuyerInfo": get(f"{old}/buyerInfo"),
        "getOrderAddress": get(f"{old}/address"),
        "getOrderItems": get(f"{old}/orderItems"),
        "getOrderItemsBuyerInfo": get(f"{old}/orderItems/buyerInfo"),
        "getOrderRegulatedInfo": get(f"{old}/regulatedInfo"),
        "confirmShipment": lambda: store.call("POST", f"{old}/shipmentConfirmation", confirmation),
        "createFeedDocument": lambda: store.call("POST", f"{FEEDS}/documents", {"contentType": XML}),
        "createFeed": lambda: store.call(
            "POST", f"{FEEDS}/feeds", specification | {"marketplaceIds": ["ATVPDKIKX0DER"]}
        ),
        "getFeed": get(f"{FEEDS}/feeds/{done}"),
        "getFeeds": get(f"{FEEDS}/feeds", feedTypes="JSON_LISTINGS_FEED"),
        "cancelFeed": lambda: store.call("DELETE", f"{FEEDS}/feeds/{queued}"),
        "getFeedDocument": get(f"{FEEDS}/documents/{report}"),
        "putListingsItem": lambda: store.call("PUT", f"{items}/NEW-1", put, **place),
        "patchListingsItem": lambda: store.call("PATCH", f"{items}/NEW-1", patch, **place),
        "getListingsItem": get(
            f"{items}/NEW-1", includedData="summaries,attributes,issues,fulfillmentAvailability", **place
        ),
        "searchListingsItems": get(items, **place),
        "deleteListingsItem": lambda: store.call("DELETE", f"{items}/NEW-1", **place),
        "getMarketplaceParticipations": get("/na/sellers/v1/marketplaceParticipations"),
        "getAccount": lambda: european.call("GET", "/eu/sellers/v1/account"),
        "createRestrictedDataToken": lambda: store.call(
            "POST", "/na/tokens/2021-03-01/restrictedDataToken", {"restrictedResources": [resource]}
        ),
        "rotateApplicationClientSecret": lambda: send("POST", "/na/applications/2023-11-30/clientSecret", rotation),
        "createDestination": create_destination,
        "getDestinations": lambda: send("GET", queues, notices),
        "getDestination": lambda: send("GET", f"{queues}/{ids['destination']}", notices),
        "createSubscription": create_subscription,
        "getSubscriptions": get(kind.removesuffix("/ORDER_CHANGE"), notificationTypes="ORDER_CHANGE"),
        "getSubscription": get(kind),
        "getSubscriptionById": lambda: send("GET", f"{kind}/{ids['subscription']}", notices),
        "deleteSubscriptionById": lambda: send("DELETE", f"{kind}/{ids['subscription']}", notices),
        "deleteDestination": lambda: send("DELETE", f"{queues}/{ids['destination']}", notices),
    }


@pytest.mark.parametrize("branch", [*MIX, *ON_REQUEST])
def test_every_branch_keeps_to_both_versions_models(amazon, branch):
    store, order_id = amazon.connect(), amazon.order(branch=branch)["orderId"]
    assert store.call("GET", f"{ORDERS}/{order_id}", includedData=EVERYTHING).status == 200
    plain = store.token
    for path, *elements in (
        ("", "buyerInfo", "shippingAddress"),
        ("/buyerInfo",),
        ("/address",),
        ("/orderItems", "buyerInfo"),
        ("/orderItems/buyerInfo",),
    ):
        for token in (plain, store.restricted(f"/orders/v0/orders/{{orderId}}{path}", *elements)):
            store.token = token
            answer = store.call("GET", f"/na/orders/v0/orders/{order_id}{path}")
            assert answer.status == 200, answer.body
        store.token = plain
    assert violations(amazon) == []


def test_an_unknown_order_of_version_0_may_be_empty_although_the_model_forbids_it(amazon):
    answer = amazon.connect().call("GET", "/na/orders/v0/orders/111-0000000-0000000")
    assert (answer.status, answer.json()) == (200, {"payload": {}})
    assert violations(amazon) == []


def test_refusals_keep_to_the_models_too(amazon):
    store = amazon.connect()
    assert store.search().status == 400
    assert store.call("GET", f"{ORDERS}/111-0000000-0000000").status == 404
    assert store.call("GET", f"{FEEDS}/feeds/1").status == 404
    items, place = f"/na/listings/2021-08-01/items/{NORTHWIND}/NOPE", {"marketplaceIds": "ATVPDKIKX0DER"}
    patch = {"productType": "PRODUCT", "patches": [availability(1, 1)]}
    assert store.call("GET", items, **place).status == 404
    assert store.call("PATCH", items, patch, **place).status == 400
    assert store.call("GET", "/na/orders/v0/orders/111-0000000-0000000/orderItems").status == 404
    assert [one["side"] for one in violations(amazon)] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "query"),
    [
        ("GET", ORDERS, None, LONG_AGO | {"OrderStatuses": "Unshipped"}),
        ("GET", f"{ORDERS}/111-0000000-0000000", None, LONG_AGO),
        ("GET", ORDERS, None, LONG_AGO | {"fulfillmentStatuses": "Unshipped"}),
        ("GET", ORDERS, None, LONG_AGO | {"maxResultsPerPage": "many"}),
        ("GET", ORDERS, None, {"createdAfter": "yesterday"}),
        ("POST", f"{FEEDS}/documents", {"contentType": XML, "purpose": "x"}, {}),
        ("POST", f"{FEEDS}/documents", {}, {}),
        ("POST", f"{FEEDS}/documents", {"contentType": 1}, {}),
        ("POST", f"{FEEDS}/feeds", {"feedType": "X", "marketplaceIds": [], "inputFeedDocumentId": "y"}, {}),
        ("POST", "/na/tokens/2021-03-01/restrictedDataToken", {"restrictedResources": [{"method": "GET"}]}, {}),
        ("GET", f"/na/listings/2021-08-01/items/{NORTHWIND}/TENT-2P", None, {}),
    ],
)
def test_a_request_that_breaks_its_model_is_400_and_recorded(amazon, method, path, body, query):
    store = amazon.connect()
    assert store.call(method, path, body, **query).status == 400
    assert [one["side"] for one in violations(amazon)] == ["request"]


def test_lenient_models_only_note_unknown_names_and_hold_everything_else(models):
    amazon = Driver(models=models, lenient=True, rate_limits=False)
    store = amazon.connect()
    order = amazon.order()["orderId"]
    assert store.call("GET", ORDERS, **LONG_AGO, MarketplaceIds="x").status == 200
    assert store.call("POST", f"{FEEDS}/documents", {"contentType": XML, "path": "/"}).status == 201
    assert store.call("POST", f"{FEEDS}/documents", {"contentType": 1, "path": "/"}).status == 400
    amazon.simulator.state.book.get(order).order["color"] = "red"
    assert store.call("GET", f"{ORDERS}/{order}").status == 500
    assert [(found["side"], found["noted"]) for found in violations(amazon)] == [
        ("request", True),
        ("request", True),
        ("request", False),
        ("reply", False),
    ]


def test_a_reply_that_breaks_its_model_is_500_with_a_clear_text_and_recorded(amazon):
    store = amazon.connect()
    order = amazon.order()["orderId"]
    amazon.simulator.state.book.get(order).order["orderItems"][0]["quantityOrdered"] = "three"
    answer = store.call("GET", f"{ORDERS}/{order}")
    assert answer.status == 500
    assert "orderItems[0].quantityOrdered is str, not integer" in answer.json()["errors"][0]["message"]
    assert [one["side"] for one in violations(amazon)] == ["reply"]


def test_only_the_seeded_unknown_value_is_tolerated(amazon):
    store = amazon.connect()
    order = amazon.order(set={"fulfillment": {"fulfillmentStatus": "BRAND_NEW"}})["orderId"]
    assert store.call("GET", f"{ORDERS}/{order}", includedData="FULFILLMENT").status == 200
    amazon.simulator.state.book.get(order).order["fulfillment"]["fulfillmentStatus"] = "BRAND_NEWER"
    assert store.call("GET", f"{ORDERS}/{order}", includedData="FULFILLMENT").status == 500


def test_an_order_that_breaks_the_model_is_not_taken_in(amazon):
    order = amazon.order()["order"] | {"orderId": "111-0000000-0000001", "color": "red"}
    answer = amazon.send("POST", "/_sim/orders", body=json.dumps([order]).encode())
    assert (answer.status, "Order.color is unknown" in answer.json()["error"]) == (400, True)


REPORT = {"includedData": ["summaries", "attributes", "issues"], "apiVersion": "2021-08-01"}
UNFIT = [
    line("TENT-2P", availability(1, 1)) | {"messageId": True},
    line("TENT-2P", availability(1, 1)) | {"sku": ""},
    whole("TENT-2P", {}, operationType="PARTIAL_UPDATE"),
    whole("TENT-2P", requirements="FOO"),
]


@pytest.mark.parametrize(
    ("content", "fits", "invalid"),
    [
        (feed(line("TENT-2P", availability(1, 1)), line("NOPE", availability(1, 1), number=2)), True, 1),
        (feed(line("TENT-2P", availability(1, 1)), report=REPORT), True, 0),
        (feed(line("TENT-2P", availability(1, 1)), report={"foo": 1}), False, 0),
        (feed(line("TENT-2P", availability(1, 1)), issueLocale=5), False, 0),
        *((feed(message), False, 1) for message in UNFIT),
    ],
)
def test_feed_and_report_keep_to_amazons_schemas(amazon, models, content, fits, invalid):
    def validator(name: str) -> jsonschema.Draft7Validator:
        schema = json.loads(Path(models, f"listings-feed-{name}-v2.json").read_text(encoding="utf-8"))
        return jsonschema.Draft7Validator(schema)

    assert validator("schema").is_valid(json.loads(content)) is fits
    report = json.loads(amazon.connect().run("JSON_LISTINGS_FEED", content, JSON))
    assert (report["summary"]["messagesInvalid"], report["issues"] == []) == (invalid, fits and not invalid)
    validator("processing-report-schema").validate(report)


def test_every_operation_served_is_in_its_model_with_these_parameters(models):
    for operation in OPERATIONS.values():
        if operation.model is None:
            continue
        model = json.loads(Path(models, f"{operation.model}.json").read_text(encoding="utf-8"))
        described = model["paths"][operation.template][operation.method.lower()]
        assert described["operationId"] == operation.operation_id
        names = {each["name"] for each in described.get("parameters", []) if each["in"] == "query"}
        assert names == operation.parameters
        if operation.json_body:
            assert str(wrong_media_type(operation).status) in described["responses"]
        rate, burst = re.search(r"\| *([\d.]+) *\| *(\d+) *\|", described["description"]).groups()
        assert (float(rate), int(burst)) == (operation.rate, operation.burst)


def test_a_folder_without_the_models_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        Models(str(tmp_path))
