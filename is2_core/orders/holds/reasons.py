"""Why an order is not injected: a pure function of the order, the mappings and the settings.

A reason is a member of `HoldCode` and its entry in `REASONS`; everything else that has to do with holds is read there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from is2_core.orders.holds.addresses import address_problem_text, is_hopeless
from is2_core.orders.holds.input import HoldConfig, HoldInput, LineInput
from is2_core.orders.states import CustomizationState
from is2_core.orders.wording.parameters import Params, Wording, field_label
from is2_core.visible_text import visible


class HoldCode(StrEnum):
    """Every reason there is. Rows hold the names, so they stay."""

    SKU_UNKNOWN = "SKU_UNKNOWN"
    METHOD_UNMAPPED = "METHOD_UNMAPPED"
    METHOD_HOLD = "METHOD_HOLD"
    ADDRESS_MISSING = "ADDRESS_MISSING"
    ADDRESS_IMPOSSIBLE = "ADDRESS_IMPOSSIBLE"
    ADDRESS_INCOMPLETE = "ADDRESS_INCOMPLETE"
    CAUTION = "CAUTION"
    CANCELLATION_REQUESTED = "CANCELLATION_REQUESTED"
    CUSTOMIZATION_MISSING = "CUSTOMIZATION_MISSING"
    UNKNOWN_VALUE = "UNKNOWN_VALUE"
    FIRST_REVIEW = "FIRST_REVIEW"
    WAREHOUSE_REFUSED = "WAREHOUSE_REFUSED"


class Actor(StrEnum):
    """Who must act for a hold to end."""

    MERCHANT = "MERCHANT"
    WAREHOUSE = "WAREHOUSE"
    CART = "CART"
    IS2 = "IS2"


@dataclass(frozen=True)
class Fix:
    """The action a merchant can take about a hold: a label, which page (items, shipping, address) or button (approve,
    read, retry), and what to fill in there."""

    label: str
    page: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HoldReason:
    """One reason why one order waits: its code, and the parameters its wording names."""

    code: HoldCode
    params: Params = field(default_factory=dict)


@dataclass(frozen=True)
class Reason:
    """All there is to a reason.

    Args:
        label: its name in filters and badges.
        check: the parameters of each hold of this reason that an order has.
        wording: of one hold.
        actor: who must act first.
        ends: what the page offers, by the parameters of a hold; "approve" where a person may decide to ship in spite
            of it.
        about: the parameter that tells two holds of an order with this reason apart, "" where there is one at most.
        waivable: whether a person may ship in spite of it.
    """

    label: str
    check: Callable[[HoldInput, HoldConfig], Iterable[Params]]
    wording: Wording
    actor: Actor
    ends: Callable[[Params], Fix]
    about: str = ""
    waivable: bool = False


_READ = Fix("Read it again", "read")
_ADDRESS_MISSING = "The cart has given no delivery address: a missing role at the cart, or not yet available."
_CUSTOMIZATION = {
    CustomizationState.DUE: "What the buyer had made on {sku} is being fetched from the cart.",
    CustomizationState.FAILED: "What the buyer had made on {sku} could not be fetched from the cart. Fetch this order "
    "again, or ship it without.",
}
_TOLD_NOTHING = {"state": "an unknown state", "fulfilled_by": "nothing of who fulfills the order"}


def _unknown_skus(order: HoldInput, config: HoldConfig) -> Iterable[Params]:
    skus = dict.fromkeys(line.sku for line in _shipped_from_here(order, config))
    return [{"sku": sku} for sku in skus if not sku or config.components(sku) is None]


def _shipped_from_here(order: HoldInput, config: HoldConfig) -> Iterable[LineInput]:
    return (line for line in order.lines if line.open and not config.not_from_here(line.sku))


def _unknown_sku_text(values: Params) -> str:
    if not values["sku"]:
        return "A line of this order has no SKU in the cart."
    return f"The SKU {visible(values['sku'])} is neither a warehouse SKU nor mapped to one."


def _map_sku(params: Params) -> Fix:
    return Fix("List and map this SKU", "items", {"sku": params["sku"]}) if params["sku"] else _READ


def _method_text(values: Params) -> str:
    return visible(values["method"]) if values["method"].strip() else "(none)"


def _unmapped_method(order: HoldInput, config: HoldConfig) -> Iterable[Params]:
    return [{"method": order.shipping_method}] if config.method(order.shipping_method) is None else []


def _holding_method(order: HoldInput, config: HoldConfig) -> Iterable[Params]:
    rule = config.method(order.shipping_method)
    return [{"method": order.shipping_method}] if rule is not None and rule.hold else []


def _impossible_address(order: HoldInput, _: HoldConfig) -> Iterable[Params]:
    problem = order.address_problem if order.has_address else ""
    return [{"problem": problem}] if problem and is_hopeless(problem) else []


def _incomplete_address(order: HoldInput, _: HoldConfig) -> Iterable[Params]:
    problem = order.address_problem if order.has_address else ""
    return [{"problem": problem}] if problem and not is_hopeless(problem) else []


def _cancellation_text(values: Params) -> str:
    reason = f" Reason given: {values['reason']}." if values["reason"] else ""
    return f"The buyer has asked to cancel this order.{reason}"


def _missing_customizations(order: HoldInput, config: HoldConfig) -> Iterable[Params]:
    states = {line.sku: line.customization for line in _shipped_from_here(order, config)}
    return [{"sku": sku, "state": state} for sku, state in states.items() if state in _CUSTOMIZATION]


def _customization_text(values: Params) -> str:
    text = _CUSTOMIZATION.get(values["state"], "What the buyer had made on {sku} is not here.")
    return text.format(sku=values["sku"] or "a line without SKU")


def _unknown_value_text(values: Params) -> str:
    name, _, value = values["value"].partition(": ")
    said = f"{field_label(name)} {value!r}" if value else _TOLD_NOTHING.get(name, name)
    return f"The cart says {said}, which this platform does not know."


REASONS: Mapping[str, Reason] = {
    HoldCode.SKU_UNKNOWN: Reason(
        label="SKU unknown",
        check=_unknown_skus,
        wording=Wording(_unknown_sku_text, plain=("sku",)),
        actor=Actor.MERCHANT,
        ends=_map_sku,
        about="sku",
    ),
    HoldCode.METHOD_UNMAPPED: Reason(
        label="Shipping method not mapped",
        check=_unmapped_method,
        wording=Wording(
            lambda values: f"The cart shipping method {_method_text(values)} has no shipping mapping.",
            plain=("method",),
        ),
        actor=Actor.MERCHANT,
        ends=lambda params: Fix("Add a shipping mapping", "shipping", {"method": params["method"]}),
        about="method",
    ),
    HoldCode.METHOD_HOLD: Reason(
        label="Held by its shipping mapping",
        check=_holding_method,
        wording=Wording(
            lambda values: f"Orders with the shipping method {_method_text(values)} are held by its mapping.",
            plain=("method",),
        ),
        actor=Actor.MERCHANT,
        ends=lambda _: Fix("Release this order", "approve"),
        about="method",
        waivable=True,
    ),
    HoldCode.ADDRESS_MISSING: Reason(
        label="Address missing",
        check=lambda order, _: [] if order.has_address else [{}],
        wording=Wording(lambda values: values["address_missing"] or _ADDRESS_MISSING),
        actor=Actor.MERCHANT,
        ends=lambda _: Fix("Enter the address", "address"),
    ),
    HoldCode.ADDRESS_IMPOSSIBLE: Reason(
        label="Address cannot be shipped to",
        check=_impossible_address,
        wording=Wording(lambda values: address_problem_text(values["problem"]), plain=("problem",)),
        actor=Actor.MERCHANT,
        ends=lambda _: Fix("Correct the address", "address"),
    ),
    HoldCode.ADDRESS_INCOMPLETE: Reason(
        label="Address looks incomplete",
        check=_incomplete_address,
        wording=Wording(
            lambda values: (
                f"{address_problem_text(values['problem'])} Correct it, or ship it as it is if you know better."
            ),
            plain=("problem",),
        ),
        actor=Actor.MERCHANT,
        ends=lambda _: Fix("Ship it anyway", "approve"),
        waivable=True,
    ),
    HoldCode.CAUTION: Reason(
        label="The cart advises caution",
        check=lambda order, _: [{"message": order.caution}] if order.has_caution else [],
        wording=Wording(lambda values: values["message"] or "The cart advises caution.", sealed=("message",)),
        actor=Actor.MERCHANT,
        ends=lambda _: Fix("Ship it anyway", "approve"),
        waivable=True,
    ),
    HoldCode.CANCELLATION_REQUESTED: Reason(
        label="Cancellation requested",
        check=lambda order, _: [{"reason": order.cancel_reason}] if order.cancellation_requested else [],
        wording=Wording(_cancellation_text, sealed=("reason",)),
        actor=Actor.MERCHANT,
        ends=lambda _: Fix("Ship it anyway", "approve"),
        waivable=True,
    ),
    HoldCode.CUSTOMIZATION_MISSING: Reason(
        label="Customization missing",
        check=_missing_customizations,
        wording=Wording(_customization_text, plain=("sku", "state")),
        actor=Actor.CART,
        ends=lambda _: Fix("Ship it without", "approve"),
        about="sku",
        waivable=True,
    ),
    HoldCode.UNKNOWN_VALUE: Reason(
        label="Unknown value from the cart",
        check=lambda order, _: [{"value": value} for value in dict.fromkeys(order.unknown)],
        wording=Wording(_unknown_value_text, plain=("value",)),
        actor=Actor.MERCHANT,
        ends=lambda _: Fix("I have looked: ship it", "approve"),
        about="value",
        waivable=True,
    ),
    HoldCode.FIRST_REVIEW: Reason(
        label="Waits for first review",
        check=lambda _, config: [{}] if config.review_first else [],
        wording=Wording("First orders wait for your review before they ship."),
        actor=Actor.MERCHANT,
        ends=lambda _: Fix("Approve this order", "approve"),
        waivable=True,
    ),
    # Found by the warehouse's answer, not by a check; it ends with the next look at the order, and is asked again then.
    HoldCode.WAREHOUSE_REFUSED: Reason(
        label="Refused by the warehouse",
        check=lambda _, __: [],
        wording=Wording(lambda values: values["message"] or "The warehouse refused it.", sealed=("message",)),
        actor=Actor.WAREHOUSE,
        ends=lambda _: Fix("Ask the warehouse again", "retry"),
    ),
}


def holds_for(order: HoldInput, config: HoldConfig) -> tuple[HoldReason, ...]:
    """All reasons why the order waits; empty when it may go on."""
    return tuple(
        HoldReason(HoldCode(code), params)
        for code, reason in REASONS.items()
        if not (reason.waivable and code in order.waived)
        for params in reason.check(order, config)
        if not (reason.waivable and waiver(code, params.get(reason.about, "")) in order.waived)
    )


def waiver(code: str, subject: str) -> str:
    """Return what stands for a person's word that an order ships in spite of one hold; the code alone, in spite of all
    holds of that reason."""
    return f"{code}: {subject}" if subject else code


def is_waivable(waived: str) -> bool:
    """Whether a person may give this waiver."""
    code = waived.partition(": ")[0]
    return code in REASONS and REASONS[code].waivable
