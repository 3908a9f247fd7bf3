"""The panel on a real port, for browsers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from waitress import create_server

from plugins.amazon.simulator.serving import end
from tests.support.amazon import SimulatedAmazon


@contextmanager
def served(make: Callable[[str], Flask], *, threads: int = 4, **settings: Any) -> Iterator[str]:
    """Serve the application `make` builds for its own address, with so many threads; gives the address. Further
    settings are waitress's own."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # A map of its own, or waitress would share one between the servers of this process.
        sockets: dict[int, object] = {}
        server = create_server(
            make(address), sockets=[listener], map=sockets, log_socket_errors=False, threads=threads, **settings
        )
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield address
        finally:
            end(server, sockets)
            thread.join(timeout=10)


@dataclass
class Live:
    """The panel at a real address, beside an Amazon at another."""

    address: str
    app: Flask
    amazon: SimulatedAmazon
