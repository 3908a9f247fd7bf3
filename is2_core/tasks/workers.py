"""Which workers live and how long their queue is, as Redis has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, Worker
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker

from is2_core.tasks.wakeups import QUEUE

# A page is drawn meanwhile.
_TIMEOUT_S = 0.5
# A worker that waits tells Redis every 45 seconds that it lives, one that works every 30.
SILENT_AFTER = timedelta(minutes=2)


@dataclass(frozen=True)
class SeenWorker:
    """One worker: `seen_ago` is how long ago it last said that it lives; `does` its state (idle, busy, suspended)."""

    name: str
    does: str
    seen_ago: timedelta

    @property
    def is_live(self) -> bool:
        """Whether it has said so lately."""
        return self.seen_ago <= SILENT_AFTER


@dataclass(frozen=True)
class QueueView:
    """The queue as Redis has it: how many wake-ups wait, and who has worked on it within some minutes."""

    queued: int
    workers: Sequence[SeenWorker]

    @property
    def live(self) -> int:
        """How many workers live."""
        return sum(worker.is_live for worker in self.workers)


def is_reachable(redis_url: str) -> bool:
    """Tell whether Redis answers, within a second."""
    with _connect(redis_url) as connection:
        try:
            return bool(connection.ping())
        except redis.RedisError:
            return False


def look_at_queue(redis_url: str, now: datetime) -> QueueView | None:
    """Look at the queue and its workers; None where Redis does not answer, or with what no worker writes.

    Args:
        now: wall time, which workers sign by.
    """
    with _connect(redis_url) as connection:
        queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer)
        try:
            workers = Worker.all(queue=queue, serializer=JSONSerializer)
            seen = [_seen(worker, now) for worker in workers]
            return QueueView(queue.count, sorted(seen, key=lambda worker: worker.name))
        except (redis.RedisError, ValueError):
            return None


def _seen(worker: BaseWorker, now: datetime) -> SeenWorker:
    at = worker.last_heartbeat or worker.birth_date or now
    return SeenWorker(worker.name, str(worker.get_state()), max(now - at, timedelta(0)))


def _connect(redis_url: str) -> redis.Redis:
    return redis.Redis.from_url(
        redis_url,
        socket_connect_timeout=_TIMEOUT_S,
        socket_timeout=_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
