"""Administrators' pages about people: the list, and what is changed about one of them."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts import people, roles, users
from is2_core.accounts.access_review import review_due
from is2_core.accounts.models import Account
from is2_core.accounts.signing_in import administration
from is2_core.accounts.states import MemberRole, Role
from is2_core.errors import FlowError
from web import access
from web.access import platform
from web.accounts.fresh import fresh
from web.paging import PER_PAGE, Page

blueprint = Blueprint("people", __name__, template_folder="templates", url_prefix="/admin/people")


@blueprint.get("")
@access.require_role(Role.ADMIN)
def list_people() -> ResponseReturnValue:
    """Who can sign in, and the form that adds one."""
    return _list({})


def _list(values: dict[str, str], error: FlowError | None = None) -> str:
    search = "".join(filter(str.isprintable, request.args.get("q", ""))).strip()
    found = people.list_people(
        platform(), search=search, number=request.args.get("page", 1, type=int), per_page=PER_PAGE
    )
    return render_template(
        "admin/people.html",
        page=Page(found.rows, found.number, found.total, "people.list_people", {"q": search}),
        search=search,
        values=values,
        error=error,
        **_choices(),
    )


def _choices() -> dict[str, object]:
    with platform().db.read() as db:
        companies = db.execute(sa.select(Account.id, Account.name).order_by(Account.name)).all()
    return {
        "companies": companies,
        "roles": list(Role),
        "member_roles": list(MemberRole),
        "now": platform().clock.now(),
        "review": review_due(platform()),
    }


@blueprint.post("")
@access.require_role(Role.ADMIN)
@fresh
def add() -> ResponseReturnValue:
    """Make a user; a merchant's user gets a place in an account. Without a password they are invited by a link."""
    values = {key: request.form.get(key, "") for key in ("email", "name", "role", "account", "member_role")}
    password = request.form.get("password", "") or None
    try:
        user_id = users.create_user(
            platform(),
            email=values["email"],
            name=values["name"],
            password=password,
            role=values["role"],
            account_id=request.form.get("account", None, type=int),
            member_role=MemberRole.OWNER if values["member_role"] == MemberRole.OWNER else MemberRole.MEMBER,
        )
    except FlowError as error:
        return _list(values, error), error.status
    if password is None:
        link = administration.make_link(platform(), user_id=user_id, by=access.user().id)
        return render_template("admin/link.html", person=people.person(platform(), user_id), link=link)
    flash(f"The user {values['email'].strip().lower()} was made.", "success")
    return redirect(url_for(".list_people"), 303)


@blueprint.get("/<int:user_id>")
@access.require_role(Role.ADMIN)
def show(user_id: int) -> ResponseReturnValue:
    """One user, and what can be changed."""
    return _show(user_id)


def _show(user_id: int, error: FlowError | None = None, values: dict[str, str] | None = None) -> str:
    return render_template(
        "admin/person.html",
        person=people.person(platform(), user_id),
        is_self=user_id == access.user().id,
        values=values or {},
        error=error,
        field=error.field if error is not None else "",
        **_choices(),
    )


@blueprint.post("/<int:user_id>/enable")
@access.require_role(Role.ADMIN)
@fresh
def enable(user_id: int) -> ResponseReturnValue:
    """Let a user sign in again."""
    return _change(
        user_id, "can sign in.", lambda by: people.set_enabled(platform(), user_id=user_id, enabled=True, by=by)
    )


@blueprint.post("/<int:user_id>/disable")
@access.require_role(Role.ADMIN)
@fresh
def disable(user_id: int) -> ResponseReturnValue:
    """Sign a user out everywhere, for good."""
    return _change(
        user_id,
        "is disabled and was signed out everywhere.",
        lambda by: people.set_enabled(platform(), user_id=user_id, enabled=False, by=by),
    )


@blueprint.post("/<int:user_id>/password")
@access.require_role(Role.ADMIN)
@fresh
def set_password(user_id: int) -> ResponseReturnValue:
    """Give a user another password."""
    password = request.form.get("password", "")
    return _change(
        user_id,
        "has the new password and was signed out everywhere.",
        lambda by: people.set_password(platform(), user_id=user_id, password=password, by=by),
    )


@blueprint.post("/<int:user_id>/role")
@access.require_role(Role.ADMIN)
@fresh
def change_role(user_id: int) -> ResponseReturnValue:
    """Make a user something else on the platform."""
    values = {key: request.form.get(key, "") for key in ("role", "account", "member_role")}
    return _change(
        user_id,
        "was changed; a new role takes a new sign-in.",
        lambda by: roles.change_role(
            platform(),
            user_id=user_id,
            role=values["role"],
            account_id=request.form.get("account", None, type=int),
            member_role=values["member_role"] or MemberRole.MEMBER,
            by=by,
        ),
        values,
    )


@blueprint.post("/<int:user_id>/end-sessions")
@access.require_role(Role.ADMIN)
def end_sessions(user_id: int) -> ResponseReturnValue:
    """Sign a user out everywhere."""
    return _change(
        user_id, "was signed out everywhere.", lambda by: people.end_sessions(platform(), user_id=user_id, by=by)
    )


def _change(
    user_id: int, done: str, change: Callable[[int], None], values: dict[str, str] | None = None
) -> ResponseReturnValue:
    # Before anything is changed: an id of nobody is 404.
    email = people.person(platform(), user_id).email
    try:
        change(access.user().id)
    except FlowError as error:
        return _show(user_id, error, values), error.status
    flash(f"{email} {done}", "success")
    return redirect(url_for(".show", user_id=user_id), 303)
