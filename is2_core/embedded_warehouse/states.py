"""States of a warehouse order."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


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


OPEN: Final = (WarehouseState.PENDING, WarehouseState.IN_PROCESS, WarehouseState.BACK_ORDER, WarehouseState.ON_HOLD)
ENDED: Final = (WarehouseState.COMPLETED, WarehouseState.CANCELLED)
# Units are set aside for them. A back order waits for units that are not there, and a hold may last: others are packed
# meanwhile.
RESERVING: Final = (WarehouseState.PENDING, WarehouseState.IN_PROCESS)
# A parcel that is packed, or taken back, makes them one that is being packed.
BEGUN_BY_A_PARCEL: Final = (WarehouseState.PENDING, WarehouseState.COMPLETED)
