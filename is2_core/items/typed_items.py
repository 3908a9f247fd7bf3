"""Checks of what is typed for an item: its SKU, and what one unit is made of. Pure."""

from __future__ import annotations

from collections.abc import Container, Sequence

from is2_core.errors import BadInput
from is2_core.items.states import UnknownSku
from is2_core.whole_numbers import whole_number

MAX_SKU = 100
MAX_QUANTITY = 10_000


def is_typed_sku(sku: str) -> bool:
    """Whether a cart SKU could have been typed as it stands; what a cart itself sends may be any text."""
    return sku == sku.strip() and len(sku) <= MAX_SKU and sku.isprintable()


def checked_sku(text: str) -> str:
    """A typed cart SKU without the spaces around it.

    Raises:
        BadInput: it is empty, too long or holds what cannot be printed.
    """
    sku = text.strip()
    if not sku:
        raise BadInput("Give the SKU exactly as it is in the cart.", field="sku")
    if not is_typed_sku(sku):
        raise BadInput(f"A SKU has at most {MAX_SKU} printable characters.", field="sku")
    return sku


def checked_mappings(typed: Sequence[tuple[str, str]], known: Container[str] = ()) -> dict[str, int]:
    """Warehouse SKU -> quantity, of (SKU, quantity as typed) pairs; empty rows are left out.

    Args:
        known: SKUs the warehouse has: one of them is taken as it stands, of any other the spaces around it are dropped.

    Raises:
        BadInput: a row lacks its SKU, has one twice or no usable quantity. Whether the SKUs exist is not looked at.
    """
    wanted: dict[str, int] = {}
    for sku_text, quantity_text in typed:
        sku = sku_text if sku_text in known else sku_text.strip()
        quantity = whole_number(quantity_text)
        if not sku and (quantity == 1 or not quantity_text.strip()):
            continue
        if not sku:
            raise BadInput("A mapping row has a quantity but no warehouse SKU.", field="mappings")
        if sku in wanted:
            raise BadInput(f"The warehouse SKU {sku} stands twice.", field="mappings")
        if quantity is None or not 1 <= quantity <= MAX_QUANTITY:
            raise BadInput(f"The quantity of {sku} must be a whole number from 1 to {MAX_QUANTITY}.", field="mappings")
        wanted[sku] = quantity
    return wanted


def checked_answer(typed: str) -> UnknownSku:
    """Return the answer to an unknown SKU that was chosen.

    Raises:
        BadInput: it is none.
    """
    try:
        return UnknownSku(typed)
    except ValueError:
        raise BadInput("Choose an answer for unknown SKUs from the list.", field="unknown_sku") from None


def no_such_sku(sku: str) -> str:
    """The message for a mapping to what the warehouse does not have."""
    return f"The warehouse has no SKU {sku} in this account."
