"""Runs the benchmarks, prints their table and writes each module's rows to `benchmarks/results/<module>.json`.

A benchmark is a module of this folder with a function `bench()` that returns rows. `make bench` runs all of them, one
after the other, each in a process of its own; `python -m benchmarks tasks` runs some of them.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.rows import Row

FOLDER = Path(__file__).resolve().parent
# Of all together: a benchmark that takes longer has too many repetitions.
TIMEOUT_S = 300


def names() -> list[str]:
    """Return the modules of this folder that have a function `bench`."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if "\ndef bench(" in path.read_text(encoding="utf-8"))


def measure(name: str, timeout_s: float) -> list[Row]:
    """Run a benchmark in a process of its own."""
    command = [sys.executable, "-m", "benchmarks", "--rows-of", name]
    ended = subprocess.run(
        command, cwd=FOLDER.parent, stdout=subprocess.PIPE, text=True, timeout=max(1, timeout_s), check=True
    )
    return [Row(**row) for row in json.loads(ended.stdout.splitlines()[-1])]


def write(name: str, rows: Sequence[Row]) -> None:
    """Write what a benchmark measured; nothing in it names the machine."""
    about = {
        "benchmark": name,
        "measured_on": datetime.now(UTC).date().isoformat(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "rows": [asdict(row) for row in rows],
    }
    path = FOLDER / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def table(found: Sequence[tuple[str, Row]]) -> Table:
    """Return the table of all that was measured."""
    made = Table(box=None, pad_edge=False)
    for column in ("benchmark", "compared", "measured", "goal", ""):
        made.add_column(column, justify="right" if column in ("measured", "goal") else "left")
    for name, row in found:
        bound = "" if row.goal is None else f"{'<=' if row.less_is_better else '>='} {row.goal:g} {row.unit}"
        made.add_row(name, row.name, f"{row.measured:.3g} {row.unit}", bound, "MISSED" if row.missed else "")
    return made


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="benchmarks to run; all where none is named")
    parser.add_argument("--rows-of", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rows_of:
        rows = importlib.import_module(f"benchmarks.{options.rows_of}").bench()
        print(json.dumps([asdict(row) for row in rows]))
        return
    end = time.monotonic() + TIMEOUT_S
    found: list[tuple[str, Row]] = []
    for name in options.names or names():
        rows = measure(name, end - time.monotonic())
        write(name, rows)
        found += [(name, row) for row in rows]
    Console(width=150).print(table(found))


if __name__ == "__main__":
    main()
