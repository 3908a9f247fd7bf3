"""Where each order must stand in the end, told from what Amazon, the warehouse and people did with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import sqlalchemy as sa

from exploration.checks.shipments import by_hand
from exploration.stores import ITEMS
from exploration.world import World
from is2_core.cases.models import SupportCase
from is2_core.embedded_warehouse.order_queries import Order, all_orders, recipient_of
from is2_core.embedded_warehouse.states import WarehouseState
from is2_core.orders.holds.reasons import HoldCode
from is2_core.orders.models import Hold, ReceivedOrder
from is2_core.orders.states import ReceivedState
from plugins.amazon.simulator.orders.generate import UNKNOWN_SERVICE_LEVEL, UNKNOWN_STATUS
from plugins.amazon.simulator.orders.order_book import BookedOrder

State = ReceivedState
_STOPPED = frozenset({State.CANCELLED, State.DISMISSED, State.EXCLUDED})


def as_decided(world: World) -> Iterator[str]:
    """I7: an order that the warehouse was not given is where Amazon and the merchants put it, and waits for exactly
    what is wrong with it."""
    given = {order.number for order in all_orders(world.platform)}
    elsewhere = {yard.integration.id for yard in world.yards}
    with world.platform.db.read() as session:
        rows = session.scalars(sa.select(ReceivedOrder).order_by(ReceivedOrder.id)).all()
        codes: dict[int, set[str]] = {}
        for hold in session.scalars(sa.select(Hold)):
            codes.setdefault(hold.order_id, set()).add(hold.code)
    for row in rows:
        booked = world.simulator.state.book.get(row.remote_id)
        if booked is None or row.number in given or row.integration_id in elsewhere:
            continue
        reasons = _reasons(world, row.integration_id, booked)
        state = _expected(world, row.integration_id, booked, reasons)
        if row.state != state:
            yield f"I7: {booked.id} ({booked.branch}, {booked.status}) is {row.state}, and should be {state}: {reasons}"
        elif state is State.HELD and codes.get(row.id, set()) != reasons:
            yield f"I7: {booked.id} ({booked.branch}) waits for {codes.get(row.id)}, and should for {reasons}"


def _expected(world: World, integration_id: int, booked: BookedOrder, reasons: set[str]) -> ReceivedState:
    if booked.id in world.deeds.ended:
        return State.DISMISSED
    if booked.branch == "bad" and booked.status != "CANCELLED":
        return State.QUARANTINED
    if booked.fulfilled_by == "AMAZON":
        return State.EXCLUDED
    at_once = {"CANCELLED": State.CANCELLED, "SHIPPED": State.EXCLUDED, "PENDING": State.STAGED}
    if booked.status in at_once:
        return at_once[booked.status]
    if not _from_here(world, integration_id, booked):
        return State.EXCLUDED
    return State.HELD if reasons else State.INJECTED


def _from_here(world: World, integration_id: int, booked: BookedOrder) -> list[str]:
    """Return the SKUs of which units are open, and shipped from here."""
    left = world.simulator.state.shipments.left(booked)
    skus = [item["product"]["sellerSku"] for item in booked.order["orderItems"] if left[item["orderItemId"]] > 0]
    return [sku for sku in skus if (integration_id, sku) not in world.deeds.not_from_here]


def _reasons(world: World, integration_id: int, booked: BookedOrder) -> set[str]:
    """Return why an order that is open waits, by the codes of holds; merchants have mapped all they can map."""
    method = booked.order["fulfillment"]["fulfillmentServiceLevel"]
    items = booked.order["orderItems"]
    cancellations = [item.get("cancellation", {}) for item in items]
    reasons = {
        HoldCode.SKU_UNKNOWN: any(sku not in ITEMS for sku in _from_here(world, integration_id, booked)),
        HoldCode.METHOD_UNMAPPED: method == UNKNOWN_SERVICE_LEVEL,
        HoldCode.ADDRESS_MISSING: "recipient" not in booked.order and booked.id not in world.deeds.addressed,
        HoldCode.CANCELLATION_REQUESTED: any(
            "cancellationRequest" in each and "cancellationExecution" not in each for each in cancellations
        ),
        HoldCode.UNKNOWN_VALUE: booked.status == UNKNOWN_STATUS,
    }
    return {str(code) for code, stands in reasons.items() if stands} - world.deeds.waived.get(booked.id, set())


def as_packed(world: World) -> Iterator[str]:
    """I7: an order that the warehouse was given is as far as its parcels are; what nobody wants any more, or not there,
    is not left to be packed; and of what left in vain somebody was told."""
    with world.platform.db.read() as session:
        rows = {row.number: row for row in session.scalars(sa.select(ReceivedOrder))}
        told = set(session.scalars(sa.select(SupportCase.order_id)))
    for order in all_orders(world.platform):
        row = rows.get(order.number)
        booked = world.simulator.state.book.get(row.remote_id) if row else None
        if row is None or booked is None:
            continue
        expected = _by_parcels(order)
        if booked.id in world.deeds.ended:
            # While the warehouse was being asked to take it; what it had shipped by then stands.
            expected |= {State.DISMISSED}
        if row.state not in expected:
            yield f"I7: {booked.id} is {row.state}, the warehouse has it {order.state}: it should be {sorted(expected)}"
        shipped = sum(line.shipped for line in order.lines)
        if order.is_open and booked.id in world.deeds.stop_wanted | world.deeds.ended:
            yield f"I7: {booked.id} was to be stopped, the warehouse has it {order.state}"
        wanted = _wanted(world, booked)
        if order.is_open and not shipped and not +wanted:
            yield f"I7: nothing of {booked.id} ({booked.status}) is wanted, the warehouse has it {order.state}"
        if order.is_open and not shipped and booked.id in world.deeds.moved - world.deeds.addressed:
            street = booked.order["recipient"]["deliveryAddress"]["addressLine1"]
            address = recipient_of(world.platform, order.id).address
            if address is None or street not in address["lines"]:
                yield f"I7: {booked.id} is to go to {street}, and the warehouse has it for somewhere else"
        # Of SKUs that are what they are sold as.
        plain = [line for line in order.lines if line.sku in wanted and not ITEMS.get(line.sku)]
        if row.id not in told and any(line.shipped > wanted[line.sku] for line in plain):
            yield f"I7: more of {booked.id} left the warehouse than Amazon wants, and nobody was told"


def _by_parcels(order: Order) -> frozenset[ReceivedState]:
    """Return the states an order may be in, by what the warehouse did with it."""
    shipped, ordered = (sum(getattr(line, name) for line in order.lines) for name in ("shipped", "quantity"))
    if order.state == WarehouseState.CANCELLED and not shipped:
        return _STOPPED
    if shipped == ordered or order.state == WarehouseState.CANCELLED:
        return frozenset({State.COMPLETED})
    return frozenset({State.SHIPPED if shipped else State.INJECTED})


def _wanted(world: World, booked: BookedOrder) -> Counter[str]:
    """Return the units, by SKU, that Amazon wants, or has, from here: neither cancelled before they left nor confirmed
    by somebody else."""
    packed, elsewhere = Counter[str](), by_hand(world, booked.id)
    for package in booked.summary()["packages"]:
        packed.update({entry["orderItemId"]: entry["quantity"] for entry in package["packageItems"]})
    wanted = Counter[str]()
    for item in booked.order["orderItems"]:
        item_id, cancelled = item["orderItemId"], "cancellationExecution" in item.get("cancellation", {})
        units = packed[item_id] if cancelled else item["quantityOrdered"]
        wanted[item["product"]["sellerSku"]] += units - elsewhere[item_id]
    return wanted
