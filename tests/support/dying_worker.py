"""An RQ worker that SIGKILLs itself (and its child) at a named moment: `python -m … <redis url> <moment> <queue>…`."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import redis
from rq import Queue, Worker
from rq.serializers import JSONSerializer


class DyingQueue(Queue):
    """Kills its worker right after a job was taken off the list."""

    @classmethod
    def _fetch_dequeued_job(cls, *args: Any, **options: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)


class DyingWorker(Worker):
    """Kills itself and its child after the job is in the started registry, before the child says STARTED."""

    def prepare_job_execution(self, *args: Any, **options: Any) -> None:
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Command line."""
    url, moment, *names = sys.argv[1:]
    connection = redis.Redis.from_url(url)
    queue_class = DyingQueue if moment == "after the pop" else Queue
    queues = [queue_class(name, connection=connection, serializer=JSONSerializer) for name in names]
    worker_class = DyingWorker if moment == "before STARTED" else Worker
    worker = worker_class(queues, connection=connection, serializer=JSONSerializer, queue_class=queue_class)
    worker.work(burst=True, logging_level="WARNING")


if __name__ == "__main__":
    main()
