"""Amazon proves itself by the conformance kit, against the simulator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import requests

from plugins.amazon import plugin
from plugins.amazon.simulator import Simulator
from plugins.amazon.simulator.front import create_app
from plugins.interface import AskFields, CartManifest, PlatformSettings, Redirect, Secret
from plugins.testkit import CartConformance, ShopHttp, StillClock, served
from tests.amazon.conftest import SELLER, Harness


class TestAmazon(CartConformance):
    """Every check of the kit."""

    plugin = plugin
    return_url = "http://127.0.0.1:5000/amazon/authorized"
    libraries = ("defusedxml",)
    skus = ("KIT-A", "000123 b")
    # Amazon lists a hundred orders on a page.
    orders_for_pages = 120
    unknown_order = "111-0000000-0000000"
    # The simulator makes its tokens of a seed.
    shops = 0

    @contextmanager
    def shop(self, clock: StillClock) -> Iterator[Harness]:
        self.shops += 1

        def make(url: str) -> object:
            return create_app(Simulator(clock=clock.now, base_url=url, rate_limits=False, seed=self.shops))

        with served(make) as address, requests.Session() as session:
            values = {
                "application_id": "amzn1.sp.solution.is2-demo",
                "client_id": "amzn1.application-oa2-client.is2demo",
                "draft": "no",
                "simulator_url": address,
            }
            secrets = {"client_secret": Secret("is2-demo-client-secret-0123456789")}
            app = PlatformSettings("simulator", values, secrets)
            harness = Harness(address, session, clock, ShopHttp(clock), app)
            for sku in self.skus:
                harness.steer("POST", "listings", {"seller": SELLER, "sku": sku, "quantity": 1})
            yield harness
            assert harness.steer("GET", "violations")["violations"] == []

    def platform(self, shop: Harness, manifest: CartManifest) -> PlatformSettings:
        return shop.app

    def install_answer(self, shop: Harness, step: Redirect | AskFields) -> Mapping[str, str]:
        return self._browse(shop, step, "next")

    def declined_answer(self, shop: Harness, step: Redirect | AskFields) -> Mapping[str, str]:
        return self._browse(shop, step, "cancel")

    def seed_orders(self, shop: Harness, count: int) -> Sequence[str]:
        made = shop.steer("POST", "orders/generate", {"seller": SELLER, "mix": {"plain": count}})
        return made["branches"]["plain"]

    def revoke(self, shop: Harness) -> None:
        shop.steer("POST", "seller", {"seller": SELLER, "revoke": True})

    def break_one_order(self, shop: Harness, order_id: str) -> None:
        items = shop.steer("GET", f"orders/{order_id}")["order"]["orderItems"]
        broken = [{**item, "quantityOrdered": -1} for item in items]
        shop.steer("POST", f"orders/{order_id}", {"set": {"orderItems": broken}})

    def seed_customized_order(self, shop: Harness) -> str:
        return shop.steer("POST", "orders/generate", {"seller": SELLER, "mix": {"customized": 1}})["branches"][
            "customized"
        ][0]

    def _browse(self, shop: Harness, step: Redirect | AskFields, press: str) -> Mapping[str, str]:
        assert isinstance(step, Redirect)
        params = shop.browse(step, self.return_url, press=press)
        params.pop(step.state_param, None)
        return params
