"""Help of administrators where somebody cannot sign in: a link, unlocking, taking a second factor away."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts.people import person
from is2_core.accounts.signing_in import administration
from is2_core.accounts.states import Role
from is2_core.errors import FlowError
from web import access
from web.access import platform
from web.accounts.fresh import fresh

blueprint = Blueprint("sign_in_help", __name__, template_folder="templates", url_prefix="/admin/people")


@blueprint.post("/<int:user_id>/link")
@access.require_role(Role.ADMIN)
@fresh
def make_link(user_id: int) -> ResponseReturnValue:
    """Make a link and show it, once: it is handed over by the administrator."""
    whose = person(platform(), user_id)
    try:
        link = administration.make_link(platform(), user_id=user_id, by=access.user().id)
    except FlowError as error:
        flash(error.message, "danger")
        return redirect(url_for("people.show", user_id=user_id), 303)
    return render_template("admin/link.html", person=whose, link=link)


@blueprint.post("/<int:user_id>/unlock")
@access.require_role(Role.ADMIN)
@fresh
def unlock(user_id: int) -> ResponseReturnValue:
    """Let a user sign in again at once, whatever was tried in vain."""
    return _do(user_id, "can sign in again at once, from anywhere.", administration.unlock)


@blueprint.post("/<int:user_id>/reset-second-factor")
@access.require_role(Role.ADMIN)
@fresh
def reset_second_factor(user_id: int) -> ResponseReturnValue:
    """Take a user's second factor away."""
    return _do(
        user_id,
        "has no second factor any more, was signed out everywhere, and sets up another at the next sign-in.",
        administration.reset_second_factor,
    )


def _do(user_id: int, done: str, act: Callable[..., None]) -> ResponseReturnValue:
    email = person(platform(), user_id).email
    try:
        act(platform(), user_id=user_id, by=access.user().id)
    except FlowError as error:
        flash(error.message, "danger")
    else:
        flash(f"{email} {done}", "success")
    return redirect(url_for("people.show", user_id=user_id), 303)
