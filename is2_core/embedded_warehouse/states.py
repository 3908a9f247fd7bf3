"""States of a warehouse order."""

from __future__ import annotations

from enum import StrEnum


class WarehouseState(StrEnum):
    """Where a warehouse order stands; `label` is what the pages show."""

    PENDING = "PENDING"
    IN_PROCESS = "IN_PROCESS"
    BACK_ORDER = "BACK_ORDER"
    ON_HOLD = "ON_HOLD"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"

    @property
    def label(self) -> str:
        """The words users know."""
        return self.value.replace("_", " ").title()
