"""The cases of all accounts: what merchants ask and what the platform wants a person to look at."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts.models import Account, Integration, User
from is2_core.accounts.states import Role
from is2_core.admin import support_cases
from is2_core.cases import cases as support
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.errors import FlowError
from is2_core.orders.models import ReceivedOrder
from web import access
from web.access import platform
from web.accounts.auth import local_path
from web.paging import paged

blueprint = Blueprint("support", __name__, template_folder="templates", url_prefix="/support")

KIND_LABELS = {
    CaseKind.HELP: "Request",
    CaseKind.SHARED_STOCK: "Shared stock turned on",
    CaseKind.OVERSOLD: "Oversold",
    CaseKind.WAREHOUSE_STOPPED: "Stopped by the warehouse",
    CaseKind.CANCELLED_UNITS: "Units cancelled after placing",
    CaseKind.SHIPPED_ELSEWHERE: "Confirmed at the shop by somebody else",
    CaseKind.TOO_LATE: "Too late to stop",
    CaseKind.CANCELLATION_REQUESTED: "Buyer asks to cancel after placing",
    CaseKind.NO_ANSWER: "No answer from the shop",
    CaseKind.UNREADABLE: "Orders that cannot be read",
    CaseKind.OPEN_LONG: "Open orders that stand still",
    CaseKind.HELD_TOO_LONG: "Buyers' data kept for too long",
    CaseKind.WAREHOUSE_REFUSED: "Orders the warehouse refuses",
    CaseKind.SELLER_NOT_PROVED: "Seller not proved",
    CaseKind.SELLER_HELD: "Seller held without proof",
    CaseKind.NUMBER_TWICE: "One tracking number for two orders",
    CaseKind.CONFIRMATION_LOST: "Confirmation not kept",
    CaseKind.NUMBER_CHANGED: "Tracking changed at the cart",
    CaseKind.NOT_AT_CART: "Not known at the cart",
    CaseKind.CLOCK_PUT_BACK: "A clock was put back",
    CaseKind.SECRET_OLD: "A secret is to be renewed",
}


@blueprint.get("")
@access.require_role(Role.SUPPORT, Role.ADMIN)
def cases() -> ResponseReturnValue:
    """Open cases, oldest first; with `closed=1` the closed ones, newest first."""
    return _page()


@blueprint.post("/close")
@access.require_role(Role.SUPPORT, Role.ADMIN)
def close() -> ResponseReturnValue:
    """Close a case with an answer."""
    case_id = request.form.get("case_id", 0, type=int)
    answer = request.form.get("answer", "")
    try:
        has_merchant = support_cases.close_case(platform(), case_id=case_id, user_id=access.user().id, answer=answer)
    except FlowError as error:
        return _page(case_id, answer, error), error.status
    reads = "; the merchant reads the answer on the help page" if has_merchant else ""
    flash(f"Case {case_id} is closed{reads}.", "success")
    return redirect(url_for(".cases"), 303)


def _page(case_id: int = 0, answer: str = "", error: FlowError | None = None) -> str:
    closed = request.args.get("closed") == "1"
    kind = request.args.get("kind", "")
    query = sa.select(SupportCase)
    if closed:
        query = query.where(SupportCase.closed_at.is_not(None)).order_by(SupportCase.closed_at.desc())
    else:
        query = query.where(SupportCase.closed_at.is_(None)).order_by(SupportCase.at, SupportCase.id)
    if kind:
        query = query.where(SupportCase.kind == kind)
    with platform().db.read() as db:
        page = paged(db, query)
        accounts = dict(db.execute(sa.select(Account.id, Account.name)).all())
        integrations = {
            row.id: row
            for row in db.scalars(
                sa.select(Integration).where(Integration.id.in_([case.integration_id for case in page.rows]))
            )
        }
        orders = {
            row.id: row
            for row in db.scalars(
                sa.select(ReceivedOrder).where(ReceivedOrder.id.in_([case.order_id for case in page.rows]))
            )
        }
        people = dict(
            db.execute(sa.select(User.id, User.name).where(User.id.in_([case.user_id for case in page.rows]))).all()
        )
    return render_template(
        "support/cases.html",
        page=page,
        closed=closed,
        kind=kind,
        kind_labels=KIND_LABELS,
        accounts_by_id=accounts,
        integrations=integrations,
        orders=orders,
        people=people,
        most=support.MAX_TEXT,
        wrong_case=case_id,
        answer=answer,
        error=error,
        local_path=local_path,
    )
