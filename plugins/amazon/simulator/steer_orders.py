"""Steering of orders: adding, generating, changing, listing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from plugins.amazon.simulator.generate import generate, mix_for
from plugins.amazon.simulator.marketplaces import MARKETPLACES
from plugins.amazon.simulator.model_orders import example_orders
from plugins.amazon.simulator.order_book import BookedOrder
from plugins.amazon.simulator.order_search import FULFILLMENT_STATUSES
from plugins.amazon.simulator.sellers import Seller
from plugins.amazon.simulator.state import State

if TYPE_CHECKING:
    from plugins.amazon.simulator.simulator import Simulator


def listed(state: State, query: Mapping[str, str]) -> dict[str, Any]:
    """Summaries of all orders, or of those of `seller`, `status`, `branch`."""
    orders = [booked.summary() for booked in state.book.all()]
    for name in ("seller", "status", "branch"):
        if name in query:
            orders = [order for order in orders if order[name] == query[name]]
    return {"orders": orders}


def add(simulator: "Simulator", body: Any) -> dict[str, Any]:
    """Take in orders: a list of Order objects (each with an optional `seller`), or {"model_file": path}.

    Raises:
        ValueError: an order is malformed, its id is taken, or no seller fits.
    """
    if isinstance(body, dict) and "model_file" in body:
        orders = example_orders(body["model_file"], simulator.clock.now())
    elif isinstance(body, list):
        orders = body
    else:
        raise ValueError('the body must be a list of orders or {"model_file": path}')
    answers = []
    for order in orders:
        if not isinstance(order, dict):
            raise ValueError("an order must be an object")
        seller = _seller_for(simulator.state, order)
        booked = _book(simulator, seller, order, None)
        answers.append({"orderId": booked.id, "region": seller.region, "seller": seller.id})
    return {"orders": answers}


def add_generated(simulator: "Simulator", body: dict[str, Any]) -> dict[str, Any]:
    """Generate a store's orders; answers with the ids of each branch."""
    state = simulator.state
    if body.get("seller") not in state.sellers:
        raise ValueError(f"there is no seller {body.get('seller')!r}")
    seller = state.sellers[body["seller"]]
    shares = mix_for(body.get("count"), body.get("mix"))
    made = generate(
        seller, shares, int(body.get("seed", 1)), simulator.clock.now(), lambda id: state.book.get(id) is not None
    )
    branches: dict[str, list[str]] = {}
    for branch, order in made:
        booked = _book(simulator, seller, order, branch)
        booked.twice = branch == "duplicate"
        branches.setdefault(branch, []).append(booked.id)
    return {"seller": seller.id, "count": len(made), "branches": branches}


def change(simulator: "Simulator", booked: BookedOrder, body: dict[str, Any]) -> None:
    """Change one order. Keys, any of them:

    cancel: true or {by, reason}; request_cancel: true or a reason; make_payable: true; set: fields to merge (null
    removes).
    """
    book = simulator.state.book
    if unknown := body.keys() - {"cancel", "request_cancel", "make_payable", "set"}:
        raise ValueError(f"an order cannot be told to {min(unknown)!r}")
    if body.get("set"):
        book.set_fields(booked, body["set"])
        _tolerate(simulator, booked.order)
    if body.get("make_payable"):
        book.make_payable(booked)
    if body.get("request_cancel"):
        reason = body["request_cancel"]
        book.request_cancel(booked, reason if isinstance(reason, str) else "ORDER_CREATED_BY_MISTAKE")
    if body.get("cancel"):
        details = body["cancel"] if isinstance(body["cancel"], dict) else {}
        book.cancel(booked, details.get("by", "BUYER"), details.get("reason", "ORDER_CREATED_BY_MISTAKE"))


def _book(simulator: "Simulator", seller: Seller, order: dict[str, Any], branch: str | None) -> BookedOrder:
    _tolerate(simulator, order)
    if simulator.models is not None:
        problems = simulator.models.check_definition("orders_2026-01-01", "Order", order)
        if problems:
            raise ValueError(f"order {order.get('orderId')} breaks Amazon's model: {'; '.join(problems[:5])}")
    booked = simulator.state.book.add(seller.id, order, branch)
    if seller.sales_lower_stock and booked.fulfilled_by == "MERCHANT":
        for item in order["orderItems"]:
            open_units = item.get("fulfillment", {}).get("quantityUnfulfilled", item["quantityOrdered"])
            simulator.state.listings.sell(seller.id, item["product"].get("sellerSku", ""), open_units)
    return booked


def _tolerate(simulator: "Simulator", order: dict[str, Any]) -> None:
    """A status that no enum lists, seeded on purpose, must not fail the check of our own replies."""
    status = order.get("fulfillment", {}).get("fulfillmentStatus")
    if simulator.models is not None and isinstance(status, str) and status not in FULFILLMENT_STATUSES:
        simulator.models.tolerated.add(status)


def _seller_for(state: State, order: dict[str, Any]) -> Seller:
    """The named seller, or one of the marketplace's region: preferably connected, preferably selling there."""
    place = MARKETPLACES.get(order.get("salesChannel", {}).get("marketplaceId", ""))
    named = order.pop("seller", None)
    if named is not None:
        if named not in state.sellers:
            raise ValueError(f"there is no seller {named!r}")
        return state.sellers[named]
    if place is None:
        raise ValueError(f"order {order.get('orderId')} names neither a seller nor a known marketplace")
    connected = state.grants.authorized_sellers()
    candidates = [seller for seller in state.sellers.values() if seller.region == place.region]
    candidates.sort(key=lambda seller: (seller.id not in connected, place.id not in seller.marketplaces))
    seller = candidates[0]
    if place.id not in seller.marketplaces:
        # Whoever sells in a marketplace takes part in it.
        seller.marketplaces = [*seller.marketplaces, place.id]
    return seller
