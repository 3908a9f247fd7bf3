"""The carrier-code table of a cart: what it calls the carriers of the warehouse."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.accounts.states import CONNECTED
from is2_core.carts.cart_settings import known_manifest
from is2_core.errors import BadInput, NotFound
from is2_core.platform import Platform
from is2_core.shipments.carrier_names import CarrierEntry, carrier_key, find_code
from is2_core.shipments.models import CarrierCode
from is2_core.warehouses.calls import WarehouseUnavailable, ask_now
from plugins.interface import CartManifest

MAX_LENGTH = 50


@dataclass(frozen=True)
class CarriersWithoutCode:
    """Names of carriers for which a cart has no code, and why a warehouse could not be asked for its own."""

    names: tuple[str, ...]
    problems: tuple[str, ...]


def code_for(session: Session, manifest: CartManifest, carrier: str) -> str:
    """The cart's code for a carrier: an admin's before the plugin's; "" where neither knows it."""
    return find_code(_entries(session, manifest), carrier)


def list_codes(platform: Platform, cart: str) -> tuple[CarrierEntry, ...]:
    """Every carrier with a code at this cart, by name."""
    manifest = known_manifest(platform, cart)
    with platform.db.read() as session:
        entries = _entries(session, manifest)
    return tuple(entries[key] for key in sorted(entries))


def carriers_without_code(platform: Platform, cart: str) -> CarriersWithoutCode:
    """The carriers of the warehouses that ship for a cart's integrations which the cart would be told by name. Asks
    the warehouses, about one integration each; a person waits."""
    manifest = known_manifest(platform, cart)
    with platform.db.read() as session:
        entries = _entries(session, manifest)
        query = sa.select(Integration).where(Integration.cart == cart, Integration.state.in_(CONNECTED))
        integrations = {row.wms_target: row for row in session.scalars(query.order_by(Integration.id.desc()))}
    names: set[str] = set()
    problems: list[str] = []
    for integration in integrations.values():
        try:
            names.update(ask_now(platform, integration, lambda warehouse: warehouse.carriers()))
        except WarehouseUnavailable as error:
            problems.append(error.message)
    return CarriersWithoutCode(tuple(sorted(name for name in names if not find_code(entries, name))), tuple(problems))


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


def _typed(text: str, field: str, request: str) -> str:
    if not text or len(text) > MAX_LENGTH or not text.isprintable():
        raise BadInput(f"{request} (at most {MAX_LENGTH} printable characters).", field=field)
    return text
