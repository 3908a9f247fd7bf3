"""The special needs of a parcel beyond its contents: one vocabulary for carts and warehouses."""

from __future__ import annotations

from enum import StrEnum


class HandlingKind(StrEnum):
    """A kind of handling requirement. OTHER: something this platform has no name for."""

    SERIAL_NUMBER = "SERIAL_NUMBER"
    TRANSPARENCY_CODE = "TRANSPARENCY_CODE"
    SIGNATURE = "SIGNATURE"
    AGE_CHECK = "AGE_CHECK"
    IDENTITY_CHECK = "IDENTITY_CHECK"
    CASH_ON_DELIVERY = "CASH_ON_DELIVERY"
    PALLET = "PALLET"
    GIFT = "GIFT"
    CUSTOMIZATION = "CUSTOMIZATION"
    IOSS = "IOSS"
    OTHER = "OTHER"
