"""A short soak: the same processes, kills and checks as `python -m tests.concurrency.soak`, with a shorter lease."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.concurrency.soak import Options, soak


@pytest.mark.slow
def test_two_hundred_tasks_survive_kills_and_an_emptied_redis(tmp_path: Path) -> None:
    report = soak(Options(tasks=200, long=2, long_s=(5, 12), seconds=150, trouble_s=1.5, lease_s=4), tmp_path)
    assert report.failures == []
    assert report.troubles["Redis killed"] >= 1
    assert report.troubles["FLUSHALL"] >= 1
    assert report.troubles.total() >= 3
