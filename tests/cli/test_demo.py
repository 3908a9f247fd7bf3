"""The real demo, as a process of its own: it must agree, survive a killed worker, and notice what is not there.

That it then ends with exit code 0 shows where `make demo` is run itself.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import IN_MEMORY

COUNT = 40


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def temporary(tmp_path: Path) -> Iterator[Path]:
    """Where demos have their temporary files; what one that broke off left there is kept for whoever looks into it."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        yield Path(folder)
        shutil.copytree(folder, tmp_path / "left", ignore=shutil.ignore_patterns("*.sock"))


@pytest.fixture
def start(temporary: Path) -> Iterator[Start]:
    """Starts a demo with its temporary files in a folder of its own; what still runs at the end is ended."""
    started: list[subprocess.Popen[str]] = []

    def start_one(folder: str, *options: str) -> subprocess.Popen[str]:
        (temporary / folder).mkdir()
        demo = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "demo", "--json", f"--count={COUNT}", "--time-limit=400", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(temporary / folder)},
        )
        started.append(demo)
        return demo

    yield start_one
    for demo in started:
        demo.terminate()
        demo.communicate()


def finish(demo: subprocess.Popen[str]) -> tuple[int, dict[str, Any], str]:
    """Exit code, the one JSON object, and what was told meanwhile."""
    output, told = demo.communicate(timeout=520)
    assert output.count("\n") == 1, told
    return demo.returncode, json.loads(output), told


Table = dict[tuple[str, str], tuple[int, int]]
STORES = ["US main", "Blue Harbor", "Europe", "Summit", "Sakura", "Merlion"]
MAIN = STORES[0]


def counts(outcome: dict[str, Any]) -> Table:
    """The figures by store and row."""
    return {(row["store"], row["row"]): (row["is2"], row["cart"]) for row in outcome["rows"]}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_both_sides_are_compared_for_real(start: Start, temporary: Path) -> None:
    drops = (f"--drop={side}" for side in ("is2", "cart", "listing", "package"))
    code, outcome, told = finish(start("demo", "--kill-worker", *drops))
    assert outcome.get("differences") == [], told
    assert outcome["killed_worker"] and "A worker was killed in the middle of the import." in told
    table = counts(outcome)
    assert outcome["stores"] == STORES
    check_the_orders(table)
    check_the_way_back(table, outcome)
    assert code == 1
    spoiled = outcome["spoiled"]
    check_what_misses_is_named(spoiled)
    other = counts(spoiled)
    assert {key: figures for key, figures in table.items() if key[0] != MAIN} == {
        key: figures for key, figures in other.items() if key[0] != MAIN
    }
    # The data folder is gone.
    assert list((temporary / "demo").iterdir()) == []


def check_the_orders(table: Table) -> None:
    """Every branch was met and came to its end."""
    assert all(is2 == cart for is2, cart in table.values())
    main = {row: is2 for (store, row), (is2, _) in table.items() if store == MAIN}
    # To four something happens that nobody is told of; one more is sold while the demo runs.
    assert main["Offered by Amazon and received"] == COUNT + 5
    assert main["Confirmed at Amazon by hand, and stopped here"] == 1
    assert main["Excluded: fulfilled by Amazon"] >= 1
    assert main["Held: address missing"] >= 1
    assert main["Cancelled after it was placed"] >= 1
    assert main["Stopped by the warehouse, told to the merchant"] == 1
    placed, acknowledged = main["Placed in the warehouse"], main["Acknowledged"]
    assert acknowledged == placed + main["Cancelled after it was placed"] + 2
    seen = ("“Processing” for the buyer", "“Partly shipped” for the buyer", "Completed, and shipped for the buyer")
    assert sum(main[row] for row in seen) == placed + 1
    # Nothing waits any more for what the merchant has set right.
    assert "Held: SKU unknown" not in main


def check_the_way_back(table: Table, outcome: dict[str, Any]) -> None:
    """Stock and packages of every store are at Amazon, and the notices stand where they belong."""
    for store in STORES:
        assert table[store, "Packages with their tracking numbers"][0] >= 1
        assert table[store, "Stock: Amazon's own, never written"] == (1, 1)
        assert table[store, "Stock: SKUs of push 1"][0] >= 1
    assert table[MAIN, "Packages with their tracking numbers"] == (12, 12)
    assert table[MAIN, "Completed, and shipped for the buyer"] == (9, 9)
    assert table[MAIN, "Stock: SKUs with quantity and latency"] == (5, 5)
    assert table[MAIN, "Stock: SKUs of push 2"][0] >= 1
    assert [key for key in table if key[1].startswith("Remote Fulfillment")] == [
        ("Summit", "Remote Fulfillment With FBA: told to set it to Yes")
    ]
    assert {key for key in table if key[1].startswith("Older token")} == {
        ("Merlion", "Older token: leave it for now"),
        ("Merlion", "Older token: it may go now"),
    }
    assert all(check["holds"] for check in outcome["checks"]) and len(outcome["checks"]) >= 4
    assert "A mixed order is completed with what is shipped from here" in {each["name"] for each in outcome["checks"]}
    latency = {level["store"]: level["cart"][1] for level in outcome["stock"]}
    assert latency == {"US main": 3, "Blue Harbor": 2, "Europe": 4, "Summit": 3, "Sakura": 3, "Merlion": 5}


def check_what_misses_is_named(outcome: dict[str, Any]) -> None:
    """One order nobody has read and one cancelled behind our back, a listing and a package that are others."""
    rows = {row["row"]: row for row in outcome["rows"] if row["store"] == MAIN}
    (unread,) = rows["Offered by Amazon and received"]["only_cart"]
    assert rows["Placed in the warehouse"]["only_cart"] == [unread]
    (cancelled,) = rows["“Processing” for the buyer"]["only_is2"]
    assert rows["Cancelled after it was placed"]["only_cart"] == [cancelled]
    assert rows["Acknowledged"]["same"]
    (posted,) = rows["Packages with their tracking numbers"]["only_is2"]
    (shown,) = rows["Packages with their tracking numbers"]["only_cart"]
    assert "SOMEBODY-ELSES" in shown and posted.split(" ")[0] == shown.split(" ")[0]
    stock = rows["Stock: SKUs with quantity and latency"]
    assert stock["only_cart"] == ["TENT-2P: 1 units, 3 days"]
    assert [entry.partition(":")[0] for entry in stock["only_is2"]] == ["TENT-2P"]
    assert [level["sku"] for level in outcome["stock"] if not level["same"]] == ["TENT-2P"]
    messages = "\n".join(outcome["differences"])
    for named in (unread, cancelled, posted, shown, "US main: Stock: SKUs with quantity and latency: only on"):
        assert named in messages


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), ("not json", "is not JSON"), ("{}", "is not one of Amazon's model files")],
)
def test_a_file_that_cannot_be_used_is_refused_at_once(
    start: Start, tmp_path: Path, content: str | None, message: str
) -> None:
    path = tmp_path / "orders.json"
    if content is not None:
        path.write_text(content)
    code, outcome, told = finish(start("refused", "--orders", str(path)))
    assert code == 2
    assert message in outcome["error"] and message in told
