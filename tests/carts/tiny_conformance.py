"""The description of Tiny for the conformance kit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from is2_tiny import plugin
from is2_tiny.shop import Shop, create_shop

from plugins.interface import AskFields, Redirect
from plugins.testkit import CartConformance, StillClock, served


@dataclass
class TinyShop(Shop):
    """A shop with an address."""

    address: str = ""


class TinyConformance(CartConformance):
    plugin: Any = plugin
    skus = ("MUG", "000123")

    @contextmanager
    def shop(self, clock: StillClock) -> Iterator[TinyShop]:
        shop = TinyShop(key=token_hex())
        for sku in self.skus:
            shop.add_item(sku)
        with served(lambda _: create_shop(shop)) as shop.address:
            yield shop

    def install_answer(self, shop: TinyShop, step: Redirect | AskFields) -> Mapping[str, str]:
        return {"shop_url": shop.address, "api_key": shop.key}

    def seed_orders(self, shop: TinyShop, count: int) -> Sequence[str]:
        first = len(shop.orders)
        return [shop.add_order(f"o{first + n}", ("MUG", 2), ("000123", 1))["id"] for n in range(count)]

    def revoke(self, shop: TinyShop) -> None:
        shop.key = "another key"

    def break_one_order(self, shop: TinyShop, order_id: str) -> None:
        shop.orders[order_id]["lines"][0]["quantity"] = -1
