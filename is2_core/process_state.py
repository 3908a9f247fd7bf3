"""Process-wide state one piece of work could leave changed for the next."""

from __future__ import annotations

import decimal
import locale
import logging
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Mapping

# Kilobytes by which a process may grow over its work, at its largest.
GROWTH_MAX_KB = 256 * 1024


class ProcessState:
    """The state of this process now, to be compared with what it is later."""

    def __init__(self) -> None:
        self._before = _state()
        self._peak_kb = _peak_kb()

    def changes(self) -> list[str]:
        """Name what is different now: words, never a value, which may be anything."""
        now = _state()
        changed = [name for name, value in self._before.items() if now[name] != value]
        return [*changed, "memory"] if _peak_kb() - self._peak_kb > GROWTH_MAX_KB else changed


def _peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _state() -> Mapping[str, object]:
    # Asking for the mask means setting it.
    os.umask(mask := os.umask(0))
    root, numbers = logging.getLogger(), decimal.getcontext()
    # Whoever sets an alarm sets its handler.
    handled = sorted(signal.valid_signals() - {signal.SIGALRM})
    return {
        "signal handlers": [signal.getsignal(number) for number in handled],
        "signal mask": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "timers": [
            signal.getitimer(timer) != (0, 0)
            for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
        ],
        "threads": threading.enumerate(),
        "environment": dict(os.environ),
        "working directory": os.getcwd(),
        "file mode mask": mask,
        "decimals": [numbers.prec, numbers.rounding, numbers.Emin, numbers.Emax, dict(numbers.traps)],
        "locale": locale.setlocale(locale.LC_ALL),
        "time zone": time.tzname,
        "import path": list(sys.path),
        "standard streams": [sys.stdin, sys.stdout, sys.stderr],
        "excepthook and limits": [sys.excepthook, sys.getrecursionlimit()],
        "logging": [root.level, root.manager.disable, list(root.handlers)],
    }
