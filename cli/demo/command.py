"""`is2 demo`."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from types import FrameType

import click
import requests

from cli.demo.errors import BadFile, DemoError
from cli.demo.participants import DemoOptions
from cli.demo.progress import Show
from cli.demo.script import Outcome, Script
from cli.demo.stack import Stack
from cli.demo.verification.table import as_json, differences, print_tables

DIFFERS, CANNOT_USE, BROKE_OFF = 1, 2, 3


@click.command()
@click.option(
    "--count", default=300, show_default=True, type=click.IntRange(1, 1000), help="Orders of the largest store."
)
@click.option("--seed", default=1, show_default=True, help="Same seed, same orders.")
@click.option(
    "--orders",
    "model_file",
    type=click.Path(path_type=Path),
    help="Amazon's orders_2026-01-01.json: its example orders are loaded as well.",
)
@click.option("--kill-worker", is_flag=True, help="Kill a worker during the import; the table must be the same.")
@click.option("--json", "as_object", is_flag=True, help="Print one JSON object and nothing else on standard output.")
@click.option(
    "--drop",
    type=click.Choice(["is2", "cart", "listing", "package"]),
    multiple=True,
    hidden=True,
    help="Once both agree, make an order miss on this side, or Amazon's listing or package another; compare again.",
)
@click.option("--time-limit", default=175.0, hidden=True, help="Seconds until it breaks off.")
def demo(
    *,
    count: int,
    seed: int,
    model_file: Path | None,
    kill_worker: bool,
    as_object: bool,
    drop: tuple[str, ...],
    time_limit: float,
) -> None:
    """Run the whole order and stock flow against a simulated Amazon and compare both sides.

    Exit code 0: they agree. 1: they differ, the rows are named with their order ids or SKUs. 2: a file given cannot be
    used. 3: the demo broke off.
    """
    begun = time.monotonic()
    signal.signal(signal.SIGTERM, _leave)
    try:
        if model_file is not None:
            _check_file(model_file)
        given = str(model_file.absolute()) if model_file else None
        outcome, spoiled = _run(DemoOptions(count, seed, given, kill_worker, frozenset(drop), time_limit))
    except DemoError as error:
        if as_object:
            click.echo(json.dumps({"agrees": False, "error": str(error)}))
        click.echo(f"Error: {error}", err=True)
        sys.exit(CANNOT_USE if isinstance(error, BadFile) else BROKE_OFF)
    seconds = round(time.monotonic() - begun, 1)
    if as_object:
        facts = {"count": count, "seed": seed, "killed_worker": kill_worker, "seconds": seconds}
        again = {"spoiled": as_json(spoiled)} if spoiled else {}
        click.echo(json.dumps({**facts, **as_json(outcome), **again}))
    else:
        for each in filter(None, (outcome, spoiled)):
            print_tables(each)
            _print_verdict(each, seconds)
    if not outcome.agrees or (spoiled and not spoiled.agrees):
        sys.exit(DIFFERS)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _check_file(path: Path) -> None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise BadFile(f"{path} is not JSON.") from error
    if not isinstance(content, dict) or "paths" not in content:
        raise BadFile(f"{path} is not one of Amazon's model files.")


def _run(options: DemoOptions) -> tuple[Outcome, Outcome | None]:
    """Both sides compared, and compared again where something was to be made different."""
    with Show() as show:
        show.step("Starting panel, workers, dispatcher, Redis and a simulated Amazon.")
        with Stack() as stack:
            try:
                script = Script(stack, options, show)
                outcome = script.run()
                return outcome, script.compare_spoiled() if options.drop else None
            except requests.RequestException as error:
                show.step(f"The logs are in {stack.folder}.")
                raise DemoError(f"A server went away: {error}") from error
            except BadFile:
                raise
            except DemoError:
                show.step(f"The logs are in {stack.folder}.")
                raise


def _print_verdict(outcome: Outcome, seconds: float) -> None:
    if outcome.agrees:
        click.echo(f"Both sides agree ({seconds:g} s).")
        return
    click.echo(f"The two sides differ ({seconds:g} s):")
    for line in differences(outcome):
        click.echo(f"  {line}")
