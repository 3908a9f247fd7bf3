"""Whoever can write to Redis can still not make a worker run anything but a task of the platform (F56)."""

from __future__ import annotations

import json
import logging
import pickle
import zlib
from pathlib import Path

import pytest
import redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

import worker
from is2_core.tasks import perform
from is2_core.tasks.bell import FUNCTION, QUEUE, RqBell, TaskJob


class Payload:
    """What a pickle attack looks like."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.marker,)  # type: ignore[return-value]


@pytest.fixture
def connection(redis_url: str) -> redis.Redis:
    return redis.Redis.from_url(redis_url)


def forge(connection: redis.Redis, job_id: str, data: bytes) -> None:
    """Write a job the way anybody with the address of Redis can."""
    key = f"rq:job:{job_id}"
    facts = {"data": data, "created_at": "2026-11-23T12:00:00.000000Z", "origin": QUEUE, "status": "queued"}
    connection.hset(key, mapping={**facts, "timeout": 5})
    connection.sadd("rq:queues", f"rq:queue:{QUEUE}")
    connection.rpush(f"rq:queue:{QUEUE}", job_id)


def call(function: str, *arguments: object, **named: object) -> bytes:
    return zlib.compress(json.dumps([function, None, list(arguments), named]).encode())


def work(connection: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let a worker with our job class empty the queue; returns the task ids that ran."""
    ran: list[int] = []
    monkeypatch.setattr(perform, "perform", ran.append)
    queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer, job_class=TaskJob)

    class Here(SimpleWorker):
        job_class = TaskJob

    Here([queue], connection=connection, serializer=JSONSerializer).work(burst=True, logging_level="CRITICAL")
    assert queue.count == 0
    return ran


@pytest.mark.parametrize(
    "case",
    "os.system,unknown,two arguments,text,named,boolean,method,pickle,pickle zipped,junk".split(","),
)
def test_a_forged_job_is_refused_and_the_worker_lives(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, case: str
) -> None:
    marker = tmp_path / "ran"
    attack = pickle.dumps(Payload(marker))
    data = {
        "os.system": call("os.system", f"touch {marker}"),
        "unknown": call("is2_core.no.such.function", 1),
        "two arguments": call(FUNCTION, 1, 2),
        "text": call(FUNCTION, "1"),
        "named": call(FUNCTION, 1, task_id=2),
        "boolean": call(FUNCTION, True),
        "method": zlib.compress(json.dumps(["perform", "is2_core.tasks.perform", [1], {}]).encode()),
        "pickle": attack,
        "pickle zipped": zlib.compress(attack),
        "junk": b"\x00\xff",
    }[case]
    forge(connection, "forged", data)
    RqBell(connection).ring([(7, 1)])
    assert work(connection, monkeypatch) == [7]
    assert not marker.exists()


def test_the_product_workers_use_the_guarded_job() -> None:
    assert worker.TaskWorker.job_class is TaskJob


def test_a_ring_carries_a_task_id_and_nothing_else(connection: redis.Redis) -> None:
    RqBell(connection).ring([(7, 3)])
    job = TaskJob.fetch("t7-3", connection=connection, serializer=JSONSerializer)
    assert (job.func_name, job.args, job.kwargs) == (FUNCTION, [7], {})
    assert (job.result_ttl, job.failure_ttl) == (60, 86_400)


def test_redis_that_may_evict_jobs_is_refused(connection: redis.Redis) -> None:
    worker.check_redis(connection)
    connection.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(SystemExit, match="noeviction"):
            worker.check_redis(connection)
    finally:
        connection.config_set("maxmemory-policy", "noeviction")


def test_worker_logs_name_no_arguments(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert worker.TaskWorker.log_job_description is False
    caplog.set_level(logging.DEBUG)
    RqBell(connection).ring([(7, 1)])
    work(connection, monkeypatch)
    assert "is2_core.tasks.perform.perform(7)" not in caplog.text
