"""`is2 amazon-simulator`: serves the simulator over HTTP."""

import os
import signal
import socket
from typing import Any

import click

from plugins.amazon.simulator.serving import Server
from plugins.amazon.simulator.simulator import Simulator


@click.command("amazon-simulator")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8765, show_default=True, help="0 takes a free one.")
@click.option("--listener", "given", type=int, hidden=True, help="A socket's number that listens already (`is2 up`).")
@click.option("--base-url", help="Address under which others reach it, for the links it hands out.")
@click.option("--seed", default=1, show_default=True, help="Same seed, same ids and tokens.")
@click.option("--feed-delay", default=60.0, show_default=True, help="Seconds from createFeed to DONE.")
@click.option("--models", envvar="IS2_SPAPI_MODELS", help="Folder with Amazon's model files to check against.")
@click.option("--orders-rate", type=float, help="Requests a second of searchOrders instead of the published 0.0056.")
@click.option("--no-rate-limits", is_flag=True, help="Enforce no rate limits at all.")
def command(
    *,
    host: str,
    port: int,
    given: int | None,
    base_url: str | None,
    seed: int,
    feed_delay: float,
    models: str | None,
    orders_rate: float | None,
    no_rate_limits: bool,
) -> None:
    """Simulate Amazon's Selling Partner API, Login with Amazon and consent pages."""
    try:
        listener = socket.create_server((host, port)) if given is None else socket.socket(fileno=given)
    except (OSError, OverflowError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        raise click.ClickException(f"The simulator cannot listen on {host}, port {port}: {reason}.") from error
    address = f"http://{host}:{listener.getsockname()[1]}"
    simulator = Simulator(
        seed=seed,
        models=models or None,
        base_url=base_url or address,
        feed_delay_s=feed_delay,
        rate_limits=not no_rate_limits,
        rates={"searchOrders": (orders_rate, 20)} if orders_rate else None,
    )
    server = Server(simulator, listener)
    signal.signal(signal.SIGTERM, _stop)
    checked = "checked against Amazon's models" if simulator.models else "not checked against Amazon's models"
    click.echo(f"Amazon simulator on {address}/, requests and replies {checked}. Ctrl-C ends it.")
    server.run()


def _stop(_signal_number: int, _frame: Any) -> None:
    raise SystemExit(0)
