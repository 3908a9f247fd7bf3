"""Serves a simulator over HTTP with waitress."""

import socket
from typing import Any

from waitress.server import create_server
from waitress.wasyncore import close_all

from plugins.amazon.simulator.front import create_app
from plugins.amazon.simulator.simulator import Simulator

# A feed of 25,000 messages is some 10 MB; this leaves room.
_MAX_BODY = 2**28


class Server:
    """One simulator behind one listening socket."""

    def __init__(self, simulator: Simulator, listener: socket.socket) -> None:
        # An own map: waitress would else share one between all servers of a process.
        self._map: dict[int, socket.socket] = {}
        self._server = create_server(
            create_app(simulator),
            map=self._map,
            sockets=[listener],
            log_socket_errors=False,
            threads=8,
            max_request_body_size=_MAX_BODY,
        )

    def run(self) -> None:
        """Serve until `stop`, SystemExit or KeyboardInterrupt."""
        self._server.run()

    def stop(self) -> None:
        """End `run` from another thread, open connections included."""
        end(self._server, self._map)


def end(server: Any, sockets: dict[int, socket.socket]) -> None:
    """End a waitress server that another thread runs, with all `sockets` of its map.

    They are closed by the thread that waits for them: closing them under it would free their numbers for other files.
    """
    server.task_dispatcher.shutdown()
    # Under its lock: another's pull could else run this, and so close the trigger, before ours is written.
    with server.trigger.lock:
        server.trigger.thunks.append(lambda: close_all(sockets, ignore_all=True))
        server.trigger.pull_trigger()
