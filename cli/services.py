"""`is2 web`, `is2 worker`, `is2 dispatcher`: one long-running process each."""

from __future__ import annotations

import signal
import socket
from types import FrameType

import click

import worker as background
from is2_core.bootstrap import build_platform
from is2_core.config import Config, log_level
from is2_core.logs import configure_logging


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
@click.option("--listener", type=int, hidden=True, help="A socket's number that listens already (`is2 up`).")
def web(host: str, port: int, listener: int | None) -> None:
    """Serve the panel. TLS ends in front of it."""
    from web.serve import serve

    _log()
    signal.signal(signal.SIGTERM, _leave)
    given = None if listener is None else socket.socket(fileno=listener)
    serve(build_platform(Config.from_environment()), host, port, given)


@click.command()
@click.option("--burst", is_flag=True, help="Stop when the queue is empty.")
def worker(burst: bool) -> None:
    """Run background tasks. Run as many of these as you like."""
    _log()
    background.work(burst)


@click.command()
def dispatcher() -> None:
    """Find what is due and wake the workers for it. One is enough, more do no harm."""
    _log()
    background.dispatch()


def _log() -> None:
    configure_logging(log_level())


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)
