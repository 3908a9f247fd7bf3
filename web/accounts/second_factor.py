"""The second factor: giving a code at sign-in, setting one up, and the recovery codes."""

from __future__ import annotations

import logging

import segno
from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts.signing_in import second_factor
from is2_core.accounts.states import Step
from is2_core.crypto import CannotOpen, UnknownKey
from is2_core.errors import BadInput, FlowError
from web import access
from web.access import platform
from web.accounts.visitor import visitor
from web.accounts.way_in import OnTheWay, home_of, lead_on, note, who_is_on_the_way
from web.limits.kinds import SIGN_IN
from web.limits.limiter import limited
from web.sessions import public, session_now

blueprint = Blueprint("second_factor", __name__, template_folder="templates")
_log = logging.getLogger(__name__)

_REFUSED = (
    "This code does not sign in. Type the one your app shows now, each is taken once, or a recovery code. After 10 "
    "wrong ones, signing in is locked for a while."
)
# In the cookie, sealed for this person: it is stored with the user once a code of it was typed.
_OFFERED = "offered_secret"


@blueprint.route("/sign-in/code", methods=["GET", "POST"])
@limited(SIGN_IN)
@public
def give() -> ResponseReturnValue:
    """Ask for a code of somebody whose password was right."""
    found = who_is_on_the_way(Step.CODE)
    if found is None:
        return redirect(url_for("auth.sign_in"), 303)
    if request.method != "POST":
        return render_template("auth/code.html", error="")
    person = second_factor.give_code(
        platform(),
        user_id=found.user_id,
        epoch=found.epoch,
        code=request.form.get("code", ""),
        at=session_now(),
        visitor=visitor(),
    )
    if person is None:
        _log.warning("a second factor of user %s was refused", found.user_id)
        return render_template("auth/code.html", error=_REFUSED), 400
    left = second_factor.second_factor(platform(), found.user_id).recovery_codes
    answer = lead_on(person, found.target)
    if left < second_factor.RECOVERY_CODES // 2:
        flash(f"You have {left} recovery codes left: make new ones under your name, Second factor.", "warning")
    return answer


@blueprint.route("/sign-in/second-factor", methods=["GET", "POST"])
@limited(SIGN_IN)
@public
def enrol() -> ResponseReturnValue:
    """Have somebody whose password was right set up a second factor, and show the recovery codes, once."""
    found = who_is_on_the_way(Step.ENROLMENT)
    if found is None:
        return redirect(url_for("auth.sign_in"), 303)
    secret = _offered(found)
    if request.method != "POST":
        return _offer(found, secret)
    try:
        made = second_factor.enrol(
            platform(),
            user_id=found.user_id,
            epoch=found.epoch,
            secret=secret,
            code=request.form.get("code", ""),
            at=session_now(),
            visitor=visitor(),
        )
    except BadInput as error:
        return _offer(found, secret, error), error.status
    is_asked_more = note(made.person, found.target)
    onward = url_for("passwords.replace_old") if is_asked_more else found.target or home_of(made.person)
    return render_template("auth/recovery_codes.html", codes=made.recovery_codes, onward=onward)


def _offered(found: OnTheWay) -> str:
    """The secret this browser was offered, or one it is offered now."""
    keyring, key = platform().config.keyring, (found.user_id, found.since)
    try:
        return keyring.open(_OFFERED, key, session.get(_OFFERED, "")).decode()
    except (CannotOpen, UnknownKey):
        secret = second_factor.new_secret()
        session[_OFFERED] = keyring.seal(_OFFERED, key, secret.encode())
        return secret


def _offer(found: OnTheWay, secret: str, error: FlowError | None = None) -> str:
    picture = segno.make(second_factor.app_address(secret, found.email), error="m")
    return render_template(
        "auth/enrol.html",
        # Drawn as a picture: the page's rules allow no style inside it, and need none.
        picture=picture.svg_data_uri(scale=5, border=4, light="#fff"),
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        error=error.message if error else "",
    )


@blueprint.get("/second-factor")
def show() -> ResponseReturnValue:
    """The own second factor."""
    return _show()


def _show(error: FlowError | None = None) -> str:
    found = second_factor.second_factor(platform(), access.user().id)
    return render_template("auth/second_factor.html", found=found, error=error.message if error else "")


@blueprint.post("/second-factor/recovery-codes")
@limited(SIGN_IN)
def renew_codes() -> ResponseReturnValue:
    """Make new recovery codes for whoever is signed in and gives a code."""
    try:
        codes = second_factor.renew_recovery_codes(
            platform(),
            user_id=access.user().id,
            code=request.form.get("code", ""),
            at=session_now(),
            visitor=visitor(),
        )
    except BadInput as error:
        return _show(error), error.status
    return render_template("auth/recovery_codes.html", codes=codes, onward=url_for(".show"))
