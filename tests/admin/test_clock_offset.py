"""The clock of a trial: real time plus an offset that every process reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts import users
from is2_core.accounts.models import Credential, Integration
from is2_core.admin import clock_offset
from is2_core.bootstrap import build_platform
from is2_core.calls.carts import CartRegistry
from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.clock import OffsetClock, VirtualClock, WallClock
from is2_core.config import Config
from is2_core.db.types import seal
from is2_core.errors import BadInput, Forbidden
from is2_core.platform import Platform
from is2_core.tasks.dispatcher import tick
from is2_core.tasks.models import Task
from is2_core.tasks.queue import enqueue
from is2_core.tasks.states import TaskState
from tests.conftest import KEYS, make_config
from tests.support.world import NotedWakeups

HALF_A_DAY = timedelta(hours=12)
SLACK = timedelta(minutes=5)


class Seconds:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        return self.passed


@pytest.fixture
def trial(database_url: str, carts: CartRegistry, clock: VirtualClock) -> Iterator[Platform]:
    """A platform whose clock may be moved."""
    config = replace(make_config(database_url), clock_offset=True)
    made = build_platform(config, buckets=MemoryBuckets(clock), carts=carts)
    yield made
    made.db.dispose()


def is_ahead(moment: datetime, by: timedelta) -> bool:
    return abs(moment - datetime.now(UTC) - by) < SLACK


def database_now(platform: Platform) -> datetime:
    with platform.db.read() as session:
        return platform.clock.database_now(session)


def test_only_a_trial_gets_a_clock_that_moves(trial: Platform, carts: CartRegistry, database_url: str) -> None:
    assert isinstance(trial.clock, OffsetClock)
    production = build_platform(make_config(database_url), buckets=trial.buckets, carts=carts)
    assert isinstance(production.clock, WallClock)
    with pytest.raises(Forbidden):
        clock_offset.advance(production, HALF_A_DAY)
    assert clock_offset.offset_of(trial) == timedelta(0)


def test_the_flag_is_read_from_the_environment() -> None:
    environment = {
        "IS2_DATABASE_URL": "sqlite:///is2.db",
        "IS2_REDIS_URL": "redis://127.0.0.1:1",
        "IS2_ENCRYPTION_KEYS": KEYS,
        "IS2_SESSION_SECRET": "a session secret for tests, 40 letters",
    }
    assert Config.from_environment(environment).clock_offset is False
    assert Config.from_environment({**environment, "IS2_CLOCK_OFFSET": "1"}).clock_offset is True


def test_both_times_are_moved_and_add_up(trial: Platform) -> None:
    assert is_ahead(trial.clock.now(), timedelta(0))
    assert is_ahead(clock_offset.advance(trial, HALF_A_DAY), HALF_A_DAY)
    clock_offset.advance(trial, timedelta(days=3))
    expected = HALF_A_DAY + timedelta(days=3)
    assert clock_offset.offset_of(trial) == expected
    assert is_ahead(database_now(trial), expected)
    assert is_ahead(trial.clock.now(), expected)


def test_other_processes_hear_of_it_within_a_second(trial: Platform) -> None:
    seconds = Seconds()
    other = OffsetClock(trial.db, seconds)
    assert is_ahead(other.now(), timedelta(0))
    clock_offset.advance(trial, HALF_A_DAY)
    assert is_ahead(other.now(), timedelta(0)), "what was read a moment ago is not read again"
    seconds.passed = 1.0
    assert is_ahead(other.now(), HALF_A_DAY)


def test_leases_are_decided_by_what_is_stored_not_by_what_is_remembered(trial: Platform) -> None:
    other = OffsetClock(trial.db, Seconds())
    other.now()
    clock_offset.advance(trial, HALF_A_DAY)
    with trial.db.write() as session:
        assert is_ahead(other.database_now(session), HALF_A_DAY)


def test_the_time_can_be_asked_for_inside_a_unit_of_work(trial: Platform) -> None:
    clock_offset.advance(trial, HALF_A_DAY)
    with trial.db.write():
        assert is_ahead(OffsetClock(trial.db).now(), HALF_A_DAY)


def test_no_running_task_loses_its_lease(trial: Platform) -> None:
    account = users.create_account(trial, "Northwind")
    with trial.db.write() as session:
        now = trial.clock.database_now(session)
        for kind in ("running", "waiting"):
            enqueue(session, kind=kind, account_id=account, now=now)
    with trial.db.write() as session:
        lease = {"state": TaskState.RUNNING, "lease_until": now + timedelta(seconds=60)}
        session.execute(sa.update(Task).where(Task.kind == "running").values(**lease))
    clock_offset.advance(trial, HALF_A_DAY)
    done = tick(trial, NotedWakeups())
    assert (done.recovered, done.due) == (0, 1)
    with trial.db.read() as session:
        tasks = {task.kind: task for task in session.scalars(sa.select(Task))}
    assert tasks["running"].state == TaskState.RUNNING
    assert tasks["running"].lease_until == now + timedelta(seconds=60) + HALF_A_DAY


def test_who_mints_a_token_goes_on_minting_alone(trial: Platform) -> None:
    account = users.create_account(trial, "Northwind")
    with trial.db.write() as session:
        now = trial.clock.now()
        store = Integration(account_id=account, cart="amazon", seller_id="S", wms_target="embedded", created_at=now)
        session.add(store)
        session.flush()
        session.add(
            Credential(
                integration_id=store.id,
                credentials=seal(Credential.credentials, {"refresh_token": "r"}, store.id),
                minting_until=now + timedelta(seconds=60),
                authorized_at=now,
            )
        )
    clock_offset.advance(trial, HALF_A_DAY)
    with trial.db.read() as session:
        credential = session.scalars(sa.select(Credential)).one()
    assert credential.minting_until == now + timedelta(seconds=60) + HALF_A_DAY
    assert credential.credentials.open(store.id) == {"refresh_token": "r"}


@pytest.mark.parametrize(
    "by", [timedelta(0), timedelta(hours=-1), timedelta(days=366, seconds=1), timedelta(milliseconds=500)]
)
def test_it_moves_forward_only_and_not_by_years(trial: Platform, by: timedelta) -> None:
    with pytest.raises(BadInput):
        clock_offset.advance(trial, by)
    assert clock_offset.offset_of(trial) == timedelta(0)
