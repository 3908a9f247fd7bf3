"""The platform as one value: configuration, database, the four ports, carts and warehouses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy.orm import Session

from is2_core.calls.carts import CartRegistry
from is2_core.calls.live_limits import LiveCalls
from is2_core.calls.rate_limits import BucketStore
from is2_core.calls.transport import Transport
from is2_core.calls.warehouses import WarehouseRegistry
from is2_core.clock import Clock
from is2_core.config import Config
from is2_core.db.engine import Database


class Schedules(Protocol):
    """The work that comes due by itself: `jobs.py` says which, and when."""

    def ensure(self, platform: Platform, session: Session, integration_id: int) -> None:
        """Give an integration the schedules that its settings ask for, inside the transaction that changes them."""
        ...


@dataclass(frozen=True)
class Platform:
    """Everything the core and the panel work with. Clock, transport and bucket store are ports (the fourth, wake-ups,
    belong to the dispatcher alone)."""

    config: Config
    db: Database
    clock: Clock
    transport: Transport
    buckets: BucketStore
    carts: CartRegistry
    warehouses: WarehouseRegistry
    schedules: Schedules
    live_calls: LiveCalls = field(default_factory=LiveCalls)
