"""A board of tasks: makes accounts, stores and tasks, ticks, runs, and looks at the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from rq.serializers import JSONSerializer

from is2_core.accounts.models import Account, Integration
from is2_core.accounts.states import IntegrationState
from is2_core.clock import VirtualClock
from is2_core.platform import Platform
from is2_core.tasks.dispatcher import Tick, tick
from is2_core.tasks.models import Task
from is2_core.tasks.pick import Limits
from is2_core.tasks.queue import enqueue
from is2_core.tasks.run import TaskRun
from is2_core.tasks.runner import Handler, run_next, run_task
from is2_core.tasks.wakeups import Wakeup, wakeup_queue
from tests.support.world import NotedWakeups
from worker import TaskWorker

KIND = "test.work"


class Board:
    """Tasks of one platform."""

    def __init__(self, platform: Platform, clock: VirtualClock) -> None:
        self.platform, self.clock = platform, clock
        self.wakeups: Wakeup = NotedWakeups()

    def account(self, name: str) -> int:
        """A new account."""
        with self.platform.db.write() as session:
            row = Account(name=name, created_at=self.clock.now())
            session.add(row)
            session.flush()
            return row.id

    def store(self, account_id: int, seller: str = "SELLER") -> int:
        """A new active store."""
        with self.platform.db.write() as session:
            row = Integration(
                account_id=account_id,
                cart="amazon",
                wms_target="embedded",
                seller_id=seller,
                state=IntegrationState.ACTIVE,
                settings={},
                sites=[],
                created_at=self.clock.now(),
            )
            session.add(row)
            session.flush()
            return row.id

    def ask(
        self, kind: str = KIND, *, account: int | None = None, store: int | None = None, keys: Sequence[str] = ("",)
    ) -> None:
        """Ask for one task per key, in one transaction."""
        with self.platform.db.write() as session:
            integration = session.get(Integration, store) if store else None
            for key in keys:
                enqueue(session, kind=kind, now=self.clock.now(), integration=integration, account_id=account, key=key)

    def flood(self, account: int, count: int) -> None:
        """Ask for so many tasks of an account, like the one asked for first but for their keys."""
        self.ask(account=account, keys=["0"])
        columns = Task.__table__.columns
        (first,) = self.tasks()
        common = {column.key: getattr(first, column.key) for column in columns if column.key != "id"}
        rows = [{**common, "business_key": f"{first.business_key}-{number}"} for number in range(1, count)]
        with self.platform.db.write() as session:
            session.execute(sa.insert(Task), rows)

    def tasks(self) -> list[Task]:
        """All rows, oldest first."""
        with self.platform.db.read() as session:
            return list(session.scalars(sa.select(Task).order_by(Task.id)))

    def only(self) -> Task:
        """The one row there is."""
        (task,) = self.tasks()
        return task

    def tick(self, limits: Limits | None = None) -> Tick:
        """One round of the dispatcher."""
        return tick(self.platform, self.wakeups, limits or Limits())

    def run(self, handler: Handler, task_id: int | None = None, kind: str = KIND) -> None:
        """Run a task (the only one) with a handler for one kind."""
        handlers: Mapping[str, Handler] = {kind: handler}
        run_task(self.platform, task_id or self.only().id, handlers)

    def run_next(self, handler: Handler | None = None, limits: Limits | None = None, kind: str = KIND) -> int | None:
        """Let a worker take its next task; returns which it took."""
        taken: list[int] = []

        def note(platform: Platform, run: TaskRun) -> None:
            taken.append(run.id)
            (handler or does_nothing)(platform, run)

        assert bool(run_next(self.platform, {kind: note}, limits or Limits())) is bool(taken)
        return taken[0] if taken else None

    def change(self, task_id: int, **values: Any) -> None:
        """Change a row behind everybody's back."""
        with self.platform.db.write() as session:
            session.execute(sa.update(Task).where(Task.id == task_id).values(**values))


class Killed(BaseException):
    """The process is gone: nothing after this happens in it."""


def dies(platform: Platform, run: TaskRun) -> None:
    """A handler whose process is killed."""
    raise Killed


def does_nothing(platform: Platform, run: TaskRun) -> None:
    """A handler that has nothing to do."""


@pytest.fixture
def board(platform: Platform, clock: VirtualClock) -> Board:
    """A board on each of the two databases in turn."""
    return Board(platform, clock)


def forking_worker(connection: redis.Redis, **options: Any) -> TaskWorker:
    """The product's worker, which forks a child of this process for every wake-up."""
    return TaskWorker([wakeup_queue(connection)], connection=connection, serializer=JSONSerializer, **options)
