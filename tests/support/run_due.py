"""Runs whatever is due in this process, until nothing is: a worker and a dispatcher without their queue.

With IS2_FAULT set the process dies at that fault point; with IS2_HURRY set what is due later is made due now.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta

import sqlalchemy as sa

from is2_core.accounts.models import Credential
from is2_core.bootstrap import perform, prepare
from is2_core.platform import Platform
from is2_core.tasks.dispatcher import tick
from is2_core.tasks.models import Task
from is2_core.tasks.states import TaskState


class RunningWakeups:
    """Works here and now, as often as it is woken."""

    def notify(self, count: int) -> int:
        for _ in range(count):
            perform()
        return count


def hurry(platform: Platform) -> None:
    """Nobody waits: leases of the dead end, and what is due later is due."""
    with platform.db.write() as session:
        now = platform.clock.database_now(session)
        ended = now - timedelta(seconds=1)
        session.execute(sa.update(Task).where(Task.state == TaskState.RUNNING).values(lease_until=ended))
        session.execute(sa.update(Credential).where(Credential.minting_until.is_not(None)).values(minting_until=ended))
        session.execute(sa.update(Task).where(Task.state == TaskState.READY).values(run_at=now))


def main(environment: Mapping[str, str]) -> None:
    """Run, with these variables in the environment."""
    os.environ.update(environment)
    platform = prepare()
    while True:
        if os.environ.get("IS2_HURRY"):
            hurry(platform)
        if not tick(platform, RunningWakeups()).due:
            return
