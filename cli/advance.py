"""`is2 advance`: move the clock of a trial forward, and the simulated Amazon's with it."""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path

import click

from cli.environment import platform_of_environment
from cli.trial import SIMULATED_CART, SIMULATOR_ENVIRONMENT, TrialFolder
from is2_core.admin import clock_offset
from is2_core.bootstrap import build_platform
from is2_core.carts.cart_settings import stored_settings
from is2_core.config import Config
from is2_core.errors import FlowError
from is2_core.platform import Platform

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_TIMEOUT_S = 30
# The command asks no Redis for anything, but a configuration must name one.
_NO_REDIS = "redis://127.0.0.1:1"


class Duration(click.ParamType[timedelta]):
    """A number and its unit, such as 90s, 15m, 12h or 3d."""

    name = "duration"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        found = re.fullmatch(r"(\d{1,9})([smhd])", value.strip().lower(), re.ASCII)
        if found is None:
            self.fail(f"{value} is no duration; write 90s, 15m, 12h or 3d.", param, ctx)
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


class SimulatorAway(Exception):
    """The simulated Amazon does not do what it is told."""


def move_simulator(address: str, by: timedelta) -> datetime:
    """Move the simulated Amazon's clock forward; returns its new time.

    Raises:
        SimulatorAway: it does not answer, or something else does.
    """
    request = urllib.request.Request(
        f"{address.rstrip('/')}/_sim/clock",
        data=json.dumps({"advance_s": by.total_seconds()}).encode(),
        headers={"Content-Type": "application/json"},
    )
    # No proxy stands between us and a program of this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_TIMEOUT_S) as answer:
            return datetime.fromisoformat(json.load(answer)["now"])
    except (urllib.error.URLError, OSError, ValueError, KeyError, TypeError) as error:
        raise SimulatorAway(f"The simulated Amazon at {address} does not answer ({error}).") from error


@click.command()
@click.argument("by", type=Duration())
@click.option("--data", default="var", show_default=True, type=click.Path(path_type=Path), help="Folder of `is2 up`.")
def advance(by: timedelta, data: Path) -> None:
    """Move the clock of a running trial forward by BY (90s, 15m, 12h, 3d), the simulated Amazon's with it.

    What is due by then is done at once: orders are checked, stock and tracking are sent, authorizations run out.
    """
    now, simulated = move_clocks(by, data)
    click.echo(f"IS2               {now:%Y-%m-%d %H:%M:%S} UTC")
    click.echo(f"Simulated Amazon  {simulated:%Y-%m-%d %H:%M:%S} UTC")


def move_clocks(by: timedelta, data: Path) -> tuple[datetime, datetime]:
    """Carry out `is2 advance`; returns the new times of IS2 and of the simulated Amazon.

    Raises:
        click.ClickException: it cannot be done; nothing is moved.
    """
    addresses = TrialFolder(data).addresses()
    platform = _trial(data, addresses["panel"]) if addresses else _of_environment(data)
    try:
        clock_offset.check_advance(platform, by)
        # The simulator first: where it cannot follow, nothing is moved.
        simulated = move_simulator(_simulator(platform, addresses.get("simulator", "")), by)
        return clock_offset.advance(platform, by), simulated
    except FlowError as error:
        raise click.ClickException(error.message) from error
    except SimulatorAway as error:
        raise click.ClickException(str(error)) from error
    finally:
        platform.db.dispose()


def _trial(data: Path, panel: str) -> Platform:
    redis_url = os.environ.get("IS2_REDIS_URL", _NO_REDIS)
    return build_platform(Config.from_environment(TrialFolder(data).environment(redis_url, panel)))


def _of_environment(data: Path) -> Platform:
    if not os.environ.get("IS2_DATABASE_URL"):
        raise click.ClickException(f"No trial runs in the folder {data}. Start one with: is2 up --data {data}")
    return platform_of_environment()


def _simulator(platform: Platform, started: str) -> str:
    """The simulator's address: the one in the cart's settings, else the one that `is2 up` started."""
    stored = stored_settings(platform, SIMULATED_CART)
    if stored.environment not in ("", SIMULATOR_ENVIRONMENT):
        raise click.ClickException("This platform speaks to the real Amazon, whose clock nobody moves.")
    address = stored.values.get("simulator_url", "") if stored.environment else started
    if not address:
        raise click.ClickException("No simulated Amazon is set up.")
    return address
