"""Steering of the listings."""

import re
from collections.abc import Mapping
from typing import Any

from plugins.amazon.simulator.access.marketplaces import MARKETPLACES
from plugins.amazon.simulator.listings.listings import FBA_CODES
from plugins.amazon.simulator.listings.offers import DEFAULT
from plugins.amazon.simulator.state import State
from plugins.amazon.simulator.steering import given
from plugins.amazon.simulator.steering.sellers import known_seller

_FIELDS = ("seller", "sku", "quantity", "fba", "channels", "lead_days", "title", "marketplaces")
_SUPPLY_SOURCE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def listed(state: State, query: Mapping[str, str]) -> dict[str, Any]:
    """All listings, or those of `seller`."""
    found = state.listings.of(query.get("seller"))
    return {"listings": [state.listings.summary(each, state.sellers[each.seller]) for each in found]}


def put(state: State, body: Any) -> dict[str, Any]:
    """One listing or a list of them: seller, sku, and any of quantity, fba, channels, lead_days, title, marketplaces.

    Raises:
        ValueError: one of them cannot be; then none is put.
    """
    wanted = [_checked(state, fields) for fields in (body if isinstance(body, list) else [body])]
    answers = []
    for fields in wanted:
        seller = state.sellers[fields["seller"]]
        answers.append(state.listings.summary(state.listings.put(seller, fields), seller))
    return {"listings": answers}


def _checked(state: State, body: Any) -> dict[str, Any]:
    fields = given.table(body, "a listing")
    given.only(fields, "a listing", _FIELDS)
    known_seller(state, fields.get("seller"))
    given.text(fields.get("sku"), "sku")
    given.count(fields.get("quantity", 0), "quantity")
    given.flag(fields.get("fba", False), "fba")
    given.text(fields.get("title", "-"), "title")
    given.texts(fields.get("marketplaces", []), "marketplaces", MARKETPLACES)
    if fields.get("lead_days") is not None:
        given.count(fields["lead_days"], "lead_days", most=365)
    for code, quantity in given.table(fields.get("channels", {}), "channels").items():
        if not _SUPPLY_SOURCE.fullmatch(code):
            given.one_of(code, "a channel that is no supply source", (DEFAULT, *FBA_CODES.values()))
        given.count(quantity, f"channels.{code}")
    return fields
