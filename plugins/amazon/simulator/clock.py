"""The simulator's own clock, which can be moved forward, and the two time formats."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

# Leaves room for whatever is reckoned from now, such as the end of a token's life.
_LAST = datetime(9000, 1, 1, tzinfo=UTC)


def wall_time() -> datetime:
    """The machine's time, aware, UTC."""
    return datetime.now(UTC)


class Clock:
    """A source of time plus an offset that only grows."""

    def __init__(self, source: Callable[[], datetime] | None = None) -> None:
        self._source = source or wall_time
        self.offset_s = 0.0

    def now(self) -> datetime:
        """The simulated time, aware, UTC."""
        return self._source().astimezone(UTC) + timedelta(seconds=self.offset_s)

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`; raises ValueError for less than 0, and for more than the calendar has left."""
        left = (_LAST - self.now()).total_seconds()
        if not 0 <= seconds <= left:
            raise ValueError(f"the clock only moves forward, by 0 to {left:.0f} seconds")
        self.offset_s += seconds


def iso(moment: datetime) -> str:
    """ISO 8601, UTC, milliseconds, as Amazon's replies write it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def whole_second(moment: datetime) -> str:
    """ISO 8601, UTC, without a fraction, as version 0 of the Orders API writes it."""
    return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """An ISO 8601 date and time that names its zone.

    Raises:
        ValueError: not ISO 8601, no time of day, no zone, or outside the years 1 to 9999 of UTC.
    """
    if "T" not in text:
        raise ValueError(f"{text!r} is not an ISO 8601 date-time")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError as problem:
        raise ValueError(f"{text!r} lies outside the calendar") from problem
