"""Going through the whole chain of the audit log, beside running processes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from is2_core.audit.chain import BATCH, BEGIN, CONTENT, Place, mac_of, opened
from is2_core.audit.models import CHAIN_ROW, AuditChain, AuditEntry
from is2_core.crypto import CannotOpen
from is2_core.db.engine import Database

# A row that has had no place for so long was not only just written.
_LATE: Final = timedelta(hours=1)
# Read as text: what somebody else wrote into a row may be no time and no JSON at all.
_READ: Final = {"at": sa.cast(AuditEntry.at, sa.Text)} | {
    name: sa.cast(getattr(AuditEntry, name), sa.Text) for name in ("before", "after")
}


@dataclass(frozen=True)
class Verified:
    """The state of the log.

    Args:
        rows: how many rows of the chain were found good.
        waiting: how many have no place in it yet.
        anchor, head: where it begins, after what retention has deleted, and where it ends.
        problem: the first thing that is wrong; "" where nothing is.
        is_late: whether rows have waited for so long that sealing seems to stand still.
    """

    rows: int = 0
    waiting: int = 0
    anchor: Place = BEGIN
    head: Place = BEGIN
    problem: str = ""
    is_late: bool = False


class _Broken(Exception):
    """The first place that is wrong, in words."""


class _Chain(NamedTuple):
    key: bytes
    anchor: Place
    head: Place


def verify(db: Database, now: datetime, noted: Place | None = None) -> Verified:
    """Go through all rows.

    Args:
        noted: an end of the chain that somebody kept elsewhere; it still has to be a place of this chain.

    Raises:
        UnknownKey: this process lacks the key that the chain's own is sealed with.
    """
    found, chain = Verified(), None
    try:
        chain = _chain(db)
        found = replace(found, anchor=chain.anchor, head=chain.anchor)
        for place in _places(db, chain, noted):
            found = replace(found, rows=found.rows + 1, head=place)
        for told in (chain.head, noted or BEGIN):
            if told.position > found.head.position:
                raise _Broken(
                    f"position {found.head.position + 1}: the end is missing, {told.position} rows were there"
                )
        return _waiting(db, chain.key, now, found)
    except _Broken as broken:
        if chain and _chain(db).anchor.position > chain.anchor.position:
            # Retention has deleted meanwhile what was about to be read.
            return verify(db, now, noted)
        return replace(found, problem=str(broken))


def _chain(db: Database) -> _Chain:
    with db.read() as session:
        row = session.get(AuditChain, CHAIN_ROW)
        is_empty = session.scalar(sa.select(AuditEntry.id).limit(1)) is None
    if row is None:
        if is_empty:
            return _Chain(b"", BEGIN, BEGIN)
        raise _Broken("the chain's own row is gone, and with it the key of all proofs")
    try:
        return _Chain(bytes.fromhex(row.key.open(CHAIN_ROW)), opened(row.anchor), opened(row.head))
    except CannotOpen as error:
        raise _Broken("the chain's own row was changed: its key, its beginning or its end does not open") from error


def _places(db: Database, chain: _Chain, noted: Place | None) -> Iterator[Place]:
    """Give each place of the chain, its row checked."""
    if noted and noted.position < chain.anchor.position:
        raise _Broken(f"position {noted.position}, which you noted, lies before the oldest row that is kept")
    told = [place for place in (noted, chain.head) if place]
    place = chain.anchor
    for row in _rows(db, AuditEntry.position, place.position):
        following = place.follow(chain.key, row.mac)
        here = f"position {following.position}"
        if row.position != following.position:
            raise _Broken(f"{here}: the row is missing")
        _check(chain.key, row, here)
        if row.digest != following.digest:
            raise _Broken(f"{here}: row {row.id} does not follow the row before it")
        if any(each.position == following.position and each.digest != row.digest for each in told):
            raise _Broken(f"{here}: the chain was another one when this was its end")
        place = following
        yield place


def _waiting(db: Database, key: bytes, now: datetime, found: Verified) -> Verified:
    """Check the rows that have no place yet."""
    with db.read() as session:
        names = sa.select(AuditEntry.name).group_by(AuditEntry.name).having(sa.func.count() > 1)
        if copied := session.scalar(names.limit(1)):
            raise _Broken(f"a row was copied: {copied} is there more than once")
    waiting, is_late = 0, False
    for row in _rows(db, AuditEntry.id, 0, AuditEntry.position.is_(None)):
        _check(key, row, "not in the chain yet")
        waiting, is_late = waiting + 1, is_late or _content(row)["at"] < now - _LATE
    return replace(found, waiting=waiting, is_late=is_late)


def _check(key: bytes, row: sa.Row[Any], here: str) -> None:
    try:
        is_ours = mac_of(key, _content(row)) == row.mac
    except ValueError:
        is_ours = False
    if not is_ours:
        raise _Broken(f"{here}: row {row.id} was changed, or written by somebody without the keys")


def _content(row: sa.Row[Any]) -> dict[str, Any]:
    values = {name: row._mapping[name] for name in CONTENT}
    for name in ("before", "after"):
        values[name] = None if values[name] is None else json.loads(values[name])
    return {**values, "at": datetime.fromisoformat(values["at"]).replace(tzinfo=UTC)}


def _rows(
    db: Database, order: sa.orm.InstrumentedAttribute[Any], after: int, *where: sa.ColumnElement[bool]
) -> Iterator[sa.Row[Any]]:
    """Give rows in an order, page by page, so that no unit of work lasts for long."""
    content = [_READ[name].label(name) if name in _READ else getattr(AuditEntry, name) for name in CONTENT]
    proofs = (AuditEntry.id, AuditEntry.position, AuditEntry.mac, AuditEntry.digest)
    query = sa.select(*proofs, *content).where(*where).order_by(order).limit(BATCH)
    page: Any = None
    while page is None or len(page) == BATCH:
        with db.read() as session:
            page = session.execute(query.where(order > after)).all()
        if page:
            after = page[-1]._mapping[order.key]
        yield from page
