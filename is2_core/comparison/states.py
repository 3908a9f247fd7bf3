"""Outcomes of an order in a comparison, and kinds of differences."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from is2_core.cases.states import CaseKind
from plugins.interface import TO_SHIP, OrderState


class Outcome(StrEnum):
    """NOT_COMPARED: the cart has not shown it yet. PUT_RIGHT: something differed, and is settled or under way."""

    NOT_COMPARED = "NOT_COMPARED"
    AGREES = "AGREES"
    PUT_RIGHT = "PUT_RIGHT"
    NEEDS_PERSON = "NEEDS_PERSON"


class Difference(StrEnum):
    """Name a difference, or why nothing can be said. NEWS: no listing had brought what the cart shows. STATE: the
    order's state is another by now. PLACED: the warehouse had an order that counted as not taken."""

    NONE = ""
    NEWS = "NEWS"
    STATE = "STATE"
    PLACED = "PLACED"
    CONFIRMATION_LOST = "CONFIRMATION_LOST"
    NUMBER_OVERWRITTEN = "NUMBER_OVERWRITTEN"
    CASE = "CASE"
    TRACKING_REFUSED = "TRACKING_REFUSED"
    UNREADABLE = "UNREADABLE"
    NOT_FOUND = "NOT_FOUND"
    NO_ANSWER = "NO_ANSWER"
    CANNOT_BE_ASKED = "CANNOT_BE_ASKED"


# Told of a package the cart does not show as it was posted.
ABOUT_PACKAGES: Final = (CaseKind.CONFIRMATION_LOST, CaseKind.NUMBER_CHANGED)
# Open cases that say what a cart and the warehouse do not agree about.
ABOUT_DIFFERENCES: Final = (
    CaseKind.CANCELLED_UNITS,
    CaseKind.SHIPPED_ELSEWHERE,
    CaseKind.TOO_LATE,
    CaseKind.WAREHOUSE_STOPPED,
    CaseKind.CANCELLATION_REQUESTED,
    CaseKind.NOT_AT_CART,
    *ABOUT_PACKAGES,
)
# Of the cart, in which what it counts tells whether it has a package: where that was forgotten, units are open, or were
# cancelled although they had left.
COUNTS_PACKAGES: Final = (*TO_SHIP, OrderState.CANCELLED)
