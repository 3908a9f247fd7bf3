"""Notices connections that a cart opens by itself, past `ctx.http`."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_NAMES = ("connect", "connect_ex")


class OwnConnection(OSError):
    """A cart reached for the network; nothing was sent. An OSError, so that libraries tidy up after it."""


class _ThisThread(threading.local):
    tried: list[str] | None = None
    may_connect: bool = False


_this_thread = _ThisThread()


@contextmanager
def blocked() -> Iterator[list[str]]:
    """Refuse every connection this thread opens, other threads go on; what was tried is in the list."""
    if _this_thread.tried is not None:
        # A token is minted while another hook is at work.
        yield _this_thread.tried
        return
    _this_thread.tried = tried = []
    for name in _NAMES:
        setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
    try:
        yield tried
    finally:
        _this_thread.tried = None
        for name in _NAMES:
            # The originals are inherited from the C type: taking ours away uncovers them.
            delattr(socket.socket, name)


@contextmanager
def allowed() -> Iterator[None]:
    """Let this thread connect within `blocked`: for the one way out."""
    _this_thread.may_connect = True
    try:
        yield
    finally:
        _this_thread.may_connect = False


def _guarded(original: Any) -> Any:
    def connect(self: socket.socket, address: Any) -> Any:
        if _this_thread.tried is not None and not _this_thread.may_connect:
            _this_thread.tried.append(str(address))
            raise OwnConnection(f"a connection to {address}")
        return original(self, address)

    return connect
