"""The RQ worker, or with `--dispatcher` the dispatcher.

The parent process never opens the database: every job runs in a forked child that makes its own connections.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
from types import FrameType

import redis
from rq import Queue, Worker
from rq.serializers import JSONSerializer
from rq.timeouts import UnixSignalDeathPenalty
from sqlalchemy.exc import DBAPIError

from is2_core.logs import configure_logging
from is2_core.tasks import dispatcher
from is2_core.tasks.bell import QUEUE, RqBell, TaskJob
from is2_core.tasks.heartbeat import ask_for_heartbeat
from is2_core.tasks.perform import prepare

_BUSY_S = 0.1
_IDLE_S = 0.5
_CLEAN_UP_EVERY_S = 3600
_HEARTBEAT_ASKED_EVERY_S = 5
# A worker that waits says 15 s before this that it lives; RQ's own 420 s would show a dead one as alive for as long.
_WORKER_TTL_S = 60
_log = logging.getLogger("is2.worker")


class JobTimeout(BaseException):
    """Not an Exception: a plugin's broad `except` must not swallow it."""


class DeathPenalty(UnixSignalDeathPenalty):
    """RQ's job timeout, raising what cannot be swallowed."""

    def handle_death_penalty(self, _signum: int, _frame: FrameType | None) -> None:
        raise JobTimeout(f"the job was not done after {self._timeout} s")


class TaskWorker(Worker):
    """A worker for our one queue and our one function."""

    job_class = TaskJob
    death_penalty_class = DeathPenalty
    log_job_description = False


def check_redis(connection: redis.Redis) -> None:
    """Refuse a Redis that may throw jobs away under memory pressure."""
    try:
        policy = connection.config_get("maxmemory-policy").get("maxmemory-policy")
    except redis.ResponseError:
        # Managed services forbid CONFIG; the operator's documentation names the setting.
        return
    if policy != "noeviction":
        sys.exit(f"Redis has maxmemory-policy {policy!r}; set it to 'noeviction' before starting workers")


def work(burst: bool) -> None:
    """Run jobs until told to stop (or, with `burst`, until there are none)."""
    platform = prepare()
    connection = redis.Redis.from_url(platform.config.redis_url)
    check_redis(connection)
    queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer, job_class=TaskJob)
    worker = TaskWorker(
        [queue],
        connection=connection,
        serializer=JSONSerializer,
        maintenance_interval=30,
        worker_ttl=_WORKER_TTL_S,
    )
    worker.work(burst=burst, with_scheduler=False, logging_level="WARNING")


def dispatch() -> None:
    """Tick until told to stop."""
    platform = prepare()
    bell = RqBell(redis.Redis.from_url(platform.config.redis_url))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    cleaned = asked = float("-inf")
    down = False
    while not stop.is_set():
        pause = _IDLE_S
        try:
            if time.monotonic() - asked > _HEARTBEAT_ASKED_EVERY_S:
                ask_for_heartbeat(platform)
                asked = time.monotonic()
            if dispatcher.tick(platform, bell).rung:
                pause = _BUSY_S
            if time.monotonic() - cleaned > _CLEAN_UP_EVERY_S:
                dispatcher.clean_up(platform)
                cleaned = time.monotonic()
            if down:
                _log.warning("Redis and the database answer again")
            down = False
        except (redis.RedisError, DBAPIError) as error:
            if not down:
                _log.error("no tick (%s); due tasks stay in the database", type(error).__name__)
            down = True
        stop.wait(pause)


def main() -> None:
    """Command line: `python worker.py [--dispatcher | --burst]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--dispatcher", action="store_true", help="run the dispatcher instead of a worker")
    mode.add_argument("--burst", action="store_true", help="stop when the queue is empty")
    options = parser.parse_args()
    configure_logging(os.environ.get("IS2_LOG_LEVEL", "INFO"))
    if options.dispatcher:
        dispatch()
    else:
        work(options.burst)


if __name__ == "__main__":
    main()
