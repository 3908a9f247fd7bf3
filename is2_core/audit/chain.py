"""Proofs that no row of the audit log was changed, added or taken out behind the platform's back.

Each row carries a MAC over what it says, made when it is written: whoever can write to the database but has not the
encryption keys makes none. Once a minute the rows that have no place yet are put into a chain, each bound to all before
it: what is deleted or moved breaks it. Rows of a unit of work that ends late come into the chain later than others that
were written after them; none is left out.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.audit.models import CHAIN_ROW, AuditChain, AuditEntry
from is2_core.db.changes import rows_changed
from is2_core.db.locks import LOCK
from is2_core.db.rows import dialect_of, insert_of
from is2_core.db.types import SealedValue, seal

BATCH: Final = 500
# The logs Amazon's policy asks for are kept for 12 months at least.
KEEP: Final = timedelta(days=366)
_NO_ROW: Final = 2**62
# What a row says, all of it.
CONTENT: Final = (
    "name",
    "at",
    "user_id",
    "actor",
    "role",
    "address",
    "account_id",
    "act",
    "subject",
    "before",
    "after",
)


@dataclass(frozen=True)
class Place:
    """A place in the chain: how many rows it closes, and the digest of the last; `at` is when that was told of."""

    position: int = 0
    digest: str = ""
    at: str = ""

    def follow(self, key: bytes, mac: str, at: datetime | None = None) -> Place:
        """Return the place of the row after this one."""
        position = self.position + 1
        digest = _mac(key, [self.digest, position, mac])
        return Place(position, digest, at.isoformat() if at else "")


BEGIN: Final = Place()


def chain_key(session: Session) -> bytes:
    """Return the key of the rows' MACs, made with the first row there is. It lies in the database, sealed, so that
    another encryption key leaves the proofs of earlier rows as they are."""
    asked = sa.select(AuditChain.key).where(AuditChain.id == CHAIN_ROW)
    found = session.scalar(asked)
    if found is None:
        new = {"id": CHAIN_ROW, "key": seal(AuditChain.key, secrets.token_hex(32), CHAIN_ROW), "anchor_position": 0}
        # Another process may make it at this very moment; the one that is stored counts.
        session.execute(insert_of(dialect_of(session), AuditChain).values(new).on_conflict_do_nothing())
        found = session.scalars(asked).one()
    return bytes.fromhex(found.open(CHAIN_ROW))


def mac_of(key: bytes, row: Mapping[str, Any]) -> str:
    """Return the MAC of what a row says."""
    values = [row[name].isoformat() if name == "at" else row[name] for name in CONTENT]
    return _mac(key, values)


def seal_entries(session: Session, now: datetime) -> int:
    """Put rows that have no place in the chain into it, the oldest first, at most BATCH; returns how many.

    Whoever comes second waits for the first: the chain has one end. Rows that are written meanwhile do not.
    """
    chain = session.get(AuditChain, CHAIN_ROW, with_for_update=LOCK)
    if chain is None:
        return 0
    key, place = bytes.fromhex(chain.key.open(CHAIN_ROW)), opened(chain.head)
    rows = session.execute(
        sa.select(AuditEntry.id, AuditEntry.mac)
        .where(AuditEntry.position.is_(None))
        .order_by(AuditEntry.id)
        .limit(BATCH)
    ).all()
    sealed = []
    for row in rows:
        place = place.follow(key, row.mac, now)
        sealed.append({"id": row.id, "position": place.position, "digest": place.digest})
    if sealed:
        session.execute(sa.update(AuditEntry), sealed)
        chain.head = seal(AuditChain.head, vars(place), CHAIN_ROW)
    return len(sealed)


def forget_entries(session: Session, now: datetime) -> int:
    """Delete rows that are over, from the beginning of the chain on, at most BATCH; returns how many. The anchor stands
    for them from then on."""
    chain = session.get(AuditChain, CHAIN_ROW, with_for_update=LOCK)
    if chain is None:
        return 0
    kept = sa.select(sa.func.min(AuditEntry.position)).where(AuditEntry.at >= now - KEEP).scalar_subquery()
    over = (AuditEntry.position <= chain.anchor_position + BATCH, AuditEntry.position < sa.func.coalesce(kept, _NO_ROW))
    last = session.execute(
        sa.select(AuditEntry.position, AuditEntry.digest, AuditEntry.at)
        .where(*over)
        .order_by(AuditEntry.position.desc())
        .limit(1)
    ).one_or_none()
    if last is None:
        return 0
    chain.anchor = seal(AuditChain.anchor, vars(Place(last.position, last.digest, last.at.isoformat())), CHAIN_ROW)
    chain.anchor_position = last.position
    # Before they go: the database asks for it.
    session.flush()
    return rows_changed(session, sa.delete(AuditEntry).where(AuditEntry.position <= last.position))


def opened(value: SealedValue | None) -> Place:
    """Return a place that the chain's row holds; the beginning where it holds none."""
    return BEGIN if value is None else Place(**value.open(CHAIN_ROW))


def _mac(key: bytes, values: list[Any]) -> str:
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hmac.digest(key, text.encode(), "sha256").hex()
