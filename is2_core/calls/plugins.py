"""Plugins of one kind: found by entry point, checked, called one at a time. One that fails hinders nobody."""

from __future__ import annotations

import importlib.metadata
import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Generic, Protocol, TypeVar

import pluggy
from sqlalchemy.exc import OperationalError

from is2_core.crypto import UnknownKey
from is2_core.errors import PluginBug, trace_without_values
from plugins.errors import CartError

_log = logging.getLogger(__name__)


class Manifest(Protocol):
    """The fields that manifests of all kinds of plugin have."""

    @property
    def name(self) -> str:
        """The name of the entry point."""

    @property
    def label(self) -> str:
        """The name on pages."""

    @property
    def contract(self) -> str:
        """The version of the contract it was written for."""


M = TypeVar("M", bound=Manifest)


class UnknownPlugin(KeyError):
    """No working plugin of that name."""


@dataclass(frozen=True)
class BrokenPlugin:
    """A plugin that could not be used, and why."""

    name: str
    message: str
    trace: str = ""


class PluginRegistry(Generic[M]):
    """Working plugins of a kind by name, and the broken ones. Make it before forking: plugins are stateless.

    Args:
        kind: the kind in words.
        specs: the module with the hook specs, `PROJECT`, `ENTRY_POINTS` and `CONTRACT_VERSION`.
        manifest_type: what the hook named `<kind>_manifest` returns.
        needed: the hooks every one of them must have.
    """

    def __init__(self, kind: str, specs: ModuleType, manifest_type: type[M], needed: Sequence[str]) -> None:
        self._kind, self._specs, self._manifest_type, self._needed = kind, specs, manifest_type, needed
        self._manager = pluggy.PluginManager(specs.PROJECT)
        self._manager.add_hookspecs(specs)
        self._manifests: dict[str, M] = {}
        self.broken: list[BrokenPlugin] = []

    def load_entry_points(self) -> None:
        """Load all that are installed."""
        for entry in importlib.metadata.entry_points(group=self._specs.ENTRY_POINTS):
            self.add(entry.name, entry.load)

    def add(self, name: str, load: Callable[[], object]) -> None:
        """Load one plugin under its entry point's name and check it, or note it as broken."""
        # Exception, not CartError: whatever a foreign package does at import must not stop the platform.
        try:
            plugin = load()
            self._manager.register(plugin, name=name)
        except Exception as error:
            self._note(name, f"could not be loaded: {error}", traceback.format_exc())
            return
        try:
            self._manager.check_pending()
            if isinstance(plugin, type) or not self.hooks(name):
                raise TypeError(
                    f"its entry point names {plugin!r}, which has no hooks to call: name a module whose functions are "
                    f"marked with @hookimpl, or an object whose methods are (package.module:object)"
                )
            manifest = self._only(name, f"{self._kind}_manifest")()
            self._manifests[name] = self._checked(name, manifest)
        except Exception as error:
            self._manager.unregister(name=name)
            self._note(name, str(error), traceback.format_exc())

    def _checked(self, name: str, manifest: object) -> M:
        if not isinstance(manifest, self._manifest_type):
            raise TypeError(f"{self._kind}_manifest did not return a {self._manifest_type.__name__}")
        if manifest.name != name:
            raise ValueError(f"the manifest is named {manifest.name!r}, the entry point {name!r}")
        version = str(self._specs.CONTRACT_VERSION)
        if manifest.contract.split(".")[0] != version.split(".")[0]:
            raise ValueError(
                f"written for contract {manifest.contract}, this platform speaks {version}: "
                f"install a version of the {self._kind} for this contract"
            )
        missing = [hook for hook in self._needed if not self.has(name, hook)]
        if missing:
            raise ValueError(f"lacks the hooks every {self._kind} needs: {', '.join(missing)}")
        return manifest

    def _note(self, name: str, message: str, trace: str) -> None:
        _log.error("%s %s: %s", self._kind, name, message)
        self.broken.append(BrokenPlugin(name, message, trace))

    def names(self) -> list[str]:
        """The working ones, by label."""
        return sorted(self._manifests, key=lambda name: self._manifests[name].label)

    def manifest(self, name: str) -> M:
        """The manifest of a working plugin.

        Raises:
            UnknownPlugin: there is none of that name.
        """
        try:
            return self._manifests[name]
        except KeyError:
            raise UnknownPlugin(name) from None

    def hooks(self, name: str) -> list[str]:
        """The hooks a plugin implements, by name."""
        plugin = self._manager.get_plugin(name)
        callers = self._manager.get_hookcallers(plugin) or []
        return sorted(caller.name for caller in callers)

    def has(self, name: str, hook: str) -> bool:
        """Whether a plugin implements a hook; a hook left out is a capability it lacks."""
        return hook in self.hooks(name)

    def _only(self, name: str, hook: str) -> pluggy.HookCaller:
        others = [plugin for other, plugin in self._manager.list_name_plugin() if other != name]
        return self._manager.subset_hook_caller(hook, others)

    def call(self, name: str, hook: str, **arguments: Any) -> Any:
        """Call one hook of one plugin; None where it returned nothing.

        Raises:
            CartError: the plugin said what is to happen next.
            OperationalError, UnknownKey: what the platform does inside the call broke off, such as reading a token.
            PluginBug: anything else escaped.
        """
        self.manifest(name)
        try:
            return self._only(name, hook)(**arguments)
        except (CartError, OperationalError, UnknownKey):
            raise
        except Exception as error:
            raise PluginBug(name, hook, trace_without_values(error)) from error
