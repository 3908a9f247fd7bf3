"""Steering of orders: adding, generating, changing, listing."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from plugins.amazon.simulator.access.marketplaces import MARKETPLACES
from plugins.amazon.simulator.access.sellers import Seller
from plugins.amazon.simulator.clock import iso
from plugins.amazon.simulator.messages import ApiError
from plugins.amazon.simulator.orders.generate import generate, mix_for
from plugins.amazon.simulator.orders.model_orders import example_orders
from plugins.amazon.simulator.orders.order_book import BookedOrder
from plugins.amazon.simulator.orders.order_search import FULFILLMENT_STATUSES
from plugins.amazon.simulator.orders.order_shape import check_order
from plugins.amazon.simulator.shipping.shipments import Parcel
from plugins.amazon.simulator.state import State
from plugins.amazon.simulator.steering import given
from plugins.amazon.simulator.steering.sellers import known_seller

_MOST_MADE = 100_000
_MISTAKE = "Ordered by mistake"


@dataclass(frozen=True)
class _Wanted:
    """An order to be taken in. `joins`: whoever sells in a marketplace takes part in it, this seller from now on."""

    seller: Seller
    order: dict[str, Any]
    branch: str | None = None
    joins: str | None = None


def listed(state: State, query: Mapping[str, str]) -> dict[str, Any]:
    """Summaries of all orders, or of those of `seller`, `status`, `branch`."""
    orders = [booked.summary() for booked in state.book.all()]
    for name in ("seller", "status", "branch"):
        if name in query:
            orders = [order for order in orders if order[name] == query[name]]
    return {"orders": orders}


def add(state: State, body: Any) -> dict[str, Any]:
    """Take in orders: a list of Order objects (each with an optional `seller`), or {"model_file": path}.

    Raises:
        ValueError: an order is malformed, its id is taken, or no seller fits; then none is taken in.
    """
    if isinstance(body, dict) and "model_file" in body:
        orders = example_orders(given.text(body["model_file"], "model_file"), state.clock.now())
    elif isinstance(body, list):
        orders = body
    else:
        raise ValueError('the body must be a list of orders or {"model_file": path}')
    added = _book(state, [_placed(state, given.table(order, "an order")) for order in orders])
    return {
        "orders": [
            {"orderId": booked.id, "region": state.sellers[booked.seller].region, "seller": booked.seller}
            for booked in added
        ]
    }


def add_generated(state: State, body: dict[str, Any]) -> dict[str, Any]:
    """Generate a store's orders; answers with the ids of each branch."""
    seller = known_seller(state, body.get("seller"))
    mix = given.table(body.get("mix") or {}, "mix")
    for branch, number in mix.items():
        given.count(number, f"mix.{branch}", 0, _MOST_MADE)
    count = None if body.get("count") is None else given.count(body["count"], "count", 1, _MOST_MADE)
    seed = given.count(body.get("seed", 1), "seed", most=2**63)
    made = generate(seller, mix_for(count, mix), seed, state.clock.now(), lambda id: state.book.get(id) is not None)
    branches: dict[str, list[str]] = {}
    for booked in _book(state, [_Wanted(seller, order, branch) for branch, order in made]):
        booked.twice = booked.branch == "duplicate"
        branches.setdefault(str(booked.branch), []).append(booked.id)
    return {"seller": seller.id, "count": len(made), "branches": branches}


def change(state: State, booked: BookedOrder, body: dict[str, Any]) -> None:
    """Change one order. Keys, any of them:

    cancel: true or {by, reason}; request_cancel: true or a reason; make_payable: true; ship: true or {carrier,
    trackingNumber, packageReferenceId, items: {item id: units}}, as the seller confirms in Seller Central; set: fields
    to merge (null removes).

    Raises:
        ValueError: one of them cannot be; then nothing has changed.
    """
    given.only(body, "an order", ("cancel", "request_cancel", "make_payable", "ship", "set"))
    book, draft = state.book, deepcopy(booked)
    if body.get("set"):
        book.set_fields(draft, given.table(body["set"], "set"))
    if given.flag(body.get("make_payable", False), "make_payable"):
        book.make_payable(draft)
    if request := body.get("request_cancel"):
        book.request_cancel(draft, _MISTAKE if request is True else given.text(request, "request_cancel"))
    if ship := body.get("ship"):
        _ship(state, draft, {} if ship is True else given.table(ship, "ship"))
    if cancel := body.get("cancel"):
        details = {} if cancel is True else given.table(cancel, "cancel")
        by = given.one_of(details.get("by", "BUYER"), "cancel.by", ("BUYER", "MERCHANT", "AMAZON"))
        book.cancel(draft, by, given.text(details.get("reason", _MISTAKE), "cancel.reason"))
    _check_model(state, draft.order)
    vars(booked).update(vars(draft))


