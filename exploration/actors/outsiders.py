"""The people at further carts' shops and in further warehouses: what they do, their modules say."""

from __future__ import annotations

import random

from exploration.actors.doings import Doings
from exploration.world import World


class Outsiders:
    """One of them does something."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._rng = rng
        self._all = [
            *(Doings(entry.cart.name, entry.cart.doings(rng), world, rng) for entry in world.further_carts),
            *(Doings(yard.warehouse.name, yard.warehouse.doings(yard.code, rng), world, rng) for yard in world.yards),
        ]

    def act(self) -> bool:
        """Do one thing that can be done."""
        return self._rng.choice(self._all).act()
