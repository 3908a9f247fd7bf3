from __future__ import annotations

from collections.abc import Iterator

import pytest

from is2_core.clock import VirtualClock
from is2_core.platform import Platform
from tests.support.amazon import SimulatedAmazon, simulated_amazon
from tests.support.world import World


@pytest.fixture
def amazon(clock: VirtualClock) -> Iterator[SimulatedAmazon]:
    with simulated_amazon(clock) as running:
        yield running


@pytest.fixture
def world(platform: Platform, clock: VirtualClock, amazon: SimulatedAmazon) -> World:
    return World(platform, clock, amazon)
