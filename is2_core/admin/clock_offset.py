"""Moving the clock of a demo or test forward."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from is2_core.accounts.models import Credential
from is2_core.clock import OFFSET_ROW, ClockOffset
from is2_core.errors import BadInput, Forbidden
from is2_core.platform import Platform
from is2_core.tasks.models import Task
from is2_core.tasks.states import OPEN_STATES

MOST = timedelta(days=366)


def check_advance(platform: Platform, by: timedelta) -> None:
    """Whether `advance` would do it.

    Raises:
        Forbidden: the platform's clock is not one that can be moved.
        BadInput: no whole second, or more than a leap year.
    """
    if not platform.config.clock_offset:
        raise Forbidden("This platform runs on real time; only a trial's clock can be moved (IS2_CLOCK_OFFSET=1).")
    if not timedelta(seconds=1) <= by <= MOST:
        raise BadInput(f"The clock can be moved forward by one second to {MOST.days} days at a time.", field="by")


def advance(platform: Platform, by: timedelta) -> datetime:
    """Move the clock of all processes forward by whole seconds; returns the new time.

    Leases count in elapsed time, and none elapsed: they move along, so that no running task is taken for lost. What
    is due at a time of day comes due.

    Raises:
        Forbidden, BadInput: see `check_advance`.
    """
    check_advance(platform, by)
    seconds = int(by.total_seconds())
    moved = timedelta(seconds=seconds)
    with platform.db.write() as session:
        platform.db.upsert(session, ClockOffset, [{"id": OFFSET_ROW, "seconds": 0}], key=["id"])
        session.execute(
            sa.update(ClockOffset)
            .where(ClockOffset.id == OFFSET_ROW)
            .values(seconds=ClockOffset.seconds + seconds)
            .execution_options(synchronize_session=False)
        )
        minting = (
            sa.select(Credential.integration_id, Credential.minting_until)
            .where(Credential.minting_until.is_not(None))
            .order_by(Credential.integration_id)
        )
        for integration_id, until in session.execute(minting).all():
            assert until is not None, integration_id
            session.execute(
                sa.update(Credential)
                .where(Credential.integration_id == integration_id, Credential.minting_until == until)
                .values(minting_until=until + moved)
            )
        # Tasks last, as in every unit.
        leased = sa.select(Task).where(Task.state.in_(OPEN_STATES), Task.lease_until.is_not(None)).order_by(Task.id)
        for task in session.scalars(leased.with_for_update()):
            assert task.lease_until is not None
            task.lease_until += moved
        return platform.clock.database_now(session)


def offset_of(platform: Platform) -> timedelta:
    """How far the clock has been moved so far."""
    with platform.db.read() as session:
        return timedelta(seconds=session.scalar(sa.select(ClockOffset.seconds)) or 0)
