"""Warning before an authorization ends; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

WARNING_DAYS = (1, 7, 30)


@dataclass(frozen=True)
class ExpiryWarning:
    """An authorization that ends soon; `level` is "30", "7", "1" or "over"."""

    due_at: datetime
    days_left: int
    level: str
    message: str


def warning(label: str, due_at: datetime, now: datetime) -> ExpiryWarning | None:
    """Return the warning at a moment, None where there is none yet.

    Args:
        due_at: when the authorization ends.
    """
    days_left = max(0, math.ceil((due_at - now) / timedelta(days=1)))
    level = next((str(days) for days in WARNING_DAYS if days_left <= days), None)
    if now >= due_at:
        return ExpiryWarning(
            due_at,
            0,
            "over",
            f"The authorization at {label} ended on {due_at:%Y-%m-%d}: orders, stock and tracking may have stopped. "
            "Reconnect this store now.",
        )
    if level is None:
        return None
    left = "1 day" if days_left == 1 else f"{days_left} days"
    return ExpiryWarning(
        due_at,
        days_left,
        level,
        f"The authorization at {label} ends in {left}, on {due_at:%Y-%m-%d}. Do not ignore this: without a reconnect, "
        "orders, stock and tracking stop on that day.",
    )
