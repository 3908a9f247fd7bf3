"""Which carrier a name means, among those a cart has codes for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


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


def carrier_key(carrier: str) -> str:
    """Return the key of all spellings of a carrier: case, and spaces around and between words, do not count."""
    return " ".join(carrier.split()).casefold()


def find_code(entries: Mapping[str, CarrierEntry], carrier: str) -> str:
    """The code of a carrier, "" where it is not known.

    A carrier that is not in the table is looked for without spaces and hyphens, and taken where all that are found have
    one code.

    Args:
        entries: what the cart has codes for, by `carrier_key`.
    """
    key = carrier_key(carrier)
    if key in entries:
        return entries[key].code
    alike = [entry for known, entry in entries.items() if _run_together(known) == _run_together(key)]
    codes = {entry.code for entry in alike if entry.code_id is not None} or {entry.code for entry in alike}
    return codes.pop() if len(codes) == 1 else ""


def _run_together(key: str) -> str:
    return key.replace(" ", "").replace("-", "")
