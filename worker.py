"""The RQ worker, or with `--dispatcher` the dispatcher.

The parent process never opens the database: tasks run in forked children that make their own connections, each for a
minute or until nothing is due.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from types import FrameType

import redis
from redis.client import Pipeline
from rq import Queue, Worker
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty
from rq.utils import now as utcnow
from rq.worker import WorkerStatus
from sqlalchemy.exc import DBAPIError

from is2_core.bootstrap import perform, prepare
from is2_core.config import log_level, warnings
from is2_core.db.unit import in_transaction
from is2_core.errors import CannotStart, trace_without_values
from is2_core.jobs import HANDLERS, SCHEDULES
from is2_core.logs import configure_logging
from is2_core.platform import Platform
from is2_core.process_state import ProcessState
from is2_core.startup import check_start, check_start_in_child
from is2_core.tasks import dispatcher
from is2_core.tasks.heartbeat import ask_for_heartbeat
from is2_core.tasks.wakeups import CHILD_S, JOB_TIMEOUT_S, RqWakeup, WakeupQueue, wakeup_queue
from is2_core.tasks.workers import forget_gone_workers, register_again

_BUSY_S = 0.1
_IDLE_S = 0.5
_HEARTBEAT_ASKED_EVERY_S = 5
# A worker that waits says 15 s before this that it lives; RQ's own 420 s would show a dead one as alive for as long.
_WORKER_TTL_S = 60
_STOP = {signal.SIGTERM, signal.SIGINT}
_log = logging.getLogger("is2.worker")


class JobTimeout(BaseException):
    """Not an Exception: a plugin's broad `except` must not swallow it."""


class JobDeathPenalty(UnixSignalDeathPenalty):
    """The alarm over one job in a child, raising what cannot be swallowed.

    The worker's own `death_penalty_class` stays RQ's: its parent looks after a child by it, in ticks.
    """

    def handle_death_penalty(self, _signum: int, _frame: FrameType | None) -> None:
        raise JobTimeout(f"the job was not done after {self._timeout} s")


