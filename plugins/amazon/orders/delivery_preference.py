"""When and how an address takes deliveries, in words for a label (orders_2026-01-01.json, DeliveryPreference).

Nothing here is needed to ship an order, so times of which something cannot be read are left out, all of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from plugins.amazon.orders.fields import Json, Reader, quantity, section, sections, text

_NO_PALLETS = "PALLET_DISABLED"


def delivery_times(preference: Json, reader: Reader) -> str:
    """The hours at which a business takes deliveries and the days that differ; "" where Amazon tells none."""
    name = "deliveryTime"
    return reader.spare(name, lambda: "; ".join(_times(section(preference, name))), "")


def delivery_limits(preference: Json, reader: Reader) -> str:
    """Return the goods that cannot be delivered there, as text; "" where Amazon tells nothing of the kind."""
    return "No pallets" if _NO_PALLETS in reader.texts(preference, "deliveryCapabilities") else ""


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
