"""Everything an order's timeline can tell, and how it is worded; pure.

A new kind of entry is a member here and its wording.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from is2_core.orders.holds.reasons import REASONS, HoldReason
from is2_core.orders.wording.parameters import ABOUT, Params, Wording, labelled
from is2_core.orders.wording.stops import stopped_wording
from is2_core.visible_text import visible

# What is told as an earlier release told it; no wording has a parameter of this name.
OLD_TEXT = "text"


class EventCode(StrEnum):
    """An event in the life of an order, or the reason of its state. Rows hold the names, so they stay."""

    STAGED = "STAGED"
    PAYMENT_PENDING = "PAYMENT_PENDING"
    HELD = "HELD"
    FULFILLED_BY_CART = "FULFILLED_BY_CART"
    SHIPPED_BEFORE = "SHIPPED_BEFORE"
    CANCELLED = "CANCELLED"
    BEFORE_FIRST_ORDERS = "BEFORE_FIRST_ORDERS"
    NOTHING_OPEN = "NOTHING_OPEN"
    NOT_FROM_HERE = "NOT_FROM_HERE"
    QUARANTINED = "QUARANTINED"
    UNKNOWN_TO_CART = "UNKNOWN_TO_CART"
    ADDRESS_CLOSED = "ADDRESS_CLOSED"
    CART_SAYS = "CART_SAYS"
    FETCHED = "FETCHED"
    CUSTOMIZATION = "CUSTOMIZATION"
    CUSTOMIZATION_MISSING = "CUSTOMIZATION_MISSING"
    RELEASED = "RELEASED"
    APPROVED = "APPROVED"
    ADDRESS = "ADDRESS"
    DISMISSED = "DISMISSED"
    NOT_TO_SHIP = "NOT_TO_SHIP"
    STOP_WANTED = "STOP_WANTED"
    ASKED_AGAIN = "ASKED_AGAIN"
    CLOSED_ELSEWHERE = "CLOSED_ELSEWHERE"
    STOPPED_ELSEWHERE = "STOPPED_ELSEWHERE"
    DISCONNECTED = "DISCONNECTED"
    RECONNECTED = "RECONNECTED"
    HELP = "HELP"
    HELP_ANSWERED = "HELP_ANSWERED"
    INJECTED = "INJECTED"
    FOUND_PLACED = "FOUND_PLACED"
    REFUSED = "REFUSED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    ACK_REJECTED = "ACK_REJECTED"
    ACK_AGAIN = "ACK_AGAIN"
    ACK_LEFT = "ACK_LEFT"
    CANCELLATION_REQUESTED = "CANCELLATION_REQUESTED"
    FEWER_UNITS = "FEWER_UNITS"
    SHIPPED_ELSEWHERE = "SHIPPED_ELSEWHERE"
    TOO_LATE = "TOO_LATE"
    STOP = "STOP"
    STOPPED_IN_PART = "STOPPED_IN_PART"
    STOP_TOO_LATE = "STOP_TOO_LATE"
    WAREHOUSE_ENDED = "WAREHOUSE_ENDED"
    WAREHOUSE_ENDED_REST = "WAREHOUSE_ENDED_REST"
    PACKAGE = "PACKAGE"
    PACKAGE_CORRECTED = "PACKAGE_CORRECTED"
    PACKAGE_VOIDED = "PACKAGE_VOIDED"
    TRACKING = "TRACKING"
    TRACKING_BEFORE_CHANGE = "TRACKING_BEFORE_CHANGE"
    TRACKING_ENTERED = "TRACKING_ENTERED"
    TRACKING_REJECTED = "TRACKING_REJECTED"
    TRACKING_BY_HAND = "TRACKING_BY_HAND"
    TRACKING_AGAIN = "TRACKING_AGAIN"
    TRACKING_LOST = "TRACKING_LOST"
    TRACKING_OVERWRITTEN = "TRACKING_OVERWRITTEN"
    TRACKING_SHOWN = "TRACKING_SHOWN"
    COMPLETED = "COMPLETED"
    OPEN_LONG = "OPEN_LONG"
    OPEN_TOO_LONG = "OPEN_TOO_LONG"
    KEPT = "KEPT"
    FORGOTTEN = "FORGOTTEN"
    ERASED = "ERASED"


@dataclass(frozen=True)
class Told:
    """Something that happened, as it is stored: a code and the parameters its wording names."""

    code: EventCode
    params: Params = field(default_factory=dict)

    def text(self, about: Params) -> str:
        """Word it; `about` as in `wording.parameters.ABOUT`."""
        return EVENTS[self.code].told(self.params, about)


def worded(code: str, params: Params, about: Params) -> str:
    """Word what is stored; as it was worded then where an earlier release did. Where nothing is left to word (of a
    later release, which this one followed; erased; or an earlier release's, before it is sealed), the code is told."""
    if OLD_TEXT in params:
        return str(params[OLD_TEXT])
    text = EVENTS[code].told(params, about) if code in EVENTS else ""
    return text or code.replace("_", " ").capitalize()


def held(holds: Sequence[HoldReason]) -> Told:
    """Return the reasons that hold an order as one entry."""
    plain, quoted = [], {}
    for number, hold in enumerate(holds):
        params, sealed = REASONS[hold.code].wording.stored(hold.params)
        plain.append([hold.code, params])
        if sealed is not None:
            quoted[str(number)] = sealed
    return Told(EventCode.HELD, {"holds": plain, "quoted": quoted})


def _held(values: Params) -> str:
    about = {name: values[name] for name in ABOUT}
    quoted = values["quoted"] or {}
    return " ".join(
        REASONS[code].wording.told({**params, **quoted.get(str(number), {})}, about)
        for number, (code, params) in enumerate(values["holds"] or ())
        if code in REASONS
    )


def _cancelled_units(values: Params) -> str:
    units = _count(values["units"])
    return (
        f"{units} of order {values['order']} cancelled at {values['cart']} after the warehouse was given them. "
        f"{_ADVICE.get(values['advice'], '')}"
    )


def _shipped_elsewhere(values: Params) -> str:
    parcels = f" ({', '.join(values['parcels'])})" if values["parcels"] else ""
    return (
        f"{_count(values['units'])} of order {values['order']} confirmed as shipped at {values['cart']} by somebody "
        f"else{parcels}. {_ADVICE.get(values['advice'], '')}"
    )


def _count(units: int) -> str:
    return "1 unit" if units == 1 else f"{units} units"


class Advice(StrEnum):
    """Advice on units that the warehouse has and nobody wants any more: it is asked to stop, part of it gone or
    not; all is gone; or a person must have it leave them out."""

    STOP = "STOP"
    STOP_REST = "STOP_REST"
    GONE = "GONE"
    BY_HAND = "BY_HAND"


_ASKED_TO_STOP = "The warehouse is asked to stop what it has not shipped."
_ADVICE: Params = {
    Advice.STOP: _ASKED_TO_STOP,
    Advice.STOP_REST: f"{_ASKED_TO_STOP} Intercept what it has shipped in vain, or expect it back.",
    Advice.GONE: "The warehouse has shipped them already: expect them back, or tell the buyer.",
    Advice.BY_HAND: "The warehouse cannot leave out single units by itself: have it do so, or expect them back.",
}


class Ended(StrEnum):
    """How an order was completed: the cart takes no tracking, has all of it, has it of what it still wanted, or wanted
    none."""

    NO_TRACKING = "NO_TRACKING"
    ALL = "ALL"
    WANTED = "WANTED"
    UNWANTED = "UNWANTED"


_ENDED: Params = {
    Ended.NO_TRACKING: "Everything is shipped. The cart takes no tracking, so it was not told.",
    Ended.ALL: "Everything is shipped, and the cart has the tracking.",
    Ended.WANTED: "Nothing more is to be shipped, and the cart has the tracking of what it still wanted.",
    Ended.UNWANTED: "Nothing more is to be shipped, and there is no tracking that the cart still wants.",
}


def _cancellation(values: Params) -> str:
    reason = f" ({values['reason']})" if values["reason"] else ""
    return f"The buyer of order {values['order']} asks to cancel it{reason}; the warehouse has it already."


EVENTS: Mapping[str, Wording] = {
    EventCode.STAGED: Wording("Read from the cart."),
    EventCode.PAYMENT_PENDING: Wording("The payment is pending at the cart."),
    EventCode.HELD: Wording(_held, sealed=("quoted",), plain=("holds",)),
    EventCode.FULFILLED_BY_CART: Wording("{cart} fulfills this order itself."),
    EventCode.SHIPPED_BEFORE: Wording("Shipped already, before the warehouse had it."),
    EventCode.CANCELLED: Wording("Cancelled at the cart before it was placed."),
    EventCode.BEFORE_FIRST_ORDERS: Wording("Bought before {first} UTC, when the first orders begin."),
    EventCode.NOTHING_OPEN: Wording("Nothing of it is open to be shipped."),
    EventCode.NOT_FROM_HERE: Wording(
        lambda values: f"Nothing of it is shipped from here: {', '.join(map(visible, values['skus'] or ()))}.",
        plain=("skus",),
    ),
    EventCode.QUARANTINED: Wording("{message}", sealed=("message",)),
    EventCode.UNKNOWN_TO_CART: Wording("The cart does not know this order any more."),
    EventCode.ADDRESS_CLOSED: Wording(
        "The address that is stored for this order cannot be opened. Read the order again."
    ),
    EventCode.CART_SAYS: Wording(
        lambda values: f"The cart says {values['state'].replace('_', ' ').lower()}.", plain=("state",)
    ),
    EventCode.FETCHED: Wording("Fetched by a person."),
    EventCode.CUSTOMIZATION: Wording("What the buyer had made is here."),
    EventCode.CUSTOMIZATION_MISSING: Wording("What the buyer had made is missing: {message}", sealed=("message",)),
    EventCode.RELEASED: Wording("Nothing holds this order any more; it goes on by itself."),
    EventCode.APPROVED: Wording("Approved by a person."),
    EventCode.ADDRESS: Wording("The address was corrected by a person."),
    EventCode.DISMISSED: Wording("Dismissed: {reason}", sealed=("reason",)),
    EventCode.NOT_TO_SHIP: Wording("It is not to ship, as a person decided."),
    EventCode.STOP_WANTED: Wording("A person has asked to have the warehouse stop it."),
    EventCode.ASKED_AGAIN: Wording("The warehouse is asked again, as a person wanted."),
    EventCode.CLOSED_ELSEWHERE: Wording("Shipped elsewhere: {note}", sealed=("note",)),
    EventCode.STOPPED_ELSEWHERE: Wording(
        "Shipped elsewhere: Confirmed at {cart} by somebody else after it was placed; the warehouse stopped it."
    ),
    EventCode.DISCONNECTED: Wording("The store was disconnected."),
    EventCode.RECONNECTED: Wording("The store was reconnected; the order goes on."),
    EventCode.HELP: Wording("Help was requested."),
    EventCode.HELP_ANSWERED: Wording("The support answered."),
    EventCode.INJECTED: Wording("The warehouse accepted it as {order}."),
    EventCode.FOUND_PLACED: Wording("The warehouse has it, although it had counted as not taken there."),
    EventCode.REFUSED: Wording("The warehouse refused it: {message}", sealed=("message",)),
    EventCode.ACKNOWLEDGED: Wording("The cart has the acknowledgement."),
    EventCode.ACK_REJECTED: Wording("The cart refused the acknowledgement: {message} ({refusal})", sealed=("message",)),
    EventCode.ACK_AGAIN: Wording("Acknowledged again by a person."),
    EventCode.ACK_LEFT: Wording("It stays without an acknowledgement, as a person decided."),
    EventCode.CANCELLATION_REQUESTED: Wording(_cancellation, sealed=("reason",)),
    EventCode.FEWER_UNITS: Wording(_cancelled_units, plain=("units", "advice")),
    EventCode.SHIPPED_ELSEWHERE: Wording(_shipped_elsewhere, plain=("units", "parcels", "advice")),
    EventCode.TOO_LATE: Wording(
        "Order {order} was cancelled at {cart}, and not all that the warehouse shipped of it was wanted."
    ),
    EventCode.STOP: Wording(stopped_wording(" after it was placed; the warehouse stopped it."), plain=("reason",)),
    EventCode.STOPPED_IN_PART: Wording(
        stopped_wording("; part of it had been shipped, the warehouse stopped the rest."), plain=("reason",)
    ),
    EventCode.STOP_TOO_LATE: Wording(
        stopped_wording(", but too late. {message}"), sealed=("message",), plain=("reason",)
    ),
    EventCode.WAREHOUSE_ENDED: Wording("The warehouse ended this order: {message}", sealed=("message",)),
    EventCode.WAREHOUSE_ENDED_REST: Wording(
        "The warehouse ended the rest of this order: {message}", sealed=("message",)
    ),
    EventCode.PACKAGE: Wording(labelled("Shipped with"), plain=("carrier", "tracking_number")),
    EventCode.PACKAGE_CORRECTED: Wording(
        labelled("The warehouse corrected a package:"), plain=("carrier", "tracking_number")
    ),
    EventCode.PACKAGE_VOIDED: Wording("The warehouse took back the package {tracking_number}."),
    EventCode.TRACKING: Wording("The cart has tracking number {tracking_number}."),
    EventCode.TRACKING_BEFORE_CHANGE: Wording("The cart has a package as it was before its last change."),
    EventCode.TRACKING_ENTERED: Wording(
        "The cart has tracking number {tracking_number} already: somebody entered it there."
    ),
    EventCode.TRACKING_REJECTED: Wording("The cart refused it: {message} ({refusal})", sealed=("message",)),
    EventCode.TRACKING_BY_HAND: Wording("Tracking {tracking_number} was entered at the cart."),
    EventCode.TRACKING_AGAIN: Wording("Posted again by a person."),
    EventCode.TRACKING_LOST: Wording(
        "{cart} accepted tracking number {tracking_number} and does not show it; it is posted once more."
    ),
    EventCode.TRACKING_OVERWRITTEN: Wording(
        "{cart} shows tracking number {shown}, which {tracking_number} had taken the place of; it is posted once more.",
    ),
    EventCode.TRACKING_SHOWN: Wording("{cart} shows tracking number {tracking_number} now."),
    EventCode.OPEN_LONG: Wording(
        "Nothing has become of it for {days} days. Unless a person keeps it, it ends after {end} days, and its buyer's "
        "data is erased.",
        plain=("days", "end"),
    ),
    EventCode.OPEN_TOO_LONG: Wording(
        "Nothing had become of it for {end} days, and nobody kept it: its buyer's data had to be erased.",
        plain=("end",),
    ),
    EventCode.KEPT: Wording("Kept by a person, although nothing becomes of it."),
    EventCode.FORGOTTEN: Wording("The buyer's data was deleted on request, so it cannot ship."),
    EventCode.ERASED: Wording("The buyer's data was erased."),
    EventCode.COMPLETED: Wording(lambda values: str(_ENDED.get(values["ended"], "")), plain=("ended",)),
}
