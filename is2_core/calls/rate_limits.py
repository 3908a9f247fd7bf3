"""The bucket store port: token buckets, shared by all workers.

GCRA on the server's clock: a single stored time per bucket says when it will be full again, so a wiped or
restarted Redis merely starts with full buckets, and with the rates that are published.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import redis

from is2_core.clock import Clock

# A store counts among those that share a bucket until it has not asked for so long.
ACTIVE_S = 60
# A part holds at least so many tokens, however many share: work whose calls only count together has two of them, and
# would else never have both.
LEAST_PART = 2
# A rate told by the cart holds for so long after it was told last.
LEARNED_S = 86_400

_COMMON = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function emission_of(key, declared)
  return tonumber(redis.call('GET', key .. ':emission') or declared)
end
local function keep(key, at)
  redis.call('SET', key, string.format('%.3f', at), 'PX', math.ceil(at - now) + 1000)
end
-- Never farther away than an empty bucket is from full: beyond that, Redis's clock was put back.
local function full_at(key, longest)
  local at = math.max(tonumber(redis.call('GET', key) or 0), now)
  if at > now + longest + 1 then
    at = now + longest
    keep(key, at)
  end
  return at
end
"""

_TAKE = (
    _COMMON
    + f"local active_ms, least = {ACTIVE_S * 1000}, {LEAST_PART}"
    + """
local taken, longest = {}, 0
local function ask(key, emission, burst, kept)
  local at = full_at(key, burst * emission) + emission
  longest = math.max(longest, at - (burst - kept) * emission - now)
  taken[#taken + 1] = {key, at}
end
for i, key in ipairs(KEYS) do
  local emission, burst = emission_of(key, ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2])
  local spender, kept = ARGV[4 * i - 1], tonumber(ARGV[4 * i])
  ask(key, emission, burst, kept)
  if spender ~= '' then
    local active = key .. ':active'
    redis.call('ZREMRANGEBYSCORE', active, '-inf', now - active_ms)
    redis.call('ZREMRANGEBYSCORE', active, now + active_ms, '+inf')
    redis.call('ZADD', active, now, spender)
    redis.call('PEXPIRE', active, active_ms)
    local stores = redis.call('ZCARD', active)
    ask(key .. ':' .. spender, emission * stores, math.max(least, math.floor(burst / stores)), 0)
  end
end
if longest > 0 then return math.ceil(longest) end
for _, pair in ipairs(taken) do keep(pair[1], pair[2]) end
return 0
"""
)

_EMPTY = (
    _COMMON
    + """
local declared = tonumber(ARGV[1])
if emission_of(KEYS[1], declared) < declared then redis.call('DEL', KEYS[1] .. ':emission') end
keep(KEYS[1], now + tonumber(ARGV[2]) * emission_of(KEYS[1], declared))
return 0
"""
)

_LEARN = (
    _COMMON
    + """
local before, after = emission_of(KEYS[1], ARGV[1]), tonumber(ARGV[2])
if before ~= after then keep(KEYS[1], now + (full_at(KEYS[1], ARGV[4] * before) - now) * after / before) end
redis.call('SET', KEYS[1] .. ':emission', ARGV[2], 'PX', ARGV[3])
return 0
"""
)

# As text: a number would be cut to a whole one.
_REFILL = (
    _COMMON
    + """
local stores = ARGV[2] == '' and 1 or math.max(1, redis.call('ZCARD', KEYS[1] .. ':active'))
return tostring(stores * emission_of(KEYS[1], ARGV[1]))
"""
)


class BucketsAway(Exception):
    """The bucket store does not answer; nothing is known of the budget."""


@dataclass(frozen=True)
class Budget:
    """A bucket and its published size.

    Args:
        key: whose it is, and for what.
        rate_per_s, burst: tokens added each second, and the most it holds.
        kept: tokens that are left alone, for people who wait.
        spender: set where several share the bucket: who asks. Each of those that asked in the last ACTIVE_S seconds
            gets the same part of it, so that none starves the others.
    """

    key: str
    rate_per_s: float
    burst: int
    spender: str = ""
    kept: int = 0


class BucketStore(Protocol):
    """Where the buckets are."""

    def take(self, budgets: Sequence[Budget]) -> float:
        """Take one token out of each; returns 0.0, or the seconds until all have one (then none was taken).

        Raises:
            BucketsAway: the store does not answer.
        """
        ...

    def empty(self, budget: Budget) -> None:
        """The cart said it is out of budget: the next token comes with the next refill, at the published rate where a
        faster one was told."""
        ...

    def learn(self, budget: Budget, rate_per_s: float) -> None:
        """The cart said how fast this bucket is refilled at present."""
        ...

    def refill_s(self, budget: Budget) -> float:
        """Seconds that one token takes to come back at present, for a spender in its part; by the published rate where
        the store is away."""
        ...


