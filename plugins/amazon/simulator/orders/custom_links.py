"""Customizations, printed or engraved for a buyer, as a ZIP behind an address that lives for an hour.

How long Amazon's own addresses live is published nowhere (unverified).
"""

import io
import json
import random
import zipfile
from datetime import datetime, timedelta
from typing import Any

from plugins.amazon.simulator.clock import Clock
from plugins.amazon.simulator.feeds.s3 import s3_error
from plugins.amazon.simulator.messages import Request, Response

# Holds the place of an address in an order; every reading puts a fresh one there.
TO_BE_LINKED = "simulated:customization"
LIFE = timedelta(hours=1)
# A ZIP cannot hold a date before 1980; a fixed one keeps the bytes the same.
_DATE = (1980, 1, 1, 0, 0, 0)


class CustomLinks:
    """Hands out addresses and answers GET on them."""

    def __init__(self, clock: Clock, rng: random.Random, base_url: str) -> None:
        self._clock = clock
        self._rng = rng
        self._base_url = base_url.rstrip("/")
        self._links: dict[str, tuple[bytes, datetime]] = {}

    def linked(self, order: dict[str, Any]) -> dict[str, Any]:
        """The order with a fresh address in every line that is customized; the order itself stays as it is."""
        if not any(_waits(item) for item in order["orderItems"]):
            return order
        items = []
        for item in order["orderItems"]:
            if _waits(item):
                customization = {"customizedUrl": self._address(order, item)}
                item = item | {"product": item["product"] | {"customization": customization}}
            items.append(item)
        return order | {"orderItems": items}

    def download(self, request: Request, token: str) -> Response:
        """The ZIP behind an address; errors are S3's."""
        content, expires = self._links.get(token, (b"", None))
        if expires is None:
            return s3_error(403, "SignatureDoesNotMatch", "The request signature does not match.")
        if self._clock.now() > expires:
            return s3_error(403, "AccessDenied", "Request has expired")
        if request.method != "GET":
            return s3_error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
        return Response(200, {"Content-Type": "application/zip"}, content)

    def _address(self, order: dict[str, Any], item: dict[str, Any]) -> str:
        token = f"{self._rng.getrandbits(128):032x}"
        self._links[token] = (_zipped(order, item), self._clock.now() + LIFE)
        return f"{self._base_url}/custom/{token}"


def _waits(item: dict[str, Any]) -> bool:
    return bool(item["product"].get("customization", {}).get("customizedUrl") == TO_BE_LINKED)


def _zipped(order: dict[str, Any], item: dict[str, Any]) -> bytes:
    name = order.get("buyer", {}).get("buyerName", "Simbuyer")
    text = {"customizationType": "TextPrinting", "label": "Engraving", "text": f"Simgift for {name}"}
    wish = {
        "orderId": order["orderId"],
        "orderItemId": item["orderItemId"],
        "asin": item["product"].get("asin", ""),
        "title": item["product"].get("title", ""),
        "quantity": item["quantityOrdered"],
        "customizationInfo": {"version3.0": {"surfaces": [{"name": "Front", "areas": [text]}]}},
    }
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        entry = zipfile.ZipInfo(f"{item['orderItemId']}.json", _DATE)
        archive.writestr(entry, json.dumps(wish, ensure_ascii=False, indent=1))
    return held.getvalue()
