"""Why no stock is sent for a SKU that is due, and what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Withheld(StrEnum):
    """A reason why no stock is sent for a SKU that is due."""

    NOT_LISTED = "NOT_LISTED"
    CHANNEL_NOT_TOLD = "CHANNEL_NOT_TOLD"
    CART_STOCK = "CART_STOCK"
    LISTED_TWICE = "LISTED_TWICE"
    BY_LOCATION = "BY_LOCATION"
    SHARED = "SHARED"


# By what is named in braces: the cart, and figures of its own.
TEXTS: Final[Mapping[Withheld, str]] = {
    Withheld.NOT_LISTED: "{cart} has no listing with this SKU, so no stock is sent for it.",
    Withheld.CHANNEL_NOT_TOLD: "{cart} does not say who ships this SKU, so no stock is sent for it. Please give it a "
    "quantity there once.",
    Withheld.CART_STOCK: "{cart} ships this SKU from its own stock, so its quantity is never overwritten.",
    Withheld.LISTED_TWICE: "{cart} lists this SKU twice: shipped by you ({own}) and shipped by {cart} ({there}). A "
    "quantity could change who ships it, so none is sent. Remove one of the two at {cart}, or list what the "
    "warehouse ships under a SKU of its own; it is looked at again before the next push.",
    Withheld.BY_LOCATION: "{cart} keeps your stock of this SKU by location ({places}{besides}), and one number cannot "
    "be divided among them, so none is sent. Have {cart} sell it from one place only, without locations; it is looked "
    "at again before the next push.",
    Withheld.SHARED: "Another store sells {skus} too: confirm the shared stock first.",
}
