"""Destinations and subscriptions of the Notifications API."""

import json

import pytest

from plugins.amazon.simulator import Response
from plugins.amazon.simulator.operations import NOTIFICATIONS_SCOPE, ROTATION_SCOPE
from tests.simulator.driver import error

pytestmark = pytest.mark.unit

QUEUES = "/na/notifications/v1/destinations"
SUBSCRIPTIONS = "/na/notifications/v1/subscriptions"
SQS = {"sqs": {"arn": "arn:aws:sqs:us-east-1:444455556666:orders"}}


@pytest.fixture
def send(amazon):
    token = amazon.grantless(NOTIFICATIONS_SCOPE)

    def call(method: str, path: str, body: dict | None = None, token: str = token) -> Response:
        headers = {"x-amz-access-token": token, "content-type": "application/json"}
        return amazon.send(method, path, headers=headers, body=b"" if body is None else json.dumps(body).encode())

    return call


@pytest.fixture
def destination(send) -> str:
    made = send("POST", QUEUES, {"name": "ours", "resourceSpecification": SQS})
    assert made.status == 200, made.body
    return made.json()["payload"]["destinationId"]


def subscribe(store, destination: str, kind: str = "ORDER_CHANGE", version: str = "1.0") -> Response:
    body = {"payloadVersion": version, "destinationId": destination}
    return store.call("POST", f"{SUBSCRIPTIONS}/{kind}", body)


def test_a_destination_is_made_read_listed_and_deleted(send, destination):
    one = send("GET", f"{QUEUES}/{destination}").json()["payload"]
    assert one == {"name": "ours", "destinationId": destination, "resource": SQS}
    bridge = {"eventBridge": {"region": "us-east-1", "accountId": "444455556666"}}
    other = send("POST", QUEUES, {"name": "bus", "resourceSpecification": bridge}).json()["payload"]
    assert other["resource"]["eventBridge"]["name"].endswith("/444455556666")
    assert send("GET", QUEUES).json()["payload"] == [one, other]
    assert send("DELETE", f"{QUEUES}/{destination}").status == 200
    assert send("GET", f"{QUEUES}/{destination}").status == 404
    assert send("GET", QUEUES).json()["payload"] == [other]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x"},
        {"name": "", "resourceSpecification": SQS},
        {"name": "x", "resourceSpecification": {}},
        {"name": "x", "resourceSpecification": {"sqs": {"arn": "arn:aws:sns:us-east-1:4:x"}}},
        {"name": "x", "resourceSpecification": {"eventBridge": {"region": "us-east-1"}}},
        {"name": "x", "resourceSpecification": {"pigeon": {}}},
    ],
)
def test_a_destination_that_cannot_be_is_400(send, body):
    assert send("POST", QUEUES, body).status == 400


def test_one_queue_is_one_destination(send, destination):
    again = send("POST", QUEUES, {"name": "again", "resourceSpecification": SQS})
    assert again.status == 409


def test_a_subscription_is_made_once_read_and_deleted(store, send, destination):
    made = subscribe(store, destination).json()["payload"]
    assert (made["payloadVersion"], made["destinationId"]) == ("1.0", destination)
    again = subscribe(store, destination)
    assert (again.status, error(again)["code"]) == (409, "Conflict")
    assert store.call("GET", f"{SUBSCRIPTIONS}/ORDER_CHANGE").json()["payload"] == made
    listed = store.call("GET", SUBSCRIPTIONS, notificationTypes="ORDER_CHANGE").json()["payload"]
    assert listed == {"subscriptions": [made]}
    path = f"{SUBSCRIPTIONS}/ORDER_CHANGE/{made['subscriptionId']}"
    assert send("GET", path).json()["payload"] == made
    assert send("DELETE", path).status == 200
    assert send("GET", path).status == 404
    assert store.call("GET", f"{SUBSCRIPTIONS}/ORDER_CHANGE").status == 404
    assert subscribe(store, destination).status == 200


def test_each_seller_has_its_own(amazon, store, destination):
    subscribe(store, destination)
    other = amazon.connect("A2SIMNA0000002")
    assert other.call("GET", f"{SUBSCRIPTIONS}/ORDER_CHANGE").status == 404
    assert subscribe(other, destination).status == 200


@pytest.mark.parametrize(
    ("kind", "version"),
    [("ORDER_STATUS_CHANGE", "1.0"), ("ORDER_CHANGE", "2.0"), ("FEED_PROCESSING_FINISHED", "1.0")],
)
def test_a_type_has_its_one_version(store, destination, kind, version):
    assert subscribe(store, destination, kind, version).status == 400
    assert subscribe(store, destination, "FEED_PROCESSING_FINISHED", "2020-09-04").status == 200


def test_an_unknown_destination_is_400(store):
    assert subscribe(store, "nowhere").status == 400


def test_grantless_and_sellers_operations_take_their_own_tokens_only(amazon, store, send, destination):
    made = subscribe(store, destination).json()["payload"]
    rotation = amazon.grantless(ROTATION_SCOPE)
    for method, path in (
        ("GET", QUEUES),
        ("GET", f"{QUEUES}/{destination}"),
        ("DELETE", f"{QUEUES}/{destination}"),
        ("DELETE", f"{SUBSCRIPTIONS}/ORDER_CHANGE/{made['subscriptionId']}"),
    ):
        for token in (store.token, rotation):
            refused = send(method, path, token=token)
            assert (refused.status, error(refused)["details"]) == (403, "")
    assert send("GET", f"{SUBSCRIPTIONS}/ORDER_CHANGE").status == 403
