"""The second factor: codes of an app (TOTP, RFC 6238: SHA-1, 6 digits, 30 seconds), and recovery codes.

The secret is stored sealed. A code is taken of the present time step, of the one before and of the one after, and only
of a later step than the last one that was taken: once, whoever else has seen it. Recovery codes have 120 random bits,
so that a plain hash keeps them (ASVS 6.5.2); each is taken once.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

import pyotp
import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import User
from is2_core.accounts.signing_in.lockout import Visitor, may_go_on
from is2_core.accounts.signing_in.models import RecoveryCode
from is2_core.accounts.signing_in.steps import on_the_way
from is2_core.accounts.users import SignedIn, next_step
from is2_core.audit import Act, Actor, acting, current_actor, record
from is2_core.db.types import opened, seal
from is2_core.errors import BadInput, Conflict
from is2_core.platform import Platform

STEP_S: Final = 30
RECOVERY_CODES: Final = 10
_RECOVERY_BYTES = 15
_WRONG = (
    "This code does not sign in. Type the one your app shows now; each is taken once. After 10 wrong ones, signing in "
    "is locked for a while."
)


@dataclass(frozen=True)
class Enrolled:
    """Whoever has just set up a second factor, and the recovery codes, which nobody can read again."""

    person: SignedIn
    recovery_codes: Sequence[str] = field(repr=False)


@dataclass(frozen=True)
class SecondFactor:
    """A user's second factor as pages show it: since when there is one, and how many recovery codes are left."""

    since: datetime | None
    recovery_codes: int


def new_secret() -> str:
    """Make up the secret of an app, 160 bits in base32."""
    return pyotp.random_base32()


def app_address(secret: str, email: str) -> str:
    """Return the address that an app reads off a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="IS2")


def second_factor(platform: Platform, user_id: int) -> SecondFactor:
    """Return a user's second factor."""
    with platform.db.read() as session:
        since = session.scalar(sa.select(User.second_factor_at).where(User.id == user_id))
        left = session.scalar(
            sa.select(sa.func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == user_id)
        )
        return SecondFactor(since, left or 0)


def enrol(
    platform: Platform, *, user_id: int, epoch: int, secret: str, code: str, at: datetime, visitor: Visitor
) -> Enrolled:
    """Set up a second factor for somebody whose password was right.

    Args:
        epoch: the user's `session_epoch` when it was.
        secret: what the app was given.
        code: what it shows.
        at: the time of day, which a trial cannot move.

    Raises:
        BadInput: it is not what an app with this secret shows.
        Forbidden: the sign-in has ended meanwhile.
        Conflict: they have a second factor already.
    """
    with platform.db.write() as session:
        user = on_the_way(session, user_id, epoch)
        if user.totp_secret is not None:
            raise Conflict("A second factor was set up here a moment ago. Sign in with it.")
        step = _step_of(secret, code, at)
        if step is None:
            raise BadInput("This is not what the app should show now. Check the time of your device.", field="code")
        user.totp_secret = seal(User.totp_secret, secret, user.id)
        user.totp_step, user.second_factor_at = step, platform.clock.now()
        codes = _renew_recovery_codes(session, user.id)
        with acting(_as_themselves(user)):
            record(session, Act.SECOND_FACTOR_SET, subject=f"user {user.id}")
        return Enrolled(next_step(platform, session, user, visitor, second_given=True), codes)


def give_code(
    platform: Platform, *, user_id: int, epoch: int, code: str, at: datetime, visitor: Visitor
) -> SignedIn | None:
    """Take a code of somebody whose password was right; None where it is wrong, used, or signing in is locked.

    Args:
        epoch: the user's `session_epoch` when it was.
        code: of the app, or a recovery code.
        at: the time of day, which a trial cannot move.

    Raises:
        Forbidden: the sign-in has ended meanwhile.
    """
    with platform.db.write() as session:
        user = on_the_way(session, user_id, epoch)
        if not may_take(session, user, code, visitor, Now(at, platform.clock.now())):
            return None
        return next_step(platform, session, user, visitor, second_given=True)


def renew_recovery_codes(
    platform: Platform, *, user_id: int, code: str, at: datetime, visitor: Visitor
) -> Sequence[str]:
    """Make new recovery codes in place of those before, for somebody who is signed in and gives a code.

    Raises:
        BadInput: the code is wrong or used, or signing in is locked.
    """
    with platform.db.write() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        taken = may_take(session, user, code, visitor, Now(at, platform.clock.now()))
        codes = _renew_recovery_codes(session, user_id) if taken else ()
        if taken:
            record(session, Act.RECOVERY_CODES_MADE, subject=f"user {user_id}")
    if not taken:
        raise BadInput(_WRONG, field="code")
    return codes


def remove(session: Session, user: User) -> None:
    """Take the second factor of a user away, whose row is locked: all sessions end, and no device is known any more."""
    user.totp_secret, user.totp_step, user.second_factor_at = None, None, None
    user.session_epoch += 1
    user.device_epoch += 1
    session.execute(sa.delete(RecoveryCode).where(RecoveryCode.user_id == user.id))


@dataclass(frozen=True)
class Now:
    """The time of day, and the platform's, which a trial moves on."""

    at: datetime
    of_platform: datetime


def may_take(session: Session, user: User, code: str, visitor: Visitor, now: Now) -> bool:
    """Count a try with a code; whether it is good. A good one is used up."""
    typed = "".join(code.split()).replace("-", "").upper()
    secret = opened(user.totp_secret, user.id)
    step = _step_of(secret, typed, now.at) if secret else None
    fresh = step is not None and (user.totp_step is None or step > user.totp_step)
    recovery = session.scalar(
        sa.select(RecoveryCode).where(RecoveryCode.user_id == user.id, RecoveryCode.code_hash == _hash(typed))
    )
    may = may_go_on(session, now.of_platform, user, fresh or recovery is not None, visitor, is_code=True)
    if may and fresh:
        user.totp_step = step
    elif may and recovery is not None:
        session.delete(recovery)
    elif not may:
        record(session, Act.SECOND_FACTOR_REFUSED, subject=f"user {user.id}")
    return may


def _as_themselves(user: User) -> Actor:
    """Name somebody on the way in, who is not signed in yet."""
    return Actor(user.id, user.email, user.role, current_actor().address)


def _step_of(secret: str, code: str, at: datetime) -> int | None:
    """The time step that a code is of; None where it is of none that counts now."""
    now = int(at.timestamp()) // STEP_S
    totp = pyotp.TOTP(secret)
    typed = "".join(code.split()).encode("utf-8", "replace")
    steps = [step for step in (now - 1, now, now + 1) if hmac.compare_digest(totp.generate_otp(step).encode(), typed)]
    return max(steps, default=None)


def _renew_recovery_codes(session: Session, user_id: int) -> Sequence[str]:
    session.execute(sa.delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    codes = [base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode() for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(user_id=user_id, code_hash=_hash(code)) for code in codes)
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]


def _hash(code: str) -> str:
    return sha256(code.encode("utf-8", "replace")).hexdigest()
