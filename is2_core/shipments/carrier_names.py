"""Which carrier a name means, among those a cart has codes for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from is2_core.tracking_numbers import leading_name, run_together


@dataclass(frozen=True)
class CarrierEntry:
    """A carrier of the warehouse and the cart's code for it.

    Args:
        carrier: as the warehouse names it.
        code: the code in force.
        plugin_code: the one the plugin brought, "" where it knows no such carrier.
        code_id: of what an admin set, None where the plugin's own code is in force.
    """

    carrier: str
    code: str
    plugin_code: str
    code_id: int | None


@dataclass(frozen=True)
class FoundCarrier:
    """The code of a carrier, "" where it is not known, and the service that was named with it, "" for none."""

    code: str = ""
    service: str = ""


def carrier_key(carrier: str) -> str:
    """Return the key of all spellings of a carrier: case, and spaces around and between words, do not count."""
    return " ".join(carrier.split()).casefold()


def find_carrier(entries: Mapping[str, CarrierEntry], carrier: str) -> FoundCarrier:
    """Find the carrier a name means.

    One that is not in the table is looked for by its letters and digits alone, and then by its first words, for people
    write the service behind it ("FedEx Ground"); it is taken where all that are found have one code.

    Args:
        entries: what the cart has codes for, by `carrier_key`.
    """
    key = carrier_key(carrier)
    if key in entries:
        return FoundCarrier(entries[key].code)
    alike: dict[str, list[CarrierEntry]] = {}
    for entry in entries.values():
        alike.setdefault(run_together(entry.carrier), []).append(entry)
    name, service = leading_name(carrier, alike) or ("", "")
    found = alike.get(name, [])
    codes = {entry.code for entry in found if entry.code_id is not None} or {entry.code for entry in found}
    return FoundCarrier(codes.pop(), service) if len(codes) == 1 else FoundCarrier()
