"""A seeded store of orders that meets every branch of an importer's road."""

import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from plugins.amazon.simulator.buyers import buyer, recipient
from plugins.amazon.simulator.clock import iso
from plugins.amazon.simulator.marketplaces import MARKETPLACES
from plugins.amazon.simulator.sellers import Seller

# How many of 300 orders take each branch.
MIX = {
    "plain": 120,
    "multi_line": 24,
    "leading_zero": 16,
    "non_ascii": 16,
    "prime": 12,
    "business": 8,
    "premium": 8,
    "amazon_fulfilled": 20,
    "pending": 12,
    "cancelled": 10,
    "cancel_after": 8,
    "bundle": 10,
    "unmapped_sku": 8,
    "unmapped_method": 6,
    "missing_address": 4,
    "cancellation_request": 4,
    "gift": 4,
    "unknown_enum": 2,
    "duplicate": 4,
    "partially_shipped": 2,
    "bad": 2,
}
SKUS = {
    "TENT-2P": ("Two-person tent", "129.00"),
    "LAMP-USB": ("USB camping lamp", "24.90"),
    "STOVE-MINI": ("Mini gas stove", "39.50"),
    "000123": ("Titanium spork", "8.75"),
    "Mug Blue 12oz": ("Enamel mug, blue, 12 oz", "14.00"),
}
BUNDLE = ("BUNDLE-CAMP", "Camping starter bundle", "179.00")
SERVICE_LEVELS = ("STANDARD", "STANDARD", "STANDARD", "EXPEDITED", "SECOND_DAY", "NEXT_DAY")
# Values no enum of Amazon's lists, as a later version of the API might bring them.
UNKNOWN_STATUS = "AWAITING_CARRIER_SLOT"
UNKNOWN_SERVICE_LEVEL = "DRONE_SAME_HOUR"

_OLDEST_H, _NEWEST_MIN = 48, 4


