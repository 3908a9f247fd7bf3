"""Counting what is tried in vain, so that guessing ends soon and nobody can lock another person out by it.

A try on a device the person has signed in on before (a signed cookie, as in OWASP's "Slow down online guessing attacks
with device cookies") counts for that device alone. Any other counts for the account at its place (a network address),
which locks for long, for the account in all and for the place, which lock for moments at first, and where it is a code
for the account's codes. Each has its tries before it locks; each lock is twice as long as the one before, up to a most.
While it is locked nothing is counted, so that nobody makes a lock last. A day after the last failure it is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import User
from is2_core.accounts.signing_in.models import FailedTries
from is2_core.db.locks import LOCK
from is2_core.db.rows import dialect_of, insert_of

FORGOTTEN_AFTER: Final = timedelta(days=1)


@dataclass(frozen=True)
class Device:
    """A device somebody signed in on fully, as its cookie says; `name` is random."""

    user_id: int
    epoch: int
    name: str


@dataclass(frozen=True)
class Visitor:
    """From where somebody tries: the address of their network, "" where it is unknown, and the devices of the people
    who signed in there before."""

    address: str = ""
    devices: tuple[Device, ...] = ()

    def known_device(self, user: User) -> Device | None:
        """Return this device where the person has signed in on it before."""
        return next((each for each in self.devices if (each.user_id, each.epoch) == (user.id, user.device_epoch)), None)


@dataclass(frozen=True)
class Limit:
    """How many failures lock, for how long the first time, and how long at most."""

    failures: int
    first: timedelta
    most: timedelta


ACCOUNT: Final = Limit(10, timedelta(minutes=1), timedelta(minutes=15))
PLACE: Final = Limit(10, timedelta(minutes=15), timedelta(hours=4))
DEVICE: Final = PLACE
CODES: Final = Limit(10, timedelta(minutes=15), timedelta(hours=24))
# Many people may sign in from one network.
ADDRESS: Final = Limit(50, timedelta(minutes=1), timedelta(minutes=15))


class Counted(Protocol):
    """A row that failures are counted in."""

    failed_logins: int
    lock_rounds: int
    failed_at: datetime | None
    locked_until: datetime | None
    set_at: datetime | None


def may_go_on(
    session: Session, now: datetime, user: User | None, fits: bool, visitor: Visitor, *, is_code: bool = False
) -> bool:
    """Count one try; whether it lets them go on.

    Args:
        user: whose row is locked; None for nobody's.
        fits: whether what was typed is right.
        is_code: whether it was the second factor.
    """
    limits = _limits(user, visitor, is_code)
    query = sa.select(FailedTries).where(FailedTries.subject.in_(limits)).order_by(FailedTries.subject)
    rows = {row.subject: row for row in session.scalars(query.with_for_update(**LOCK))}
    counted: list[tuple[Counted, Limit]] = [(row, limits[subject]) for subject, row in rows.items()]
    if user is not None and visitor.known_device(user) is None:
        counted.append((user, ACCOUNT))
    locked = any(row.locked_until is not None and row.locked_until > now for row, _ in counted)
    if user is not None and fits and not locked and not user.disabled:
        return True
    if not locked:
        # A disabled user's tries are counted like any other's: the answer takes as long.
        counted += [(_new_row(session, subject, user), limits[subject]) for subject in limits if subject not in rows]
        for row, limit in counted:
            _count(row, limit, now)
        _clean_up(session, now)
    return False


def forget_failures(session: Session, user: User, visitor: Visitor) -> None:
    """Somebody has signed in, with all that is asked for: what they mistyped on the way is forgotten."""
    if visitor.known_device(user) is None:
        _forget(user)
    session.execute(sa.delete(FailedTries).where(FailedTries.subject.in_(_own_limits(user, visitor, is_code=True))))


def unlock(session: Session, user: User) -> None:
    """Forget all that was tried in vain for a user, wherever."""
    _forget(user)
    session.execute(sa.delete(FailedTries).where(FailedTries.user_id == user.id))


def _limits(user: User | None, visitor: Visitor, is_code: bool) -> dict[str, Limit]:
    """The rows a try counts in, besides the user's own, by name: no two tries wait crosswise for them."""
    found = _own_limits(user, visitor, is_code) if user is not None else {}
    if visitor.address and (user is None or visitor.known_device(user) is None):
        found[f"address {visitor.address}"] = ADDRESS
    return dict(sorted(found.items()))


def _own_limits(user: User, visitor: Visitor, is_code: bool) -> dict[str, Limit]:
    device = visitor.known_device(user)
    if device is not None:
        return {f"user {user.id} device {device.name}": DEVICE}
    found = {f"user {user.id} codes": CODES} if is_code else {}
    if visitor.address:
        found[f"user {user.id} address {visitor.address}"] = PLACE
    return found


def _new_row(session: Session, subject: str, user: User | None) -> FailedTries:
    owner = user.id if user is not None and subject.startswith("user ") else None
    values = {"subject": subject, "user_id": owner, "failed_logins": 0, "lock_rounds": 0}
    session.execute(insert_of(dialect_of(session), FailedTries).values(**values).on_conflict_do_nothing())
    return session.scalars(sa.select(FailedTries).where(FailedTries.subject == subject).with_for_update(**LOCK)).one()


def _clean_up(session: Session, now: datetime) -> None:
    over = sa.select(FailedTries.id).where(FailedTries.failed_at < now - FORGOTTEN_AFTER)
    over = over.with_for_update(skip_locked=True, **LOCK)
    session.execute(sa.delete(FailedTries).where(FailedTries.id.in_(over)))


def _count(row: Counted, limit: Limit, now: datetime) -> None:
    if row.failed_at is not None and row.failed_at < now - FORGOTTEN_AFTER:
        _forget(row)
    row.failed_logins += 1
    row.failed_at = now
    if row.failed_logins >= limit.failures:
        lasts = min(limit.first * 2 ** min(row.lock_rounds, 20), limit.most)
        row.failed_logins, row.locked_until, row.set_at = 0, now + lasts, now
        row.lock_rounds += 1


def _forget(row: Counted) -> None:
    row.failed_logins, row.lock_rounds, row.failed_at, row.locked_until = 0, 0, None, None
