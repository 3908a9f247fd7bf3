"""The two sides beside each other: what IS2 holds, and what Amazon's own records say it gave and got."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cli.demo.verification.expected import SetUp, hold_codes

HOLDS = {
    "SKU_UNKNOWN": "Held: SKU unknown",
    "METHOD_UNMAPPED": "Held: shipping method not mapped",
    "METHOD_HOLD": "Held by its shipping mapping",
    "ADDRESS_MISSING": "Held: address missing",
    "ADDRESS_IMPOSSIBLE": "Held: address cannot be shipped to",
    "CANCELLATION_REQUESTED": "Held: cancellation requested",
    "UNKNOWN_VALUE": "Held: unknown value",
    "FIRST_REVIEW": "Held: waits for first review",
    "ADDRESS_INCOMPLETE": "Held: address looks incomplete",
    "WAREHOUSE_REFUSED": "Held: refused by the warehouse",
}
_BAD = "bad"


@dataclass(frozen=True)
class Row:
    """One line of the table for one store: the orders, packages or SKUs it is true of on either side."""

    name: str
    is2: frozenset[str]
    cart: frozenset[str]
    store: str = ""

    @property
    def same(self) -> bool:
        """Whether both sides speak of the same orders."""
        return self.is2 == self.cart

    def as_json(self) -> dict[str, Any]:
        """Counts, and what only one side has."""
        return {
            "store": self.store,
            "row": self.name,
            "is2": len(self.is2),
            "cart": len(self.cart),
            "same": self.same,
            "only_is2": sorted(self.is2 - self.cart),
            "only_cart": sorted(self.cart - self.is2),
        }


@dataclass(frozen=True)
class CartSide:
    """Amazon's records.

    Args:
        orders: short descriptions by order id.
        details: the whole order objects by order id.
        given: ids whose data went out, by the call log.
        acknowledged: ids a processed feed acknowledged with Success, by the call log.
    """

    orders: Mapping[str, Mapping[str, Any]]
    details: Mapping[str, dict[str, Any]]
    given: frozenset[str]
    acknowledged: frozenset[str]

    @staticmethod
    def read(
        orders: Iterable[Mapping[str, Any]],
        calls: Iterable[Mapping[str, Any]],
        detail: Callable[[str], dict[str, Any]],
        ids: frozenset[str],
    ) -> CartSide:
        """Amazon's records about some of its orders."""
        log = list(calls)
        return CartSide(
            {str(order["orderId"]): order for order in orders if order["orderId"] in ids},
            {order_id: detail(order_id) for order_id in ids},
            ids & {order_id for call in log for order_id in call["orders_given"]},
            ids & {order_id for call in log for order_id in call["orders_acknowledged"]},
        )

    def where(self, true_of: Callable[[Mapping[str, Any]], bool]) -> frozenset[str]:
        """The orders of which something is true."""
        return frozenset(order_id for order_id, order in self.orders.items() if true_of(order))


def is2_orders(listed: Iterable[Mapping[str, Any]], ids: frozenset[str]) -> list[Mapping[str, Any]]:
    """Of what the panel lists, the rows about these orders."""
    return [order for order in listed if order["cart_id"] in ids]


