"""Promised windows, in the warehouse's time zone: that is where somebody must act before they end. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup


@dataclass(frozen=True)
class Windows:
    """How windows are written.

    Args:
        zone: the warehouse's.
        leave_out_year: the year that goes without saying, None where each is written.
    """

    zone: ZoneInfo
    leave_out_year: int | None = None

    def window(self, earliest: datetime | None, latest: datetime | None) -> Markup | str:
        """From the earliest to the latest promised instant; only one of them where the other is not known."""
        if latest is None:
            return "—" if earliest is None else Markup("from {}").format(self._time(earliest))
        if earliest is None:
            return self._time(latest)
        same_zone = self._zone_name(earliest) == self._zone_name(latest)
        return Markup("{} to {}").format(self._time(earliest, zone=not same_zone), self._time(latest))

    def _time(self, value: datetime, *, zone: bool = True) -> Markup:
        moment, there = value.astimezone(UTC), value.astimezone(self.zone)
        year = "" if there.year == self.leave_out_year else f", {there:%Y}"
        name = f" {self._zone_name(value)}" if zone else ""
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            f"{moment:%b} {moment.day}, {moment:%Y, %H:%M} UTC",
            f"{there:%b} {there.day}{year}, {there:%H:%M}{name}",
        )

    def _zone_name(self, value: datetime) -> str:
        """The zone's abbreviation at that time; zones without one are called by their distance from UTC."""
        name = f"{value.astimezone(self.zone):%Z}"
        return name if name.isalpha() else f"UTC{name}"
