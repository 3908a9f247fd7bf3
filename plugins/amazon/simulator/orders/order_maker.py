"""Makes the orders that the simulator is filled with."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from plugins.amazon.simulator.access.marketplaces import MARKETPLACES
from plugins.amazon.simulator.access.sellers import Seller
from plugins.amazon.simulator.clock import iso
from plugins.amazon.simulator.orders.buyers import buyer, recipient

SKUS = {
    "TENT-2P": ("Two-person tent", "129.00"),
    "LAMP-USB": ("USB camping lamp", "24.90"),
    "STOVE-MINI": ("Mini gas stove", "39.50"),
    "000123": ("Titanium spork", "8.75"),
    "Mug Blue 12oz": ("Enamel mug, blue, 12 oz", "14.00"),
}
BUNDLE = ("BUNDLE-CAMP", "Camping starter bundle", "179.00")
SERVICE_LEVELS = ("STANDARD", "STANDARD", "STANDARD", "EXPEDITED", "SECOND_DAY", "NEXT_DAY")
OLDEST_H, OLDEST_MIN, _NEWEST_MIN = 48, 9, 4


class OrderMaker:
    """Makes ordinary orders of one seller, and the lines that branches change.

    `rng` decides everything, so that a seed makes the same orders again.
    """

    def __init__(self, seller: Seller, rng: random.Random, now: datetime, taken: Callable[[str], bool]) -> None:
        self.seller, self.rng, self.now, self._taken = seller, rng, now, taken
        self._made: set[str] = set()

    def new_id(self) -> str:
        """An order id that is not in use."""
        while True:
            head = self.rng.choice(
                {"na": (111, 112, 113, 114), "eu": (28, 302, 303), "fe": (249, 250, 503)}[self.seller.region]
            )
            id = f"{head:03d}-{self.rng.randrange(10**7):07d}-{self.rng.randrange(10**7):07d}"
            if id not in self._made and not self._taken(id):
                self._made.add(id)
                return id

    def ordinary(self, number: int, *, beyond_ascii: bool) -> dict[str, Any]:
        """An order of one or two lines, ready to ship."""
        rng = self.rng
        place = MARKETPLACES[self.seller.home if rng.random() < 0.8 else rng.choice(self.seller.marketplaces)]
        created = self.now - timedelta(seconds=rng.randint(3600, OLDEST_H * 3600 - 60))
        # Just now, however old it is: who reads by the time of the last update has come that far before.
        updated = self.now - timedelta(minutes=_NEWEST_MIN, seconds=rng.randint(60, 7200) // 30)
        who = buyer(rng, number, beyond_ascii=beyond_ascii)
        order = {
            "orderId": self.new_id(),
            "orderAliases": [],
            "createdTime": iso(created.replace(microsecond=0)),
            "lastUpdatedTime": iso(updated.replace(microsecond=0)),
            "programs": [],
            "associatedOrders": [],
            "salesChannel": {
                "channelName": "AMAZON",
                "marketplaceId": place.id,
                "marketplaceName": place.name,
            },
            "buyer": who,
            "recipient": recipient(rng, place.country, who["buyerName"], beyond_ascii=beyond_ascii),
            "fulfillment": {
                "fulfillmentStatus": "UNSHIPPED",
                "fulfilledBy": "MERCHANT",
                "fulfillmentServiceLevel": rng.choice(SERVICE_LEVELS),
                "shipByWindow": _window(created, 0, 3),
                "deliverByWindow": _window(created, 4, 8),
            },
            "orderItems": [],
        }
        for sku in rng.sample(sorted(SKUS), 1 if rng.random() < 0.7 else 2):
            self.add_line(order, sku, *SKUS[sku])
        return order

    def recipient(self, country: str, name: str) -> dict[str, Any]:
        """A `Recipient` in a country."""
        return recipient(self.rng, country, name)

    def add_line(self, order: dict[str, Any], sku: str, title: str, price: str, quantity: int | None = None) -> None:
        """A further line; a quantity that is not given is drawn."""
        place = MARKETPLACES[order["salesChannel"]["marketplaceId"]]
        count = quantity or self.rng.choice((1, 1, 1, 2, 3))
        amount = str(round(float(price) * 150)) if place.currency == "JPY" else price
        total = str(int(amount) * count) if place.currency == "JPY" else f"{float(amount) * count:.2f}"
        subtotal = {"amount": total, "currencyCode": place.currency}
        order["orderItems"].append(
            {
                "orderItemId": self._item_id(),
                "quantityOrdered": count,
                "product": {
                    "asin": f"B0{self.rng.randrange(10**8):08d}",
                    "title": title,
                    "sellerSku": sku,
                    "condition": {"conditionType": "NEW", "conditionSubtype": "NEW"},
                    "price": {"unitPrice": {"amount": amount, "currencyCode": place.currency}},
                },
                "proceeds": {"proceedsTotal": subtotal, "breakdowns": [{"type": "ITEM", "subtotal": subtotal}]},
                "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": count},
            }
        )
        sums = [item["proceeds"]["proceedsTotal"]["amount"] for item in order["orderItems"]]
        grand = str(sum(map(int, sums))) if place.currency == "JPY" else f"{sum(map(float, sums)):.2f}"
        order["proceeds"] = {"grandTotal": {"amount": grand, "currencyCode": place.currency}}

    def _item_id(self) -> str:
        """An order item's id: 14 digits or, since 2024, 15."""
        digits = self.rng.randrange(10**13, 10**14)
        return str(digits + digits % 2 * 10**14)

    def only(self, order: dict[str, Any], sku: str, title: str, price: str, quantity: int | None = None) -> None:
        """The one line the order is to have."""
        order["orderItems"] = []
        self.add_line(order, sku, title, price, quantity)


def _window(created: datetime, first_day: int, last_day: int) -> dict[str, str]:
    start = created.replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "earliestDateTime": iso(start + timedelta(days=first_day)),
        "latestDateTime": iso(start + timedelta(days=last_day + 1, seconds=-1)),
    }
