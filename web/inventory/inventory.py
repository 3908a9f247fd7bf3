"""The stock page of a store: what was sent for each SKU, what would be sent now, why, and what keeps it back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.errors import FlowError
from is2_core.inventory import buffers
from is2_core.inventory.drift import can_compare
from is2_core.inventory.overview import InventoryView, ItemStock, inventory_view
from is2_core.inventory.promise import promise_text
from is2_core.inventory.push import push as inventory
from plugins.interface import CartManifest
from web import access
from web.access import platform
from web.display import when
from web.paging import page_of

blueprint = Blueprint("inventory", __name__, template_folder="templates")

_SHOWN: dict[str, Callable[[ItemStock], bool]] = {
    "": lambda row: True,
    "due": lambda row: row.active and row.due and not row.withheld,
    "withheld": lambda row: row.active and bool(row.withheld),
    "rejected": lambda row: row.active and bool(row.message),
    "drift": lambda row: row.active and bool(row.drift),
    "latency": lambda row: row.active and row.set_by_cart,
    "promise": lambda row: bool(row.too_long),
    "not_from_here": lambda row: row.not_from_here,
}


@blueprint.get("/help/inventory-sync")
def guide() -> ResponseReturnValue:
    """How stock syncing works, for merchants who have just connected a store."""
    return render_template("help/inventory_sync.html")


@blueprint.get("/integrations/<int:integration_id>/stock")
def stock(integration_id: int) -> ResponseReturnValue:
    """The store's stock: filtered by what became of it, searched by SKU or title."""
    integration = access.owned_integration(integration_id)
    if integration.state == IntegrationState.SETUP:
        return redirect(url_for("install.finish", integration_id=integration.id))
    return _page(integration)


def _page(integration: Integration, error: FlowError | None = None, typed: dict[str, str] | None = None) -> str:
    view = inventory_view(platform(), integration_id=integration.id, scope=access.read_scope())
    chosen = request.values.get("show", "")
    if chosen not in _SHOWN:
        chosen = ""
    q = request.values.get("q", "").strip()
    rows = [row for row in view.rows if _SHOWN[chosen](row) and _matches(row, q)]
    now, manifest = platform().clock.now(), platform().carts.manifest(integration.cart)
    return render_template(
        "inventory/stock.html",
        integration=integration,
        view=view,
        page=page_of(rows, "inventory.stock", {"show": chosen, "q": q}),
        counts={
            "due": view.due,
            "withheld": view.withheld,
            "rejected": view.rejected,
            "drift": view.drifted,
            "latency": sum(map(_SHOWN["latency"], view.rows)),
            "promise": sum(map(_SHOWN["promise"], view.rows)),
            "not_from_here": view.not_from_here,
        },
        chosen=chosen,
        q=q,
        now=now,
        every=interval_label(integration, view.every_s),
        latency=promised_latency(view, manifest),
        promise=promise_text(view.latency, view.taken, manifest.manages_lead_days),
        not_now=not_now(integration, view, now),
        comparable=can_compare(platform(), integration),
        opened=request.values.get("open", 0, type=int),
        error=error,
        typed=typed or {},
    )


def _matches(row: ItemStock, q: str) -> bool:
    return q.lower() in row.sku.lower() or q.lower() in row.title.lower()


def not_now(integration: Integration, view: InventoryView, now: datetime) -> str:
    """Why stock cannot be pushed at this moment and when it can again, "" where it can."""
    if integration.state != IntegrationState.ACTIVE:
        return "This store is not active."
    if view.every_s is None:
        return "Inventory sync is off."
    if view.open_since is not None:
        return "A submission is under way; the next one follows when it has been answered."
    if view.next_possible > now:
        return Markup("Possible again on {}.").format(when(view.next_possible))
    if not (view.due or view.withheld):
        return "Nothing is due: no activated SKU had activity since it was last sent."
    return ""


def interval_label(integration: Integration, every_s: int | None) -> str:
    """How often stock is sent, in the words of the settings page."""
    plan = platform().carts.manifest(integration.cart).inventory_schedule
    for choice in plan.choices if plan else ():
        if every_s == (int(choice.every.total_seconds()) if choice.every else None):
            return choice.label[:1].upper() + choice.label[1:]
    return f"Every {every_s // 3600} hours" if every_s else "Off"


def latency_text(lead_days: int | None, with_lead: int, active: int) -> str:
    """How far a latency has reached the cart, which learns of it SKU by SKU, each with its next quantity.

    Args:
        lead_days: the store's latency; None where its cart knows no such thing.
        with_lead: how many of the `active` SKUs carry it.
    """
    if lead_days is None:
        return ""
    if not active:
        return "No SKU is activated for sync, so no SKU carries the latency yet."
    reached = f"{with_lead} of {active} SKU{'s' if active != 1 else ''} {'carries' if active == 1 else 'carry'}"
    if with_lead == active:
        return f"{reached} the latency of {lead_days} day{'s' if lead_days != 1 else ''}."
    return f"{reached} the new latency; the rest follow at their next activity."


def promised_latency(view: InventoryView, manifest: CartManifest) -> str:
    """Tell what is promised for the SKUs of a store, and how far that has reached the cart."""
    own = view.own_count
    owns = (
        f" {own} SKU{'s have' if own != 1 else ' has'} a latency of {'their' if own != 1 else 'its'} own."
        if own
        else ""
    )
    if view.latency.managed:
        return f"{manifest.manages_lead_days}: quantities are sent without a latency.{owns}"
    if owns and not view.as_set_count:
        return owns.strip()
    return f"{latency_text(view.latency.days, view.with_lead, view.as_set_count)}{owns}"


@blueprint.post("/integrations/<int:integration_id>/stock/push")
def push(integration_id: int) -> ResponseReturnValue:
    """Send what is due now rather than at the next slot."""
    return do(integration_id, inventory.push_now)


@blueprint.post("/integrations/<int:integration_id>/stock/zeros")
def confirm_zeros(integration_id: int) -> ResponseReturnValue:
    """Say that the SKUs in question may fall to zero."""
    return do(integration_id, inventory.confirm_zeros)


def do(integration_id: int, flow: Callable[..., str]) -> ResponseReturnValue:
    """Let a flow act on a store, and show the stock page with its message or its refusal."""
    integration = access.owned_integration(integration_id)
    try:
        message = flow(platform(), integration_id=integration.id, scope=access.change_scope())
    except FlowError as error:
        return _page(integration, error), error.status
    flash(message, "success")
    return redirect(url_for("inventory.stock", integration_id=integration.id), 303)


@blueprint.post("/integrations/<int:integration_id>/stock/buffer")
def save_buffer(integration_id: int) -> ResponseReturnValue:
    """Keep units of a warehouse SKU back from every store of the account."""
    integration = access.owned_integration(integration_id)
    typed = {name: request.form.get(name, "") for name in ("warehouse_sku", "units", "open", "show", "q", "page")}
    sku, units = typed["warehouse_sku"], typed["units"]
    try:
        buffers.set_buffer(
            platform(),
            scope=access.change_scope(),
            account_id=integration.account_id,
            warehouse_sku=sku,
            units=units,
        )
    except FlowError as error:
        return _page(integration, error, typed), error.status
    flash(f"The buffer of {sku} is now {units.strip()}.", "success")
    back: dict[str, Any] = {name: typed[name] for name in ("open", "show", "q", "page") if typed[name]}
    return redirect(url_for(".stock", integration_id=integration.id, **back, _anchor=f"item-{typed['open']}"), 303)
