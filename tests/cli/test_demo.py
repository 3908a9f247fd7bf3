"""The real demo, as a process of its own: it must agree, survive a killed worker, and notice what is not there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

COUNT = 40


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a demo with its temporary files in a folder of the test; what still runs at the end is ended."""
    started: list[subprocess.Popen[str]] = []

    def start_one(folder: str, *options: str) -> subprocess.Popen[str]:
        (tmp_path / folder).mkdir()
        demo = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "demo", "--json", "--count", str(COUNT), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(tmp_path / folder)},
        )
        started.append(demo)
        return demo

    yield start_one
    for demo in started:
        demo.terminate()
        demo.communicate()


def finish(demo: subprocess.Popen[str]) -> tuple[int, dict[str, Any], str]:
    """Exit code, the one JSON object, and what was told meanwhile."""
    output, told = demo.communicate(timeout=280)
    assert output.count("\n") == 1, told
    return demo.returncode, json.loads(output), told


def counts(outcome: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """The table without the order ids."""
    return {row["row"]: (row["is2"], row["cart"]) for row in outcome["rows"]}


@pytest.mark.timeout(300)
def test_both_sides_are_compared_for_real(start: Start, tmp_path: Path) -> None:
    # Side by side: most of a demo is waiting for Amazon's feeds and, here, for a lease to run out.
    plain = start("plain")
    killed = start("killed", "--kill-worker")
    dropped = start("dropped", "--drop", "is2", "--drop", "cart")
    (code, outcome, told), after_a_kill, with_drops = map(finish, (plain, killed, dropped))

    assert (code, outcome.get("differences")) == (0, []), told
    table = counts(outcome)
    check_the_road(table)
    check_a_killed_worker(after_a_kill, table)
    check_what_misses_is_named(with_drops)
    # The data folders are gone.
    assert [each for name in ("plain", "killed", "dropped") for each in (tmp_path / name).iterdir()] == []


def check_the_road(table: dict[str, tuple[int, int]]) -> None:
    """Every branch was met and came to its end."""
    assert all(is2 == cart for is2, cart in table.values())
    assert table["Offered by Amazon and received"] == (COUNT, COUNT)
    assert table["Excluded: fulfilled by Amazon"][0] >= 1
    assert table["Held: address missing"][0] >= 1
    assert table["Cancelled after it was placed"][0] >= 1
    placed, acknowledged = table["Placed in the warehouse"][0], table["Acknowledged"][0]
    assert acknowledged == placed + table["Cancelled after it was placed"][0]
    assert table["“Processing” for the buyer"][0] + table["“Partly shipped” for the buyer"][0] == placed
    # Nothing waits any more for what the merchant has set right.
    assert "Held: SKU unknown" not in table


def check_a_killed_worker(demo: tuple[int, dict[str, Any], str], table: dict[str, tuple[int, int]]) -> None:
    """It really was killed, and the table is the same."""
    code, outcome, told = demo
    assert (code, outcome["killed_worker"]) == (0, True), told
    assert "A worker was killed in the middle of the import." in told
    assert counts(outcome) == table


def check_what_misses_is_named(demo: tuple[int, dict[str, Any], str]) -> None:
    """One order Amazon never lists, and one it cancels behind our back."""
    code, outcome, told = demo
    assert code == 1, told
    rows = {row["row"]: row for row in outcome["rows"]}
    (never_listed,) = rows["Offered by Amazon and received"]["only_cart"]
    assert rows["Placed in the warehouse"]["only_cart"] == [never_listed]
    (cancelled,) = rows["“Processing” for the buyer"]["only_is2"]
    assert rows["Cancelled after it was placed"]["only_cart"] == [cancelled]
    assert rows["Acknowledged"]["same"]
    sentences = " ".join(outcome["differences"])
    assert never_listed in sentences and cancelled in sentences


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "cannot be read"), ("not json", "is not JSON"), ("{}", "is not one of Amazon's model files")],
)
def test_a_file_that_cannot_be_used_is_refused_at_once(
    start: Start, tmp_path: Path, content: str | None, sentence: str
) -> None:
    path = tmp_path / "orders.json"
    if content is not None:
        path.write_text(content)
    code, outcome, told = finish(start("refused", "--orders", str(path)))
    assert code == 2
    assert sentence in outcome["error"] and sentence in told
