"""The form that corrects where an order goes, with the fields its country's addresses have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.errors import FlowError, Unconfirmed
from is2_core.orders import actions
from is2_core.orders.actions import ADDRESS_FIELDS, MAX_ADDRESS_TEXT
from is2_core.orders.addresses.countries import (
    POSTAL_CODE_MAX,
    Country,
    anywhere,
    countries,
    country,
    country_code,
)
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.wording.shown import address_note
from web import access
from web.access import platform
from web.actions import run_action
from web.orders.order_page import blueprint, visible_order, who
from web.orders.recipients import shown_recipient

_LABELS = {
    "name": "Name",
    "company": "Company",
    "line1": "Street",
    "line2": "Street, line 2",
    "line3": "Street, line 3",
    "district": "District",
    "city": "City",
    "region": "State or region",
    "postal_code": "Postal code",
    "phone": "Phone",
}
_EXAMPLES = 2


@dataclass(frozen=True)
class AddressField:
    """A field of the form. `needed`: no address of the country is complete without it."""

    key: str
    label: str
    help: str
    needed: bool
    longest: int


@blueprint.route("/<int:order_id>/address", methods=["GET", "POST"])
def address(order_id: int) -> ResponseReturnValue:
    """Correct where an order goes."""
    order = visible_order(order_id)
    # Also for looking at the form: it holds the whole address, which only members may see.
    access.require_member(order.account_id)
    if request.method == "GET":
        stored = shown_recipient(order.id, order.account_id)
        return _page(order, {key: stored.values.get(key, "") for key in ADDRESS_FIELDS})
    values = {key: request.form[key] for key in ADDRESS_FIELDS if key in request.form}
    if "choose" in request.form:
        return _page(order, values)
    confirmed = request.form.get("confirmed", "")
    return run_action(
        lambda: actions.correct_address(
            platform(), **who(order), scope=access.change_scope(), values=values, confirmed=confirmed
        ),
        done="The address was corrected. The order is being looked at again.",
        to=url_for(".detail", order_id=order.id),
        draw=lambda error: _page(order, values, error),
    )


def _page(order: ReceivedOrder, values: Mapping[str, str], error: FlowError | None = None) -> str:
    fields = _fields(country(values.get("country", "")), values)
    return render_template(
        "orders/address.html",
        order=order,
        values=values,
        fields=fields,
        countries=countries(),
        chosen=country_code(values.get("country", "")),
        note=address_note(platform(), order.integration_id),
        error=error,
        at={error.field: error.message} if error else {},
        is_on_top=error is not None and error.field not in {"country", *(field.key for field in fields)},
        confirmation=error.confirmation if isinstance(error, Unconfirmed) else "",
    )


def _fields(where: Country | None, values: Mapping[str, str]) -> list[AddressField]:
    """The fields of a country's addresses in its own order, and those it does not have of which something is typed."""
    parts = where.parts if where else tuple(part for part in ("name", "company", "street", *_PLACE))
    usual = [key for part in parts for key in _keys(part)]
    others = [key for key in _LABELS if key not in usual and (values.get(key, "").strip() or key == "phone")]
    return [_field(key, where, key in usual) for key in (*usual, *others)]


_PLACE = ("district", "city", "region", "postal_code")


def _keys(part: str) -> tuple[str, ...]:
    return ("line1", "line2", "line3") if part == "street" else (part,)


def _field(key: str, where: Country | None, is_usual: bool) -> AddressField:
    label, help_text = _LABELS[key], ""
    known = where or anywhere()
    if where and is_usual:
        label = where.labels.get(key, label)
    elif where and key in _PLACE:
        help_text = "Not usual in addresses of this country; it is printed all the same."
    if key == "postal_code" and is_usual and known.examples:
        help_text = f"For example {' or '.join(known.examples[:_EXAMPLES])}."
    needed = key in ("name", "line1") or (key in known.needs and is_usual)
    return AddressField(key, label, help_text, needed, POSTAL_CODE_MAX if key == "postal_code" else MAX_ADDRESS_TEXT)
