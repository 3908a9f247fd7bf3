"""How a shop uses python-amazon-sp-api: connecting, and the steps that take several calls."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sp_api.api import FeedsV20210630, OrdersV20260101
from sp_api.base import Client, Marketplaces

from tests.simulator.driver import CLIENT
from tests.simulator.strangers import DATASETS, US, Amazon, shipped_at

# Called with the class of one API and, for another place than the United States, a marketplace.
Connect = Callable[..., Any]


@contextmanager
def connecting(amazon: Amazon, **settings: Any) -> Iterator[Connect]:
    """Makes clients of a seller who has just consented, and closes them; `settings` are the client's own."""
    made: list[Client] = []
    credentials = {
        "refresh_token": amazon.authorize(),
        "lwa_app_id": CLIENT["client_id"],
        "lwa_client_secret": CLIENT["client_secret"],
    }

    def new(api: type[Client], marketplace: Any = Marketplaces.US) -> Client:
        made.append(api(marketplace, credentials=credentials, **settings))
        return made[-1]

    try:
        yield new
    finally:
        for client in made:
            client.close()
            # `close` leaves the connection to the login open.
            client._auth._transport.close()


def read(connect: Connect, order_id: str) -> dict[str, Any]:
    """The order with its usual datasets."""
    return connect(OrdersV20260101).get_order(order_id, includedData=DATASETS).order


def submit(connect: Connect, feed_type: str, content: str, content_type: str) -> str:
    """Upload a file and create the feed; its id."""
    document, feed = connect(FeedsV20210630).submit_feed(
        feed_type, io.BytesIO(content.encode()), content_type, marketplaceIds=[US]
    )
    assert document.feedDocumentId
    return feed.feedId


def package(amazon: Amazon, order: dict[str, Any], reference: str, quantity: int, number: str) -> dict[str, Any]:
    """Some units of the order's only line, in one package."""
    return {
        "marketplaceId": order["salesChannel"]["marketplaceId"],
        "packageDetail": {
            "packageReferenceId": reference,
            "carrierCode": "UPS",
            "shippingMethod": "Ground",
            "trackingNumber": number,
            "shipDate": shipped_at(amazon),
            "orderItems": [{"orderItemId": order["orderItems"][0]["orderItemId"], "quantity": quantity}],
        },
    }
