"""The fixtures of the merchant's road."""

from __future__ import annotations

import pytest

from tests.e2e.road import Road
from tests.support.world import World


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """These tests use one kind of database; the functions below are tested on both."""
    return sqlite_url


@pytest.fixture
def road(world: World) -> Road:
    """A merchant before the first step."""
    return Road(world)