def mix_for(count: int | None, mix: Mapping[str, int] | None) -> dict[str, int]:
    """How many orders of each branch.

    Without `mix`, `count` (default 300) is shared out like MIX, each branch at least once when there is room. With
    `mix`, exactly those; a larger `count` is filled up with plain ones.

    Raises:
        ValueError: an unknown branch, a negative number, or a count below the sum of the mix.
    """
    if mix:
        if unknown := mix.keys() - MIX.keys():
            raise ValueError(f"mix names the unknown branch {min(unknown)!r}; known: {', '.join(MIX)}")
        if any(not isinstance(number, int) or number < 0 for number in mix.values()):
            raise ValueError("mix holds a number that is not a count")
        shares = dict(mix)
        left = (sum(shares.values()) if count is None else count) - sum(shares.values())
        if left < 0:
            raise ValueError("count is less than the sum of mix")
    else:
        total = 300 if count is None else count
        if total < 1:
            raise ValueError("count must be at least 1")
        least = 1 if total >= len(MIX) else 0
        shares = {branch: max(least, number * total // 300) for branch, number in MIX.items()}
        left = total - sum(shares.values())
    shares["plain"] = shares.get("plain", 0) + left
    return {branch: number for branch, number in shares.items() if number > 0}


def generate(
    seller: Seller, shares: Mapping[str, int], seed: int, now: datetime, taken: Callable[[str], bool]
) -> list[tuple[str, dict[str, Any]]]:
    """Orders of a seller with their branch, created within two days and last updated more than three minutes ago.

    `taken` says whether an order id is in use already.
    """
    rng = random.Random(f"{seller.id}/{seed}")
    branches = [branch for branch, number in shares.items() for _ in range(number)]
    rng.shuffle(branches)
    maker = _Maker(seller, rng, now, taken)
    return [(branch, maker.make(branch, number)) for number, branch in enumerate(branches)]


class _Maker:
    def __init__(self, seller: Seller, rng: random.Random, now: datetime, taken: Callable[[str], bool]) -> None:
        self._seller, self._rng, self._now, self._taken = seller, rng, now, taken
        self._made: set[str] = set()

    def make(self, branch: str, number: int) -> dict[str, Any]:
        order = self._ordinary(number, beyond_ascii=branch == "non_ascii")
        change = getattr(self, f"_{branch}", None)
        if change:
            change(order, number)
        return order

    def _new_id(self) -> str:
        while True:
            head = self._rng.choice(
                {"na": (111, 112, 113, 114), "eu": (28, 302, 303), "fe": (249, 250, 503)}[self._seller.region]
            )
            id = f"{head:03d}-{self._rng.randrange(10**7):07d}-{self._rng.randrange(10**7):07d}"
            if id not in self._made and not self._taken(id):
                self._made.add(id)
                return id

    def _ordinary(self, number: int, *, beyond_ascii: bool) -> dict[str, Any]:
        rng = self._rng
        place = MARKETPLACES[self._seller.home if rng.random() < 0.8 else rng.choice(self._seller.marketplaces)]
        created = self._now - timedelta(seconds=rng.randint(3600, _OLDEST_H * 3600 - 60))
        updated = min(created + timedelta(seconds=rng.randint(60, 7200)), self._now - timedelta(minutes=_NEWEST_MIN))
        who = buyer(rng, number, beyond_ascii=beyond_ascii)
        order = {
            "orderId": self._new_id(),
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
            self._add_line(order, sku, *SKUS[sku])
        return order

    def _add_line(self, order: dict[str, Any], sku: str, title: str, price: str, quantity: int | None = None) -> None:
        place = MARKETPLACES[order["salesChannel"]["marketplaceId"]]
        count = quantity or self._rng.choice((1, 1, 1, 2, 3))
        amount = str(round(float(price) * 150)) if place.currency == "JPY" else price
        total = str(int(amount) * count) if place.currency == "JPY" else f"{float(amount) * count:.2f}"
        subtotal = {"amount": total, "currencyCode": place.currency}
        order["orderItems"].append(
            {
                "orderItemId": str(self._rng.randrange(10**13, 10**14)),
                "quantityOrdered": count,
                "product": {
                    "asin": f"B0{self._rng.randrange(10**8):08d}",
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

    def _only(self, order: dict[str, Any], sku: str, title: str, price: str, quantity: int | None = None) -> None:
        order["orderItems"] = []
        self._add_line(order, sku, title, price, quantity)

    def _multi_line(self, order: dict[str, Any], number: int) -> None:
        order["orderItems"] = []
        for sku in self._rng.sample(sorted(SKUS), self._rng.randint(3, len(SKUS))):
            self._add_line(order, sku, *SKUS[sku])

    def _leading_zero(self, order: dict[str, Any], number: int) -> None:
        self._only(order, "000123", *SKUS["000123"])

    def _prime(self, order: dict[str, Any], number: int) -> None:
        order["programs"] = ["PRIME"]
        order["fulfillment"]["fulfillmentServiceLevel"] = "NEXT_DAY"

    def _business(self, order: dict[str, Any], number: int) -> None:
        order["programs"] = ["AMAZON_BUSINESS"]
        order["buyer"]["buyerCompanyName"] = "Simbuyer Trading Ltd"
        order["buyer"]["buyerPurchaseOrderNumber"] = f"PO-{number:05d}"

    def _premium(self, order: dict[str, Any], number: int) -> None:
        order["programs"] = ["PREMIUM"]
        order["fulfillment"]["fulfillmentServiceLevel"] = "SECOND_DAY"

    def _amazon_fulfilled(self, order: dict[str, Any], number: int) -> None:
        order["fulfillment"]["fulfilledBy"] = "AMAZON"

    def _pending(self, order: dict[str, Any], number: int) -> None:
        order["fulfillment"]["fulfillmentStatus"] = "PENDING"

    def _cancelled(self, order: dict[str, Any], number: int) -> None:
        order["fulfillment"]["fulfillmentStatus"] = "CANCELLED"
        for item in order["orderItems"]:
            item["fulfillment"]["quantityUnfulfilled"] = 0
            item["cancellation"] = {
                "cancellationExecution": {"cancelledBy": "BUYER", "cancelReason": "ORDER_CREATED_BY_MISTAKE"}
            }

    def _bundle(self, order: dict[str, Any], number: int) -> None:
        self._only(order, *BUNDLE)

    def _unmapped_sku(self, order: dict[str, Any], number: int) -> None:
        self._add_line(order, f"MYSTERY-{number:03d}", "Article nobody has mapped", "19.99")

    def _unmapped_method(self, order: dict[str, Any], number: int) -> None:
        order["fulfillment"]["fulfillmentServiceLevel"] = "SCHEDULED"

    def _missing_address(self, order: dict[str, Any], number: int) -> None:
        del order["recipient"]

    def _cancellation_request(self, order: dict[str, Any], number: int) -> None:
        for item in order["orderItems"]:
            item["cancellation"] = {
                "cancellationRequest": {"requester": "BUYER", "cancelReason": "ORDER_CREATED_BY_MISTAKE"}
            }

    def _gift(self, order: dict[str, Any], number: int) -> None:
        gift = {"giftMessage": "Simgift: happy birthday, with love 🎁", "giftWrapLevel": "PREMIUM"}
        order["orderItems"][0]["fulfillment"]["packing"] = {"giftOption": gift}

    def _unknown_enum(self, order: dict[str, Any], number: int) -> None:
        field, value = self._rng.choice(
            (("fulfillmentStatus", UNKNOWN_STATUS), ("fulfillmentServiceLevel", UNKNOWN_SERVICE_LEVEL))
        )
        order["fulfillment"][field] = value

    def _duplicate(self, order: dict[str, Any], number: int) -> None:
        """Early in every listing by time, so that its second appearance falls on a later page."""
        oldest = self._now - timedelta(hours=_OLDEST_H) + timedelta(seconds=number % 60)
        order["createdTime"] = order["lastUpdatedTime"] = iso(oldest.replace(microsecond=0))

    def _partially_shipped(self, order: dict[str, Any], number: int) -> None:
        self._only(order, "TENT-2P", *SKUS["TENT-2P"], quantity=3)
        order["fulfillment"]["fulfillmentStatus"] = "PARTIALLY_SHIPPED"
        item = order["orderItems"][0]
        item["fulfillment"] |= {"quantityFulfilled": 1, "quantityUnfulfilled": 2}
        order["packages"] = [
            {
                "packageReferenceId": "1",
                "createdTime": order["lastUpdatedTime"],
                "packageStatus": {"status": "SHIPPED"},
                "carrier": "UPS",
                "shipTime": order["lastUpdatedTime"],
                "trackingNumber": f"1ZSIM{number:013d}",
                "packageItems": [{"orderItemId": item["orderItemId"], "quantity": 1}],
            }
        ]

    def _bad(self, order: dict[str, Any], number: int) -> None:
        """Keeps to the model, yet cannot be right: quantities below one, an amount that is no number."""
        self._only(order, "STOVE-MINI", *SKUS["STOVE-MINI"])
        item = order["orderItems"][0]
        wrong = self._rng.choice(("zero", "negative", "amount"))
        if wrong == "amount":
            item["product"]["price"]["unitPrice"]["amount"] = "twelve"
            return
        item["quantityOrdered"] = 0 if wrong == "zero" else -4
        item["fulfillment"]["quantityUnfulfilled"] = item["quantityOrdered"]


def _window(created: datetime, first_day: int, last_day: int) -> dict[str, str]:
    start = created.replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "earliestDateTime": iso(start + timedelta(days=first_day)),
        "latestDateTime": iso(start + timedelta(days=last_day + 1, seconds=-1)),
    }
