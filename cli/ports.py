"""Finding a port to listen on."""

from __future__ import annotations

import errno
import socket

HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of the loopback address.

    Raises:
        OSError: the port cannot be used for another reason (a port below 1024 needs rights).
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def any_free() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
