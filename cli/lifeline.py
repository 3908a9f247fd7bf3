"""Ending child processes with a parent that was killed and could not do it itself."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def end_with_parent() -> Callable[[], None] | None:
    """For `preexec_fn`: the child gets SIGTERM when this process (its main thread, to be exact) is gone.

    SIGTERM and not SIGKILL, so that a worker finishes its task. Only Linux can do it; None elsewhere.
    """
    if _LIBC is None:
        return None
    prctl, parent = _LIBC.prctl, os.getpid()

    def set_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        # Killed before the signal was asked for.
        if os.getppid() != parent:
            os._exit(1)

    return set_signal
