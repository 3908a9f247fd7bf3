"""The real demo, as a process of its own: it must agree, survive a killed worker, and notice what is not there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COUNT = 40


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    """A demo with its temporary files in a folder of the test."""
    folder.mkdir()
    return subprocess.Popen(
        [sys.executable, "-m", "cli.main", "demo", "--json", "--count", str(COUNT), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(folder)},
    )


def finish(demo: subprocess.Popen[str]) -> tuple[int, dict[str, Any], str]:
    """Exit code, the one JSON object, and what was told meanwhile."""
    with demo:
        output, told = demo.communicate(timeout=280)
    assert output.count("\n") == 1, told
    return demo.returncode, json.loads(output), told


def counts(outcome: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """The table without the order ids."""
    return {row["row"]: (row["is2"], row["cart"]) for row in outcome["rows"]}


@pytest.mark.timeout(300)
def test_both_sides_agree_even_when_a_worker_is_killed(tmp_path: Path) -> None:
    demos = start(tmp_path / "plain"), start(tmp_path / "killed", "--kill-worker")
    (code, plain, told), (code_killed, killed, told_killed) = map(finish, demos)

    assert (code, plain["differences"]) == (0, []), told
    table = counts(plain)
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

    assert (code_killed, killed["killed_worker"]) == (0, True), told_killed
    assert "A worker was killed in the middle of the import." in told_killed
    assert counts(killed) == table
    # The data folders are gone.
    assert [folder for name in ("plain", "killed") for folder in (tmp_path / name).iterdir()] == []


@pytest.mark.timeout(300)
def test_orders_that_miss_on_either_side_are_named(tmp_path: Path) -> None:
    code, outcome, told = finish(start(tmp_path / "dropped", "--drop", "is2", "--drop", "cart"))
    assert code == 1, told
    rows = {row["row"]: row for row in outcome["rows"]}

    (never_listed,) = rows["Offered by Amazon and received"]["only_cart"]
    assert rows["Placed in the warehouse"]["only_cart"] == [never_listed]

    (changed_behind_our_back,) = rows["“Processing” for the buyer"]["only_is2"]
    assert rows["Cancelled after it was placed"]["only_cart"] == [changed_behind_our_back]

    sentences = " ".join(outcome["differences"])
    assert never_listed in sentences and changed_behind_our_back in sentences
    assert rows["Acknowledged"]["same"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "cannot be read"), ("not json", "is not JSON"), ("{}", "is not one of Amazon's model files")],
)
def test_a_file_that_cannot_be_used_is_refused_at_once(tmp_path: Path, content: str | None, sentence: str) -> None:
    path = tmp_path / "orders.json"
    if content is not None:
        path.write_text(content)
    code, outcome, told = finish(start(tmp_path / "refused", "--orders", str(path)))
    assert code == 2
    assert sentence in outcome["error"] and sentence in told
