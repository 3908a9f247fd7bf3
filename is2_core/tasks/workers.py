"""Which workers live and how long their queue is, as Redis has it. What no worker writes is passed over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.utils import utcparse
from rq.worker import BaseWorker
from rq.worker_registration import REDIS_WORKER_KEYS, WORKERS_BY_QUEUE_KEY, register

from is2_core.tasks.wakeups import QUEUE, wakeup_queue

_REGISTRY = WORKERS_BY_QUEUE_KEY % QUEUE
# A page is drawn meanwhile.
_TIMEOUT_S = 0.5
# A worker that waits tells Redis every 45 seconds that it lives, one that works every 30.
SILENT_AFTER = timedelta(minutes=2)


@dataclass(frozen=True)
class SeenWorker:
    """One worker: `seen_ago` is how long ago it last said that it lives; `does` its state (idle, busy)."""

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
    """Look at the queue and its workers; None where Redis does not answer.

    Args:
        now: wall time, which workers sign by.
    """
    with _connect(redis_url) as connection:
        try:
            seen = [_seen(connection, key, now) for key in sorted(connection.smembers(_REGISTRY))]
            return QueueView(wakeup_queue(connection).count, [worker for worker in seen if worker is not None])
        except redis.RedisError:
            return None


def forget_gone_workers(connection: redis.Redis) -> None:
    """Take those out of the registry whose own record has expired."""
    gone = [key for key in connection.smembers(_REGISTRY) if not connection.exists(key)]
    if gone:
        connection.srem(_REGISTRY, *gone)
        connection.srem(REDIS_WORKER_KEYS, *gone)


def register_again(worker: BaseWorker) -> None:
    """Register a worker that Redis has forgotten, because it was emptied or has heard nothing for too long."""
    if not worker.connection.sismember(_REGISTRY, worker.key):
        register(worker)
        worker.connection.hset(worker.key, mapping={**worker.serialize(), "state": worker.get_state()})


def _seen(connection: redis.Redis, key: bytes, now: datetime) -> SeenWorker | None:
    """Read one worker's record; None where there is none any more, or what no worker writes."""
    try:
        found = connection.hmget(key, "state", "last_heartbeat", "birth")
        state, heard, born = (value.decode() if isinstance(value, bytes) else "" for value in found)
        if not (heard or born):
            return None
        name = key.decode().removeprefix(BaseWorker.redis_worker_namespace_prefix)
        return SeenWorker(name, state or "?", max(now - utcparse(heard or born), timedelta(0)))
    except (ValueError, redis.ResponseError):
        return None


def _connect(redis_url: str) -> redis.Redis:
    return redis.Redis.from_url(
        redis_url,
        socket_connect_timeout=_TIMEOUT_S,
        socket_timeout=_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
