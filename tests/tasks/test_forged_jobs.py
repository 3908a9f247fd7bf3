"""Of a job in Redis nothing is believed but that there is work (F56, I3)."""

from __future__ import annotations

import json
import pickle
import zlib
from pathlib import Path

import pytest
import redis
from rq.job import Job
from rq.serializers import JSONSerializer

import worker
from is2_core.tasks.wakeups import FUNCTION, QUEUE, RqWakeup, wakeup_queue
from tests.tasks.conftest import forking_worker


class Payload:
    """What a pickle attack looks like."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.marker,)  # type: ignore[return-value]


@pytest.fixture
def connection(redis_url: str) -> redis.Redis:
    return redis.Redis.from_url(redis_url)


def forge(connection: redis.Redis, job_id: str, **fields: str | bytes) -> None:
    """Write a job the way anybody with the address of Redis can: ours, but for these fields."""
    facts = {"created_at": "2026-11-23T12:00:00.000000Z", "origin": QUEUE, "status": "queued", "timeout": "5"}
    connection.hset(f"rq:job:{job_id}", mapping={"data": call(FUNCTION), **facts, **fields})  # type: ignore[arg-type]
    push(connection, job_id)


def push(connection: redis.Redis, job_id: str | bytes) -> None:
    connection.sadd("rq:queues", f"rq:queue:{QUEUE}")
    connection.rpush(f"rq:queue:{QUEUE}", job_id)


def call(function: str, *arguments: object, **named: object) -> bytes:
    return zlib.compress(json.dumps([function, None, list(arguments), named]).encode())


def forged_fields(marker: Path) -> dict[str, dict[str, str | bytes]]:
    """What was tried on workers, by name."""
    evil = "tests.tasks.rq_jobs.touch_for_callback"
    attack = pickle.dumps(Payload(marker))
    return {
        "another function": {"data": call("os.system", f"touch {marker}")},
        "a function nobody has": {"data": call("is2_core.no.such.function", 1)},
        "arguments": {"data": call(FUNCTION, 1, task=2)},
        "a method": {"data": zlib.compress(json.dumps(["touch", "pathlib.Path", [str(marker)], {}]).encode())},
        "pickle": {"data": attack},
        "pickle zipped": {"data": zlib.compress(attack)},
        "junk data": {"data": b"\x00\xff"},
        "no data": {"data": b""},
        "success callback": {"success_callback_name": evil, "meta": json.dumps({"path": str(marker)})},
        "failure callback": {
            "data": call("is2_core.no.such.function"),
            "failure_callback_name": evil,
            "meta": json.dumps({"path": str(marker)}),
        },
        "stopped callback": {"stopped_callback_name": evil, "status": "stopped"},
        "callback nobody has": {"success_callback_name": "no.such.thing", "failure_callback_name": "no.such.thing"},
        "junk callback timeout": {"success_callback_timeout": "soon"},
        "junk exc_info": {"exc_info": b"\xff\xfe"},
        "junk meta": {"meta": b"\xff\xfe"},
        "junk status": {"status": "perhaps"},
        "binary status": {"status": b"\xff"},
        "junk created_at": {"created_at": "yesterday"},
        "junk started_at": {"started_at": b"\xff", "ended_at": "x", "enqueued_at": "x", "last_heartbeat": "x"},
        "junk timeout": {"timeout": "long"},
        "negative timeout": {"timeout": "-1"},
        "junk ttls": {"ttl": "x", "result_ttl": "x", "failure_ttl": "x"},
        "junk dependencies": {"dependency_ids": b"\xff[", "dependency_id": b"\xff"},
        "dependencies": {"dependency_ids": json.dumps(["other"]), "allow_dependency_failures": "x"},
        "junk retries": {"retries_left": "x", "retry_intervals": "{", "number_of_retries": "x"},
        "retries": {"retries_left": "9", "retry_intervals": "[0]", "data": call("is2_core.no.such.function")},
        "repeats": {"repeats_left": "9", "repeat_intervals": "[0]"},
        "junk result": {"result": b"\xff"},
        "another queue": {"origin": b"\xff", "group_id": "x"},
        "webhooks": {"webhooks": json.dumps([{"url": "http://127.0.0.1:1/", "events": ["finished"]}])},
        "binary description": {"description": b"\xff", "worker_name": b"\xff"},
        "unknown fields": {"\x00": b"\x00"},
    }


def test_field_I3_whatever_a_job_holds_it_means_that_there_is_work(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    marker, ran = tmp_path / "marker", tmp_path / "ran"

    def note() -> bool:
        ran.open("a").write("x")
        return False

    monkeypatch.setattr(worker, "perform", note)
    forged = forged_fields(marker)
    for number, fields in enumerate(forged.values()):
        forge(connection, f"forged-{number}", **fields)
    forge(connection, "an id: with spaces")
    connection.hset(b"rq:job:\xff\xfe", "status", "queued")
    push(connection, b"\xff\xfe")
    connection.set("rq:job:text", "no hash at all")
    push(connection, "text")
    push(connection, "no job of that id")
    RqWakeup(connection).notify(1 + wakeup_queue(connection).count)
    forking_worker(connection).work(burst=True, logging_level="CRITICAL")
    assert ran.read_text() == "x" * (len(forged) + 3)
    assert not marker.exists()
    assert connection.keys("rq:job*") + connection.keys("rq:queue:is2*") == []


def test_scenario_F56_registries_that_somebody_filled_are_not_looked_after(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # RQ's maintenance runs the failure callbacks of jobs whose time in the registry of the started is over.
    marker = tmp_path / "marker"
    monkeypatch.setattr(worker, "perform", lambda: False)
    forge(connection, "forged", failure_callback_name="tests.tasks.rq_jobs.touch_for_callback", exc_info=b"\xff")
    connection.hset("rq:job:forged", "meta", json.dumps({"path": str(marker)}))
    connection.delete(f"rq:queue:{QUEUE}")
    for registry in ("wip", "deferred", "scheduled", "failed", "finished", "ready"):
        connection.zadd(f"rq:{registry}:{QUEUE}", {"forged:1": 1, b"\xff": 1})
    connection.rpush(f"rq:queue:{QUEUE}:intermediate", "forged", b"\xff")
    forking_worker(connection).work(burst=True, logging_level="CRITICAL")
    assert not marker.exists()


@pytest.mark.parametrize("key", ["rq:queue:is2", "rq:workers:is2", "rq:queues"])
def test_something_else_in_the_place_of_a_key_stops_no_wakeup(connection: redis.Redis, key: str) -> None:
    waits = forking_worker(connection)
    waits.register_birth()
    connection.delete(key)
    connection.set(key, b"\xff")
    wakeup = RqWakeup(connection)
    assert wakeup.notify(1) == 1
    waits.heartbeat()
    assert (wakeup.live_workers(), wakeup_queue(connection).count) == (1, 1)


def test_a_wakeup_names_no_task(connection: redis.Redis) -> None:
    assert RqWakeup(connection).notify(1) == 1
    (job_id,) = wakeup_queue(connection).job_ids
    job = Job.fetch(job_id, connection=connection, serializer=JSONSerializer)
    assert (job.func_name, job.args, job.kwargs) == (FUNCTION, [], {})


def test_a_worker_takes_no_commands(connection: redis.Redis) -> None:
    commanded = forking_worker(connection)
    commanded.register_birth()
    commanded.subscribe()
    assert connection.pubsub_numsub(commanded.pubsub_channel_name) == [(commanded.pubsub_channel_name.encode(), 0)]
    commanded.teardown()