def compare(is2: list[Mapping[str, Any]], cart: CartSide, set_up: SetUp, store: str = "") -> list[Row]:
    """A store's rows: one for everything that can become of an order, then what was told to Amazon."""

    def ours(true_of: Callable[[Mapping[str, Any]], bool]) -> frozenset[str]:
        return frozenset(str(order["cart_id"]) for order in is2 if true_of(order))

    times = Counter(str(order["cart_id"]) for order in is2)
    everything = frozenset(cart.orders)
    amazons_own = cart.where(lambda order: order["fulfilledBy"] == "AMAZON")
    cancelled = cart.where(lambda order: order["status"] == "CANCELLED") - amazons_own
    # What carries our number was shipped by our warehouse.
    shipped = cart.where(lambda order: order["status"] == "SHIPPED") - amazons_own - cart.acknowledged
    unpaid = cart.where(lambda order: order["status"].startswith("PENDING")) - amazons_own
    broken = cart.where(lambda order: order["branch"] == _BAD)
    ready = everything - amazons_own - cancelled - shipped - unpaid - broken
    codes_of = {
        order_id: hold_codes(cart.details[order_id], set_up) for order_id in ready - set_up.stopped - set_up.by_hand
    }
    rows = [
        Row("Offered by Amazon and received", frozenset(times), everything),
        Row("Given in a listing and staged once", frozenset(key for key, n in times.items() if n == 1), cart.given),
        Row("Excluded: fulfilled by Amazon", ours(lambda o: _excluded(o) and "fulfills" in o["reason"]), amazons_own),
        Row("Excluded: shipped already", ours(lambda o: _excluded(o) and "hipped already" in o["reason"]), shipped),
        Row("Excluded for another reason", ours(_otherwise_excluded), frozenset()),
        Row("Quarantined: cannot be right", ours(lambda o: o["state"] == "QUARANTINED"), broken),
        Row("Payment is pending", ours(lambda o: o["state"] == "STAGED" and o["cart_state"] == "PENDING"), unpaid),
        Row(
            "Cancelled before it was placed",
            ours(lambda o: _cancelled(o) and not _told(o)),
            cancelled - cart.acknowledged,
        ),
        Row(
            "Cancelled after it was placed",
            ours(lambda o: _cancelled(o) and _told(o)),
            cancelled & cart.acknowledged,
        ),
        Row("Stopped by the warehouse, told to the merchant", ours(_stopped), set_up.stopped),
        Row("Confirmed at Amazon by hand, and stopped here", ours(_shipped_elsewhere), set_up.by_hand),
        *(
            Row(
                label,
                ours(_held_for(code)),
                frozenset(order_id for order_id, codes in codes_of.items() if code in codes),
            )
            for code, label in HOLDS.items()
        ),
        Row("Placed in the warehouse", ours(_placed), frozenset(key for key, codes in codes_of.items() if not codes)),
        Row("Acknowledged", ours(_told), cart.acknowledged),
        Row("Linked by our order number", *_links(is2, cart)),
        Row(
            "“Processing” for the buyer",
            ours(lambda o: (_placed(o) or _stopped(o)) and _told(o) and o["cart_state"] == "READY"),
            cart.where(lambda order: order["buyer_view"] == "Processing"),
        ),
        Row(
            "“Partly shipped” for the buyer",
            ours(lambda o: _placed(o) and _told(o) and o["cart_state"] == "PARTLY_SHIPPED"),
            cart.where(lambda order: order["buyer_view"] == "Partly shipped"),
        ),
    ]
    always = {"Offered by Amazon and received", "Given in a listing and staged once"}
    return [replace(row, store=store) for row in rows if row.is2 or row.cart or row.name in always]


def _excluded(order: Mapping[str, Any]) -> bool:
    return bool(order["state"] == "EXCLUDED")


def _otherwise_excluded(order: Mapping[str, Any]) -> bool:
    return _excluded(order) and "fulfills" not in order["reason"] and "hipped already" not in order["reason"]


def _cancelled(order: Mapping[str, Any]) -> bool:
    return bool(order["state"] == "CANCELLED") and not _stopped(order)


def _stopped(order: Mapping[str, Any]) -> bool:
    return bool(order["state"] == "CANCELLED") and order["reason"].startswith("The warehouse ended")


def _shipped_elsewhere(order: Mapping[str, Any]) -> bool:
    return bool(order["state"] == "DISMISSED") and order["reason"].startswith("Shipped elsewhere")


def _held_for(code: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda order: order["state"] == "HELD" and code in {hold["code"] for hold in order["holds"]}


def _placed(order: Mapping[str, Any]) -> bool:
    return order["state"] in ("INJECTED", "SHIPPED", "COMPLETED")


def _told(order: Mapping[str, Any]) -> bool:
    return bool(order["acknowledgement"] == "DONE")


def _links(is2: list[Mapping[str, Any]], cart: CartSide) -> tuple[frozenset[str], frozenset[str]]:
    """Acknowledged orders here, and those that carry just that number of ours at Amazon."""
    numbers = {str(order["cart_id"]): order["number"] for order in is2 if _told(order)}
    linked = cart.where(lambda order: order["merchantOrderId"] is not None)
    return (
        frozenset(numbers),
        frozenset(key for key in linked if key not in numbers or cart.orders[key]["merchantOrderId"] == numbers[key]),
    )


@dataclass(frozen=True)
class Example:
    """One of the example orders, and what became of it."""

    order_id: str
    seller: str
    cart_status: str
    state: str
    reason: str
    accounted_for: bool

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return dict(vars(self))


def example_of(entry: Mapping[str, Any], is2: list[Mapping[str, Any]]) -> Example:
    """How IS2 accounts for an order; it must be there exactly once, with a reason where it is not placed."""
    found = [order for order in is2 if order["cart_id"] == entry["orderId"]]
    status = f"{entry['status']}, fulfilled by {entry['fulfilledBy']}"
    if len(found) != 1:
        return Example(entry["orderId"], entry["seller"], status, "", f"It is there {len(found)} times.", False)
    order = found[0]
    reason = order["reason"] or " ".join(hold["sentence"] for hold in order["holds"])
    if not reason and _placed(order):
        reason = "Acknowledged" if _told(order) else "Not acknowledged"
    return Example(
        entry["orderId"], entry["seller"], status, order["state"], reason, bool(reason) and reason != "Not acknowledged"
    )
