"""What the modules of a cart hold between calls."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import FunctionType, ModuleType
from typing import Any

_CONTAINERS = (list, set, frozenset, tuple)
_DEPTH = 6


def module_state(names: set[str]) -> dict[str, str]:
    """The values of the modules' globals, of the attributes of their classes and of their functions' defaults.

    A function with a cache is left out: what it answers does not depend on what it has kept.
    """
    state: dict[str, str] = {}
    for name in names:
        module = sys.modules[name]
        for key, value in vars(module).items():
            if not key.startswith("__") and not isinstance(value, ModuleType):
                state[f"{name}.{key}"] = _frozen(value, name)
    return state


def _frozen(value: Any, module: str, depth: int = 0) -> str:
    if depth == _DEPTH or hasattr(value, "cache_info"):
        return type(value).__name__
    if isinstance(value, Mapping):
        return repr({str(key): _frozen(one, module, depth + 1) for key, one in value.items()})
    if isinstance(value, _CONTAINERS):
        return repr([_frozen(one, module, depth + 1) for one in value])
    if isinstance(value, type):
        own = value.__module__ == module
        inside = {key: one for key, one in vars(value).items() if not key.startswith("__")} if own else {}
        return repr({key: _frozen(one, module, depth + 1) for key, one in inside.items()})
    if isinstance(value, FunctionType):
        return _frozen([value.__defaults__, value.__kwdefaults__, vars(value)], module, depth + 1)
    if type(value).__repr__ is object.__repr__:
        return f"{id(value)} {_frozen(getattr(value, '__dict__', {}), module, depth + 1)}"
    return repr(value)
