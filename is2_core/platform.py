"""The platform as one value: configuration, database, the four ports, carts and warehouses."""

from __future__ import annotations

from dataclasses import dataclass, field

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from is2_core.carts import CartRegistry
from is2_core.clock import Clock, OffsetClock, WallClock
from is2_core.config import Config
from is2_core.db import Database
from is2_core.db.types import use_keyring
from is2_core.live_limits import LiveCalls
from is2_core.ratelimit import BucketStore, RedisBuckets
from is2_core.transport import RequestsTransport, Transport
from is2_core.warehouse.embedded import EmbeddedWarehouse
from is2_core.warehouse.interface import Warehouse

# Seconds to wait for Redis: a page or a call to a cart waits for it, and what cannot be known is tried again later.
_REDIS_S = 2


@dataclass(frozen=True)
class Platform:
    """What flows and tasks work with. Clock, transport and bucket store are ports (the fourth, wake-ups,
    belong to the dispatcher alone)."""

    config: Config
    db: Database
    clock: Clock
    transport: Transport
    buckets: BucketStore
    carts: CartRegistry
    warehouses: dict[str, Warehouse]
    live_calls: LiveCalls = field(default_factory=LiveCalls)

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
        buckets=buckets or RedisBuckets(_redis(config.redis_url)),
        carts=carts or CartRegistry.load(),
        warehouses={"embedded": EmbeddedWarehouse(database, the_clock)},
    )


def _redis(url: str) -> redis.Redis:
    # Once more at once, for a connection that Redis had closed; the library's own pauses add up to half a minute.
    patience = Retry(NoBackoff(), 1)
    return redis.Redis.from_url(url, socket_timeout=_REDIS_S, socket_connect_timeout=_REDIS_S, retry=patience)
