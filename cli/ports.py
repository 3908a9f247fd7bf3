"""Listening on a port of the loopback address."""

from __future__ import annotations

import errno
import socket

HOST = "127.0.0.1"


def listen(port: int) -> socket.socket | None:
    """Listen; None where somebody else does. Port 0 is any free one.

    Raises:
        OSError: the port cannot be used for another reason (a port below 1024 needs rights).
    """
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return None
        raise
