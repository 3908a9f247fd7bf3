"""The bell port: telling the workers that a task row is due. Losing a ring loses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

QUEUE = "is2"
FUNCTION = "is2_core.tasks.perform.perform"
JOB_TIMEOUT_S = 300


class Bell(Protocol):
    """Rings for tasks, each given as (task id, fence)."""

    def ring(self, tasks: Sequence[tuple[int, int]]) -> None:
        """Have a worker look at these tasks."""
        ...


class ForgedJob(Exception):
    """A job in Redis asks for something other than the one function workers run."""


class TaskJob(Job):
    """An RQ job that can only be the one function with a task id: whoever can write to Redis can still not
    make a worker run anything else (the JSON serializer alone accepts any importable callable)."""

    def _deserialize_data(self) -> None:
        super()._deserialize_data()  # type: ignore[no-untyped-call]  # RQ leaves this method untyped
        arguments: Any = self._args
        plain = len(arguments) == 1 and type(arguments[0]) is int and not self._kwargs and self._instance is None
        if self._func_name != FUNCTION or not plain:
            raise ForgedJob(f"job {self.id} is not a task of this platform")


class RqBell:
    """The bell on RQ: one queue, job id `t<task>-<fence>`, argument the task id."""

    def __init__(self, connection: redis.Redis) -> None:
        self._queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer, job_class=TaskJob)

    def ring(self, tasks: Sequence[tuple[int, int]]) -> None:
        self._queue.enqueue_many(
            [
                Queue.prepare_data(
                    FUNCTION,
                    args=(task_id,),
                    job_id=f"t{task_id}-{fence}",
                    timeout=JOB_TIMEOUT_S,
                    result_ttl=60,
                    failure_ttl=86_400,
                    description=f"task {task_id}",
                )
                for task_id, fence in tasks
            ]
        )
