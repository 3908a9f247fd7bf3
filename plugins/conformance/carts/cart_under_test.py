"""The description of a cart and its shop that an author gives the kit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest

from plugins.conformance.clock import StillClock
from plugins.conformance.faults import Answer
from plugins.interface import AskFields, CartManifest, FieldKind, Order, PlatformSettings, Redirect


class CartUnderTest:
    """Overridden by the author. Whatever `shop` yields is handed to the methods below as `shop`.

    Args:
        plugin: the module with the hooks.
        return_url: where the shop sends the browser back to, if it wants to know that in advance.
        libraries: names of the libraries the cart itself needs, besides the standard library.
        region: where the store is connected; the manifest's first region if None.
        skus: at least two SKUs the shop has, shipped by the merchant, for the stock hooks.
        store_settings: what the merchant chose, besides the defaults of the manifest's store fields.
        orders_for_pages: how many orders make the shop's listing longer than one page.
        unknown_order: a well-formed order id the shop does not have.
        refused_token: what the shop answers to a token it no longer takes.
        asks: how often slow work is asked about before the kit gives it up.
    """

    plugin: Any
    return_url: str = "http://127.0.0.1:8080/kit/installed"
    libraries: tuple[str, ...] = ()
    region: str | None = None
    skus: tuple[str, ...] = ()
    store_settings: Mapping[str, str] = {}
    orders_for_pages: int = 5
    unknown_order: str = "0-no-such-order"
    refused_token: Answer = Answer(401)
    asks: int = 50

    def shop(self, clock: StillClock) -> AbstractContextManager[Any]:
        """A fresh shop, running on this machine; two of them may run at once.

        Args:
            clock: the cart's time. A shop that can should live by it, so that slow work gets done when it is moved.
        """
        raise NotImplementedError("override shop(): a context manager that runs a shop and yields it")

    def install_answer(self, shop: Any, step: Redirect | AskFields) -> Mapping[str, str]:
        """Return the answer to a step: the fields typed, or the query of the browser's return without state."""
        raise NotImplementedError("override install_answer(): what the merchant types, or the browser brings back")

    def seed_orders(self, shop: Any, count: int) -> Sequence[str]:
        """Have so many orders placed, new ones each time, ready for the merchant to ship, of one or more units each;
        their ids at the cart. They may carry times of up to a week ago."""
        raise NotImplementedError("override seed_orders(): place orders in the shop and return their ids")

    def seed_customized_order(self, shop: Any) -> str | None:
        """Have an order placed, with something the buyer had made on a line; its id. None where the shop has no such
        orders: then `fetch_customization` is not tried."""
        return None

    def platform(self, shop: Any, manifest: CartManifest) -> PlatformSettings:
        """The platform-wide settings an admin would have typed: the first environment and the defaults."""
        values = {field.key: field.default for field in manifest.platform_fields if field.kind is not FieldKind.SECRET}
        return PlatformSettings(manifest.environments[0].code, values)

    def declined_answer(self, shop: Any, step: Redirect | AskFields) -> Mapping[str, str]:
        """Return the answer that comes back where the merchant declines at the shop."""
        pytest.skip("override declined_answer() to have a declined consent checked")

    def revoke(self, shop: Any) -> None:
        """Take the store's authorization away at the shop."""
        pytest.skip("override revoke() to have a revoked authorization checked")

    def break_one_order(self, shop: Any, order_id: str) -> None:
        """Damage an order in the shop so that it cannot be understood."""
        pytest.skip("override break_one_order() to have a broken order among good ones checked")

    def pii(self, shop: Any, order: Order) -> Sequence[str]:
        """Further texts of an order that must not be logged, besides the buyer's data of the contract."""
        return ()
