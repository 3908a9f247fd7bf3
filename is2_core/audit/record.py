"""Recording an act."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from is2_core.audit.actor import current_actor
from is2_core.audit.acts import Act
from is2_core.audit.chain import chain_key, mac_of
from is2_core.audit.models import AuditEntry
from is2_core.clock import Clock
from is2_core.db.rows import insert_rows
from is2_core.db.unit import at_end
from is2_core.visible_text import visible

_LONGEST = 300
_clock: Clock | None = None


def use_clock(clock: Clock) -> None:
    """Set the process's clock for the audit log: whoever records has a unit of work, and that has none."""
    global _clock
    _clock = clock


def record(
    session: Session,
    act: Act,
    *,
    subject: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    account_id: int | None = None,
) -> None:
    """Add a row about what the actor of this flow of control does. It is stored with the unit of work, or not at all.

    Args:
        session: a unit of work that writes.
        subject: what it was done to: a noun and its number, such as "user 12".
        before, after: what changed; JSON values. Nothing of a buyer, and no secret, ever.
        account_id: the account it concerns, whose people see the row too.

    Raises:
        RuntimeError: the unit of work only reads, so nothing would be stored.
    """
    if not session.connection().get_execution_options().get("is2_writes", True):
        raise RuntimeError("an act is recorded in a unit of work that writes")
    assert _clock is not None, "build a Platform before recording"
    actor = current_actor()
    row = {
        "name": secrets.token_hex(16),
        "at": _clock.now(),
        "user_id": actor.user_id,
        "actor": _plain(actor.name),
        "role": actor.role,
        "address": _plain(actor.address),
        "account_id": account_id,
        "act": act.value,
        "subject": _plain(subject),
        "before": _as_stored(before),
        "after": _as_stored(after),
    }
    at_end(session, _store, row)


def record_change(
    session: Session,
    act: Act,
    *,
    subject: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    account_id: int | None = None,
) -> None:
    """Add a row about what differs between two states of the same thing, see `record`; none where nothing does."""
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    if keys:
        old, new = ({key: each[key] for key in keys if key in each} for each in (before, after))
        record(session, act, subject=subject, before=old, after=new, account_id=account_id)


def _store(session: Session, rows: list[dict[str, Any]]) -> None:
    key = chain_key(session)
    insert_rows(session, AuditEntry, [{**row, "mac": mac_of(key, row)} for row in rows])


def _plain(text: str) -> str:
    """A text from outside as every database takes it."""
    return visible(text[:_LONGEST])


def _as_stored(values: Mapping[str, Any] | None) -> Any:
    return None if values is None else json.loads(json.dumps(dict(values)))
