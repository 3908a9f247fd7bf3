"""Orders that were deleted, and do not come back: known again by a keyed hash of the cart's id."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.db.rows import built, dialect_of, insert_of
from is2_core.db.types import SealedValue, seal
from is2_core.orders.importing.models import DeletedOrder, DeletionKey
from plugins.interface import Order, OrderReject

_ROW = 1


def remember_deleted(session: Session, orders: Iterable[tuple[int, str]], now: datetime) -> None:
    """Leave marks of orders that are about to be deleted.

    Args:
        orders: the integration and the cart's id of each.
    """
    key = _key(session) or _first_key(session)
    session.add_all(
        DeletedOrder(integration_id=integration_id, mark=_mark(key, integration_id, remote_id), at=now)
        for integration_id, remote_id in orders
    )


def without_deleted(
    session: Session,
    integration_id: int,
    stored: Container[str],
    orders: Mapping[str, Order],
    rejects: Sequence[OrderReject],
) -> tuple[dict[str, Order], list[OrderReject]]:
    """Return the orders and rejects of a page without those that were deleted here.

    Args:
        stored: the cart's ids of orders that are here.
        orders: by the cart's id.
    """
    unknown = {each for each in (*orders, *(reject.remote_id for reject in rejects)) if each not in stored}
    gone = _deleted(session, integration_id, unknown)
    kept = {remote_id: order for remote_id, order in orders.items() if remote_id not in gone}
    return kept, [reject for reject in rejects if reject.remote_id not in gone]


def _deleted(session: Session, integration_id: int, remote_ids: Iterable[str]) -> set[str]:
    by_mark: dict[str, str] = {}
    if remote_ids and (sealed := session.scalar(_KEY_IF_ANY, {"integration_": integration_id})) is not None:
        key = _opened(sealed)
        by_mark = {_mark(key, integration_id, each): each for each in remote_ids}
    if not by_mark:
        return set()
    found = session.scalars(_FOUND, {"integration_": integration_id, "marks_": list(by_mark)})
    return {by_mark[mark] for mark in found}


# Most stores have had no order deleted, and then this is all that is asked.
_OF_ITS = DeletedOrder.integration_id == sa.bindparam("integration_")
_KEY_IF_ANY = sa.select(DeletionKey.value).where(sa.exists().where(_OF_ITS))
_FOUND = sa.select(DeletedOrder.mark).where(_OF_ITS, DeletedOrder.mark.in_(sa.bindparam("marks_", expanding=True)))


def _mark(key: bytes, integration_id: int, remote_id: str) -> str:
    return hmac.digest(key, f"{integration_id} {remote_id}".encode(), "sha256").hex()


def _key(session: Session) -> bytes | None:
    sealed = session.scalar(sa.select(DeletionKey.value))
    return None if sealed is None else _opened(sealed)


def _opened(sealed: SealedValue) -> bytes:
    return bytes.fromhex(sealed.open(_ROW))


def _first_key(session: Session) -> bytes:
    """Make the key, unless somebody else just has."""
    made = {"id": _ROW, "value": seal(DeletionKey.value, secrets.token_hex(32), _ROW)}
    session.execute(built(insert_of, dialect_of(session), DeletionKey).on_conflict_do_nothing(), made)
    found = _key(session)
    assert found is not None
    return found
