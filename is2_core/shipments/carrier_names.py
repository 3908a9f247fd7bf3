"""Which carrier a name means, among those a cart has codes for. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from is2_core.tracking_numbers import leading_name, run_together
from is2_core.visible_text import visible

MAX_LENGTH = 50


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


def given_key(carrier: str) -> str:
    """Return the key of a carrier exactly as a warehouse names it, where nobody could type it so: none at all, one with
    what cannot be seen, or too long. Any other has that of all its spellings, and no spelling has such a key."""
    if 0 < len(carrier) <= MAX_LENGTH and visible(carrier) == carrier:
        return carrier_key(carrier)
    # Never longer than an index takes.
    return f"exact {hashlib.sha256(carrier.encode(errors='surrogatepass')).hexdigest()}"


def find_carrier(entries: Mapping[str, CarrierEntry], carrier: str) -> FoundCarrier:
    """Find the carrier a name means.

    One that has a code exactly as it stands is that one. One that is not in the table is looked for by its letters and
    digits alone, and then by its first words, for people write the service behind it ("FedEx Ground"); it is taken
    where all that are found have one code.

    Args:
        entries: what the cart has codes for, by `given_key`.
    """
    for key in (given_key(carrier), carrier_key(carrier)):
        if key in entries:
            return FoundCarrier(entries[key].code)
    alike: dict[str, list[CarrierEntry]] = {}
    for key, entry in entries.items():
        # What only a warehouse can say stands for nothing but itself.
        if key == carrier_key(entry.carrier):
            alike.setdefault(run_together(entry.carrier), []).append(entry)
    name, service = leading_name(carrier, alike) or ("", "")
    found = alike.get(name, [])
    codes = {entry.code for entry in found if entry.code_id is not None} or {entry.code for entry in found}
    return FoundCarrier(codes.pop(), service) if len(codes) == 1 else FoundCarrier()
