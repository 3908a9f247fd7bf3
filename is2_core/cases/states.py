"""Kinds of cases."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class CaseKind(StrEnum):
    """HELP: a person asked. The others are raised by the platform: stock shared by several stores was turned on,
    more units are promised than lie in the warehouse, the warehouse ended an order the cart still has, the cart took
    units back after the warehouse was given them, somebody else confirmed such units as shipped, the warehouse could
    not stop what was asked of it, a buyer asks to cancel what the warehouse has, the cart's answer about slow work
    does not come, orders that cannot be read or that the warehouse refuses, one tracking number was reported for two
    orders, an integration's seller could not be proved, one whose seller was never proved keeps somebody out who proved
    to be that seller, a clock was put back, a secret is to be renewed,
    the cart forgets a confirmation again and again, somebody changed a
    tracking number there, it does not know an order any more that is open here, orders stand still for long, and
    buyers' data is there for longer than it may be."""

    HELP = "HELP"
    SHARED_STOCK = "SHARED_STOCK"
    OVERSOLD = "OVERSOLD"
    WAREHOUSE_STOPPED = "WAREHOUSE_STOPPED"
    CANCELLED_UNITS = "FEWER_UNITS"
    SHIPPED_ELSEWHERE = "SHIPPED_ELSEWHERE"
    TOO_LATE = "TOO_LATE"
    CANCELLATION_REQUESTED = "CANCELLATION_REQUESTED"
    NO_ANSWER = "NO_ANSWER"
    UNREADABLE = "UNREADABLE"
    WAREHOUSE_REFUSED = "WAREHOUSE_REFUSED"
    SELLER_NOT_PROVED = "SELLER_NOT_PROVED"
    SELLER_HELD = "SELLER_HELD"
    NUMBER_TWICE = "NUMBER_TWICE"
    CLOCK_PUT_BACK = "CLOCK_PUT_BACK"
    SECRET_OLD = "SECRET_OLD"
    CONFIRMATION_LOST = "CONFIRMATION_LOST"
    NUMBER_CHANGED = "NUMBER_CHANGED"
    NOT_AT_CART = "NOT_AT_CART"
    OPEN_LONG = "OPEN_LONG"
    HELD_TOO_LONG = "HELD_TOO_LONG"


# Units that the warehouse was given and nobody wants of it any more.
UNWANTED_UNITS: Final = (CaseKind.CANCELLED_UNITS, CaseKind.SHIPPED_ELSEWHERE)
