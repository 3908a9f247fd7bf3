"""The panel on a real port, for browsers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask
from waitress import create_server
from waitress.wasyncore import close_all


@contextmanager
def served(make: Callable[[str], Flask]) -> Iterator[str]:
    """Serve the application `make` builds for its own address; gives the address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # A map of its own, or waitress would share one between the servers of this process.
        sockets: dict[int, object] = {}
        server = create_server(make(address), sockets=[listener], map=sockets, log_socket_errors=False)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield address
        finally:
            server.task_dispatcher.shutdown()
            # By the thread that waits for them: another's closing them under it frees their numbers for other files.
            # Under the trigger's lock: another's pull could else run this, and so close it, before ours is written.
            with server.trigger.lock:
                server.trigger.thunks.append(lambda: close_all(sockets, ignore_all=True))
                server.trigger.pull_trigger()
            thread.join(timeout=10)
