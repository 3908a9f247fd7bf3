"""The wake-up port: telling workers that there is work. A wake-up names no task, and losing one loses nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from redis import Redis, ResponseError
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer, Serializer
from rq.timeouts import BaseDeathPenalty
from rq.worker_registration import REDIS_WORKER_KEYS, WORKERS_BY_QUEUE_KEY

QUEUE = "is2"
FUNCTION = "is2_core.bootstrap.perform"
# The longest a single task may take, and how long a child goes on taking them.
JOB_TIMEOUT_S = 300
CHILD_S = 60
# Nobody took it: it is sent anew while its task is due.
WAKEUP_TTL_S = 30
PER_WORKER = 2
# Those that are read or written here and by workers that start; workers that live register again.
_KEYS = (
    f"{Queue.redis_queue_namespace_prefix}{QUEUE}",
    Queue.redis_queues_keys,
    REDIS_WORKER_KEYS,
    WORKERS_BY_QUEUE_KEY % QUEUE,
)


class Wakeup(Protocol):
    """Tells the workers that there is work."""

    def notify(self, count: int) -> int:
        """Have as many workers look for a task as `count` tasks are due; returns how many wake-ups were sent."""
        ...


class WakeupQueue(Queue):
    """RQ's queue, of whose jobs nothing is believed but that there is work.

    Whoever can write to Redis writes the hash of a job: what it names, RQ would import and run (its callbacks too),
    and what it garbles ends RQ's worker. So no hash is read: it is deleted, and a job of our own takes its place.
    """

    @classmethod
    def dequeue_any(  # noqa: PLR0917  # as RQ declares it
        cls,
        queues: Iterable[Queue],
        timeout: int | None,
        connection: Redis,
        job_class: type[Job] | None = None,
        serializer: Serializer | str | None = None,
        death_penalty_class: type[BaseDeathPenalty] | None = None,
    ) -> tuple[Job, Queue] | None:
        """Take one wake-up; None where there is none and `timeout` is None.

        Args:
            timeout: how long to wait for one, in seconds; None to not wait.

        Raises:
            DequeueTimeout: none came in that time.
        """
        (queue,) = queues
        while (taken := cls.lpop([queue.key], timeout, connection)) is not None:
            # One that expired has no hash any more.
            if connection.delete(Job.redis_job_namespace_prefix.encode() + taken[1]):
                # The parent kills a child that outlives this by a minute.
                return queue.create_job(FUNCTION, timeout=CHILD_S + JOB_TIMEOUT_S), queue
        return None


class RqWakeup:
    """Wake-ups on RQ: at most two a live worker lie in the queue, and two where no worker lives."""

    def __init__(self, connection: Redis) -> None:
        self._queue = wakeup_queue(connection)

    def notify(self, count: int) -> int:
        try:
            return self._send_missing(count)
        except ResponseError:
            # Somebody has put something else in the place of ours. Nothing that the keys should hold would be missed.
            self._queue.connection.delete(*_KEYS)
            return self._send_missing(count)

    def _send_missing(self, count: int) -> int:
        missing = min(count, PER_WORKER * max(1, self.live_workers())) - self._queue.count
        if missing <= 0:
            return 0
        wakeup = Queue.prepare_data(FUNCTION, timeout=JOB_TIMEOUT_S, ttl=WAKEUP_TTL_S, description="there is work")
        with self._queue.connection.pipeline() as pipeline:
            self._queue.enqueue_many([wakeup] * missing, pipeline=pipeline)
            # The list itself ends with the newest of them, whatever else was left in it.
            pipeline.expire(self._queue.key, WAKEUP_TTL_S)
            pipeline.execute()
        return missing

    def live_workers(self) -> int:
        """Count the workers that RQ's registry holds and whose own entry has not expired."""
        connection = self._queue.connection
        keys = connection.smembers(WORKERS_BY_QUEUE_KEY % QUEUE)
        return int(connection.exists(*keys)) if keys else 0


def wakeup_queue(connection: Redis) -> WakeupQueue:
    """Return the one queue of this platform."""
    return WakeupQueue(QUEUE, connection=connection, serializer=JSONSerializer)
