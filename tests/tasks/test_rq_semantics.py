"""What the pinned RQ really does where it may lose or repeat work; our design stands on none of it being better.

When one of these fails after an upgrade, RQ has changed: read docs/reliability.md before the new version is pinned.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest
import redis
from rq import Queue, Retry, SimpleWorker
from rq.cron import CronScheduler
from rq.exceptions import DuplicateJobError
from rq.job import Job
from rq.serializers import JSONSerializer

from tests.tasks import rq_jobs
from worker import JobDeathPenalty

MARK, FAIL, SWALLOW = (f"tests.tasks.rq_jobs.{name}" for name in ("mark", "fail", "swallow_everything"))
YEAR_S = 365 * 24 * 3600


@pytest.fixture
def connection(redis_url: str) -> redis.Redis:
    return redis.Redis.from_url(redis_url)


@pytest.fixture
def queue(connection: redis.Redis) -> Queue:
    return Queue("one", connection=connection, serializer=JSONSerializer)


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    return tmp_path / "marks"


def lines(marks: Path) -> list[str]:
    return marks.read_text().splitlines() if marks.exists() else []


def burst(queue: Queue, worker_class: type[SimpleWorker] = SimpleWorker) -> None:
    worker = worker_class([queue], connection=queue.connection, serializer=JSONSerializer)
    worker.work(burst=True, logging_level="CRITICAL")


def die(redis_url: str, moment: str, *queues: str) -> None:
    command = [sys.executable, "-m", "tests.support.dying_worker", redis_url, moment, *queues]
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run(command, cwd=root, capture_output=True, timeout=60, check=False)
    assert ended.returncode == -9, ended.stderr


def places(queue: Queue, job: Job) -> dict[str, bool]:
    """In which of RQ's lists and registries a job is."""
    return {
        "queue": job.id in queue.job_ids,
        "intermediate": job.id in queue.intermediate_queue.get_job_ids(),
        "started": job.id in queue.started_job_registry.get_job_ids(cleanup=False),
        "failed": job.id in queue.failed_job_registry.get_job_ids(cleanup=False),
        "finished": job.id in queue.finished_job_registry.get_job_ids(cleanup=False),
    }


def test_q1_with_several_queues_a_killed_workers_job_is_nowhere(redis_url: str, queue: Queue, marks: Path) -> None:
    job = queue.enqueue(MARK, str(marks), "ran")
    die(redis_url, "after the pop", "one", "two")
    assert not any(places(queue, job).values())
    assert job.get_status() == "queued"


def test_q1_with_one_queue_it_is_in_the_intermediate_list(redis_url: str, queue: Queue, marks: Path) -> None:
    job = queue.enqueue(MARK, str(marks), "ran")
    die(redis_url, "after the pop", "one")
    assert [place for place, there in places(queue, job).items() if there] == ["intermediate"]


def test_q2_with_several_queues_cleaning_up_makes_a_job_vanish(redis_url: str, queue: Queue, marks: Path) -> None:
    job = queue.enqueue(MARK, str(marks), "ran", retry=Retry(max=1))
    die(redis_url, "before STARTED", "one", "two")
    assert [place for place, there in places(queue, job).items() if there] == ["started"]
    queue.started_job_registry.cleanup(timestamp=time.time() + YEAR_S)
    assert not any(places(queue, job).values())
    assert job.get_status() == "queued"
    assert lines(marks) == []


def test_q6_a_finished_job_whose_success_cannot_be_recorded_runs_again(queue: Queue, marks: Path) -> None:
    class Blip(SimpleWorker):
        failed = False

        def handle_job_success(self, *args: object, **options: object) -> None:
            if not Blip.failed:
                Blip.failed = True
                raise redis.ConnectionError("Redis went away for a moment")
            super().handle_job_success(*args, **options)  # type: ignore[arg-type]

    queue.enqueue(MARK, str(marks), "ran", retry=Retry(max=1))
    burst(queue, Blip)
    assert lines(marks) == ["ran", "ran"]


def test_q11_two_cron_schedulers_enqueue_everything_twice_and_pickled(connection: redis.Redis, marks: Path) -> None:
    for _ in range(2):
        scheduler = CronScheduler(connection, logging_level="CRITICAL")
        scheduler.register(rq_jobs.mark, "cron", args=(str(marks), "ran"), interval=3600)
        scheduler.enqueue_jobs()
    jobs = connection.lrange("rq:queue:cron", 0, -1)
    assert len(set(jobs)) == 2
    for job_id in jobs:
        data = zlib.decompress(connection.hget(b"rq:job:" + job_id, "data") or b"")
        with pytest.raises(ValueError):
            json.loads(data)


def test_q12_a_broad_except_swallows_rqs_timeout_and_the_job_counts_as_finished(queue: Queue, marks: Path) -> None:
    job = queue.enqueue(SWALLOW, str(marks), 5, job_timeout=1)
    burst(queue)
    assert lines(marks) == ["swallowed the timeout", "went on"]
    assert job.get_status() == "finished"


def test_our_timeout_is_not_swallowed(queue: Queue, marks: Path) -> None:
    class Strict(SimpleWorker):
        death_penalty_class = JobDeathPenalty

    job = queue.enqueue(SWALLOW, str(marks), 5, job_timeout=1)
    burst(queue, Strict)
    assert lines(marks) == []
    assert job.get_status() == "failed"


def test_q15_a_job_id_given_twice_runs_twice_with_the_later_arguments(queue: Queue, marks: Path) -> None:
    queue.enqueue(MARK, str(marks), "first", job_id="same")
    queue.enqueue(MARK, str(marks), "second", job_id="same")
    assert queue.job_ids == ["same", "same"]
    burst(queue)
    assert lines(marks) == ["second", "second"]


def test_q16_unique_blocks_for_a_year_after_a_failure(queue: Queue) -> None:
    job = queue.enqueue(FAIL, job_id="only", unique=True)
    burst(queue)
    assert job.get_status() == "failed"
    with pytest.raises(DuplicateJobError):
        queue.enqueue(FAIL, job_id="only", unique=True)
    assert queue.connection.ttl(job.key) > YEAR_S - 60


def test_q18_json_alone_lets_anybody_run_anything(queue: Queue, tmp_path: Path) -> None:
    marker = tmp_path / "pwned"
    data = zlib.compress(json.dumps(["os.system", None, [f"touch '{marker}'"], {}]).encode())
    facts = {"data": data, "created_at": "2026-11-23T12:00:00.000000Z", "origin": "one", "status": "queued"}
    queue.connection.hset("rq:job:forged", mapping={**facts, "timeout": 5})
    queue.connection.rpush(queue.key, "forged")
    burst(queue)
    assert marker.exists()


def test_q19_whoever_writes_a_job_has_any_function_called_back(queue: Queue, tmp_path: Path) -> None:
    marker = tmp_path / "called back"
    job = queue.enqueue(MARK, str(tmp_path / "marks"), "ran", meta={"path": str(marker)})
    queue.connection.hset(job.key, "success_callback_name", "tests.tasks.rq_jobs.touch_for_callback")
    burst(queue)
    assert marker.exists()


def test_q20_junk_in_a_jobs_hash_ends_the_worker(queue: Queue, marks: Path) -> None:
    queue.connection.hset(queue.enqueue(MARK, str(marks), "first").key, "created_at", "yesterday")
    queue.enqueue(MARK, str(marks), "second")
    burst(queue)
    assert lines(marks) == []
