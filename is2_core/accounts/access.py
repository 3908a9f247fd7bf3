"""Finding a row for an account; what belongs to another account is not there."""

from __future__ import annotations

from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration, Membership
from is2_core.accounts.scope import Scope
from is2_core.accounts.states import MemberRole
from is2_core.db.base import Owned
from is2_core.db.locks import LOCK
from is2_core.errors import NotFound

T = TypeVar("T", bound=Owned)


def owned(session: Session, table: type[T], row_id: int, scope: Scope, *, lock: bool = False) -> T:
    """The row of that id in one of those accounts, locked for the rest of the transaction with `lock`.

    Raises:
        NotFound: there is none, or it is out of scope.
    """
    query = sa.select(table).where(table.id == row_id, scope.where(table.account_id))
    row = session.scalar(query.with_for_update(**LOCK) if lock else query)
    if row is None:
        raise NotFound("There is no such entry in this account.")
    return row


def owned_integration(session: Session, integration_id: int, scope: Scope, *, lock: bool = False) -> Integration:
    """The integration of that id; see `owned`. Who changes it, or its orders as well, locks it first:
    see "Locks" in docs/reliability.md."""
    return owned(session, Integration, integration_id, scope, lock=lock)


def owns(session: Session, user_id: int, account_id: int) -> bool:
    """Whether a user is an owner of an account."""
    place = (Membership.user_id == user_id, Membership.account_id == account_id, Membership.role == MemberRole.OWNER)
    return session.scalar(sa.select(Membership.id).where(*place)) is not None
