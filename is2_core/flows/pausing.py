"""Letting a paused store go on."""

from __future__ import annotations

from sqlalchemy.orm import Session

from is2_core.models import Integration, IntegrationState
from is2_core.platform import Platform
from is2_core.tasks.queue import release_tasks


def resume(session: Session, row: Integration, platform: Platform) -> None:
    """Let a paused store and everything that waits for it go on, inside the transaction that mends it."""
    row.state, row.pause_code, row.pause_sentence = IntegrationState.ACTIVE, "", ""
    release_tasks(session, row.id, platform.clock.now())
