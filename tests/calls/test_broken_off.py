"""What the platform does inside a call and breaks off is no bug of the plugin."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from is2_core.calls.carts import CartRegistry
from is2_core.crypto import UnknownKey
from plugins.amazon import plugin as amazon
from plugins.interface import CartManifest, hookimpl


class Reading:
    """A cart that does nothing but ask the platform for its token."""

    @hookimpl
    def cart_manifest(self) -> CartManifest:
        return replace(amazon.cart_manifest(), name="reading")

    @hookimpl
    def install(self, ctx: Any, reply: Any) -> Any:
        raise ctx

    @hookimpl
    def fetch_orders(self, ctx: Any, query: Any) -> Any:
        raise ctx


@pytest.mark.parametrize("ours", [UnknownKey("a key is not here"), OperationalError("COMMIT", {}, Exception())])
def test_it_is_told_as_what_it_is(ours: Exception) -> None:
    registry = CartRegistry()
    registry.add("reading", Reading)
    assert registry.broken == []
    with pytest.raises(type(ours)):
        registry.call("reading", "fetch_orders", ctx=ours, query=None)
