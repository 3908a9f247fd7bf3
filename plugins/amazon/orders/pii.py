"""Translates who bought an Amazon order and where it goes (orders_2026-01-01.json, Buyer and Recipient)."""

from __future__ import annotations

from plugins.amazon.orders.delivery_preference import delivery_limits, delivery_times
from plugins.amazon.orders.fields import Json, Reader, section, text
from plugins.interface import Address, Buyer


def read_buyer(buyer: Json, reader: Reader) -> Buyer | None:
    """The buyer; None where Amazon told nothing, as without a role that allows personal data."""
    found = Buyer(
        name=reader.text(buyer, "buyerName").strip(),
        email=reader.text(buyer, "buyerEmail").strip(),
        company=reader.text(buyer, "buyerCompanyName").strip(),
        purchase_order=reader.text(buyer, "buyerPurchaseOrderNumber").strip(),
    )
    return None if found == Buyer() else found


def read_recipient(recipient: Json, reader: Reader) -> Address | None:
    """The delivery address; None where it has no street line.

    A parcel needs every part of it but phone, kind and instructions. Without a restricted role Amazon leaves name,
    lines and postal code out and still sends the city: such a rest is no address.

    Raises:
        Unreadable: a part that a parcel needs cannot be read.
    """
    address = section(recipient, "deliveryAddress")
    lines = _lines(address)
    if not lines:
        return None
    city, municipality = _clean(address, "city"), _clean(address, "municipality")
    return Address(
        name=_clean(address, "name"),
        company=_clean(address, "companyName"),
        lines=lines,
        city=city or municipality,
        district=_clean(address, "districtOrCounty") or (municipality if city else ""),
        region=_clean(address, "stateOrRegion"),
        postal_code=_clean(address, "postalCode"),
        country=_clean(address, "countryCode"),
        phone=reader.text(address, "phone").strip(),
        kind=reader.text(address, "addressType").strip(),
        instructions=_instructions(reader.section(recipient, "deliveryPreference"), reader),
    )


def _lines(address: Json) -> tuple[str, ...]:
    lines = [_clean(address, name) for name in ("addressLine1", "addressLine2", "addressLine3")]
    # Brazil only: the parts repeat the lines, apart from the neighborhood, without which parcels do not arrive there.
    parts = section(address, "extendedFields")
    street = ", ".join(part for part in (_clean(parts, "streetName"), _clean(parts, "streetNumber")) if part)
    there = {word.strip().casefold() for line in lines for word in (line, *line.split(","))}
    lines += [
        part
        for part in (street, _clean(parts, "complement"), _clean(parts, "neighborhood"))
        if part.casefold() not in there
    ]
    return tuple(line for line in lines if line)


def _instructions(preference: Json, reader: Reader) -> str:
    place, how = (reader.text(preference, name).strip() for name in ("dropOffLocation", "addressInstruction"))
    parts = (place, how, delivery_times(preference, reader), delivery_limits(preference, reader))
    return ". ".join(part.rstrip(".") for part in parts if part)


def _clean(source: Json, name: str) -> str:
    return text(source, name).strip()
