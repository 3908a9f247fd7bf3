"""The panel behind waitress."""

from __future__ import annotations

import os
from typing import Any

from waitress import server as waitress_server

from is2_core.bootstrap import ensure_schedules
from is2_core.errors import CannotStart
from is2_core.platform import Platform
from is2_core.startup import check_start
from web.app import create_app

# More than live calls to carts (is2_core.calls.live_limits) and the one password being hashed can hold.
THREADS = 8


def serve(platform: Platform, host: str, port: int, listener: Any = None) -> None:
    """Serve the panel until the process is ended. TLS, where there is any, ends in front of it.

    Args:
        listener: a socket that listens already, in place of host and port.

    Raises:
        CannotStart: as the platform is set up, nobody could use the panel, or the port is taken.
    """
    platform.config.check_sign_in()
    check_start(platform)
    ensure_schedules(platform)
    where = {"sockets": [listener]} if listener else {"host": host, "port": port}
    try:
        # ident: the answer names no server software.
        server = waitress_server.create_server(create_app(platform), **where, threads=THREADS, ident=None)
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise CannotStart(f"The panel cannot listen on {host}, port {port}: {reason}.") from error
    server.print_listen("Serving on http://{}:{}")
    server.run()
