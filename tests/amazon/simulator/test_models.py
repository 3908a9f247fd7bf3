"""Requests and replies against Amazon's own model files."""

import json
from pathlib import Path

import jsonschema
import pytest

from plugins.amazon.simulator.clock import parse_time
from plugins.amazon.simulator.models import Models
from plugins.amazon.simulator.operations import OPERATIONS
from tests.amazon.simulator.driver import ALPEN, EVERYTHING, FEEDS, JSON, NORTHWIND, ORDERS, XML, Driver
from tests.amazon.simulator.test_acknowledgement_feed import envelope, success
from tests.amazon.simulator.test_listings import availability, feed, line
from tests.amazon.simulator.test_shipments import detail

pytestmark = pytest.mark.models

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
        assert shown.get("buyer") == original.get("buyer")
        assert shown["salesChannel"] == original["salesChannel"]
        assert [item["product"]["sellerSku"] for item in shown["orderItems"]] == [
            item["product"]["sellerSku"] for item in original["orderItems"]
        ]
    assert originals == {}
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


def test_one_call_of_every_operation_keeps_to_the_models(amazon):
    store = amazon.connect()
    order = amazon.order()
    items = f"/na/listings/2021-08-01/items/{NORTHWIND}"
    place = {"marketplaceIds": "ATVPDKIKX0DER"}
    patch = {"productType": "PRODUCT", "patches": [availability(1, 1)]}
    confirmation = {"marketplaceId": order["marketplaceId"], "packageDetail": detail(order)}
    resource = {"method": "GET", "path": "/orders/v0/orders", "dataElements": ["buyerInfo"]}
    store.run("POST_ORDER_ACKNOWLEDGEMENT_DATA", envelope(success(order["orderId"], "IS2-1")))
    queued = store.submit("JSON_LISTINGS_FEED", feed(line("TENT-2P", availability(1, 1))), JSON)
    answers = [
        store.call("GET", "/na/sellers/v1/marketplaceParticipations"),
        store.search(**LONG_AGO, includedData=EVERYTHING),
        store.call("GET", f"{ORDERS}/{order['orderId']}", includedData=EVERYTHING),
        store.call("POST", f"/na/orders/v0/orders/{order['orderId']}/shipmentConfirmation", confirmation),
        store.call("GET", f"{FEEDS}/feeds", feedTypes="JSON_LISTINGS_FEED"),
        store.call("DELETE", f"{FEEDS}/feeds/{queued}"),
        store.call("PATCH", f"{items}/TENT-2P", patch, **place),
        store.call("GET", f"{items}/TENT-2P", includedData="summaries,attributes,issues", **place),
        store.call("GET", items, **place),
        store.call("POST", "/na/tokens/2021-03-01/restrictedDataToken", {"restrictedResources": [resource]}),
    ]
    assert [answer.status for answer in answers] == [200, 200, 200, 204, 200, 200, 200, 200, 200, 200]
    called = {call["operation"] for call in amazon.steer("GET", "calls")["calls"] if call["status"]}
    assert called >= OPERATIONS.keys()
    assert violations(amazon) == []


def test_refusals_keep_to_the_models_too(amazon):
    store = amazon.connect()
    assert store.search().status == 400
    assert store.call("GET", f"{ORDERS}/111-0000000-0000000").status == 404
    assert store.call("GET", f"{FEEDS}/feeds/1").status == 404
    assert [one["side"] for one in violations(amazon)] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "query"),
    [
        ("GET", ORDERS, None, LONG_AGO | {"OrderStatuses": "Unshipped"}),
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


def test_feed_and_report_keep_to_amazons_schemas(amazon, models):
    def schema(name: str) -> dict:
        return json.loads(Path(models, f"listings-feed-{name}-v2.json").read_text(encoding="utf-8"))

    store = amazon.connect()
    content = feed(line("TENT-2P", availability(1, 1)), line("NOPE", availability(1, 1), number=2))
    jsonschema.validate(json.loads(content), schema("schema"))
    report = json.loads(store.run("JSON_LISTINGS_FEED", content, JSON))
    assert report["summary"]["messagesInvalid"] == 1
    jsonschema.validate(report, schema("processing-report-schema"))


def test_every_operation_served_is_in_its_model_with_these_parameters(models):
    for operation in OPERATIONS.values():
        model = json.loads(Path(models, f"{operation.model}.json").read_text(encoding="utf-8"))
        described = model["paths"][operation.template][operation.method.lower()]
        assert described["operationId"] == operation.name
        names = {each["name"] for each in described.get("parameters", []) if each["in"] == "query"}
        assert names == operation.parameters


def test_a_folder_without_the_models_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        Models(str(tmp_path))
