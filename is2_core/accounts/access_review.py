"""The access review: everybody's roles and accounts, looked through by an administrator every quarter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from is2_core.accounts.models import AccessReview, Account, Membership, User
from is2_core.audit import Act, record
from is2_core.platform import Platform

EVERY: Final = timedelta(days=90)


@dataclass(frozen=True)
class Access:
    """The access of one person; `unused_days` since the last sign-in, or since the user was made;
    `second_factor_at` is since when there is one."""

    user_id: int
    email: str
    name: str
    role: str
    places: tuple[str, ...]
    last_sign_in_at: datetime | None
    unused_days: int
    second_factor_at: datetime | None
    disabled: bool


@dataclass(frozen=True)
class Due:
    """The last review, if there was one, and when the next is due."""

    last_at: datetime | None
    last_by: str
    due_at: datetime
    is_overdue: bool


def people_with_access(platform: Platform) -> Sequence[Access]:
    """Return everybody, by e-mail address, with the accounts they belong to."""
    now = platform.clock.now()
    member = sa.select(Membership.user_id, Account.name, Membership.role).join(
        Account, Account.id == Membership.account_id
    )
    places: dict[int, list[str]] = {}
    with platform.db.read() as session:
        for user_id, name, role in session.execute(member.order_by(Account.name)):
            places.setdefault(user_id, []).append(f"{name} ({role})")
        users = session.scalars(sa.select(User).order_by(User.email)).all()
    return [
        Access(
            user.id,
            user.email,
            user.name,
            user.role,
            tuple(places.get(user.id, ())),
            user.last_sign_in_at,
            max(0, (now - (user.last_sign_in_at or user.created_at)).days),
            user.second_factor_at,
            user.disabled,
        )
        for user in users
    ]


def review_due(platform: Platform) -> Due:
    """Return when the next review is due: 90 days after the last, or after the first user was made."""
    now = platform.clock.now()
    last = sa.select(AccessReview.at, User.name).outerjoin(User, User.id == AccessReview.user_id)
    with platform.db.read() as session:
        found = session.execute(last.order_by(AccessReview.id.desc()).limit(1)).one_or_none()
        first = session.scalar(sa.select(sa.func.min(User.created_at)))
    since = found[0] if found else first or now
    by = (found[1] or "the command line") if found else ""
    return Due(found[0] if found else None, by, since + EVERY, now > since + EVERY)


def note_reviewed(platform: Platform, *, by: int | None) -> None:
    """Note that the list was looked through, and what was wrong in it put right.

    Args:
        by: the administrator who did it; None from the command line.
    """
    with platform.db.write() as session:
        session.add(AccessReview(at=platform.clock.now(), user_id=by))
        record(session, Act.ACCESS_REVIEWED)