class RedisBuckets:
    """Buckets in Redis, on its clock."""

    def __init__(self, connection: redis.Redis) -> None:
        self._take = connection.register_script(_TAKE)
        self._empty = connection.register_script(_EMPTY)
        self._learn = connection.register_script(_LEARN)
        self._refill = connection.register_script(_REFILL)

    def take(self, budgets: Sequence[Budget]) -> float:
        arguments: list[str | float] = []
        for budget in budgets:
            arguments += [1000 / budget.rate_per_s, budget.burst, budget.spender, budget.kept]
        try:
            wait_ms = self._take(keys=[_name(budget) for budget in budgets], args=arguments)
        except redis.RedisError as error:
            raise BucketsAway(type(error).__name__) from error
        return float(wait_ms) / 1000

    def empty(self, budget: Budget) -> None:
        # Without the store the cart's own refusals limit us; the next take says that it is away.
        with suppress(redis.RedisError):
            self._empty(keys=[_name(budget)], args=[1000 / budget.rate_per_s, budget.burst])

    def learn(self, budget: Budget, rate_per_s: float) -> None:
        with suppress(redis.RedisError):
            self._learn(
                keys=[_name(budget)], args=[1000 / budget.rate_per_s, 1000 / rate_per_s, LEARNED_S * 1000, budget.burst]
            )

    def refill_s(self, budget: Budget) -> float:
        with suppress(redis.RedisError):
            return float(self._refill(keys=[_name(budget)], args=[1000 / budget.rate_per_s, budget.spender])) / 1000
        return 1 / budget.rate_per_s


def _name(budget: Budget) -> str:
    return f"is2:bucket:{budget.key}"


class MemoryBuckets:
    """The same arithmetic in this process, on a given clock: for the explorer and unit tests."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._full_at: dict[str, float] = {}
        self._learned: dict[str, tuple[float, float]] = {}
        self._active: dict[str, dict[str, float]] = {}

    def take(self, budgets: Sequence[Budget]) -> float:
        now = self._clock.now().timestamp()
        asked: list[tuple[str, float]] = []
        longest = 0.0
        for budget in budgets:
            emission = self._emission(budget, now)
            parts = [(budget.key, emission, budget.burst, budget.kept)]
            if budget.spender:
                stores = self._stores(budget, now)
                burst = max(LEAST_PART, budget.burst // stores)
                parts.append((f"{budget.key}:{budget.spender}", emission * stores, burst, 0))
            for key, each, burst, kept in parts:
                at = self._when_full(key, burst * each, now) + each
                longest = max(longest, at - (burst - kept) * each - now)
                asked.append((key, at))
        # A millionth of a second: timestamps as floats do not carry more.
        if longest > 1e-6:
            return longest
        self._full_at.update(asked)
        return 0.0

    def empty(self, budget: Budget) -> None:
        now = self._clock.now().timestamp()
        if self._emission(budget, now) < 1 / budget.rate_per_s:
            del self._learned[budget.key]
        self._full_at[budget.key] = now + budget.burst * self._emission(budget, now)

    def learn(self, budget: Budget, rate_per_s: float) -> None:
        now = self._clock.now().timestamp()
        before, after = self._emission(budget, now), 1 / rate_per_s
        left = self._when_full(budget.key, budget.burst * before, now) - now
        self._full_at[budget.key] = now + left * after / before
        self._learned[budget.key] = (after, now + LEARNED_S)

    def refill_s(self, budget: Budget) -> float:
        now = self._clock.now().timestamp()
        return self._emission(budget, now) * (self._stores(budget, now) if budget.spender else 1)

    def _when_full(self, key: str, longest: float, now: float) -> float:
        if self._full_at.get(key, 0.0) > now + longest:
            self._full_at[key] = now + longest
        return max(self._full_at.get(key, 0.0), now)

    def _emission(self, budget: Budget, now: float) -> float:
        emission, until = self._learned.get(budget.key, (0.0, 0.0))
        return emission if until > now else 1 / budget.rate_per_s

    def _stores(self, budget: Budget, now: float) -> int:
        active = self._active.setdefault(budget.key, {})
        active[budget.spender] = now
        for name in [name for name, seen in active.items() if abs(now - seen) >= ACTIVE_S]:
            del active[name]
        return len(active)
