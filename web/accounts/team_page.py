"""The people of an account: owners add them, change their roles and take them out."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts import team
from is2_core.accounts.states import MemberRole
from is2_core.errors import FlowError
from web import access
from web.access import platform
from web.accounts.fresh import fresh
from web.actions import run_action

blueprint = Blueprint("team", __name__, template_folder="templates", url_prefix="/account/people")


@blueprint.get("")
@access.owners_change
def show() -> ResponseReturnValue:
    """Who belongs to the account."""
    return _page()


def _page(error: FlowError | None = None) -> str:
    return render_template(
        "auth/team.html",
        members=team.members(platform(), access.account().id),
        roles=list(MemberRole),
        own=access.user().id,
        error=error,
        values={key: request.form.get(key, "") for key in ("email", "name", "role")},
    )


@blueprint.post("")
@fresh
@access.owners_change
def add() -> ResponseReturnValue:
    """Invite somebody into the account; the link is shown once, for the owner to hand over."""
    values = {key: request.form.get(key, "") for key in ("email", "name", "role")}
    try:
        link = team.invite(platform(), account_id=_own_account(), by=access.user().id, **values)
    except FlowError as error:
        return _page(error), error.status
    return render_template("auth/invited.html", link=link)


@blueprint.post("/role")
@fresh
@access.owners_change
def change() -> ResponseReturnValue:
    """Give somebody another role in the account."""
    role = request.form.get("role", "")
    ids = {"account_id": _own_account(), "user_id": request.form.get("user_id", 0, type=int), "by": access.user().id}
    return run_action(
        lambda: team.change_member(platform(), role=role, **ids),
        done="The role was changed.",
        to=url_for(".show"),
        draw=_page,
    )


@blueprint.post("/remove")
@fresh
@access.owners_change
def remove() -> ResponseReturnValue:
    """Take somebody out of the account."""
    ids = {"account_id": _own_account(), "user_id": request.form.get("user_id", 0, type=int), "by": access.user().id}
    return run_action(
        lambda: team.remove_member(platform(), **ids),
        done="That person does not belong to the account any more.",
        to=url_for("auth.home") if ids["user_id"] == ids["by"] else url_for(".show"),
        draw=_page,
    )


def _own_account() -> int:
    account_id = access.account().id
    access.require_member(account_id)
    return account_id
