"""`is2 web`, `is2 worker`, `is2 dispatcher`: one long-running process each."""

from __future__ import annotations

import os
import signal
from types import FrameType

import click

import worker as background
from cli.environment import config_of_environment, platform_of_environment
from is2_core.logs import configure_logging


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
def web(host: str, port: int) -> None:
    """Serve the panel. TLS ends in front of it."""
    from web.serve import serve

    _log()
    signal.signal(signal.SIGTERM, _leave)
    serve(platform_of_environment(), host, port)


@click.command()
@click.option("--burst", is_flag=True, help="Stop when the queue is empty.")
def worker(burst: bool) -> None:
    """Run background tasks. Run as many of these as you like."""
    _log()
    # Only the forked children of a worker may open the database.
    config_of_environment()
    background.work(burst)


@click.command()
def dispatcher() -> None:
    """Find what is due and wake the workers for it. One is enough, more do no harm."""
    _log()
    config_of_environment()
    background.dispatch()


def _log() -> None:
    configure_logging(os.environ.get("IS2_LOG_LEVEL", "INFO"))


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)
