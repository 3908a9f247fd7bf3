"""The state that a cart's modules hold between calls."""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

from plugins.interface import Secret

_CONTAINERS = (list, set, frozenset, tuple)
_DEPTH = 6


def module_state(names: set[str], *, with_caches: bool = False) -> dict[str, str]:
    """The values of the modules' globals, of the attributes of their classes and objects and of their functions'
    defaults, secrets in the open.

    Args:
        with_caches: what functions with a cache keep as well. It changes, and what they answer does not depend on it.
    """
    state: dict[str, str] = {}
    reader = _Reader(names, with_caches)
    for name in names:
        module = sys.modules[name]
        for key, value in vars(module).items():
            if not key.startswith("__") and not isinstance(value, ModuleType):
                state[f"{name}.{key}"] = reader.frozen(value)
    return state


# As an object: its type is not that of an overriding method, which a type checker would hold to be never the same.
_PLAIN_REPR: object = object.__repr__


@dataclass(frozen=True)
class _Reader:
    names: set[str]
    with_caches: bool

    def frozen(self, value: Any, depth: int = 0) -> str:
        """A value as text that changes with it."""
        if hasattr(value, "cache_info") and not isinstance(value, type):
            kept = gc.get_referents(value) if self.with_caches and depth < _DEPTH else []
            return f"{type(value).__name__} {[self.frozen(one, depth + 1) for one in kept]}"
        if isinstance(value, Secret):
            return value.value
        if depth == _DEPTH:
            return type(value).__name__
        if isinstance(value, Mapping):
            return repr({self.frozen(key, depth + 1): self.frozen(one, depth + 1) for key, one in value.items()})
        if isinstance(value, _CONTAINERS):
            return repr([self.frozen(one, depth + 1) for one in value])
        if isinstance(value, type):
            return self._class(value, depth)
        if isinstance(value, FunctionType):
            return self.frozen([value.__defaults__, value.__kwdefaults__, vars(value)], depth + 1)
        if type(value).__repr__ is _PLAIN_REPR:
            return f"{id(value)} {self.frozen(_attributes(value), depth + 1)}"
        if type(value).__module__ in self.names:
            return f"{value!r} {self.frozen(_attributes(value), depth + 1)}"
        return repr(value)

    def _class(self, value: type, depth: int) -> str:
        inside = vars(value) if value.__module__ in self.names else {}
        return self.frozen({key: one for key, one in inside.items() if not key.startswith("__")}, depth + 1)


def _attributes(value: object) -> dict[str, Any]:
    slots = [slot for kind in type(value).__mro__ for slot in _listed(vars(kind).get("__slots__", ()))]
    return {**{slot: getattr(value, slot) for slot in slots if hasattr(value, slot)}, **getattr(value, "__dict__", {})}


def _listed(slots: Any) -> list[str]:
    return [slots] if isinstance(slots, str) else list(slots)
