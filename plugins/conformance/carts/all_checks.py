"""The class an author subclasses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plugins.conformance.carts.fault_checks import FaultChecks
from plugins.conformance.carts.harness import Harness, running
from plugins.conformance.carts.hooks import Hooks
from plugins.conformance.carts.install_checks import InstallChecks
from plugins.conformance.carts.manifest_checks import ManifestChecks
from plugins.conformance.carts.order_checks import ItemChecks, OrderChecks
from plugins.conformance.carts.structure_checks import StructureChecks
from plugins.conformance.carts.write_checks import WriteChecks
from plugins.conformance.clock import StillClock


class CartConformance(
    ManifestChecks, InstallChecks, OrderChecks, ItemChecks, WriteChecks, FaultChecks, StructureChecks
):
    """Subclass it as `TestMyCart`, override what `CartUnderTest` lists, and run pytest.

    Every test has a fresh shop, and ends with a look at all the cart has logged, printed and said meanwhile. A test of
    a hook that the cart leaves out is skipped: it is a capability it lacks.
    """

    @pytest.fixture
    def hooks(self) -> Hooks:
        """The cart's hooks, as the core calls them."""
        return Hooks(self.plugin)

    @pytest.fixture
    def unconnected(self, hooks: Hooks) -> Iterator[Harness]:
        """A running shop, and a store that is not connected yet."""
        with running(self, StillClock(), hooks) as harness:
            yield harness

    @pytest.fixture
    def harness(self, unconnected: Harness) -> Harness:
        """A running shop, and a store connected to it."""
        unconnected.connect()
        return unconnected
