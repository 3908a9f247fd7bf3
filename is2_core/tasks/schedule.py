"""When scheduled work comes due: arithmetic of slots, in elapsed time or at a local time of day. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY_S = 86_400
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Slots:
    """How often work comes due: `every_s` seconds apart or, with `daily_at` ("02:30"), at that local time of day."""

    every_s: int = DAY_S
    daily_at: str = ""


def next_slot(*, after: datetime, last: datetime, every_s: int, daily_at: str = "", zone: str = "") -> datetime:
    """The first slot later than both `after` and `last`; slots missed in between are one slot, not many.

    Args:
        after: the present, aware.
        last: the slot that was taken last, aware; slots of `every_s` are counted from it.
        every_s: seconds between two slots, elapsed time, whatever clocks on walls do. Not used with `daily_at`.
        daily_at: a local time of day ("02:30"); "" where the slots are `every_s` apart. A day whose clocks skip that
            time has its slot right after the gap, a day that has it twice has its slot at the first of the two.
        zone: the time zone of `daily_at` by its tz database name; "" is UTC.

    Returns:
        Aware, UTC.

    Raises:
        ValueError: `every_s` is not positive, or `daily_at` or `zone` is not understood.
    """
    # Python subtracts and compares two times of the same zone by their clocks; elapsed time needs UTC.
    after, last = after.astimezone(UTC), last.astimezone(UTC)
    if daily_at:
        return _next_daily(max(after, last), time.fromisoformat(daily_at), _zone(zone))
    if every_s <= 0:
        raise ValueError(f"slots cannot be {every_s} seconds apart")
    step = timedelta(seconds=every_s)
    passed = max(0, (after - last) // step)
    return last + (passed + 1) * step


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r}") from error


def _next_daily(later_than: datetime, at: time, zone: ZoneInfo) -> datetime:
    # A slot that fell into a gap before midnight lies on the following day, so the day before is looked at as well.
    day = later_than.astimezone(zone).date() - _DAY
    while True:
        slot = _slot_of(day, at, zone)
        if slot is not None and slot > later_than:
            return slot
        day += _DAY


def _slot_of(day: date, at: time, zone: ZoneInfo) -> datetime | None:
    """The instant of a day's slot; None where the whole day is skipped (Samoa had no December 30, 2011)."""
    local = datetime.combine(day, at, tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    # In a gap the two folds are an instant before it and one after it (PEP 495).
    before, behind = local.replace(fold=1).astimezone(UTC), instant
    offset = before.astimezone(zone).utcoffset()
    while behind - before > _SECOND:
        middle = before + (behind - before) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            behind = middle
    end = behind.replace(microsecond=0)
    if before.astimezone(zone).date() < day < end.astimezone(zone).date():
        return None
    return end
