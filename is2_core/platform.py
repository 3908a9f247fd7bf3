"""The platform as one value: configuration, database, the four ports, carts and warehouses."""

from __future__ import annotations

from dataclasses import dataclass

import redis

from is2_core.carts import CartRegistry
from is2_core.clock import Clock, OffsetClock, WallClock
from is2_core.config import Config
from is2_core.db import Database
from is2_core.db.types import use_keyring
from is2_core.ratelimit import BucketStore, RedisBuckets
from is2_core.transport import RequestsTransport, Transport
from is2_core.warehouse.embedded import EmbeddedWarehouse
from is2_core.warehouse.interface import Warehouse


@dataclass(frozen=True)
class Platform:
    """What flows and tasks work with. Clock, transport and bucket store are ports (the fourth, the bell,
    belongs to the dispatcher alone)."""

    config: Config
    db: Database
    clock: Clock
    transport: Transport
    buckets: BucketStore
    carts: CartRegistry
    warehouses: dict[str, Warehouse]

    def warehouse(self, target: str) -> Warehouse:
        """The warehouse an integration's `wms_target` names."""
        return self.warehouses[target]


def build_platform(
    config: Config,
    *,
    clock: Clock | None = None,
    transport: Transport | None = None,
    buckets: BucketStore | None = None,
    carts: CartRegistry | None = None,
    db: Database | None = None,
) -> Platform:
    """The platform of this process, with any of the ports replaced. Opens no connection."""
    use_keyring(config.keyring)
    database = db or Database(config.database_url)
    the_clock = clock or (OffsetClock(database) if config.clock_offset else WallClock())
    return Platform(
        config=config,
        db=database,
        clock=the_clock,
        transport=transport or RequestsTransport(),
        buckets=buckets or RedisBuckets(redis.Redis.from_url(config.redis_url)),
        carts=carts or CartRegistry.load(),
        warehouses={"embedded": EmbeddedWarehouse(database, the_clock)},
    )
