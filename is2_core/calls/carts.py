"""The carts that are installed, and the one place that calls them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from is2_core.calls.plugins import PluginRegistry
from is2_core.errors import PluginBug
from plugins import interface
from plugins.interface import CartManifest

_NEEDED = ("cart_manifest", "install", "fetch_orders")


class CartRegistry(PluginRegistry[CartManifest]):
    """Working carts by name, and the broken ones."""

    def __init__(self) -> None:
        super().__init__("cart", interface, CartManifest, _NEEDED)

    @staticmethod
    def load() -> CartRegistry:
        """All carts of the entry point group; one that fails is listed as broken and hinders nobody."""
        registry = CartRegistry()
        registry.load_entry_points()
        return registry

    def _checked(self, name: str, manifest: object) -> CartManifest:
        checked = super()._checked(name, manifest)
        # No setting for what it cannot do.
        return checked if self.has(name, "push_inventory") else replace(checked, inventory_schedule=None)

    def call(self, name: str, hook: str, **arguments: Any) -> Any:
        """Call one hook of one cart.

        Raises:
            CartError: the cart said what is to happen next.
            PluginBug: anything else escaped, or the hook returned nothing.
        """
        result = super().call(name, hook, **arguments)
        if result is None and hook != "fetch_order":
            raise PluginBug(name, hook, f"{hook} returned nothing")
        return result
