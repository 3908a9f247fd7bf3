"""Help of administrators where somebody cannot sign in: a link, unlocking, and taking a second factor away."""

from __future__ import annotations

import logging

from is2_core.accounts.people import to_change, who
from is2_core.accounts.signing_in import lockout, second_factor
from is2_core.accounts.signing_in.links import Link, new_link
from is2_core.audit import Act, record
from is2_core.errors import Conflict
from is2_core.platform import Platform

_log = logging.getLogger(__name__)


def make_link(platform: Platform, *, user_id: int, by: int | None) -> Link:
    """Make a link by which a user chooses a password: an invitation where they have none, else a reset.

    Args:
        by: the administrator who does it; None from the command line.

    Raises:
        NotFound, Forbidden: there is no such user, or `by` is no administrator any more.
        Conflict: the user is disabled, or the administrator's own.
    """
    if user_id == by:
        raise Conflict("Change your own password under your name at the top of the page.")
    with platform.db.write() as session:
        user = to_change(session, user_id, by, stays_admin=True)
        if user.disabled:
            raise Conflict(f"{user.email} is disabled: a link would not work. Enable the user first.")
        link = new_link(platform, session, user)
        record(session, Act.LINK_MADE, subject=f"user {user_id}")
    _log.info("a link for user %s was made by %s", user_id, who(by))
    return link


def unlock(platform: Platform, *, user_id: int, by: int | None) -> None:
    """Forget what was tried in vain for a user, so that they can sign in from anywhere.

    Raises:
        NotFound, Forbidden: there is no such user, or `by` is no administrator any more.
    """
    with platform.db.write() as session:
        lockout.unlock(session, to_change(session, user_id, by, stays_admin=True))
        record(session, Act.USER_UNLOCKED, subject=f"user {user_id}")
    _log.info("user %s was unlocked by %s", user_id, who(by))


def reset_second_factor(platform: Platform, *, user_id: int, by: int | None) -> None:
    """Take a user's second factor away, who sets up another at the next sign-in; all their sessions end.

    Raises:
        NotFound, Forbidden: there is no such user, or `by` is no administrator any more.
        Conflict: it is the administrator's own, whose page asks for a code.
    """
    if user_id == by:
        raise Conflict("Another administrator can take away your second factor, or `is2 user reset-second-factor`.")
    with platform.db.write() as session:
        second_factor.remove(session, to_change(session, user_id, by, stays_admin=True))
        record(session, Act.SECOND_FACTOR_REMOVED, subject=f"user {user_id}")
    _log.info("the second factor of user %s was taken away by %s", user_id, who(by))
