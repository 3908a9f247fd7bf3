"""The bucket store port: one token bucket per (cart, store or application, operation), shared by all workers.

GCRA on the server's clock: a single stored time per bucket says when it will be full again, so a wiped or
restarted Redis merely starts with full buckets.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

import redis

from is2_core.clock import Clock

_TAKE = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local emission = tonumber(ARGV[1])
local tat = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + emission
local wait = tat - tonumber(ARGV[2]) * emission - now
if wait > 0 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.3f', tat), 'PX', math.ceil(tat - now) + 1000)
return 0
"""

_EMPTY = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local until_full = (tonumber(ARGV[2]) - 1) * tonumber(ARGV[1]) + tonumber(ARGV[3])
redis.call('SET', KEYS[1], string.format('%.3f', now + until_full), 'PX', math.ceil(until_full) + 1000)
return 0
"""


class BucketsAway(Exception):
    """The bucket store does not answer; nothing is known of the budget."""


class BucketStore(Protocol):
    """Where the buckets are."""

    def take(self, key: str, rate_per_s: float, burst: int) -> float:
        """Take one token; returns 0.0, or the seconds until there is one (then none was taken).

        Raises:
            BucketsAway: the store does not answer.
        """
        ...

    def empty(self, key: str, rate_per_s: float, burst: int, wait_s: float) -> None:
        """The cart said it is out of budget: the next token comes in `wait_s` seconds."""
        ...


class RedisBuckets:
    """Buckets in Redis, on its clock."""

    def __init__(self, connection: redis.Redis) -> None:
        self._take = connection.register_script(_TAKE)
        self._empty = connection.register_script(_EMPTY)

    def take(self, key: str, rate_per_s: float, burst: int) -> float:
        try:
            wait_ms = self._take(keys=[f"is2:bucket:{key}"], args=[1000 / rate_per_s, burst])
        except redis.RedisError as error:
            raise BucketsAway(type(error).__name__) from error
        return float(wait_ms) / 1000

    def empty(self, key: str, rate_per_s: float, burst: int, wait_s: float) -> None:
        # Without the store the cart's own refusals limit us; the next take says that it is away.
        with suppress(redis.RedisError):
            self._empty(keys=[f"is2:bucket:{key}"], args=[1000 / rate_per_s, burst, wait_s * 1000])


class MemoryBuckets:
    """The same arithmetic in this process, on a given clock: for the explorer and unit tests."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def take(self, key: str, rate_per_s: float, burst: int) -> float:
        now, emission = self._clock.now().timestamp(), 1 / rate_per_s
        tat = max(self._full_at.get(key, 0.0), now) + emission
        wait = tat - burst * emission - now
        # A millionth of a second: timestamps as floats do not carry more.
        if wait > 1e-6:
            return wait
        self._full_at[key] = tat
        return 0.0

    def empty(self, key: str, rate_per_s: float, burst: int, wait_s: float) -> None:
        self._full_at[key] = self._clock.now().timestamp() + (burst - 1) / rate_per_s + wait_s
