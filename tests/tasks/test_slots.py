"""When scheduled work comes due, over whole years of clock changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from is2_core.tasks.schedule import next_slot

pytestmark = pytest.mark.unit

QUARTER = timedelta(minutes=15)
TWELVE_HOURS = 12 * 3600
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 2 * 365 * 86400).map(lambda seconds: NEW_YEAR + timedelta(seconds=seconds))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def daily(after: str, at: str, zone: str, last: str | None = None) -> datetime:
    return next_slot(after=utc(after), last=utc(last or after), every_s=86400, daily_at=at, zone=zone)


@given(
    every_s=st.integers(1, 10 * 86400),
    behind_s=st.integers(-10 * 86400, 400 * 86400),
    last=MOMENTS,
)
def test_elapsed_slots_stay_on_their_grid(every_s: int, behind_s: int, last: datetime) -> None:
    after = last + timedelta(seconds=behind_s)
    slot = next_slot(after=after, last=last, every_s=every_s)
    step = timedelta(seconds=every_s)
    assert slot > max(after, last)
    assert (slot - last) % step == timedelta(0)
    assert slot - step <= max(after, last), "no slot is skipped"


def test_elapsed_slots_do_not_care_for_clock_changes() -> None:
    # Clocks in New York go back in the night of November 1, 2026.
    evening = datetime(2026, 10, 31, 20, 0, tzinfo=ZoneInfo("America/New_York"))
    slot = next_slot(after=evening, last=evening, every_s=TWELVE_HOURS)
    assert slot - evening.astimezone(UTC) == timedelta(hours=12)
    assert slot.astimezone(evening.tzinfo).hour == 7


@pytest.mark.parametrize(
    ("after", "at", "zone", "expected"),
    [
        # An ordinary day, and the instant of a slot itself.
        ("2026-06-01T05:00", "02:30", "America/New_York", "2026-06-01T06:30"),
        ("2026-06-01T06:30", "02:30", "America/New_York", "2026-06-02T06:30"),
        # Spring: 02:00 to 03:00 does not exist on March 8; the slot is at 03:00, which is 07:00 UTC.
        ("2026-03-07T12:00", "02:30", "America/New_York", "2026-03-08T07:00"),
        ("2026-03-08T07:00", "02:30", "America/New_York", "2026-03-09T06:30"),
        # Autumn: 01:30 comes twice on November 1, at 05:30 and at 06:30 UTC.
        ("2026-10-31T12:00", "01:30", "America/New_York", "2026-11-01T05:30"),
        ("2026-11-01T05:30", "01:30", "America/New_York", "2026-11-02T06:30"),
        ("2026-11-01T06:00", "01:30", "America/New_York", "2026-11-02T06:30"),
        # A clock change of half an hour.
        ("2026-10-03T00:00", "02:15", "Australia/Lord_Howe", "2026-10-03T15:30"),
        # A gap at midnight belongs to its day, one before midnight to the day it ends.
        ("2026-09-06T00:00", "00:00", "America/Santiago", "2026-09-06T04:00"),
        ("2026-03-28T12:00", "23:30", "America/Nuuk", "2026-03-29T01:00"),
        ("2026-03-29T01:00", "23:30", "America/Nuuk", "2026-03-30T00:30"),
        # Samoa had no December 30, 2011.
        ("2011-12-29T13:00", "02:30", "Pacific/Apia", "2011-12-30T12:30"),
        ("2026-06-01T05:00", "06:00", "", "2026-06-01T06:00"),
    ],
)
def test_a_time_of_day_in_a_zone(after: str, at: str, zone: str, expected: str) -> None:
    assert daily(after, at, zone) == utc(expected)


def test_a_slot_taken_ahead_of_time_is_not_taken_again() -> None:
    assert daily("2026-06-01T05:59", "06:00", "", last="2026-06-01T06:00") == utc("2026-06-02T06:00")


def test_missed_days_are_one_slot() -> None:
    assert daily("2026-06-09T12:00", "06:00", "", last="2026-06-01T06:00") == utc("2026-06-10T06:00")


def first_moments(zone: ZoneInfo, at: time, year: int) -> Iterator[tuple[date, datetime]]:
    """For each local day of a year the first quarter of an hour at or after a time of day, found by looking at the
    local clock all year long; where the day has none left, the first one after it."""
    moment = datetime(year - 1, 12, 31, tzinfo=UTC)
    day = date(year, 1, 1)
    while day.year == year:
        local = moment.astimezone(zone)
        if (local.date(), local.time()) >= (day, at):
            yield day, moment
            day += timedelta(days=1)
        moment += QUARTER


@pytest.mark.parametrize(
    "zone",
    ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "America/Nuuk", "Asia/Kolkata"],
)
@pytest.mark.parametrize("at", ["00:00", "01:30", "02:15", "02:30", "23:30"])
def test_every_day_of_a_year_has_one_slot(zone: str, at: str) -> None:
    expected = list(first_moments(ZoneInfo(zone), time.fromisoformat(at), 2026))
    assert len(expected) == 365
    slot = expected[0][1] - timedelta(hours=1)
    for day, moment in expected:
        slot = next_slot(after=slot, last=slot, every_s=86400, daily_at=at, zone=zone)
        assert slot == moment, day


@settings(max_examples=300)
@given(
    zone=st.sampled_from(["America/New_York", "Europe/London", "America/Nuuk", "Africa/Cairo", "Asia/Tokyo"]),
    at=st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60)),
    after=MOMENTS,
)
def test_asking_in_between_changes_nothing(zone: str, at: time, after: datetime) -> None:
    # However often and whenever a dispatcher looks, the slots are the same.
    following = next_slot(after=after, last=after, every_s=86400, daily_at=at.isoformat("minutes"), zone=zone)
    assert after < following <= after + timedelta(hours=25, minutes=1)
    halfway = after + (following - after) / 2
    assert next_slot(after=halfway, last=after, every_s=86400, daily_at=at.isoformat("minutes"), zone=zone) == following


@pytest.mark.parametrize(
    ("every_s", "at", "zone"), [(0, "", ""), (-5, "", ""), (60, "25:00", ""), (60, "06:00", "Mars/Olympus")]
)
def test_what_is_not_understood_is_refused(every_s: int, at: str, zone: str) -> None:
    now = utc("2026-06-01T05:00")
    with pytest.raises(ValueError):
        next_slot(after=now, last=now, every_s=every_s, daily_at=at, zone=zone)
