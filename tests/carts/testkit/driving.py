"""Runs single tests of the conformance kit on a cart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from plugins.conformance.carts.harness import Harness, running
from plugins.conformance.carts.hooks import Hooks
from plugins.interface import CartError
from plugins.testkit import StillClock
from tests.carts.testkit.broken_carts import SEEN
from tests.carts.tiny_conformance import TinyConformance

FAILURE = (AssertionError, CartError, pytest.fail.Exception)


def conformance_of(plugin: Any) -> TinyConformance:
    """The tests of a cart made of Tiny."""
    kit = TinyConformance()
    kit.plugin = plugin
    return kit


@contextmanager
def store_of(plugin: Any) -> Iterator[tuple[TinyConformance, Harness]]:
    """A connected store of a cart and the tests it has to pass."""
    SEEN.clear()
    kit = conformance_of(plugin)
    with running(kit, StillClock(), Hooks(plugin)) as harness:
        harness.connect()
        yield kit, harness


def check(plugin: Any, test: str, **arguments: Any) -> None:
    """Run one test of the kit on a cart."""
    with store_of(plugin) as (kit, harness):
        getattr(kit, test)(harness, **arguments)
