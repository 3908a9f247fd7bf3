"""Accounts."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts import queries, users
from is2_core.accounts.states import Role
from is2_core.errors import FlowError
from web import access
from web.access import platform
from web.actions import run_action
from web.admin.section import blueprint


@blueprint.get("/accounts")
@access.require_role(Role.ADMIN)
def list_accounts() -> ResponseReturnValue:
    """Merchant accounts, and the form that adds one."""
    return _accounts_page()


def _accounts_page(name: str = "", error: FlowError | None = None) -> str:
    companies = queries.companies(platform())
    return render_template("admin/accounts.html", companies=companies, name=name, error=error)


@blueprint.post("/accounts")
@access.require_role(Role.ADMIN)
def add_account() -> ResponseReturnValue:
    """Make a merchant account."""
    name = request.form.get("name", "")
    return run_action(
        lambda: users.create_account(platform(), name),
        done=f"The account {name.strip()} was made.",
        to=url_for(".list_accounts"),
        draw=lambda error: _accounts_page(name, error),
    )
