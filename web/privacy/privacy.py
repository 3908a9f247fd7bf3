"""Buyers' data: how much is held, when it ends, and deleting it on request."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts.states import Role
from is2_core.errors import FlowError
from is2_core.privacy import queries, requests
from is2_core.privacy.periods import set_periods
from web import access
from web.access import platform
from web.accounts.fresh import fresh
from web.actions import run_action

blueprint = Blueprint("privacy", __name__, template_folder="templates", url_prefix="/admin/privacy")


@blueprint.get("")
@access.require_role(Role.ADMIN)
def show() -> ResponseReturnValue:
    """Show how many buyers' addresses are held, and how long what is kept."""
    return _page()


def _page(error: FlowError | None = None) -> str:
    return render_template(
        "privacy/privacy.html",
        held=queries.held(platform()),
        periods=queries.periods(platform()),
        remains=requests.REMAINS,
        error=error,
        typed=request.form,
    )


@blueprint.post("/buyers/forget")
@access.require_role(Role.ADMIN)
@fresh
def forget_buyers() -> ResponseReturnValue:
    """Delete what is held of the buyers of orders."""
    numbers = request.form.get("numbers", "")
    return run_action(
        lambda: requests.forget_buyers(platform(), numbers, user_id=access.user().id),
        done=lambda found: found.text,
        to=url_for(".show"),
        draw=_page,
    )


@blueprint.post("/accounts/forget")
@access.require_role(Role.ADMIN)
@fresh
def forget_account() -> ResponseReturnValue:
    """Delete what is held of all buyers of an account."""
    code = request.form.get("code", "").strip()
    return run_action(
        lambda: requests.forget_account(platform(), code, user_id=access.user().id),
        done=lambda found: found.text,
        to=url_for(".show"),
        draw=_page,
    )


@blueprint.post("/carts/<cart>")
@access.require_role(Role.ADMIN)
@fresh
def keep(cart: str) -> ResponseReturnValue:
    """Set how long is kept what a cart tells that does not declare it."""
    typed = (request.form.get("buyers_days", ""), request.form.get("orders_days", ""))
    return run_action(
        lambda: set_periods(platform(), cart, *typed),
        done="How long its data is kept was saved. It counts from the next purge on.",
        to=url_for(".show"),
        draw=_page,
    )
