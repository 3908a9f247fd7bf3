"""Shared by the tests of strangers' clients: a simulator over real HTTP, steering, and the files a shop uploads."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from plugins.amazon.simulator import Simulator
from plugins.amazon.simulator.serving import Server
from tests.simulator.driver import NORTHWIND

US = "ATVPDKIKX0DER"
# Of the seller Northwind.
ALL_PLACES = [US, "A2EUQ1WTGCTBG2", "A1AM78C64UM0Y8"]
DATASETS = ["BUYER", "RECIPIENT", "PROCEEDS", "FULFILLMENT", "PACKAGES"]
ACKNOWLEDGEMENT = "POST_ORDER_ACKNOWLEDGEMENT_DATA"
LISTINGS_FEED = "JSON_LISTINGS_FEED"
XML = "text/xml; charset=UTF-8"
JSON = "application/json; charset=UTF-8"
FEED_S = 60


class Amazon:
    """A running simulator, seen from outside."""

    def __init__(self, address: str) -> None:
        self.address = address

    def steer(self, path: str, body: Any = None) -> Any:
        """One call of the steering, POST where there is a body; the answer's JSON."""
        url = f"{self.address}/_sim/{path}"
        answer = requests.get(url, timeout=20) if body is None else requests.post(url, json=body, timeout=20)
        assert answer.ok, answer.text
        return answer.json()

    def authorize(self, seller: str = NORTHWIND) -> str:
        """The refresh token of a seller who has consented."""
        return self.steer("authorize", {"seller": seller})["refresh_token"]

    def orders(self, seller: str = NORTHWIND, **mix: int) -> list[str]:
        """Ids of newly generated orders, the branches in the order named."""
        made = self.steer("orders/generate", {"seller": seller, "mix": mix})["branches"]
        return [order_id for branch in mix for order_id in made[branch]]

    def truth(self, order_id: str) -> dict[str, Any]:
        """The order as Amazon itself holds it: `order`, and what it knows beside it."""
        return self.steer(f"orders/{order_id}")

    def advance(self, seconds: float) -> None:
        """Move the simulator's clock."""
        self.steer("clock", {"advance_s": seconds})

    def now(self) -> datetime:
        """The simulator's time."""
        return datetime.fromisoformat(self.steer("clock")["now"])


@contextmanager
def over_http(*, models: str | None = None, lenient: bool = False) -> Iterator[Amazon]:
    """A simulator served by its own server on a free port.

    Args:
        models: folder with Amazon's model files that every request and reply is checked against.
        lenient: names in a request that the models do not know are only noted.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = Server(Simulator(base_url=address, models=models, lenient=lenient), listener)
        thread = threading.Thread(target=server.run)
        thread.start()
        # The socket listens already: the first request waits in its queue until the server runs.
        try:
            yield Amazon(address)
        finally:
            server.stop()
            thread.join(timeout=10)
        assert not thread.is_alive()


def model_folder() -> str | None:
    """The folder with Amazon's model files, where the environment names one."""
    return os.environ.get("IS2_SPAPI_MODELS") or None


def zulu(moment: datetime) -> str:
    """A time as shops write it in a query."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shipped_at(amazon: Amazon) -> str:
    """A shipping time a minute ago."""
    return zulu(amazon.now() - timedelta(minutes=1))


def acknowledgements(numbers: dict[str, str], seller: str = NORTHWIND) -> str:
    """An OrderAcknowledgement feed that links each Amazon order id to the shop's own number."""
    messages = "".join(
        f"<Message><MessageID>{place}</MessageID><OrderAcknowledgement><AmazonOrderID>{order_id}</AmazonOrderID>"
        f"<MerchantOrderID>{number}</MerchantOrderID><StatusCode>Success</StatusCode></OrderAcknowledgement></Message>"
        for place, (order_id, number) in enumerate(numbers.items(), start=1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><AmazonEnvelope '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="amzn-envelope.xsd">'
        f"<Header><DocumentVersion>1.01</DocumentVersion><MerchantIdentifier>{seller}</MerchantIdentifier></Header>"
        f"<MessageType>OrderAcknowledgement</MessageType>{messages}</AmazonEnvelope>"
    )


def availability_patch(quantity: int, lead_days: int) -> dict[str, Any]:
    """A JSON Patch operation that sets a listing's quantity and lead time."""
    value = {
        "fulfillment_channel_code": "DEFAULT",
        "quantity": quantity,
        "lead_time_to_ship_max_days": lead_days,
    }
    return {"op": "replace", "path": "/attributes/fulfillment_availability", "value": [value]}


def listings_feed(levels: dict[str, tuple[int, int]], seller: str = NORTHWIND) -> str:
    """A listings feed (listings-feed-schema-v2) that sets (quantity, lead days) by SKU."""
    messages = [
        {
            "messageId": place,
            "sku": sku,
            "operationType": "PATCH",
            "productType": "PRODUCT",
            "patches": [availability_patch(*level)],
        }
        for place, (sku, level) in enumerate(levels.items(), start=1)
    ]
    return json.dumps({"header": {"sellerId": seller, "version": "2.0", "issueLocale": "en_US"}, "messages": messages})
