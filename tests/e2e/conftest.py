"""The fixtures of the merchant's journey."""

from __future__ import annotations

import pytest

from tests.e2e.journey import Journey
from tests.support.world import World


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """These tests use one kind of database; the functions below are tested on both."""
    return sqlite_url


@pytest.fixture
def journey(world: World) -> Journey:
    """A merchant before the first step."""
    return Journey(world)
