"""The panel behind waitress."""

from __future__ import annotations

import waitress

from is2_core.bootstrap import build_platform, ensure_schedules
from is2_core.config import Config
from is2_core.logs import configure_logging
from is2_core.platform import Platform
from web.app import create_app

# More than live calls to carts (is2_core.calls.live_limits) and the one password being hashed can hold.
THREADS = 8


def serve(platform: Platform, host: str, port: int) -> None:
    """Serve the panel until the process is ended. TLS, where there is any, ends in front of it."""
    ensure_schedules(platform)
    # ident: the answer names no server software.
    waitress.serve(create_app(platform), host=host, port=port, threads=THREADS, ident=None)


def main() -> None:
    """Serve the platform the environment describes on the loopback address, port 8080."""
    configure_logging("INFO")
    serve(build_platform(Config.from_environment()), "127.0.0.1", 8080)


if __name__ == "__main__":
    main()
