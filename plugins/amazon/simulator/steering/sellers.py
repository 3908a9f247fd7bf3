"""Steering of the sellers: what they take part in, what they granted, how much they may call."""

from typing import Any

from plugins.amazon.simulator.access.buckets import Rate
from plugins.amazon.simulator.access.marketplaces import MARKETPLACES
from plugins.amazon.simulator.access.sellers import Seller
from plugins.amazon.simulator.operations import KNOWN_ROLES
from plugins.amazon.simulator.state import State
from plugins.amazon.simulator.steering import given

_FLAGS = ("remote_fulfillment", "older_token", "sales_lower_stock")
_ONCE = ("revoke", "expire_access_tokens")


def known_seller(state: State, seller_id: Any) -> Seller:
    """The seller of that id; raises ValueError."""
    if not isinstance(seller_id, str) or seller_id not in state.sellers:
        raise ValueError(f"there is no seller {seller_id!r}; known: {', '.join(state.sellers)}")
    return state.sellers[seller_id]


def shown(state: State, seller: Seller) -> dict[str, Any]:
    """A seller as steering shows it."""
    return {
        "seller": seller.id,
        "name": seller.name,
        "region": seller.region,
        "marketplaces": seller.marketplaces,
        "remote_fulfillment": seller.remote_fulfillment,
        "roles": seller.roles,
        "older_token": seller.older_token,
        "rates": {
            operation: {"rate": rate, "burst": burst}
            for operation, (rate, burst) in state.buckets.own(seller.id).items()
        },
        "authorized": seller.id in state.grants.authorized_sellers(),
    }


def change(state: State, body: dict[str, Any]) -> dict[str, Any]:
    """Keys: seller, and any of remote_fulfillment, roles (null: all the application has), default_lead_days,
    marketplaces, older_token, sales_lower_stock, revoke (true), expire_access_tokens (true), and rates
    {operation: {"rate": requests a second, "burst": size}}, null for the published figures.

    Raises:
        ValueError: one of them cannot be; then nothing has changed.
    """
    seller = known_seller(state, body.get("seller"))
    fields = _fields(body)
    rates = _rates(state, given.table(body.get("rates", {}), "rates"))
    once = [name for name in _ONCE if given.flag(body.get(name, False), name)]
    given.only(body, "a seller", ("seller", "rates", *_ONCE, *_FLAGS, "roles", "marketplaces", "default_lead_days"))
    for operation, rate in rates.items():
        state.buckets.set_own(seller.id, operation, rate)
    if "revoke" in once:
        state.grants.revoke(seller.id)
    if "expire_access_tokens" in once:
        state.grants.expire_access_tokens(seller.id)
    enrolled = seller.remote_fulfillment
    for name, value in fields.items():
        setattr(seller, name, value)
    if seller.remote_fulfillment:
        state.listings.enroll(seller)
    elif enrolled:
        state.listings.withdraw(seller)
    return shown(state, seller)


def _fields(body: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {name: given.flag(body[name], name) for name in _FLAGS if name in body}
    if "roles" in body:
        fields["roles"] = None if body["roles"] is None else given.texts(body["roles"], "roles", KNOWN_ROLES)
    if "default_lead_days" in body:
        fields["default_lead_days"] = given.count(body["default_lead_days"], "default_lead_days", most=365)
    if "marketplaces" in body:
        fields["marketplaces"] = given.texts(body["marketplaces"], "marketplaces", MARKETPLACES)
        if not fields["marketplaces"]:
            raise ValueError("marketplaces must name one at least")
    return fields


def _rates(state: State, wanted: dict[str, Any]) -> dict[str, Rate | None]:
    rates: dict[str, Rate | None] = {}
    for operation, figures in wanted.items():
        given.one_of(operation, "the operation of a rate", state.buckets.rates)
        rates[operation] = None
        if figures is not None:
            held = given.table(figures, f"rates.{operation}")
            per_second, burst = given.rate(held.get("rate"), held.get("burst"), operation)
            if per_second <= 0 or burst < 1:
                raise ValueError("rate must be above 0 and burst at least 1")
            rates[operation] = (per_second, burst)
    return rates
