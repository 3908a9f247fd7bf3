"""The steps between a password that was right and being signed in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from is2_core.accounts.models import User
from is2_core.accounts.signing_in.lockout import Visitor, forget_failures
from is2_core.accounts.signing_in.password_rules import MAX_AGE
from is2_core.accounts.states import Step
from is2_core.config import Config
from is2_core.errors import Forbidden


def still_asked(config: Config, user: User, now: datetime, *, second_given: bool) -> Step | None:
    """Return what a user is asked next, None where nothing is any more.

    Args:
        second_given: whether they have just given their second factor, or set one up.
    """
    if not second_given and user.totp_secret is not None:
        return Step.CODE
    if not second_given and config.second_factor:
        return Step.ENROLMENT
    if now - (user.password_set_at or user.created_at) >= MAX_AGE:
        return Step.NEW_PASSWORD
    return None


def arrive(session: Session, user: User, visitor: Visitor, now: datetime) -> None:
    """Note that a user has signed in with all that is asked for."""
    user.last_sign_in_at = now
    forget_failures(session, user, visitor)


def on_the_way(session: Session, user_id: int, epoch: int) -> User:
    """Return the user whose password was right a moment ago, locked.

    Args:
        epoch: their `session_epoch` at that time.

    Raises:
        Forbidden: they were disabled since, or their sessions were ended.
    """
    user = session.get(User, user_id, with_for_update=True)
    if user is None or user.disabled or user.session_epoch != epoch:
        raise Forbidden("Your sign-in has ended. Begin again.")
    return user
