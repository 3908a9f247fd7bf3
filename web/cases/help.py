"""The way to a person: reachable from every page and every order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.cases import cases as support
from is2_core.cases.models import SupportCase
from is2_core.errors import FlowError
from is2_core.items.models import CartItem
from is2_core.orders import help
from is2_core.orders.models import ReceivedOrder
from web import access
from web.access import platform
from web.accounts.auth import local_path
from web.paging import paged
from web.sessions import public

blueprint = Blueprint("help", __name__, template_folder="templates")


@dataclass(frozen=True)
class About:
    """The subject of a request, read off the page it came from."""

    page: str = ""
    order: ReceivedOrder | None = None
    integration: Integration | None = None


@blueprint.get("/help")
@public
def show() -> ResponseReturnValue:
    """How to ask for help, naming the page the reader came from, and the answers so far."""
    with platform().db.read() as db:
        about = _about(db, local_path(request.args.get("from")) or "")
    return _page(about, request.args.get("text", "")[: support.MAX_TEXT])


def help_about(page: str) -> str:
    """The address of the help page, about the page of that address where it is not empty."""
    query: dict[str, Any] = {"from": page} if page else {}
    return url_for("help.show", **query)


@blueprint.post("/help")
def ask() -> ResponseReturnValue:
    """Request help, with the order or store of the page attached."""
    text = request.form.get("text", "")
    with platform().db.read() as db:
        about = _about(db, local_path(request.form.get("from")) or "")
    account = access.account()
    access.require_member(account.id)
    try:
        help.ask_for_help(
            platform(),
            scope=access.change_scope(),
            account_id=account.id,
            user_id=access.user().id,
            text=text,
            page=about.page,
            integration_id=about.integration.id if about.integration else None,
            order_id=about.order.id if about.order else None,
        )
    except FlowError as error:
        return _page(about, text, error), error.status
    flash("Your request was sent. The answer will stand on this page.", "success")
    return redirect(help_about(about.page), 303)


def _about(db: Session, page: str) -> About:
    """The order or store whose page it is, which becomes the account's; nothing where the viewer does not see it."""
    routes = current_app.url_map.bind("")
    path = page.partition("?")[0]
    methods = routes.allowed_methods(path)
    if not methods:
        return About()
    endpoint, found = routes.match(path, method="GET" if "GET" in methods else "POST")
    order = integration = None
    if "order_id" in found and str(endpoint).startswith("received_orders."):
        order = _seen(db, ReceivedOrder, found["order_id"])
    item = _seen(db, CartItem, found["item_id"]) if "item_id" in found else None
    integration_id = order.integration_id if order else item.integration_id if item else found.get("integration_id")
    if integration_id is not None:
        integration = _seen(db, Integration, integration_id)
    if "GET" not in methods:
        # A form that was refused is shown under an address that cannot be opened.
        page = url_for("received_orders.detail", order_id=order.id) if order else ""
    return About(page, order, integration)


def _seen(db: Session, table: type[access.Row], row_id: int) -> access.Row | None:
    row = db.get(table, row_id)
    owner = next((each for each in access.accounts() if row is not None and each.id == row.account_id), None)
    if owner is None:
        return None
    g.account = owner
    return row


def _page(about: About, text: str, error: FlowError | None = None) -> str:
    account = g.get("account")
    cases, order_names = None, {}
    if account is not None:
        with platform().db.read() as db:
            cases = paged(
                db,
                sa.select(SupportCase)
                .where(SupportCase.account_id == account.id)
                .order_by(SupportCase.closed_at.is_not(None), SupportCase.id.desc()),
            )
            order_ids = [case.order_id for case in cases.rows if case.order_id]
            order_names = dict(
                db.execute(
                    sa.select(ReceivedOrder.id, ReceivedOrder.remote_id).where(ReceivedOrder.id.in_(order_ids))
                ).all()
            )
    return render_template(
        "help.html",
        about=about,
        text=text,
        cases=cases,
        order_names=order_names,
        most=support.MAX_TEXT,
        error=error,
    )
