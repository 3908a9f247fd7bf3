"""A small shop to run the Tiny cart against: items, stock, orders, acknowledgements and packages over JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flask import Flask, abort, jsonify, request
from flask.typing import ResponseReturnValue

PAGE = 2
_PUBLIC_ERRORS = (400, 401, 404, 409, 429, 500, 503)


@dataclass
class Shop:
    """The data of the shop. `fail_with` is a queue of statuses the next API calls answer with, `now` its clock."""

    key: str = "tiny-key"
    id: str = "shop-1"
    name: str = "Tiny Shop"
    items: list[dict[str, Any]] = field(default_factory=list)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    fail_with: list[int] = field(default_factory=list)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def add_item(self, sku: str, title: str = "", stock: int = 0, shipped_by: str = "merchant") -> dict[str, Any]:
        """Put an item on sale; `shipped_by` is "merchant" or the name of who ships it instead."""
        number = len(self.items) + 1
        item = {"id": f"item-{number}", "sku": sku, "title": title or sku, "stock": stock, "shipped_by": shipped_by}
        self.items.append(item)
        return item

    def add_order(self, order_id: str, *lines: tuple[str, int], state: str = "new", **fields: Any) -> dict[str, Any]:
        """Book an order of (SKU, quantity) lines, as of now; other `fields` replace what it would have."""
        now = self.now().isoformat()
        self.orders[order_id] = {
            "id": order_id,
            "state": state,
            "created": now,
            "updated": now,
            "shipping": "standard",
            "ship_to": {"name": "Ada Simbuyer", "street": "1 Main Street", "city": "Springfield", "zip": "12345"},
            "lines": [
                {"id": f"{order_id}-{n}", "sku": sku, "title": sku, "quantity": quantity, "price": "9.50"}
                for n, (sku, quantity) in enumerate(lines, start=1)
            ],
            "number": None,
            "packages": {},
            **fields,
        }
        return self.orders[order_id]


def create_shop(shop: Shop) -> Flask:
    """The shop's API as a WSGI application."""
    app = Flask(__name__)

    @app.before_request
    def guard() -> ResponseReturnValue | None:
        if request.headers.get("Authorization") != f"Bearer {shop.key}":
            abort(401)
        if shop.fail_with:
            abort(shop.fail_with.pop(0))
        return None

    def error(problem: Any) -> ResponseReturnValue:
        headers = {"Retry-After": "7"} if problem.code == 429 else {}
        return jsonify(error=problem.description), problem.code, headers

    for status in _PUBLIC_ERRORS:
        app.register_error_handler(status, error)

    @app.get("/api/shop")
    def show_shop() -> ResponseReturnValue:
        return jsonify(id=shop.id, name=shop.name)

    @app.get("/api/items")
    def list_items() -> ResponseReturnValue:
        rows, following = _page(shop.items)
        return jsonify(items=rows, next=following)

    @app.get("/api/orders")
    def list_orders() -> ResponseReturnValue:
        moment = request.args["by"]
        start, end = (datetime.fromisoformat(request.args[name]) for name in ("start", "end"))
        states = request.args.get("states")
        found = [
            order
            for order in shop.orders.values()
            if start <= datetime.fromisoformat(order[moment]) <= end
            and (states is None or order["state"] in states.split(","))
        ]
        rows, following = _page(found)
        return jsonify(orders=rows, next=following)

    @app.get("/api/orders/<order_id>")
    def show_order(order_id: str) -> ResponseReturnValue:
        if order_id not in shop.orders:
            abort(404, "There is no such order.")
        return jsonify(shop.orders[order_id])

    @app.put("/api/orders/<order_id>/number")
    def set_number(order_id: str) -> ResponseReturnValue:
        if order_id not in shop.orders:
            abort(404, "There is no such order.")
        order = shop.orders[order_id]
        if order["state"] == "cancelled":
            abort(409, "The order is cancelled.")
        order["number"] = request.get_json()["number"]
        return jsonify(receipt=f"receipt-{order_id}")

    @app.put("/api/items/<item_id>/stock")
    def set_stock(item_id: str) -> ResponseReturnValue:
        item = next((item for item in shop.items if item["id"] == item_id), None)
        if item is None:
            abort(404, "There is no such item.")
        item["stock"] = request.get_json()["stock"]
        return jsonify(receipt=f"stock-{item_id}")

    @app.put("/api/orders/<order_id>/packages/<reference>")
    def set_package(order_id: str, reference: str) -> ResponseReturnValue:
        if order_id not in shop.orders:
            abort(404, "There is no such order.")
        order = shop.orders[order_id]
        if order["state"] == "cancelled":
            abort(409, "The order is cancelled.")
        packages = {**order["packages"], reference: request.get_json()}
        shipped = Counter({line["id"]: 0 for line in order["lines"]})
        for package in packages.values():
            shipped.update({line["id"]: line["quantity"] for line in package["lines"]})
        ordered = {line["id"]: line["quantity"] for line in order["lines"]}
        if any(shipped[line] > ordered.get(line, 0) for line in shipped):
            abort(409, "More units are packed than were ordered.")
        order["packages"] = packages
        if shipped == ordered:
            order |= {"state": "shipped", "updated": shop.now().isoformat()}
        return jsonify(receipt=f"package-{order_id}-{reference}")

    return app


def _page(rows: list[Any]) -> tuple[list[Any], str | None]:
    number = int(request.args.get("page", "1"))
    following = str(number + 1) if len(rows) > number * PAGE else None
    return rows[(number - 1) * PAGE : number * PAGE], following
