"""What has reached the simulated shop."""

from __future__ import annotations

from tests.support.world import World


def acknowledged(world: World) -> set[str]:
    """The cart's ids of the orders it was told that they are being processed."""
    return {entry for call in world.amazon.calls("feedProcessed") for entry in call["orders_acknowledged"]}
