"""Builds the platform: the only place that names implementations."""

from __future__ import annotations

import logging

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import configure_mappers

from is2_core.audit.record import use_clock
from is2_core.calls.carts import CartRegistry
from is2_core.calls.rate_limits import BucketStore, RedisBuckets
from is2_core.calls.transport import RequestsTransport, Transport
from is2_core.calls.warehouses import WarehouseRegistry
from is2_core.clock import Clock, OffsetClock, WallClock
from is2_core.config import Config
from is2_core.db.engine import Database
from is2_core.db.types import use_keyring
from is2_core.embedded_warehouse.feed import NAME
from is2_core.embedded_warehouse.port import EmbeddedWarehouse
from is2_core.jobs import HANDLERS, SCHEDULES
from is2_core.platform import Platform
from is2_core.tasks.runner import run_next

_log = logging.getLogger(__name__)
# Seconds to wait for Redis: a page or a call to a cart waits for it, and what cannot be known is tried again later.
_REDIS_S = 2


def build_platform(
    config: Config,
    *,
    clock: Clock | None = None,
    transport: Transport | None = None,
    buckets: BucketStore | None = None,
    carts: CartRegistry | None = None,
    warehouses: WarehouseRegistry | None = None,
    db: Database | None = None,
) -> Platform:
    """The platform of this process, with any of the ports replaced. Opens no connection."""
    use_keyring(config.keyring, config.keys)
    database = db or Database(config.database_url)
    the_clock = clock or (OffsetClock(database) if config.clock_offset else WallClock())
    use_clock(the_clock)
    return Platform(
        config=config,
        db=database,
        clock=the_clock,
        transport=transport or RequestsTransport(),
        buckets=buckets or RedisBuckets(_redis(config.redis_url)),
        carts=carts or CartRegistry.load(),
        warehouses=warehouses or _warehouses(database),
        schedules=SCHEDULES,
    )


def _warehouses(database: Database) -> WarehouseRegistry:
    """Our own warehouse, and those of the entry point group; one that fails is listed as broken and hinders nobody."""
    registry = WarehouseRegistry()
    registry.add(NAME, lambda: EmbeddedWarehouse(database))
    registry.load_entry_points()
    return registry


def _redis(url: str) -> redis.Redis:
    # Once more at once, for a connection that Redis had closed; the library's own pauses add up to half a minute.
    patience = Retry(NoBackoff(), 1)
    return redis.Redis.from_url(url, socket_timeout=_REDIS_S, socket_connect_timeout=_REDIS_S, retry=patience)


_platform: Platform | None = None


def prepare() -> Platform:
    """This process's platform: carts, tables and the database's driver are loaded before forking, no connection is
    opened."""
    global _platform
    if _platform is None:
        # Otherwise every forked child would do it again, in twice the time its task takes.
        configure_mappers()
        _platform = build_platform(Config.from_environment())
        _platform.db.load()
    return _platform


def ensure_schedules(platform: Platform) -> None:
    """Make the rows of all that comes due by itself (`jobs.py:JOBS`), at the start of a process, any number of them at
    once; a process starts also where the database does not let it."""
    try:
        SCHEDULES.ensure_all(platform)
    except DBAPIError as error:
        _log.warning("no schedules were made (%s); the dispatcher makes them", type(error).__name__)


def perform() -> bool:
    """Run the task whose turn it is, if one is due; returns whether this process may go on with another."""
    run = run_next(prepare(), HANDLERS)
    return run is not None and not run.broke_off
