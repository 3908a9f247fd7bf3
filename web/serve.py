"""The panel behind waitress."""

from __future__ import annotations

import logging
import os
from typing import Any

from waitress import server as waitress_server

from is2_core.bootstrap import ensure_schedules
from is2_core.config import Config
from is2_core.errors import CannotStart
from is2_core.platform import Platform
from is2_core.startup import check_start
from web.app import create_app

_log = logging.getLogger(__name__)

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
        server = waitress_server.create_server(
            create_app(platform), **where, **_who_asks(platform.config), threads=THREADS, ident=None
        )
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise CannotStart(f"The panel cannot listen on {host}, port {port}: {reason}.") from error
    if platform.config.hides_addresses:
        _log.warning(
            "IS2_TRUSTED_PROXY is not set: everybody seems to ask from the address of the proxy in front, so limits "
            "per address are off; give that address, such as 127.0.0.1"
        )
    server.print_listen("Serving on http://{}:{}")
    server.run()


def _who_asks(config: Config) -> dict[str, Any]:
    """Whose word is taken for the address of who asks: the last entry of X-Forwarded-For, which the proxy has added
    itself. From anybody else the header is dropped."""
    if not config.trusted_proxy:
        return {}
    return {"trusted_proxy": config.trusted_proxy, "trusted_proxy_headers": {"x-forwarded-for"}}
