"""Handling requirements of a parcel: for merchants in short, for packers as what to do."""

from __future__ import annotations

from markupsafe import Markup

from is2_core.orders.fulfillment.handling_requirements import kind_of
from plugins.warehouse import HandlingKind, HandlingRequirement

_LABELS = {
    HandlingKind.SERIAL_NUMBER: "Serial numbers required",
    HandlingKind.TRANSPARENCY_CODE: "Transparency codes required",
    HandlingKind.SIGNATURE: "Signature on delivery",
    HandlingKind.AGE_CHECK: "Age check on delivery",
    HandlingKind.IDENTITY_CHECK: "Identity check on delivery",
    HandlingKind.CASH_ON_DELIVERY: "Cash on delivery",
    HandlingKind.PALLET: "Delivery on a pallet",
}
# No field of ours takes them, and no cart is told of them.
_ENTER_IT = "Enter it on the shop's own pages."
_TO_DO = {
    HandlingKind.SERIAL_NUMBER: "Note the serial number of each unit of {skus}: the shop asks for it. " + _ENTER_IT,
    HandlingKind.TRANSPARENCY_CODE: "Note the Transparency code of each unit of {skus}: the shop asks for it. "
    + _ENTER_IT,
    HandlingKind.SIGNATURE: "Ship {skus} by a service with a signature on delivery.",
    HandlingKind.AGE_CHECK: "Ship {skus} by a service that checks the recipient's age.",
    HandlingKind.IDENTITY_CHECK: "Ship {skus} by a service that checks the recipient's identity.",
    HandlingKind.CASH_ON_DELIVERY: "Ship {skus} by a service that collects the price on delivery.",
    HandlingKind.PALLET: "Ship {skus} on a pallet.",
    HandlingKind.GIFT: "Pack {skus} as a gift.",
    HandlingKind.CUSTOMIZATION: "Make {skus} as the buyer had it designed.",
    HandlingKind.IOSS: "Put the IOSS number {value} on the customs declaration of {skus}.",
    HandlingKind.OTHER: "The shop asks for {value}, for {skus}.",
}
_GIFT_WRAPPED = "Pack {skus} as a gift, in the wrapping {value}."


def requirement_label(word: str) -> str:
    """Return the label of a requirement, plain where this platform understands it."""
    return _LABELS.get(kind_of(word), word)


def to_do(requirement: HandlingRequirement) -> Markup:
    """The message that tells a packer what to do."""
    number = Markup('<span class="number">{}</span>').format(requirement.value)
    skus = Markup(" and ").join(Markup('<span class="sku">{}</span>').format(sku) for sku in requirement.skus)
    wrapped = requirement.kind is HandlingKind.GIFT and requirement.value
    return Markup(_GIFT_WRAPPED if wrapped else _TO_DO[requirement.kind]).format(skus=skus, value=number)
