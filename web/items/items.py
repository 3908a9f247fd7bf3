"""Custom Items: the item list of a store, what is activated for sync, and what a cart SKU means in the warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.carts.latency import latency_choices
from is2_core.errors import FlowError
from is2_core.items import custom_items
from is2_core.items.known_skus import known_among, known_skus, suggested_skus
from is2_core.items.models import CartItem
from is2_core.items.sku_suggestions import KnownSkus, SkuSuggestion
from is2_core.items.typed_items import is_typed_sku
from is2_core.items.unknown_skus import shown_items
from is2_core.orders.importing.sent_skus import has_sent_sku
from is2_core.text_limits import TITLE
from is2_core.visible_text import visible
from web import access
from web.access import platform
from web.actions import run_action
from web.integrations.rows import integration_rows
from web.items.answers import ANSWERS, SHOWN, latency_label, setting_label, ships_not_from_here
from web.paging import paged

blueprint = Blueprint("items", __name__, template_folder="templates")

FEWEST_ROWS = 3
MORE_ROWS = 3
_MOST_SUGGESTIONS = 500

Rows = list[tuple[str, str]]


@dataclass(frozen=True)
class _Typed:
    """Values of the form that adds an item."""

    sku: str
    title: str
    active: bool
    as_sent: bool = False
    unknown_sku: str = ""


@blueprint.get("/items")
def choose_integration() -> ResponseReturnValue:
    """Show the item list of the only integration, or a choice of integrations."""
    account = access.account()
    with platform().db.read() as db:
        rows = integration_rows(db, account.id)
    if len(rows) == 1:
        return redirect(url_for(".list_items", integration_id=rows[0].integration.id))
    return render_template("items/choose.html", rows=rows)


@blueprint.route("/integrations/<int:integration_id>/items", methods=["GET", "POST"])
def list_items(integration_id: int) -> ResponseReturnValue:
    """The list, and the form that adds to it."""
    integration = access.owned_integration(integration_id)
    if request.method == "GET":
        sku, title = request.args.get("sku", ""), request.args.get("title", "")
        return _page(integration, _Typed(sku, title, True, _is_sent(integration, sku)), _blank_rows([]))
    # A field of a form changes what stands in it: a SKU that nobody could type comes as in an address.
    sku = unquote(request.form["as_sent"]) if "as_sent" in request.form else request.form.get("sku", "")
    as_sent = _is_sent(integration, sku)
    title, answer = request.form.get("title", ""), request.form.get("unknown_sku", "")
    values = _Typed(sku, title, "active" in request.form, as_sent, answer)
    rows = _typed_rows()
    if "more" in request.form:
        return _page(integration, values, rows + _blank_rows([], MORE_ROWS))
    try:
        custom_items.add_custom_item(
            platform(),
            integration_id=integration.id,
            scope=access.change_scope(),
            sku=values.sku,
            title=values.title,
            active=values.active,
            mappings=rows,
            as_sent=as_sent,
            unknown_sku=answer,
        )
    except FlowError as error:
        return _page(integration, values, _blank_rows(rows), error), error.status
    flash(f"The item {visible(sku if as_sent else sku.strip())} was added.", "success")
    return redirect(url_for(".list_items", integration_id=integration.id), 303)


def list_page(integration: Integration, error: FlowError) -> str:
    """Return the list, with what was refused of an action on it."""
    return _page(integration, _Typed("", "", True), _blank_rows([]), error)


def _is_sent(integration: Integration, sku: str) -> bool:
    return has_sent_sku(platform(), integration_id=integration.id, sku=sku)


def _page(integration: Integration, values: _Typed, rows: Rows, error: FlowError | None = None) -> str:
    q, show = request.values.get("q", "").strip(), request.values.get("show", "")
    with platform().db.read() as db:
        found = sa.select(CartItem).where(*shown_items(db, integration, q, show))
        page = paged(db, found.order_by(CartItem.sku, CartItem.id))
        known = known_among(db, integration.account_id, [item.sku for item in page.rows], integration.wms_target)
        unmatched = [item.sku for item in page.rows if item.sku not in known and not item.mappings]
        suggested = _suggested(db, integration, unmatched)
        suggestions = suggested_skus(db, integration.account_id, integration.wms_target, _MOST_SUGGESTIONS)
    return render_template(
        "items/list.html",
        integration=integration,
        page=replace(page, endpoint="items.list_items", filters={"q": q, "show": show}),
        known=known,
        suggested=suggested,
        suggestions=suggestions,
        values=values,
        rows=rows,
        error=error,
        title_most=TITLE.most,
        q=q,
        show=show,
        shown_labels=SHOWN,
        answers=ANSWERS,
        as_set=setting_label(integration),
        not_from_here={item.id for item in page.rows if ships_not_from_here(integration, item, known)},
        can_refresh=platform().carts.has(integration.cart, "refresh_cart_items"),
    )


def _suggested(db: Session, integration: Integration, skus: Sequence[str]) -> dict[str, tuple[SkuSuggestion, ...]]:
    """Return the warehouse SKUs each of these was probably meant to be."""
    if not skus:
        return {}
    known = KnownSkus(db.scalars(known_skus(db, integration.account_id, integration.wms_target)))
    return {sku: known.similar(sku) for sku in skus}


def _typed_rows() -> Rows:
    return list(zip(request.form.getlist("warehouse_sku"), request.form.getlist("quantity"), strict=False))


def _blank_rows(rows: Rows, least: int = FEWEST_ROWS) -> Rows:
    return rows + [("", "1")] * max(0, least - len(rows))


@blueprint.post("/integrations/<int:integration_id>/items/refresh")
def refresh(integration_id: int) -> ResponseReturnValue:
    """**Refresh Cart Items**: read the cart's own list, or say that it has none."""
    integration = access.owned_integration(integration_id)
    message = custom_items.refresh_cart_items(platform(), integration_id=integration.id, scope=access.change_scope())
    flash(message, "info")
    return redirect(url_for(".list_items", integration_id=integration.id), 303)


