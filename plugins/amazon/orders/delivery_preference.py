"""When and how an address takes deliveries, in words for a label (orders_2026-01-01.json, DeliveryPreference).

Nothing here is needed to ship an order, so what cannot be read is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from plugins.amazon.orders.fields import Json, Unreadable, quantity, section, sections, text, texts

_NO_PALLETS = "PALLET_DISABLED"


def delivery_times(preference: Json) -> str:
    """The hours at which a business takes deliveries and the days that differ; "" where Amazon tells none."""
    try:
        return "; ".join(_times(section(preference, "deliveryTime")))
    except Unreadable:
        return ""


def delivery_limits(preference: Json) -> str:
    """Return the goods that cannot be delivered there, as text; "" where Amazon tells nothing of the kind."""
    try:
        return "No pallets" if _NO_PALLETS in texts(preference, "deliveryCapabilities") else ""
    except Unreadable:
        return ""


def _times(times: Json) -> Iterator[str]:
    for day in sections(times, "businessHours"):
        if hours := _hours(day):
            yield f"{text(day, 'dayOfWeek').capitalize()} {hours}".strip()
    for day in sections(times, "exceptionDates"):
        date = text(day, "exceptionDate")
        if text(day, "exceptionDateType") == "CLOSED":
            yield f"closed {date}"
        elif hours := _hours(day):
            yield f"{date} {hours}"


def _hours(day: Json) -> str:
    windows = sections(day, "timeWindows")
    return ", ".join(f"{_hour(window, 'startTime')}-{_hour(window, 'endTime')}" for window in windows)


def _hour(window: Json, name: str) -> str:
    time = section(window, name)
    return f"{quantity(time, 'hour') or 0:02d}:{quantity(time, 'minute') or 0:02d}"
