"""The way from a password that was right to a session: what is still asked lies in the browser's signed cookie, and
until it is given nobody is signed in: no page knows them but those that ask."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta

from flask import redirect, session, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts.states import Role, Step
from is2_core.accounts.users import SignedIn
from web.accounts.visitor import know_device
from web.kept_form import keep_on, kept_for
from web.sessions import begin_session, end_session, session_now

# How long somebody may take for it.
_LASTS = timedelta(minutes=15)
_KEY = "on_the_way"
_PAGES = {
    Step.CODE: "second_factor.give",
    Step.ENROLMENT: "second_factor.enrol",
    Step.NEW_PASSWORD: "passwords.replace_old",
}


@dataclass(frozen=True)
class OnTheWay:
    """Somebody whose password was right.

    Args:
        epoch: the user's `session_epoch` then.
        step: what they are asked now.
        since: Unix time.
        target: the page they want.
    """

    user_id: int
    email: str
    epoch: int
    step: str
    since: int
    target: str | None


def home_of(person: SignedIn) -> str:
    """Where a user's work begins."""
    if person.role == Role.ADMIN and not person.accounts:
        return url_for("admin.plugins")
    if person.role == Role.WAREHOUSE:
        return url_for("warehouse.orders")
    return url_for("integrations.view_integrations")


def lead_on(person: SignedIn, target: str | None) -> ResponseReturnValue:
    """Lead somebody who has given what was asked to what is asked next, or, signed in, to the page they want."""
    if note(person, target):
        return redirect(url_for(_PAGES[Step(person.step)]), 303)  # type: ignore[arg-type]  # noted: there is a step
    return redirect(target or home_of(person), 303)


def note(person: SignedIn, target: str | None) -> bool:
    """Sign somebody in where nothing is asked any more; whether something is."""
    if person.step is None:
        begin_session(person)
        know_device(person.id, person.device_epoch)
        return False
    typed = kept_for(person.id)
    end_session()
    keep_on(typed)
    since = int(session_now().timestamp())
    session[_KEY] = asdict(OnTheWay(person.id, person.email, person.session_epoch, person.step, since, target))
    return True


def who_is_on_the_way(step: Step) -> OnTheWay | None:
    """Return who is asked this, None where nobody is, or for too long."""
    if _KEY not in session:
        return None
    found = OnTheWay(**session[_KEY])
    age = session_now().timestamp() - found.since
    return found if found.step == step and abs(age) <= _LASTS.total_seconds() else None
