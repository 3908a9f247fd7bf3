"""The warehouses that are installed, and the one place that calls them."""

from __future__ import annotations

from is2_core.calls.plugins import PluginRegistry
from plugins import warehouse
from plugins.warehouse import WarehouseManifest

_NEEDED = (
    "warehouse_manifest",
    "place_orders",
    "find_order",
    "cancel_order",
    "skus",
    "stock",
    "activity_since",
    "shipments_since",
    "services",
)


class WarehouseRegistry(PluginRegistry[WarehouseManifest]):
    """Working warehouses by name, and the broken ones."""

    def __init__(self) -> None:
        super().__init__("warehouse", warehouse, WarehouseManifest, _NEEDED)

    def replace(self, name: str, plugin: object) -> None:
        """Put a warehouse in the place of the one of that name, or of none; for tests and trials.

        Raises:
            ValueError: it cannot be used.
        """
        if name in self._manifests:
            self._manager.unregister(name=name)
            del self._manifests[name]
        self.add(name, lambda: plugin)
        if name not in self._manifests:
            raise ValueError(self.broken.pop().message)