def _ship(state: State, booked: BookedOrder, details: dict[str, Any]) -> None:
    """Confirm by hand: what is left, unless `items` says which units."""
    given.only(details, "ship", ("carrier", "trackingNumber", "packageReferenceId", "items"))
    shipments, now = state.shipments, state.clock.now()
    left = {item: units for item, units in shipments.left(booked).items() if units}
    items = given.table(details["items"], "ship.items") if "items" in details else left
    parcel = Parcel(
        given.text(details.get("packageReferenceId", shipments.next_reference(booked)), "ship.packageReferenceId"),
        given.text(details.get("carrier", "USPS"), "ship.carrier"),
        None,
        given.text(details.get("trackingNumber", f"9400{booked.id.replace('-', '')}"), "ship.trackingNumber"),
        iso(now),
        {item: given.count(units, f"ship.items.{item}", 1) for item, units in items.items()},
        {},
    )
    if unknown := [item for item in parcel.quantities if booked.item(item) is None]:
        raise ValueError(f"order {booked.id} has no item {unknown[0]!r}")
    try:
        shipments.ship(booked, parcel, now)
    except ApiError as error:
        raise ValueError(error.message) from error


def _book(state: State, wanted: list[_Wanted]) -> list[BookedOrder]:
    """Take in all of them or, with a ValueError, none."""
    ids: set[str] = set()
    for each in wanted:
        check_order(each.order)
        order_id = each.order["orderId"]
        if order_id in ids or state.book.get(order_id) is not None:
            raise ValueError(f"order {order_id} exists already")
        ids.add(order_id)
        _check_model(state, each.order)
    return [_booked(state, each) for each in wanted]


def _booked(state: State, wanted: _Wanted) -> BookedOrder:
    seller = wanted.seller
    if wanted.joins is not None and wanted.joins not in seller.marketplaces:
        seller.marketplaces = [*seller.marketplaces, wanted.joins]
    booked = state.book.add(seller.id, wanted.order, wanted.branch)
    if seller.sales_lower_stock and booked.fulfilled_by == "MERCHANT":
        for item in wanted.order["orderItems"]:
            open_units = item.get("fulfillment", {}).get("quantityUnfulfilled", item["quantityOrdered"])
            state.listings.sell(seller.id, item["product"].get("sellerSku", ""), open_units)
    return booked


def _check_model(state: State, order: dict[str, Any]) -> None:
    """An order must keep to the model. A status that no enum lists is seeded on purpose: from now on it must not fail
    the check of our own replies either."""
    models = state.models
    if models is None:
        return
    fulfillment = order.get("fulfillment", {})
    status = fulfillment.get("fulfillmentStatus")
    seeded = status is not None and status not in FULFILLMENT_STATUSES
    usual = order | {"fulfillment": fulfillment | {"fulfillmentStatus": "UNSHIPPED"}} if seeded else order
    if problems := models.check_definition("orders_2026-01-01", "Order", usual):
        raise ValueError(f"order {order.get('orderId')} breaks Amazon's model: {'; '.join(problems[:5])}")
    if seeded:
        models.tolerated.add(status)


def _placed(state: State, order: dict[str, Any]) -> _Wanted:
    """With the named seller, or one of the marketplace's region: preferably connected, preferably selling there."""
    fields = {name: value for name, value in order.items() if name != "seller"}
    if order.get("seller") is not None:
        return _Wanted(known_seller(state, order["seller"]), fields)
    place = MARKETPLACES.get(str(given.table(order.get("salesChannel", {}), "salesChannel").get("marketplaceId")))
    if place is None:
        raise ValueError(f"order {order.get('orderId')} names neither a seller nor a known marketplace")
    connected = state.grants.authorized_sellers()
    candidates = [seller for seller in state.sellers.values() if seller.region == place.region]
    candidates.sort(key=lambda seller: (seller.id not in connected, place.id not in seller.marketplaces))
    return _Wanted(candidates[0], fields, joins=place.id)
