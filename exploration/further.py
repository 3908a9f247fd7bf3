"""Further plugins of a run, which neither core nor explorer knows: a cart with its shop and buyers, a warehouse with
its people. Each is brought by a module that is named on the command line, and says itself what somebody may do there,
what may befall its calls and what must hold."""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from exploration.stores import Connected
from is2_core.calls.transport import Request
from is2_core.clock import VirtualClock
from is2_core.platform import Platform
from plugins.interface import Reply

Doing = Callable[[], bool]
# The function of a module that makes one for a world.
_MAKES_CART, _MAKES_WAREHOUSE = "explored_cart", "explored_warehouse"


class FurtherCart(Protocol):
    """A cart, its shop and who buys there.

    Args:
        name: of the cart's entry point.
        plugin: what that names.
        environment: one of its manifest's.
        address: every URL of the shop begins with it.
        seller, settings, credentials: what connecting a store to it ends in.
        methods: its shipping methods.
        faults: by operation what may befall a call, as `exploration.ports.further_carts` knows it.
    """

    name: str
    plugin: object
    address: str
    environment: str
    seller: str
    settings: Mapping[str, str]
    credentials: Mapping[str, str]
    methods: Sequence[str]
    faults: Mapping[str, tuple[str, ...]]

    def operation(self, request: Request) -> str:
        """Return the name of what is asked for, as in `faults`; "" for anything else."""

    def answer(self, request: Request) -> Reply:
        """Have the shop do what is asked for."""

    def sell(self, skus: Sequence[str]) -> None:
        """Put SKUs on sale."""

    def doings(self, rng: random.Random) -> Mapping[Doing, int]:
        """Return what happens in the shop, and how often beside the rest."""

    def breaches(self, platform: Platform, integration: Connected, *, at_rest: bool) -> Iterator[str]:
        """Tell what does not hold ten minutes after the last fault, or `at_rest`, once a day has passed."""


class FurtherWarehouse(Protocol):
    """A warehouse and who works there.

    Args:
        name: of the warehouse's entry point.
        plugin: what that names; an object, and it need not tell what is decided later (`answers_since`).
        service: a shipping service of it.
    """

    name: str
    plugin: Any
    service: str

    def receive(self, account: str, sku: str, units: int) -> None:
        """Take units in, of an account by its code."""

    def free(self, account: str) -> Mapping[str, int]:
        """Return the units per SKU that none of its open orders needs."""

    def accepted(self, number: str) -> bool:
        """Return whether it has said yes to an order."""

    def doings(self, account: str, rng: random.Random) -> Mapping[Doing, int]:
        """Return what happens in the warehouse, and how often beside the rest."""

    def heal(self, account: str) -> None:
        """Decide what is open, and from now on at once."""

    def breaches(self, platform: Platform, integration: Connected, *, at_rest: bool) -> Iterator[str]:
        """Tell what does not hold ten minutes after the last fault, or `at_rest`, once a day has passed."""


@dataclass(frozen=True)
class CartInPlay:
    """A further cart in a world, and the store that is connected to it."""

    cart: FurtherCart
    integration: Connected


@dataclass(frozen=True)
class Yard:
    """A further warehouse in a world, its only account by code, and the store that ships from it."""

    warehouse: FurtherWarehouse
    code: str
    integration: Connected


@dataclass(frozen=True)
class Further:
    """The plugins that were named on the command line."""

    carts: tuple[Callable[[VirtualClock], FurtherCart], ...] = ()
    warehouses: tuple[Callable[[VirtualClock], FurtherWarehouse], ...] = ()

    @staticmethod
    def load(carts: Sequence[str], warehouses: Sequence[str]) -> Further:
        """Import modules by name.

        Raises:
            ValueError: one is not there, or makes nothing for the explorer.
        """
        return Further(
            tuple(_made_by(module, _MAKES_CART) for module in carts),
            tuple(_made_by(module, _MAKES_WAREHOUSE) for module in warehouses),
        )


def _made_by(module: str, function: str) -> Any:
    try:
        return getattr(importlib.import_module(module), function)
    except ImportError as error:
        raise ValueError(f"{module} cannot be imported: {error}") from error
    except AttributeError:
        raise ValueError(f"{module} has no function {function}(clock): it says how the plugin is explored") from None


NOTHING_FURTHER = Further()
