"""The carrier-code table of a cart: what it calls the carriers of the warehouse."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.carts.cart_settings import known_manifest
from is2_core.errors import BadInput, NotFound
from is2_core.platform import Platform
from is2_core.shipments.models import CarrierCode
from plugins.interface import CartManifest

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


def carrier_key(carrier: str) -> str:
    """What makes two spellings of a carrier the same: case, and spaces around and between words, do not count."""
    return " ".join(carrier.split()).casefold()


def code_for(session: Session, manifest: CartManifest, carrier: str) -> str:
    """The cart's code for a carrier: an admin's before the plugin's; "" where neither knows it.

    A carrier that is not in the table is looked for without spaces and hyphens, and taken where all that are found have
    one code.
    """
    entries, key = _entries(session, manifest), carrier_key(carrier)
    if key in entries:
        return entries[key].code
    alike = [entry for known, entry in entries.items() if _run_together(known) == _run_together(key)]
    codes = {entry.code for entry in alike if entry.code_id is not None} or {entry.code for entry in alike}
    return codes.pop() if len(codes) == 1 else ""


def list_codes(platform: Platform, cart: str) -> tuple[CarrierEntry, ...]:
    """Every carrier with a code at this cart, by name."""
    manifest = known_manifest(platform, cart)
    with platform.db.read() as session:
        entries = _entries(session, manifest)
    return tuple(entries[key] for key in sorted(entries))


def set_code(platform: Platform, *, cart: str, carrier: str, code: str) -> None:
    """Set the cart's code for a carrier; it is used for every package that is posted from now on."""
    known_manifest(platform, cart)
    carrier = _typed(" ".join(carrier.split()), "carrier", "Give the carrier as the warehouse names it")
    code = _typed(code.strip(), "code", "Give the cart's code for this carrier")
    row = {"cart": cart, "carrier": carrier, "carrier_key": carrier_key(carrier), "code": code}
    with platform.db.write() as session:
        platform.db.upsert(session, CarrierCode, [row], key=["cart", "carrier_key"], update=["carrier", "code"])


def remove_code(platform: Platform, *, cart: str, code_id: int) -> None:
    """Take back what an admin set: the plugin's own code is in force again, where it has one."""
    with platform.db.write() as session:
        row = session.scalar(sa.select(CarrierCode).where(CarrierCode.id == code_id, CarrierCode.cart == cart))
        if row is None:
            raise NotFound("There is no such carrier code.")
        session.delete(row)


def _entries(session: Session, manifest: CartManifest) -> dict[str, CarrierEntry]:
    entries: dict[str, CarrierEntry] = {}
    for name, code in manifest.carrier_codes.items():
        entries.setdefault(carrier_key(name), CarrierEntry(name, code, code, None))
    for row in session.scalars(sa.select(CarrierCode).where(CarrierCode.cart == manifest.name)):
        own = entries.get(row.carrier_key)
        entries[row.carrier_key] = CarrierEntry(row.carrier, row.code, own.code if own else "", row.id)
    return entries


def _run_together(key: str) -> str:
    return key.replace(" ", "").replace("-", "")


def _typed(text: str, field: str, request: str) -> str:
    if not text or len(text) > MAX_LENGTH or not text.isprintable():
        raise BadInput(f"{request} (at most {MAX_LENGTH} printable characters).", field=field)
    return text
