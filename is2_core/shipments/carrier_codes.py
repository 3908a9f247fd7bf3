"""The carrier-code table of a cart: what it calls the carriers of the warehouse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core import audit
from is2_core.accounts.models import Integration
from is2_core.accounts.states import CONNECTED
from is2_core.carts.cart_settings import known_manifest
from is2_core.errors import BadInput, NotFound
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.states import UNTOLD
from is2_core.orders.models import ReceivedOrder
from is2_core.platform import Platform
from is2_core.shipments.carrier_names import (
    MAX_LENGTH,
    CarrierEntry,
    FoundCarrier,
    carrier_key,
    find_carrier,
    given_key,
)
from is2_core.shipments.models import CarrierCode
from is2_core.warehouses.calls import WarehouseUnavailable, ask_now
from plugins.interface import CartManifest

# Of the packages a cart's warehouses reported last; all that are not posted yet are looked at beside them.
_RECENT = 5000


@dataclass(frozen=True)
class CarriersWithoutCode:
    """Names of carriers for which a cart has no code, exactly as warehouses give them, and why a warehouse could not be
    asked for its own."""

    names: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class ToldCarrier:
    """A carrier as a cart hears it. `cart` is the cart's label; nothing is found where it hears the name alone."""

    cart: str
    found: FoundCarrier


def told_as(platform: Platform, *, account_id: int, number: str, carrier: str) -> ToldCarrier | None:
    """Return what the cart of an order hears as the carrier of a package; None where the order comes from no cart, or
    from one without carriers.

    Args:
        number: our order number.
        carrier: as somebody typed it.
    """
    with platform.db.read() as session:
        ours = (ReceivedOrder.account_id == account_id, ReceivedOrder.number == number)
        cart = session.scalar(sa.select(Integration.cart).join(ReceivedOrder).where(*ours))
        if cart is None or cart not in platform.carts.names():
            return None
        manifest = platform.carts.manifest(cart)
        entries = known_carriers(session, manifest)
    return ToldCarrier(manifest.label, find_carrier(entries, carrier)) if entries else None


def seen_as_other(platform: Platform, cart: str, carriers: Iterable[str]) -> frozenset[str]:
    """Return which of these carriers a cart has no code for and hears the name of; none where it is not installed, or
    has no codes at all."""
    names = frozenset(name for name in carriers if any(map(str.isprintable, "".join(name.split()))))
    if not names or cart not in platform.carts.names():
        return frozenset()
    with platform.db.read() as session:
        entries = known_carriers(session, platform.carts.manifest(cart))
    return frozenset(name for name in names if entries and not find_carrier(entries, name).code)


def list_codes(platform: Platform, cart: str) -> tuple[CarrierEntry, ...]:
    """Every carrier with a code at this cart, by name."""
    manifest = known_manifest(platform, cart)
    with platform.db.read() as session:
        entries = known_carriers(session, manifest)
    return tuple(sorted(entries.values(), key=lambda entry: entry.carrier.casefold()))


def carriers_without_code(platform: Platform, cart: str) -> CarriersWithoutCode:
    """The carriers of the warehouses that ship for a cart's integrations which the cart would be told by name: those
    they list, and those on packages. Asks the warehouses, about one integration each; a person waits."""
    manifest = known_manifest(platform, cart)
    with platform.db.read() as session:
        entries = known_carriers(session, manifest)
        query = sa.select(Integration).where(Integration.cart == cart, Integration.state.in_(CONNECTED))
        integrations = {row.wms_target: row for row in session.scalars(query.order_by(Integration.id.desc()))}
        names = _on_packages(session, cart)
    problems: list[str] = []
    for integration in integrations.values():
        try:
            names.update(ask_now(platform, integration, lambda warehouse: warehouse.carriers()))
        except WarehouseUnavailable as error:
            problems.append(error.message)
    return CarriersWithoutCode(
        tuple(sorted(name for name in names if not find_carrier(entries, name).code)), tuple(problems)
    )


def set_code(platform: Platform, *, cart: str, carrier: str, code: str, as_given: bool = False) -> None:
    """Set the cart's code for a carrier; it is used for every package that is posted from now on.

    Args:
        as_given: a warehouse itself names this carrier, so that no rule for typed ones applies; "" is none.
    """
    known_manifest(platform, cart)
    if not as_given:
        carrier = _typed(" ".join(carrier.split()), "carrier", "Give the carrier as the warehouse names it")
    code = _typed(code.strip(), "code", "Give the cart's code for this carrier")
    row = {"cart": cart, "carrier": carrier, "carrier_key": given_key(carrier), "code": code}
    with platform.db.write() as session:
        platform.db.upsert(session, CarrierCode, [row], key=["cart", "carrier_key"], update=["carrier", "code"])
        audit.record(session, audit.Act.CARRIER_CODE_CHANGED, subject=f"cart {cart}", after={carrier: code})


def remove_code(platform: Platform, *, cart: str, code_id: int) -> None:
    """Take back what an admin set: the plugin's own code is in force again, where it has one."""
    with platform.db.write() as session:
        row = session.scalar(sa.select(CarrierCode).where(CarrierCode.id == code_id, CarrierCode.cart == cart))
        if row is None:
            raise NotFound("There is no such carrier code.")
        audit.record(session, audit.Act.CARRIER_CODE_CHANGED, subject=f"cart {cart}", before={row.carrier: row.code})
        session.delete(row)


def known_carriers(session: Session, manifest: CartManifest) -> dict[str, CarrierEntry]:
    """Return what a cart has codes for, by `given_key`: an admin's before the plugin's."""
    entries: dict[str, CarrierEntry] = {}
    for name, code in manifest.carrier_codes.items():
        entries.setdefault(carrier_key(name), CarrierEntry(name, code, code, None))
    for row in session.scalars(sa.select(CarrierCode).where(CarrierCode.cart == manifest.name)):
        own = entries.get(row.carrier_key)
        entries[row.carrier_key] = CarrierEntry(row.carrier, row.code, own.code if own else "", row.id)
    return entries


def _on_packages(session: Session, cart: str) -> set[str]:
    """The carriers on packages for a cart's integrations, of the newest and of those that are not posted."""
    connected = sa.select(Integration.id).where(Integration.cart == cart, Integration.state.in_(CONNECTED))
    ours = sa.select(Package.carrier).where(Package.integration_id.in_(connected))
    newest = ours.order_by(Package.id.desc()).limit(_RECENT).subquery()
    unposted = ours.where(Package.post_state.in_(UNTOLD))
    return set(session.scalars(sa.union(sa.select(newest.c.carrier), unposted)))


def _typed(text: str, field: str, request: str) -> str:
    if not text or len(text) > MAX_LENGTH or not text.isprintable():
        raise BadInput(f"{request} (at most {MAX_LENGTH} printable characters).", field=field)
    return text
