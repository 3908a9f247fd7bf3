"""The people at the cart's own pages: they confirm, cancel and change orders without IS2."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from exploration.actors.doings import Doings, within_reach
from exploration.world import World
from is2_core.orders.models import ReceivedOrder
from plugins.amazon.simulator.clock import iso
from plugins.amazon.simulator.orders.order_book import BookedOrder

_OPEN = ("UNSHIPPED", "PARTIALLY_SHIPPED")
# Longer ago than the daily listing looks back.
_OLD, _LEFT_OUT_FROM = timedelta(days=30), timedelta(days=10)
_HOURS_LEFT_OUT = (1, 5, 13)


class Sellers:
    """Confirm by hand, cancel in part or whole and correct addresses by luck; some of it on orders that are older than
    listings look back, while those leave such orders out."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world = world
        self._rng = rng
        self._parcels = 0
        self._changes: list[Callable[[BookedOrder], bool]] = [
            self._confirm_the_rest,
            self._confirm_some,
            self._cancel,
            self._cancel_a_line,
            self._take_units_back,
            self._change_the_address,
        ]
        weights: dict[Callable[[], bool], int] = {
            self._confirm_the_rest: 2,
            self._confirm_some: 4,
            self._cancel: 1,
            self._cancel_a_line: 2,
            self._take_units_back: 2,
            self._change_the_address: 2,
            self._change_an_old_one_unseen: 3,
        }
        self.act = Doings("seller", weights, world, rng).act

    def _confirm_the_rest(self, booked: BookedOrder | None = None) -> bool:
        booked = booked or self._order()
        left = self._left(booked)
        return booked is not None and bool(left) and self._confirm(booked, left)

    def _confirm_some(self, booked: BookedOrder | None = None) -> bool:
        booked = booked or self._order()
        left = self._left(booked)
        if booked is None or not left:
            return False
        item, units = self._rng.choice(sorted(left.items()))
        return self._confirm(booked, {item: self._rng.randint(1, units)})

    def _confirm(self, booked: BookedOrder, units: Mapping[str, int]) -> bool:
        self._parcels += 1
        number = f"94{self._parcels:020d}"
        self._change(booked, {"ship": {"carrier": "USPS", "trackingNumber": number, "items": units}})
        self._world.shipped_before[booked.id].append(number)
        return True

    def _cancel(self, booked: BookedOrder | None = None) -> bool:
        booked = booked or self._order()
        return booked is not None and self._change(booked, {"cancel": {"by": "MERCHANT", "reason": "Out of stock"}})

    def _cancel_a_line(self, booked: BookedOrder | None = None) -> bool:
        """One line is cancelled as far as it is not shipped; another is left."""
        booked = booked or self._order()
        left = self._left(booked)
        if booked is None or len(left) < 2:
            return False
        chosen = self._rng.choice(sorted(left))
        by = {"cancelledBy": "MERCHANT", "cancelReason": "Out of stock"}
        return self._change_item(booked, chosen, 0, {"cancellation": {"cancellationExecution": by}})

    def _take_units_back(self, booked: BookedOrder | None = None) -> bool:
        """Fewer units of a line are wanted than were ordered."""
        booked = booked or self._order()
        several = {item: units for item, units in self._left(booked).items() if units > 1}
        if booked is None or not several:
            return False
        chosen = self._rng.choice(sorted(several))
        fewer = self._rng.randint(1, several[chosen] - 1)
        ordered = (booked.item(chosen) or {})["quantityOrdered"] - several[chosen] + fewer
        return self._change_item(booked, chosen, fewer, {"quantityOrdered": ordered})

    def _change_item(self, booked: BookedOrder, chosen: str, unfulfilled: int, changes: dict[str, Any]) -> bool:
        items = [
            {**item, **changes, "fulfillment": {**item.get("fulfillment", {}), "quantityUnfulfilled": unfulfilled}}
            if item["orderItemId"] == chosen
            else item
            for item in booked.order["orderItems"]
        ]
        return self._change(booked, {"set": {"orderItems": items}})

    def _change_the_address(self, booked: BookedOrder | None = None) -> bool:
        booked = booked or self._order()
        if booked is None or "recipient" not in booked.order:
            return False
        street = f"{self._rng.randint(1, 999)} Another Street"
        self._change(booked, {"set": {"recipient": {"deliveryAddress": {"addressLine1": street}}}})
        self._world.deeds.moved.add(booked.id)
        return True

    def _change_an_old_one_unseen(self) -> bool:
        """An order that IS2 has is older than the daily listing looks back, and the routine one leaves it out when it
        changes: only the comparison can find that."""
        booked = self._order()
        if booked is None or not self._is_known(booked):
            return False
        before = iso(self._world.clock.now() - _OLD)
        self._change(booked, {"set": {"createdTime": before, "lastUpdatedTime": iso(booked.updated)}})
        left_out = {
            "operation": "searchOrders",
            "kind": "omit",
            "seller": booked.seller,
            "older_than_s": _LEFT_OUT_FROM.total_seconds(),
            "lasts_s": self._rng.choice(_HOURS_LEFT_OUT) * 3600,
        }
        self._world.steer("POST", "faults", left_out)
        self._world.deeds.unseen.add(booked.id)
        return any(change(booked) for change in self._rng.sample(self._changes, len(self._changes)))

    def _order(self) -> BookedOrder | None:
        """One that a person would find to be open."""
        ours = {integration.seller for integration in within_reach(self._world)}
        booked = [self._world.simulator.state.book.get(order_id) for order_id in self._world.orders]
        rows = [
            row
            for row in booked
            if row
            and row.seller in ours
            and row.status in _OPEN
            and row.fulfilled_by == "MERCHANT"
            # Its quantities make no sense.
            and row.branch != "bad"
        ]
        return self._rng.choice(rows) if rows else None

    def _is_known(self, booked: BookedOrder) -> bool:
        with self._world.platform.db.read() as session:
            return session.scalar(sa.select(ReceivedOrder.id).where(ReceivedOrder.remote_id == booked.id)) is not None

    def _left(self, booked: BookedOrder | None) -> dict[str, int]:
        left = self._world.simulator.state.shipments.left(booked) if booked else {}
        return {item: units for item, units in left.items() if units > 0}

    def _change(self, booked: BookedOrder, body: dict[str, Any]) -> bool:
        self._world.steer("POST", f"orders/{booked.id}", body)
        self._world.trace.add("seller", f"order {booked.id}: {sorted(body)}")
        return True