class TaskWorker(Worker):
    """RQ's worker, its loop and its forking, without what it keeps in Redis of jobs and believes when it reads it
    again: states, results, callbacks, registries, commands by pub/sub."""

    queue_class = WakeupQueue
    log_job_description = False

    def subscribe(self) -> None:
        """Listen to no commands: whoever can write to Redis could stop a worker or its child by them."""

    def check_for_suspension(self, burst: bool) -> None:
        """Let nobody suspend this worker, for the same reason."""

    def run_maintenance_tasks(self) -> None:
        """Forget workers that are gone. The registries, whose entries RQ would run callbacks of, are not used."""
        with _redis_may_be_away():
            forget_gone_workers(self.connection)
        self.last_cleaned_at = utcnow()  # type: ignore[assignment]  # RQ infers the type of its None

    def set_state(self, state: str, pipeline: Pipeline | None = None) -> None:
        """Say what this worker does."""
        with _redis_may_be_away():
            super().set_state(state, pipeline)

    def set_shutdown_requested_date(self) -> None:
        """Say that this worker was told to stop."""
        with _redis_may_be_away():
            super().set_shutdown_requested_date()  # type: ignore[no-untyped-call]  # RQ's is

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Say that this worker lives, also to a Redis that has forgotten it."""
        with _redis_may_be_away():
            super().heartbeat(timeout, pipeline)
            register_again(self)

    def prepare_execution(self, job: Job) -> Execution:
        """Say that this worker is busy; the execution is known to this process alone."""
        self.set_state(WorkerStatus.BUSY)
        self.execution = execution = Execution(job.id, job.id, self.connection)
        return execution

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Fork a child for one wake-up and wait for it; why it failed is in the database, not in Redis."""
        with _redis_may_be_away():
            super().execute_job(job, queue)

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        """Say at each tick that this worker lives."""
        self.heartbeat(self.job_monitoring_interval + 60)

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """Fork the child, with signals to stop kept back until it has its own handlers and its worker its number."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
        try:
            super().fork_work_horse(job, queue)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP)

    def handle_warm_shutdown_request(self) -> None:
        """Have the child end its task and take no further one; the worker waits for it."""
        if self.horse_pid:
            with suppress(ProcessLookupError):
                os.kill(self.horse_pid, signal.SIGTERM)

    def setup_work_horse_signals(self) -> None:
        """Let no signal to stop end the child in the midst of a task, also where a terminal or a supervisor sends it to
        the child itself."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "_stop_requested", True))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP)

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Run, in the child, due task after due task, until none is due, the child's time is over, the worker is to
        stop, or a task has left something behind that the next one could suffer from."""
        end = time.monotonic() + CHILD_S
        state = ProcessState()
        goes_on = not self._stop_requested
        while goes_on:
            # What a task sets for its own flow of control ends with it.
            context = copy_context()
            try:
                with JobDeathPenalty(JOB_TIMEOUT_S, JobTimeoutException):  # type: ignore[no-untyped-call]  # RQ's is
                    goes_on = context.run(perform)
            except BaseException as error:
                # Never the message, which may quote a buyer's data. The task comes back when its lease ends.
                _log.error("a task broke off: %s", trace_without_values(error))
                raise
            left = [*state.changes(), *(["an open unit of work"] if context.run(in_transaction) else [])]
            if left:
                _log.error("a task left its process changed, which ends with it: %s", ", ".join(left))
            goes_on = goes_on and not left and not self._stop_requested and time.monotonic() < end
        return True


@contextmanager
def _redis_may_be_away() -> Iterator[None]:
    """Go on where Redis does not answer: that ends neither a worker nor its child. The next look for a wake-up waits
    until it is back."""
    try:
        yield
    except redis.RedisError as error:
        _log.warning("Redis could not be told what a worker does (%s)", type(error).__name__)


def idle_worker(redis_url: str) -> TaskWorker:
    """Make a worker."""
    # Not one that was used before: it keeps redis-py's 5 s, and a worker that waits for longer takes each silence for a
    # Redis that is away and sleeps, up to a minute at a time.
    connection = redis.Redis.from_url(redis_url)
    return TaskWorker(
        [wakeup_queue(connection)],
        connection=connection,
        serializer=JSONSerializer,
        maintenance_interval=30,
        worker_ttl=_WORKER_TTL_S,
    )


def work(burst: bool) -> None:
    """Run due tasks until told to stop (or, with `burst`, until no wake-up is left).

    Raises:
        CannotStart: as it is set up, no task could be run.
    """
    platform = prepare()
    check_start_in_child(platform)
    worker = idle_worker(platform.config.redis_url)
    worker.work(burst=burst, with_scheduler=False, logging_level="WARNING")


class Dispatching:
    """Ticks one after the other; tells in the log when they cannot be done, and when they can again."""

    def __init__(self, platform: Platform, connection: redis.Redis) -> None:
        self._platform = platform
        self._connection = connection
        self._wakeup = RqWakeup(connection)
        self._asked = float("-inf")
        self._begun = self._down = False

    def tick(self) -> float:
        """Do one; returns the seconds to wait before the next."""
        pause = _IDLE_S
        try:
            if not self._begun:
                SCHEDULES.ensure_all(self._platform)
                self._begun = True
            if dispatcher.tick(self._platform, self._wakeup, kinds=HANDLERS).notified:
                pause = _BUSY_S
            # After the tick, which tells by the last one that the clock was put back.
            if time.monotonic() - self._asked > _HEARTBEAT_ASKED_EVERY_S:
                ask_for_heartbeat(self._platform)
                self._asked = time.monotonic()
            if self._down:
                # A tick that finds nothing due asks Redis nothing.
                self._connection.ping()
                _log.warning("Redis and the database answer again")
            self._down = False
        except (redis.RedisError, DBAPIError) as error:
            if not self._down:
                _log.error("no tick (%s); due tasks stay in the database", type(error).__name__)
            self._down = True
        return pause


def dispatch() -> None:
    """Tick until told to stop.

    Raises:
        CannotStart: as it is set up, no tick could do anything.
    """
    platform = prepare()
    check_start(platform)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    dispatching = Dispatching(platform, redis.Redis.from_url(platform.config.redis_url))
    while not stop.is_set():
        stop.wait(dispatching.tick())


def main() -> None:
    """Command line: `python worker.py [--dispatcher | --burst]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--dispatcher", action="store_true", help="run the dispatcher instead of a worker")
    mode.add_argument("--burst", action="store_true", help="stop when the queue is empty")
    options = parser.parse_args()
    try:
        configure_logging(log_level())
        for message in warnings():
            _log.warning(message)
        if options.dispatcher:
            dispatch()
        else:
            work(options.burst)
    except CannotStart as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
