"""Tiny in the explorer: its shop, its buyers, and what must hold between the shop and IS2."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import sqlalchemy as sa
from is2_tiny import plugin
from is2_tiny.shop import Shop, create_shop
from sqlalchemy.orm import Session

from exploration.checks import expected
from exploration.stores import Connected
from is2_core.calls.transport import Request
from is2_core.clock import VirtualClock
from is2_core.items.models import CartItem
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import AckState
from is2_core.platform import Platform
from plugins.interface import Reply

_KILLS = ("killed before", "killed after")
_WRITES: Final = ("number", "stock", "packages")


class TinyInPlay:
    """The cart and its shop, in this process. Its buyers buy and cancel."""

    name = "tiny"
    plugin: object = plugin
    address = "http://127.0.0.1:8767"
    environment = "live"
    seller = "shop-1"
    methods = ("standard", "express")
    faults: Mapping[str, tuple[str, ...]] = {
        "orders": ("429", "5xx", "delay", "refuse", "truncate", *_KILLS),
        "write": ("5xx", "refuse", "apply_then_drop", *_KILLS),
    }

    def __init__(self, clock: VirtualClock) -> None:
        self.shop = Shop(now=clock.now)
        self.settings = {"shop_url": self.address}
        self.credentials = {"token": self.shop.key}
        self._http = create_shop(self.shop).test_client()

    def operation(self, request: Request) -> str:
        """Name what is asked for."""
        parts = urlsplit(request.url).path.split("/")
        if any(part in parts for part in _WRITES):
            return "write"
        return "orders" if "orders" in parts else ""

    def answer(self, request: Request) -> Reply:
        """Ask the shop."""
        path = urlsplit(request.url).path
        told = self._http.open(
            path, method=request.method, query_string=request.params, headers=request.headers, json=request.json
        )
        return Reply(told.status_code, {name.lower(): text for name, text in told.headers.items()}, told.data)

    def sell(self, skus: Sequence[str]) -> None:
        """Put SKUs on sale."""
        for sku in skus:
            self.shop.add_item(sku, stock=9)
        for number, sku in enumerate(skus[:2], start=1):
            self.shop.add_order(f"T-{number}", (sku, 1))

    def doings(self, rng: random.Random) -> Mapping[Callable[[], bool], int]:
        """Buy, and cancel what was bought."""

        def buy() -> bool:
            lines = [(item["sku"], rng.randint(1, 2)) for item in rng.sample(self.shop.items, rng.randint(1, 2))]
            method = rng.choice(self.methods)
            self.shop.add_order(f"T-{len(self.shop.orders) + 1}", *lines, shipping=method)
            return True

        def cancel() -> bool:
            kept = [order for order in self.shop.orders.values() if order["state"] == "new" and not order["packages"]]
            if not kept:
                return False
            rng.choice(kept).update(state="cancelled", updated=self.shop.now().isoformat())
            return True

        return {buy: 3, cancel: 1}

    def breaches(self, platform: Platform, store: Connected, *, at_rest: bool) -> Iterator[str]:
        """I1-I5 of the shop's orders: here once, with their number there exactly if they are acknowledged, with the
        packages that count as posted, and with what can be sold where it was sent last."""
        with platform.db.read() as session:
            rows = session.scalars(sa.select(ReceivedOrder).where(ReceivedOrder.integration_id == store.id)).all()
            packages: dict[int, list[Package]] = {}
            for package in session.scalars(sa.select(Package).where(Package.integration_id == store.id)):
                packages.setdefault(package.order_id, []).append(package)
        for remote_id, count in Counter(row.remote_id for row in rows).items():
            if count > 1:
                yield f"I1: {remote_id} is received {count} times"
        for row in rows:
            order = self.shop.orders[row.remote_id]
            if row.ack_state == AckState.DONE and order["number"] != row.number:
                yield f"I3: {row.remote_id} counts as acknowledged, the shop has {order['number']}"
            if order["number"] and row.placed_at is None:
                yield f"I3: {row.remote_id} is acknowledged, but was never placed"
            yield from self._compared(order, packages.get(row.id, []))
        if at_rest:
            with platform.db.read() as session:
                yield from self._shown(session, store)

    def _compared(self, order: Mapping[str, Any], packages: Sequence[Package]) -> Iterator[str]:
        for package in packages:
            there = order["packages"].get(package.reference)
            if package.post_state == PostState.DUE:
                yield f"I4: package {package.reference} of {order['id']} is still due"
            number = (package.label or package).tracking_number
            if package.post_state == PostState.DONE and (there is None or there["tracking"] != number):
                yield f"I4: package {package.reference} of {order['id']} counts as posted, the shop has {there}"
        for reference in order["packages"].keys() - {package.reference for package in packages}:
            yield f"I4: the shop has package {reference} of {order['id']}, IS2 has none"

    def _shown(self, session: Session, store: Connected) -> Iterator[str]:
        """I5: the shop shows what can be sold now."""
        now = expected.look(session, store.account, expected.not_promised(session, store.account))
        shown = {item["sku"]: item["stock"] for item in self.shop.items}
        for item in session.scalars(sa.select(CartItem).where(CartItem.integration_id == store.id, CartItem.active)):
            if shown[item.sku] != now.most(store.id, item.sku):
                yield f"I5: the shop shows {shown[item.sku]} of {item.sku}, {now.most(store.id, item.sku)} can be sold"


def explored_cart(clock: VirtualClock) -> TinyInPlay:
    """Make one for a world."""
    return TinyInPlay(clock)
