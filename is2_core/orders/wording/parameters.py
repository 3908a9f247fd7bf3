"""Telling people what is stored as a code and parameters: holds and the timeline store no text of ours; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from string import Formatter
from typing import Any

from is2_core.tracking_numbers import NO_CARRIER
from is2_core.visible_text import visible

# By name, of what JSON can hold.
Params = Mapping[str, Any]

# What a wording may name without it being stored with each row: `order` is our number, `cart` the cart's label,
# `address_missing` what the cart says of an order without an address.
ABOUT = frozenset({"order", "cart", "address_missing"})


@dataclass(frozen=True)
class Wording:
    """How something of a code is told.

    Args:
        text: a template with the parameters in braces, or a function of them.
        sealed: the parameters that somebody outside wrote (a buyer, a merchant, a cart, a warehouse): they may name or
            quote a buyer, and are stored encrypted.
        plain: the other parameters of a function; those of a template stand in it.
    """

    text: str | Callable[[Params], str]
    sealed: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of all parameters."""
        in_text = self.plain
        if isinstance(self.text, str):
            in_text = tuple(name for _, name, _, _ in Formatter().parse(self.text) if name and name not in ABOUT)
        return frozenset({*in_text, *self.sealed})

    def stored(self, params: Params) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Split parameters into those stored as they are and those stored sealed (None where these say nothing).

        Raises:
            ValueError: one is missing, or one is none of this wording's.
        """
        if params.keys() != self.names:
            raise ValueError(f"parameters {sorted(params)} given where {sorted(self.names)} are worded")
        sealed = {name: params[name] for name in self.sealed}
        plain = {name: value for name, value in params.items() if name not in sealed}
        return plain, sealed if any(sealed.values()) else None

    def told(self, params: Params, about: Params) -> str:
        """Word it; a parameter that was not stored, or is erased, is left blank.

        Args:
            about: what ABOUT names, of the order.
        """
        values = dict.fromkeys((*ABOUT, *self.names), "") | {**about, **params}
        return self.text.format_map(values) if isinstance(self.text, str) else self.text(values)


def field_label(name: str) -> str:
    """Spell the cart's name of a field, such as fulfillmentServiceLevel, as a merchant reads it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").lower()


def labelled(start: str) -> Callable[[Params], str]:
    """Return the text that tells of a package's carrier and number, with marks for what cannot be seen in them."""

    def text(values: Params) -> str:
        carrier = visible(str(values["carrier"] or "")) or NO_CARRIER
        return f"{start} {carrier}, tracking number {visible(str(values['tracking_number'] or ''))}."

    return text
