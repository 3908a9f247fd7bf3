"""The table of benchmarks: what is found, what counts as missed, what is written."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest

from benchmarks import __main__ as runner
from benchmarks.rows import Row

pytestmark = pytest.mark.unit


def test_each_module_with_a_benchmark_is_found() -> None:
    assert "tasks" in runner.names()
    assert not {"__main__", "rows", "amazon_calls"} & set(runner.names())


@pytest.mark.parametrize(
    ("measured", "goal", "less_is_better", "missed"),
    [
        (2.9, 3, False, True),
        (3.0, 3, False, False),
        (1.6, 1.5, True, True),
        (1.5, 1.5, True, False),
        (9, None, False, False),
    ],
)
def test_a_goal_is_a_bound(measured: float, goal: float | None, less_is_better: bool, missed: bool) -> None:
    assert Row("a / b", measured, goal=goal, less_is_better=less_is_better).missed is missed


def test_what_is_written_names_no_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "FOLDER", tmp_path)
    runner.write("some", [Row("a / b", 2.5, figures={"a_ms": 5, "b_ms": 2})])
    text = (tmp_path / "results/some.json").read_text(encoding="utf-8")
    assert json.loads(text)["rows"][0]["figures"] == {"a_ms": 5, "b_ms": 2}
    assert platform.node() not in text
