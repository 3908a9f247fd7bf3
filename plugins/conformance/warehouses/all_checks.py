"""The class an author subclasses, and what its checks have in common."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plugins.conformance.clock import StillClock
from plugins.conformance.warehouses.harness import WarehouseHarness, opened
from plugins.conformance.warehouses.order_checks import OrderChecks
from plugins.conformance.warehouses.stock_checks import StockChecks


class WarehouseConformance(StockChecks, OrderChecks):
    """Subclass it as `TestMyWarehouse`, override what `WarehouseUnderTest` lists, and run pytest.

    Every test has a fresh warehouse, and ends with a look at what was logged meanwhile.
    """

    @pytest.fixture
    def harness(self, caplog: pytest.LogCaptureFixture) -> Iterator[WarehouseHarness]:
        """A warehouse that has ten tents and ten lamps of the first account."""
        caplog.set_level("DEBUG")
        with opened(self, StillClock()) as harness:
            for sku in ("TENT", "LAMP"):
                harness.receive(sku, 10)
            yield harness
        told = [secret for secret in harness.secrets if secret in caplog.text]
        assert not told, f"logged what belongs to a buyer: {told}"
