"""Whether this process has the keys that the database's values are sealed with."""

from __future__ import annotations

from sqlalchemy.orm import Session

from is2_core.crypto import CannotOpen, UnknownKey
from is2_core.db.engine import Database
from is2_core.db.metadata import metadata
from is2_core.db.models import KeyCanary
from is2_core.db.reseal import rows_with_keys, sealed_columns
from is2_core.db.types import SealedValue, seal

_ROW = 1
_CONTENT = "is2"
_SAMPLE = 20


def keys_problem(db: Database) -> str:
    """Return why the values of this database do not open with the process's keys, "" where they do.

    The canary is stored where there is none yet. The unit of work writes and locks, as all work here must be able to.
    """
    with db.write() as session:
        canary = session.get(KeyCanary, _ROW, with_for_update={"read": True, "key_share": True})
        if canary is not None:
            return _problem_of(canary.value, _ROW)
        problem = _problem_of_what_is_stored(session)
        if not problem:
            value = seal(KeyCanary.value, _CONTENT, _ROW)
            db.upsert(session, KeyCanary, [{"id": _ROW, "value": value}], key=["id"])
        return problem


def _problem_of_what_is_stored(session: Session) -> str:
    """Try the newest values of each sealed column: one that opens is enough, since single ones may have lost theirs."""
    problem = ""
    for column in sealed_columns(metadata):
        query = rows_with_keys(column).where(column.is_not(None))
        newest = query.order_by(query.selected_columns[0].desc()).limit(_SAMPLE)
        for _, value, *key in session.execute(newest):
            problem = _problem_of(value, *key)
            if not problem:
                return ""
    return problem


def _problem_of(value: SealedValue, *key: int | str | None) -> str:
    try:
        value.open(*key)
    except UnknownKey as error:
        return f"{error}"
    except CannotOpen:
        return "a key has the right name and another content"
    return ""
