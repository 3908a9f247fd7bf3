"""Locking rows, in the one order every transaction keeps to (docs/reliability.md)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from is2_core.db.chunks import chunks

# Arguments of `with_for_update`: whoever inserts a row that refers to a locked one does not wait for this lock, and so
# cannot be waited for in turn. Keys are never changed here.
LOCK: Final[dict[str, Any]] = {"key_share": True}


def lock_rows(session: Session, key: InstrumentedAttribute[int], ids: Iterable[int]) -> set[int]:
    """Lock the rows of these ids, `key` being their table's, by ascending id, so that two transactions never wait for
    each other; returns those that are there."""
    found: set[int] = set()
    for part in chunks(ids):
        query = sa.select(key).where(key.in_(part)).order_by(key).with_for_update(**LOCK)
        found.update(session.scalars(query))
    return found