@blueprint.route("/items/<int:item_id>", methods=["GET", "POST"])
def edit(item_id: int) -> ResponseReturnValue:
    """One item: its SKU and title, and its mappings."""
    item = _item(item_id)
    if request.method == "GET":
        return _edit_page(item, item.sku, item.title, _mapping_rows(item))
    sku, title = request.form.get("sku", item.sku), request.form.get("title", "")
    try:
        custom_items.edit_item(platform(), item_id=item.id, scope=access.change_scope(), sku=sku, title=title)
    except FlowError as error:
        return _edit_page(item, sku, title, _mapping_rows(item), error), error.status
    flash("The item was saved.", "success")
    return redirect(url_for(".edit", item_id=item.id), 303)


@blueprint.post("/items/<int:item_id>/mappings")
def map_item(item_id: int) -> ResponseReturnValue:
    """Replace what one unit of the item is made of in the warehouse."""
    item = _item(item_id)
    rows = _typed_rows()
    if "more" in request.form:
        return _edit_page(item, item.sku, item.title, rows + _blank_rows([], MORE_ROWS))
    try:
        custom_items.set_mappings(platform(), item_id=item.id, scope=access.change_scope(), mappings=rows)
    except FlowError as error:
        return _edit_page(item, item.sku, item.title, _blank_rows(rows), error), error.status
    flash(
        f"The mappings of {visible(item.sku)} were saved. Orders that waited for them are being looked at again.",
        "success",
    )
    return redirect(url_for(".list_items", integration_id=item.integration_id), 303)


@blueprint.post("/items/<int:item_id>/latency")
def set_latency(item_id: int) -> ResponseReturnValue:
    """Promise other days for the item than for the rest of its integration."""
    item = _item(item_id)
    latency = request.form.get("latency", "")
    return run_action(
        lambda: custom_items.set_latency(platform(), item_id=item.id, scope=access.change_scope(), latency=latency),
        done="The latency was saved. It is sent with the item's next quantity.",
        to=url_for(".edit", item_id=item.id),
        draw=lambda error: _edit_page(item, item.sku, item.title, _mapping_rows(item), error),
    )


@blueprint.post("/items/<int:item_id>/activate")
def activate(item_id: int) -> ResponseReturnValue:
    """Send the item's stock to the cart from now on."""
    return _set_active(item_id, True)


@blueprint.post("/items/<int:item_id>/deactivate")
def deactivate(item_id: int) -> ResponseReturnValue:
    """Stop sending the item's stock."""
    return _set_active(item_id, False)


def _set_active(item_id: int, active: bool) -> ResponseReturnValue:
    item = _item(item_id)
    custom_items.set_active(platform(), item_id=item.id, scope=access.change_scope(), active=active)
    flash(f"{visible(item.sku)} is {'now activated for sync' if active else 'no longer synced'}.", "success")
    return redirect(url_for(".list_items", integration_id=item.integration_id), 303)


@blueprint.post("/items/<int:item_id>/remove")
def remove(item_id: int) -> ResponseReturnValue:
    """Take the item and its mappings off the list."""
    item = _item(item_id)
    custom_items.remove_item(platform(), item_id=item.id, scope=access.change_scope())
    flash(f"{visible(item.sku)} was removed from the list.", "success")
    return redirect(url_for(".list_items", integration_id=item.integration_id), 303)


def _item(item_id: int) -> CartItem:
    with platform().db.read() as db:
        return access.owned(db, CartItem, item_id)


def _mapping_rows(item: CartItem) -> Rows:
    return _blank_rows([(mapping.warehouse_sku, str(mapping.quantity)) for mapping in item.mappings])


def _edit_page(item: CartItem, sku: str, title: str, rows: Rows, error: FlowError | None = None) -> str:
    with platform().db.read() as db:
        integration = access.owned(db, Integration, item.integration_id)
        suggestions = suggested_skus(db, item.account_id, integration.wms_target, _MOST_SUGGESTIONS)
    return render_template(
        "items/edit.html",
        item=item,
        integration=integration,
        sku=sku,
        odd=not is_typed_sku(item.sku),
        title=title,
        rows=rows,
        suggestions=suggestions,
        answers=ANSWERS,
        as_set=setting_label(integration),
        latencies=latency_choices(platform().carts.manifest(integration.cart)),
        latency_as_set=latency_label(integration),
        error=error,
        title_most=TITLE.most,
    )
