"""The decisions of the people of a run, by which the checks know what is right afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Deeds:
    """Who decided what.

    Args:
        ended: orders, by the cart's id, that a merchant ended before the warehouse had them.
        stop_wanted: orders that a merchant wanted stopped once the warehouse had them.
        addressed: orders whose address a merchant entered here.
        moved: orders whose address was changed at the cart.
        unseen: orders that changed at the cart while its listings left them out.
        waived: hold codes, by order, in spite of which a merchant wanted it shipped.
        not_from_here: (integration id, cart SKU) that are not shipped from here.
    """

    ended: set[str] = field(default_factory=set)
    stop_wanted: set[str] = field(default_factory=set)
    addressed: set[str] = field(default_factory=set)
    moved: set[str] = field(default_factory=set)
    unseen: set[str] = field(default_factory=set)
    waived: dict[str, set[str]] = field(default_factory=dict)
    not_from_here: set[tuple[int, str]] = field(default_factory=set)
