"""The carts that are installed, and the one place that calls them."""

from __future__ import annotations

import importlib.metadata
import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pluggy

from is2_core.errors import PluginBug, trace_without_values
from plugins import interface
from plugins.interface import CONTRACT_VERSION, ENTRY_POINTS, PROJECT, CartError, CartManifest

_log = logging.getLogger(__name__)
_NEEDED = ("cart_manifest", "install", "fetch_orders")


class UnknownCart(KeyError):
    """No working cart of that name."""


@dataclass(frozen=True)
class BrokenCart:
    """A cart that could not be used, and why."""

    name: str
    sentence: str
    trace: str = ""


class CartRegistry:
    """Working carts by name, and the broken ones. Make it before forking: carts are stateless."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(interface)
        self._manifests: dict[str, CartManifest] = {}
        self.broken: list[BrokenCart] = []

    @staticmethod
    def load() -> CartRegistry:
        """All carts of the entry point group; one that fails is listed as broken and hinders nobody."""
        registry = CartRegistry()
        for entry in importlib.metadata.entry_points(group=ENTRY_POINTS):
            registry.add(entry.name, entry.load)
        return registry

    def add(self, name: str, load: Callable[[], object]) -> None:
        """Load one cart under its entry point's name and check it, or note it as broken."""
        # Exception, not CartError: whatever a foreign package does at import must not stop the platform.
        try:
            plugin = load()
            self._manager.register(plugin, name=name)
        except Exception as error:
            self._note(name, f"could not be loaded: {error}", traceback.format_exc())
            return
        try:
            self._manager.check_pending()
            manifest = self._only(name, "cart_manifest")()
            self._check(name, manifest)
        except Exception as error:
            self._manager.unregister(name=name)
            self._note(name, str(error), traceback.format_exc())
            return
        # No setting for what it cannot do.
        lacks_stock = not self.has(name, "push_inventory")
        self._manifests[name] = replace(manifest, inventory_schedule=None) if lacks_stock else manifest

    def _check(self, name: str, manifest: object) -> None:
        if not isinstance(manifest, CartManifest):
            raise TypeError("cart_manifest did not return a CartManifest")
        if manifest.name != name:
            raise ValueError(f"the manifest is named {manifest.name!r}, the entry point {name!r}")
        if manifest.contract.split(".")[0] != CONTRACT_VERSION.split(".")[0]:
            raise ValueError(
                f"written for contract {manifest.contract}, this platform speaks {CONTRACT_VERSION}: "
                "install a version of the cart for this contract"
            )
        missing = [hook for hook in _NEEDED if not self.has(name, hook)]
        if missing:
            raise ValueError(f"lacks the hooks every cart needs: {', '.join(missing)}")

    def _note(self, name: str, sentence: str, trace: str) -> None:
        _log.error("cart %s: %s", name, sentence)
        self.broken.append(BrokenCart(name, sentence, trace))

    def names(self) -> list[str]:
        """The working carts, by label."""
        return sorted(self._manifests, key=lambda name: self._manifests[name].label)

    def manifest(self, name: str) -> CartManifest:
        """The manifest of a working cart.

        Raises:
            UnknownCart: there is none of that name.
        """
        try:
            return self._manifests[name]
        except KeyError:
            raise UnknownCart(name) from None

    def hooks(self, name: str) -> list[str]:
        """The hooks a cart implements, by name."""
        plugin = self._manager.get_plugin(name)
        callers = self._manager.get_hookcallers(plugin) or []
        return sorted(caller.name for caller in callers)

    def has(self, name: str, hook: str) -> bool:
        """Whether a cart implements a hook; a hook left out is a capability it lacks."""
        return hook in self.hooks(name)

    def _only(self, name: str, hook: str) -> pluggy.HookCaller:
        others = [plugin for other, plugin in self._manager.list_name_plugin() if other != name]
        return self._manager.subset_hook_caller(hook, others)

    def call(self, name: str, hook: str, **arguments: Any) -> Any:
        """Call one hook of one cart.

        Raises:
            CartError: the cart said what is to happen next.
            PluginBug: anything else escaped, or the hook returned nothing.
        """
        self.manifest(name)
        try:
            result = self._only(name, hook)(**arguments)
        except CartError:
            raise
        except Exception as error:
            raise PluginBug(name, hook, trace_without_values(error)) from error
        if result is None and hook != "fetch_order":
            raise PluginBug(name, hook, f"{hook} returned nothing")
        return result
