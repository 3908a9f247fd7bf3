"""The answers an author gives the kit about a warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import pytest

from plugins.conformance.clock import StillClock
from plugins.warehouse import WarehouseContext, WarehouseSettings


class WarehouseUnderTest:
    """Overridden by the author. Whatever `warehouse` yields is the plugin, and is handed to the methods below.

    Args:
        accounts: codes of two merchants the warehouse serves.
        service: the code of a service it offers.
    """

    accounts: tuple[str, str] = ("NORTHWIND", "CONTOSO")
    service: str = "GROUND"

    def warehouse(self, clock: StillClock) -> AbstractContextManager[Any]:
        """A fresh warehouse that has nothing of either account."""
        raise NotImplementedError("override warehouse(): a context manager that yields the plugin")

    def settings(self) -> WarehouseSettings:
        """Return the settings an administrator would have filled in."""
        return WarehouseSettings()

    def receive(self, plugin: Any, ctx: WarehouseContext, sku: str, units: int) -> None:
        """Have units of a SKU, new or known, arrive for the account of the context."""
        raise NotImplementedError("override receive(): book units in")

    def ship(self, plugin: Any, ctx: WarehouseContext, number: str, units: Mapping[str, int], tracking: str) -> None:
        """Have a package of an accepted order shipped, with these units by SKU."""
        raise NotImplementedError("override ship(): ship a package")

    def decide(self, plugin: Any, ctx: WarehouseContext, number: str, *, accept: bool) -> None:
        """Have the warehouse decide about what it answered Pending: take an order or refuse it, stop it or not."""
        pytest.skip("override decide() to have pending answers checked")

    def end(self, plugin: Any, ctx: WarehouseContext, number: str, message: str) -> None:
        """Have the warehouse end an open order by itself."""
        pytest.skip("override end() to have orders checked that the warehouse ends")
