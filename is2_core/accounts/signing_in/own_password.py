"""Changing the own password: signed in, or on the way in where it is too old."""

from __future__ import annotations

import logging

from is2_core.accounts import passwords
from is2_core.accounts.models import User
from is2_core.accounts.signing_in.lockout import Visitor, may_go_on
from is2_core.accounts.signing_in.new_password import hash_for, set_new
from is2_core.accounts.signing_in.password_rules import MIN_AGE
from is2_core.accounts.signing_in.steps import on_the_way
from is2_core.accounts.users import NOBODY_KNOWN, SignedIn, next_step, signed_in
from is2_core.audit import Act, record
from is2_core.errors import BadInput, Conflict
from is2_core.platform import Platform

_log = logging.getLogger(__name__)


def change_own_password(
    platform: Platform, *, user_id: int, current: str, new: str, visitor: Visitor = NOBODY_KNOWN
) -> SignedIn:
    """Change the password of whoever is signed in; every other session of theirs ends.

    Returns:
        The user, for the session that goes on.

    Raises:
        BadInput: the current password is another, or the new one is none; a wrong one counts as one at sign-in.
        PasswordsBusy: another password is being checked.
        Conflict: the password was changed within the last day, or elsewhere meanwhile.
    """
    with platform.db.read() as session:
        stored = session.get_one(User, user_id).password_hash
    fits = passwords.check(stored, current).fits
    now = platform.clock.now()
    with platform.db.write() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        chosen_at = user.password_chosen_at
        fits = may_go_on(session, now, user, fits, visitor)
        if not fits:
            record(session, Act.PASSWORD_REFUSED, subject=f"user {user_id}")
    if not fits:
        raise BadInput("This is not your current password.", field="current")
    if new == current:
        raise BadInput("This is the password you have already.", field="password")
    if chosen_at is not None and now - chosen_at < MIN_AGE:
        raise Conflict(
            "You chose this password less than a day ago. If somebody else may know it, ask an administrator for a "
            "link to choose another now."
        )
    found = hash_for(platform, user_id, new)
    with platform.db.write() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        if user.disabled or user.password_hash != stored:
            raise Conflict("Your password was changed elsewhere a moment ago. Sign in with the new one.")
        set_new(session, user, found, now, by_owner=True)
        own = signed_in(session, user)
    _log.info("user %s changed the own password", user_id)
    return own


def replace_old_password(platform: Platform, *, user_id: int, epoch: int, new: str, visitor: Visitor) -> SignedIn:
    """Set the password of somebody who has given the present one, and the second factor where one is asked for.

    Args:
        epoch: the user's `session_epoch` when they did.

    Raises:
        BadInput, PasswordsBusy: see `passwords.hash_new`.
        Forbidden: the sign-in has ended meanwhile.
    """
    found = hash_for(platform, user_id, new)
    with platform.db.write() as session:
        user = on_the_way(session, user_id, epoch)
        set_new(session, user, found, platform.clock.now(), by_owner=True)
        return next_step(platform, session, user, visitor, second_given=True)
