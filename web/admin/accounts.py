"""Accounts."""

from __future__ import annotations

import sqlalchemy as sa
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts import users
from is2_core.accounts.models import Account, Integration
from is2_core.accounts.states import Role
from is2_core.errors import FlowError
from web import access
from web.access import platform
from web.admin.section import blueprint


@blueprint.get("/accounts")
@access.require_role(Role.ADMIN)
def list_accounts() -> ResponseReturnValue:
    """Merchant accounts, and the form that adds one."""
    return _accounts_page()


def _accounts_page(name: str = "", error: FlowError | None = None) -> str:
    with platform().db.read() as db:
        companies = db.execute(
            sa.select(Account, sa.func.count(Integration.id))
            .outerjoin(Integration, Integration.account_id == Account.id)
            .group_by(Account.id)
            .order_by(Account.name)
        ).all()
    return render_template("admin/accounts.html", companies=companies, name=name, error=error)


@blueprint.post("/accounts")
@access.require_role(Role.ADMIN)
def add_account() -> ResponseReturnValue:
    """Make a merchant account."""
    name = request.form.get("name", "")
    try:
        users.create_account(platform(), name)
    except FlowError as error:
        return _accounts_page(name, error), error.status
    flash(f"The account {name.strip()} was made.", "success")
    return redirect(url_for(".list_accounts"), 303)
