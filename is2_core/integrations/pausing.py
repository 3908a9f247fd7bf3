"""Letting a paused store go on."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.integrations.finality import Answer, forget_answers
from is2_core.platform import Platform
from is2_core.tasks.models import Schedule
from is2_core.tasks.queue import release_tasks


def resume(session: Session, row: Integration, platform: Platform, *, on_trial: bool = False) -> None:
    """Let a paused store and everything that waits for it go on, inside the transaction that mends it.

    Args:
        on_trial: nothing was mended here, its connection merely works: what refused access before is remembered, and
            one more refusal pauses it again.
    """
    forget_answers(session, row.id, (Answer.AUTHORIZATION_LOST,) if on_trial else tuple(Answer))
    row.state, row.pause_code, row.pause_message = IntegrationState.ACTIVE, "", ""
    now = platform.clock.now()
    release_tasks(session, row.id, now)
    # Slots missed while it was paused are due from now on, not late since then.
    session.execute(
        sa.update(Schedule)
        .where(Schedule.integration_id == row.id, Schedule.next_at < now)
        .values(next_at=now, set_at=now)
    )
