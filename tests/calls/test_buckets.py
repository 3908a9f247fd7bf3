"""Token buckets, both stores, against a plain bucket that is topped up by hand."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
import redis
from hypothesis import given, settings, strategies as st

from is2_core import bootstrap
from is2_core.calls.carts import CartRegistry
from is2_core.calls.rate_limits import (
    ACTIVE_S,
    LEARNED_S,
    BucketsAway,
    BucketStore,
    Budget,
    MemoryBuckets,
    RedisBuckets,
)
from is2_core.clock import VirtualClock
from tests.conftest import make_config

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
        assert buckets.take([Budget("key", float(rate), burst)]) == pytest.approx(float(plain.take(at)), abs=1e-4)


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
            assert buckets.take([Budget("key", float(rate), burst)]) == pytest.approx(float(plain.take(at)), abs=2e-3)


Timed = tuple[BucketStore, Callable[[float], None]]


@pytest.fixture(params=["memory", "redis"])
def timed(request: pytest.FixtureRequest, redis_url: str, clock: VirtualClock) -> Timed:
    """A bucket store, and how to let seconds pass for it."""
    if request.param == "memory":
        return MemoryBuckets(clock), lambda seconds: clock.advance(timedelta(seconds=seconds))
    server = RedisAt(redis.Redis.from_url(redis_url))

    def pass_time(seconds: float) -> None:
        server.ms += round(seconds * 1000)

    return RedisBuckets(server), pass_time  # type: ignore[arg-type]


LISTING = Budget("key", 0.01, 20)


def test_a_refusal_of_the_cart_empties_the_bucket(timed: Timed) -> None:
    buckets, _ = timed
    assert buckets.take([LISTING]) == 0
    buckets.empty(LISTING)
    assert buckets.take([LISTING]) == pytest.approx(100, abs=0.01)
    assert buckets.take([Budget("another key", 0.01, 20)]) == 0


def test_a_rate_the_cart_tells_takes_the_place_of_the_published_one(timed: Timed) -> None:
    buckets, pass_time = timed
    while buckets.take([LISTING]) == 0:
        pass
    assert buckets.take([LISTING]) == pytest.approx(100, abs=0.01)
    buckets.learn(LISTING, 0.1)
    assert buckets.take([LISTING]) == pytest.approx(10, abs=0.01)
    pass_time(25)
    assert [buckets.take([LISTING]) for _ in range(3)] == [0, 0, pytest.approx(5, abs=0.01)]
    buckets.learn(LISTING, 0.01)
    assert buckets.take([LISTING]) == pytest.approx(50, abs=0.01)


def test_how_long_a_call_takes_to_come_back_follows_the_rate_that_was_told(timed: Timed) -> None:
    buckets, _ = timed
    assert buckets.refill_s(LISTING) == pytest.approx(100)
    buckets.learn(LISTING, 0.001)
    assert buckets.refill_s(LISTING) == pytest.approx(1000)
    assert buckets.refill_s(Budget("another key", 0.01, 20)) == pytest.approx(100)


def test_a_call_of_a_shared_budget_comes_back_the_slower_the_more_share_it(timed: Timed) -> None:
    buckets, _ = timed
    mine, other = (replace(LISTING, spender=name) for name in ("mine", "other"))
    assert buckets.take([mine]) == 0
    assert buckets.refill_s(mine) == pytest.approx(100)
    assert buckets.take([other]) == 0
    assert buckets.refill_s(mine) == pytest.approx(200)
    assert buckets.refill_s(LISTING) == pytest.approx(100)


@pytest.mark.parametrize(("told", "wait_s"), [(0.5, 100), (0.005, 200)])
def test_a_refusal_counts_by_the_slower_of_the_rates(timed: Timed, told: float, wait_s: float) -> None:
    buckets, _ = timed
    buckets.learn(LISTING, told)
    buckets.empty(LISTING)
    assert buckets.take([LISTING]) == pytest.approx(wait_s, abs=0.01)


def test_a_rate_that_was_told_long_ago_is_forgotten(clock: VirtualClock) -> None:
    buckets = MemoryBuckets(clock)
    buckets.learn(LISTING, 10)
    clock.advance(timedelta(seconds=LEARNED_S + 1))
    buckets.empty(LISTING)
    assert buckets.take([LISTING]) == pytest.approx(100, abs=0.01)


def test_nothing_is_taken_from_one_bucket_where_the_other_is_empty(timed: Timed) -> None:
    buckets, pass_time = timed
    own, shared = Budget("own", 0.1, 5), Budget("shared", 1, 1, spender="one")
    assert buckets.take([own, shared]) == 0
    assert buckets.take([own, shared]) == pytest.approx(1, abs=0.01)
    pass_time(1)
    assert [buckets.take([own]) for _ in range(4)] == [0] * 4
    assert buckets.take([own]) > 0


def test_scenario_F63_a_store_alone_has_all_of_a_shared_bucket_and_a_busy_one_starves_nobody(timed: Timed) -> None:
    buckets, pass_time = timed

    def ask(store: str) -> bool:
        return buckets.take([Budget("shared", 1, 10, spender=store)]) == 0

    assert sum(ask("busy") for _ in range(30)) == 10
    assert not ask("quiet")
    got = {"busy": 0, "quiet": 0, "third": 0}
    for _ in range(600):
        pass_time(1)
        # The busy one asks first, and ten times as often.
        for store in ["busy"] * 10 + ["quiet", "third"]:
            got[store] += ask(store)
    assert sum(got.values()) >= 590
    assert all(190 <= count <= 215 for count in got.values()), got


def test_scenario_F64_more_stores_than_tokens_each_get_the_two_that_only_count_together(timed: Timed) -> None:
    buckets, pass_time = timed
    waiting = dict.fromkeys((f"store {number}" for number in range(60)), 0.0)
    for second in range(60):
        for store in [store for store, due in waiting.items() if due <= second]:
            shared = Budget("shared", 10, 20, spender=store)
            if wait := buckets.take([shared]) or buckets.take([shared]):
                waiting[store] = second + 2 * wait
            else:
                del waiting[store]
        pass_time(1)
    assert waiting == {}


def test_a_store_that_stopped_asking_leaves_its_part_to_the_others(timed: Timed) -> None:
    buckets, pass_time = timed
    shared = [Budget("shared", 1, 10, spender=name) for name in ("one", "two")]
    for budget in shared:
        buckets.take([budget])
    pass_time(ACTIVE_S + 1)
    assert sum(buckets.take([shared[0]]) == 0 for _ in range(20)) == 10


def test_redis_buckets_take_the_servers_time_and_forget_in_time(redis_url: str) -> None:
    connection = redis.Redis.from_url(redis_url)
    buckets, budget = RedisBuckets(connection), Budget("key", 0.01, 2)
    assert [buckets.take([budget]) for _ in range(2)] == [0, 0]
    assert buckets.take([budget]) == pytest.approx(100, abs=1)
    # Gone by itself soon after the bucket is full again.
    assert 195_000 < connection.pttl("is2:bucket:key") <= 201_000
    buckets.learn(budget, 0.02)
    assert 0 < connection.pttl("is2:bucket:key:emission") <= LEARNED_S * 1000


def test_a_wiped_redis_starts_with_full_buckets(redis_url: str) -> None:
    connection = redis.Redis.from_url(redis_url)
    buckets, budget = RedisBuckets(connection), Budget("key", 0.01, 1)
    assert buckets.take([budget]) == 0
    assert buckets.take([budget]) > 0
    connection.flushall()
    connection.script_flush()
    assert buckets.take([budget]) == 0


def test_a_redis_that_accepts_and_never_answers_is_away_within_seconds(
    sqlite_url: str, carts: CartRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "_REDIS_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = make_config(sqlite_url, f"redis://127.0.0.1:{listener.getsockname()[1]}")
        buckets = bootstrap.build_platform(config, carts=carts).buckets
        started = time.monotonic()
        with pytest.raises(BucketsAway):
            buckets.take([Budget("a", 1, 1)])
        assert time.monotonic() - started < 2


def test_what_is_kept_for_people_is_left_alone_by_background_work(timed: Timed) -> None:
    buckets, _ = timed
    ours = Budget("kept", 0.5, 10, kept=3)
    assert [buckets.take([ours]) for _ in range(7)] == [0.0] * 7
    assert 1 < buckets.take([ours]) <= 2
    person = replace(ours, kept=0)
    assert [buckets.take([person]) for _ in range(3)] == [0.0] * 3
    assert buckets.take([person]) > 0
