"""Token buckets, both stores, against a plain bucket that is topped up by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
import redis
from hypothesis import given, settings, strategies as st

from is2_core.clock import VirtualClock
from is2_core.ratelimit import MemoryBuckets, RedisBuckets

START = datetime(2026, 11, 23, tzinfo=UTC)


class PlainBucket:
    """The textbook's token bucket, in exact numbers."""

    def __init__(self, rate: Fraction, burst: int) -> None:
        self.rate, self.burst, self.tokens, self.at = rate, burst, Fraction(burst), Fraction(0)

    def take(self, at: Fraction) -> Fraction:
        """0 where a token was taken, else the seconds until there is one."""
        self.tokens = min(Fraction(self.burst), self.tokens + (at - self.at) * self.rate)
        self.at = at
        if self.tokens >= 1:
            self.tokens -= 1
            return Fraction(0)
        return (1 - self.tokens) / self.rate


rates = st.sampled_from([Fraction(1, 100), Fraction(1, 2), Fraction(2), Fraction(50)])
pauses = st.lists(st.integers(min_value=0, max_value=400_000), max_size=60)


@given(rates, st.integers(min_value=1, max_value=20), pauses)
@settings(max_examples=100, deadline=None)
def test_memory_buckets_agree_with_a_plain_one(rate: Fraction, burst: int, waits_ms: list[int]) -> None:
    clock, plain, at = VirtualClock(START), PlainBucket(rate, burst), Fraction(0)
    buckets = MemoryBuckets(clock)
    for wait_ms in waits_ms:
        clock.advance(timedelta(milliseconds=wait_ms))
        at += Fraction(wait_ms, 1000)
        assert buckets.take("key", float(rate), burst) == pytest.approx(float(plain.take(at)), abs=1e-4)


class RedisAt:
    """A connection whose scripts see a time of the test's choosing instead of the server's."""

    def __init__(self, connection: redis.Redis) -> None:
        self._connection = connection
        self.ms = 1_700_000_000_000

    def register_script(self, script: str) -> object:
        assert script.count("redis.call('TIME')") == 1
        given = script.replace("redis.call('TIME')", "{tonumber(ARGV[#ARGV]) / 1000, 0}")
        # A whole number of milliseconds survives the division and the script's own multiplication.
        registered = self._connection.register_script(given)
        return lambda keys, args: registered(keys=keys, args=[*args, self.ms])


@given(rates, st.integers(min_value=1, max_value=20), pauses)
@settings(max_examples=60, deadline=None)
def test_redis_buckets_agree_with_a_plain_one(
    redis_server: str, rate: Fraction, burst: int, waits_ms: list[int]
) -> None:
    with redis.Redis.from_url(redis_server) as connection:
        connection.flushall()
        server, plain, at = RedisAt(connection), PlainBucket(rate, burst), Fraction(0)
        buckets = RedisBuckets(server)  # type: ignore[arg-type]
        for wait_ms in waits_ms:
            server.ms += wait_ms
            at += Fraction(wait_ms, 1000)
            # Redis counts in whole milliseconds and rounds a wait up.
            assert buckets.take("key", float(rate), burst) == pytest.approx(float(plain.take(at)), abs=2e-3)


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_a_refusal_of_the_cart_empties_the_bucket(kind: str, redis_url: str, clock: VirtualClock) -> None:
    buckets = MemoryBuckets(clock) if kind == "memory" else RedisBuckets(redis.Redis.from_url(redis_url))
    assert buckets.take("key", 0.01, 20) == 0
    buckets.empty("key", 0.01, 20, 100)
    assert buckets.take("key", 0.01, 20) == pytest.approx(100, abs=1)
    assert buckets.take("another key", 0.01, 20) == 0


def test_redis_buckets_take_the_servers_time_and_forget_in_time(redis_url: str) -> None:
    connection = redis.Redis.from_url(redis_url)
    buckets = RedisBuckets(connection)
    assert [buckets.take("key", 0.01, 2) for _ in range(2)] == [0, 0]
    assert buckets.take("key", 0.01, 2) == pytest.approx(100, abs=1)
    # Gone by itself soon after the bucket is full again.
    assert 195_000 < connection.pttl("is2:bucket:key") <= 201_000


def test_a_wiped_redis_starts_with_full_buckets(redis_url: str) -> None:
    connection = redis.Redis.from_url(redis_url)
    buckets = RedisBuckets(connection)
    assert buckets.take("key", 0.01, 1) == 0
    assert buckets.take("key", 0.01, 1) > 0
    connection.flushall()
    connection.script_flush()
    assert buckets.take("key", 0.01, 1) == 0
