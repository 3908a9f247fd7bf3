"""Promised windows and deadlines, in the warehouse's time zone: that is where somebody must act before they end."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

from web.access import platform


def window(earliest: datetime | None, latest: datetime | None) -> Markup | str:
    """From the earliest to the latest promised instant; only one of them where the other is not known."""
    return _window(earliest, latest, narrow=False)


def narrow_window(earliest: datetime | None, latest: datetime | None) -> Markup | str:
    """The same for narrow columns: without the year where that is the present one."""
    return _window(earliest, latest, narrow=True)


def _window(earliest: datetime | None, latest: datetime | None, *, narrow: bool) -> Markup | str:
    if latest is None:
        return "—" if earliest is None else Markup("from {}").format(_time(earliest, narrow))
    if earliest is None:
        return _time(latest, narrow)
    same_zone = _zone(earliest) == _zone(latest)
    return Markup("{} to {}").format(_time(earliest, narrow, zone=not same_zone), _time(latest, narrow))


def _time(value: datetime, narrow: bool, *, zone: bool = True) -> Markup:
    moment, there = value.astimezone(UTC), _there(value)
    this_year = there.year == _there(platform().clock.now()).year
    year = "" if narrow and this_year else f", {there:%Y}"
    name = f" {_zone(value)}" if zone else ""
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        f"{moment:%b} {moment.day}, {moment:%Y, %H:%M} UTC",
        f"{there:%b} {there.day}{year}, {there:%H:%M}{name}",
    )


def _there(value: datetime) -> datetime:
    return value.astimezone(ZoneInfo(platform().config.timezone))


def _zone(value: datetime) -> str:
    """The zone's abbreviation at that time; zones without one are called by their distance from UTC."""
    name = f"{_there(value):%Z}"
    return name if name.isalpha() else f"UTC{name}"
