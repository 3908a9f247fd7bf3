"""What a cart asks of a parcel, in words: for merchants in short, for packers as what to do."""

from __future__ import annotations

from markupsafe import Markup

from is2_core.orders.fulfillment.handling_requirements import kind_of
from plugins.warehouse import Demand, DemandKind

_LABELS = {
    DemandKind.SERIAL_NUMBER: "Serial numbers required",
    DemandKind.TRANSPARENCY_CODE: "Transparency codes required",
    DemandKind.SIGNATURE: "Signature on delivery",
    DemandKind.AGE_CHECK: "Age check on delivery",
    DemandKind.IDENTITY_CHECK: "Identity check on delivery",
    DemandKind.CASH_ON_DELIVERY: "Cash on delivery",
    DemandKind.PALLET: "Delivery on a pallet",
}
# No field of ours takes them, and no cart is told of them.
_ENTER_IT = "Enter it on the shop's own pages."
_TO_DO = {
    DemandKind.SERIAL_NUMBER: "Note the serial number of each unit of {skus}: the shop asks for it. " + _ENTER_IT,
    DemandKind.TRANSPARENCY_CODE: "Note the Transparency code of each unit of {skus}: the shop asks for it. "
    + _ENTER_IT,
    DemandKind.SIGNATURE: "Ship {skus} by a service with a signature on delivery.",
    DemandKind.AGE_CHECK: "Ship {skus} by a service that checks the recipient's age.",
    DemandKind.IDENTITY_CHECK: "Ship {skus} by a service that checks the recipient's identity.",
    DemandKind.CASH_ON_DELIVERY: "Ship {skus} by a service that collects the price on delivery.",
    DemandKind.PALLET: "Ship {skus} on a pallet.",
    DemandKind.GIFT: "Pack {skus} as a gift.",
    DemandKind.CUSTOMIZATION: "Make {skus} as the buyer had it designed.",
    DemandKind.IOSS: "Put the IOSS number {value} on the customs declaration of {skus}.",
    DemandKind.OTHER: "The shop asks for {value}, for {skus}.",
}
_GIFT_WRAPPED = "Pack {skus} as a gift, in the wrapping {value}."


def demand_label(word: str) -> str:
    """A cart's word for a demand, in plain words where this platform understands it."""
    return _LABELS.get(kind_of(word), word)


def to_do(demand: Demand) -> Markup:
    """The sentence that tells a packer what to do."""
    number = Markup('<span class="number">{}</span>').format(demand.value)
    skus = Markup(" and ").join(Markup('<span class="sku">{}</span>').format(sku) for sku in demand.skus)
    wrapped = demand.kind is DemandKind.GIFT and demand.value
    return Markup(_GIFT_WRAPPED if wrapped else _TO_DO[demand.kind]).format(skus=skus, value=number)
