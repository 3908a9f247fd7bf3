"""Signing in and out, the own password, and choosing the account to work in."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts.passwords import PasswordsBusy
from is2_core.accounts.signing_in.own_password import change_own_password
from is2_core.accounts.users import sign_in as check_password
from is2_core.errors import BadInput, FlowError
from web import access
from web.access import platform
from web.accounts.visitor import visitor
from web.accounts.way_in import home_of, lead_on
from web.limits.kinds import SIGN_IN
from web.limits.limiter import limited
from web.sessions import end_session, go_on, is_signed_in, public

blueprint = Blueprint("auth", __name__, template_folder="templates")

# One sentence for an unknown address, a wrong password, a disabled and a locked user.
_REFUSED = (
    "This email address and password do not sign in. After 10 wrong passwords in a row, signing in is locked for a "
    "while, but for devices you have signed in on before. An administrator can unlock it."
)


def local_path(target: str | None) -> str | None:
    """The address itself where it stays inside this panel, else None.

    Browsers read a backslash as a slash and skip control characters, so neither may be in it.
    """
    if not target or not target.startswith("/") or target.startswith("//"):
        return None
    if "\\" in target or any(ord(character) < 32 for character in target):
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """The first page of whoever is signed in."""
    return redirect(home_of(access.user()))


@blueprint.route("/sign-in", methods=["GET", "POST"])
@limited(SIGN_IN)
@public
def sign_in() -> ResponseReturnValue:
    """The sign-in page; goes on to `next` where that is a path of this panel."""
    target = local_path(request.values.get("next"))
    if request.method != "POST":
        if is_signed_in():
            return redirect(target or home_of(access.user()))
        return render_template("auth/sign_in.html", next=target, email="", error="")
    email = request.form.get("email", "")
    try:
        person = check_password(platform(), email, request.form.get("password", ""), visitor())
    except PasswordsBusy as busy:
        return render_template("auth/sign_in.html", next=target, email=email, error=busy.message), busy.status
    if person is None:
        return render_template("auth/sign_in.html", next=target, email=email, error=_REFUSED), 400
    return lead_on(person, target)


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the sign-in of this browser: a copied cookie is worth nothing afterwards."""
    end_session()
    flash("You have signed out.", "success")
    return redirect(url_for("auth.sign_in", next=local_path(request.form.get("next"))), 303)


@blueprint.route("/password", methods=["GET", "POST"])
@limited(SIGN_IN)
def change_password() -> ResponseReturnValue:
    """Change the own password; it is asked for, and this session goes on."""
    if request.method != "POST":
        return render_template("auth/password.html", error=None)
    new = request.form.get("password", "")
    try:
        if new != request.form.get("again", ""):
            raise BadInput("The two are not the same. Type the new password again.", field="again")
        person = change_own_password(
            platform(),
            user_id=access.user().id,
            current=request.form.get("current", ""),
            new=new,
            visitor=visitor(),
        )
    except FlowError as error:
        return render_template("auth/password.html", error=error), error.status
    go_on(person)
    flash("Your password was changed. Your other sessions have ended.", "success")
    return redirect(home_of(person), 303)


@blueprint.post("/account")
def switch_account() -> ResponseReturnValue:
    """Work in another of the viewer's accounts."""
    access.choose_account(request.form.get("account_id", 0, type=int))
    flash(f"You are now in the account {access.account().name}.", "success")
    return redirect(home_of(access.user()), 303)
