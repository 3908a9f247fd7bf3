"""Received Orders: where every order stands, why one waits, and what gets it going."""

from __future__ import annotations

import sqlalchemy as sa
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import selectinload

from is2_core.accounts.models import Integration
from is2_core.comparison.queries import Group, differences_of, group_of, last_comparisons
from is2_core.errors import FlowError
from is2_core.orders import actions
from is2_core.orders.holds.reasons import HoldCode
from is2_core.orders.importing import fetch_order
from is2_core.orders.models import Hold, ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.orders.wording.shown import HOLD_LABELS, shown_holds, shown_reason
from web import access
from web.access import platform
from web.orders.fetch_order import FetchForm, fetch_form, outcome
from web.orders.order_page import blueprint, link_of, visible_order
from web.orders.refused_writes import LABELS as REFUSED_LABELS, refusals, was_refused
from web.paging import paged


@blueprint.get("")
def list_orders() -> ResponseReturnValue:
    """The account's orders, newest first; filtered by state, hold, store, what the cart refused and what became of them
    in a comparison, searched by either number."""
    return _list()


def _list(error: str = "", refused: FetchForm | None = None) -> str:
    comparison = request.args.get("comparison", 0, type=int)
    compared = _compared(comparison, request.args.get("outcome", "")) if comparison else None
    account = access.account()
    chosen_id, searched = request.args.get("integration", 0, type=int), request.args.get("q", "").strip()
    what_refused = request.args.get("refused", "")
    chosen = {
        "state": request.args.get("state", ""),
        "hold": request.args.get("hold", ""),
        "refused": what_refused,
        "integration": chosen_id,
        "q": searched,
        "comparison": compared.comparison_id if compared else 0,
    }
    query = (
        sa.select(ReceivedOrder)
        .where(ReceivedOrder.account_id == account.id)
        .options(selectinload(ReceivedOrder.holds))
        .order_by(ReceivedOrder.cart_created_at.desc(), ReceivedOrder.id.desc())
    )
    if chosen["state"]:
        query = query.where(ReceivedOrder.state == chosen["state"])
    if chosen["hold"]:
        held = sa.select(Hold.order_id).where(Hold.code == chosen["hold"])
        query = query.where(ReceivedOrder.id.in_(held))
    if what_refused in REFUSED_LABELS:
        query = query.where(was_refused(what_refused))
    if chosen["integration"]:
        query = query.where(ReceivedOrder.integration_id == chosen["integration"])
    if chosen["q"]:
        query = query.where(
            sa.or_(
                ReceivedOrder.number.icontains(chosen["q"], autoescape=True),
                ReceivedOrder.remote_id.icontains(chosen["q"], autoescape=True),
            )
        )
    if compared is not None:
        query = query.where(ReceivedOrder.id.in_(compared.order_ids))
    with platform().db.read() as db:
        page = paged(db, query)
        refused_writes = refusals(db, page.rows)
        integrations = db.scalars(sa.select(Integration).where(Integration.account_id == account.id)).all()
        waiting = dict(
            db.execute(
                sa.select(ReceivedOrder.integration_id, sa.func.count())
                .join(Hold, Hold.order_id == ReceivedOrder.id)
                .where(ReceivedOrder.account_id == account.id, Hold.code == HoldCode.FIRST_REVIEW)
                .where(ReceivedOrder.state == ReceivedState.HELD)
                .group_by(ReceivedOrder.integration_id)
            ).all()
        )
    integration_of = {integration.id: integration for integration in integrations}
    # A number that is searched for and not here may be one the cart has all the same.
    missed = searched if not page.total and access.is_member(account.id) else ""
    return render_template(
        "orders/list.html",
        page=page,
        integrations=integration_of,
        waiting=waiting,
        chosen=chosen,
        filtered=any(chosen.values()),
        states=list(ReceivedState),
        hold_labels=HOLD_LABELS,
        refused_labels=REFUSED_LABELS,
        refusals=refused_writes,
        compared=compared,
        differences=differences_of(platform(), compared, [row.id for row in page.rows]) if compared else {},
        comparisons=last_comparisons(platform(), account.id),
        holds={row.id: shown_holds(platform(), row, integration_of[row.integration_id].cart) for row in page.rows},
        reasons={row.id: shown_reason(platform(), row, integration_of[row.integration_id].cart) for row in page.rows},
        link=link_of,
        error=error,
        fetch=refused or (fetch_form(integrations, chosen_id, missed) if missed else None),
    )


def _compared(comparison_id: int, outcome: str) -> Group:
    """Return the group of a comparison that the address names; 404 for another account's."""
    return access.visible(group_of(platform(), comparison_id, outcome), "comparison", comparison_id)


@blueprint.post("/fetch")
def fetch() -> ResponseReturnValue:
    """Read one order from the cart now, by the cart's number."""
    integration = access.owned_integration(request.form.get("integration_id", 0, type=int))
    number = request.form.get("remote_id", "")
    ids = {"integration_id": integration.id, "user_id": access.user().id}
    try:
        order_id = fetch_order.fetch_this_order(platform(), **ids, scope=access.change_scope(), remote_id=number)
    except FlowError as error:
        at_field = error.message if error.field == fetch_order.FIELD else ""
        form = FetchForm((integration,), integration.id, number, at_field)
        return _list("" if at_field else error.message, form), error.status
    order = visible_order(order_id)
    flash(outcome(order, integration.cart), "success")
    return redirect(url_for(".detail", order_id=order_id), 303)


@blueprint.post("/approve-all")
def approve_all() -> ResponseReturnValue:
    """Approve every order of a store that waits for its first review."""
    integration = access.owned_integration(request.form.get("integration_id", 0, type=int))
    try:
        count = actions.approve_all(
            platform(), integration_id=integration.id, scope=access.change_scope(), user_id=access.user().id
        )
    except FlowError as error:
        return _list(error.message), error.status
    flash(f"{count} order{'' if count == 1 else 's'} approved.", "success")
    return redirect(url_for(".list_orders", integration=integration.id), 303)
