"""Choosing a password without being signed in: by a link, and in place of one that has become too old."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts.signing_in import links
from is2_core.accounts.signing_in.own_password import replace_old_password
from is2_core.accounts.states import Step
from is2_core.errors import BadInput, FlowError, NotFound
from web.access import platform
from web.accounts.visitor import know_device, visitor
from web.accounts.way_in import lead_on, who_is_on_the_way
from web.limits.kinds import SIGN_IN
from web.limits.limiter import limited
from web.sessions import end_session, public

blueprint = Blueprint("passwords", __name__, template_folder="templates")


@blueprint.route("/links/<token>", methods=["GET", "POST"])
@limited(SIGN_IN)
@public
def by_link(token: str) -> ResponseReturnValue:
    """Choose a password by a link. The page tells nothing of whose it is, and opening it changes nothing."""
    try:
        if request.method != "POST":
            links.check_link(platform(), token)
            return render_template("auth/choose_password.html", title="Choose your password", error=None)
        used = links.use_link(platform(), token, _typed())
    except NotFound as error:
        return render_template("auth/dead_link.html", message=error.message), error.status
    except FlowError as error:
        page = render_template("auth/choose_password.html", title="Choose your password", error=error)
        return page, error.status
    # Somebody else may be signed in here.
    end_session()
    # Whoever has the link is not kept out by what strangers try.
    know_device(used.user_id, used.device_epoch)
    flash("Your password is set. Sign in with it.", "success")
    return redirect(url_for("auth.sign_in"), 303)


@blueprint.route("/sign-in/password", methods=["GET", "POST"])
@limited(SIGN_IN)
@public
def replace_old() -> ResponseReturnValue:
    """Have somebody whose password is too old choose another before they are signed in."""
    found = who_is_on_the_way(Step.NEW_PASSWORD)
    if found is None:
        return redirect(url_for("auth.sign_in"), 303)
    title = "Your password is a year old: choose another"
    if request.method != "POST":
        return render_template("auth/choose_password.html", title=title, error=None)
    try:
        person = replace_old_password(
            platform(), user_id=found.user_id, epoch=found.epoch, new=_typed(), visitor=visitor()
        )
    except FlowError as error:
        return render_template("auth/choose_password.html", title=title, error=error), error.status
    return lead_on(person, found.target)


@blueprint.get("/forgotten-password")
@public
def forgotten() -> ResponseReturnValue:
    """Say whom to ask."""
    return render_template("auth/forgotten.html")


def _typed() -> str:
    password: str = request.form.get("password", "")
    if password != request.form.get("again", ""):
        raise BadInput("The two are not the same. Type the new password again.", field="again")
    return password
