"""Whether the platform itself is well: what admins are shown, and what `/readyz` answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from is2_core.clock import WallClock
from is2_core.db.schema import revision_problem
from is2_core.platform import Platform
from is2_core.tasks.heartbeat import HeartbeatState, heartbeat_state
from is2_core.tasks.lateness import late_since
from is2_core.tasks.models import Task
from is2_core.tasks.states import TaskState
from is2_core.tasks.workers import QueueView, is_reachable, look_at_queue

NO_DATABASE = "The database does not answer."
NO_REDIS = "Redis cannot be reached: no background work is handed out."


@dataclass(frozen=True)
class PlatformStatus:
    """The status on the platform's page.

    Args:
        late: since when an integration's work is late, by integration.
        due: how many tasks are due and not begun; `oldest_due` is how long the oldest of them is.
        queue: None where Redis cannot be reached.
        revision: what is wrong with the database's revision, "" where nothing is.
    """

    heartbeat: HeartbeatState
    late: Mapping[int, datetime]
    due: int
    oldest_due: timedelta | None
    queue: QueueView | None
    revision: str

    @property
    def problems(self) -> list[str]:
        """Return the problems, the gravest first."""
        found = [self.revision] if self.revision else []
        if self.queue is None:
            found.append(NO_REDIS)
        elif not self.queue.live:
            found.append("No worker lives: start the workers.")
        return [*found, *_problems(self.heartbeat, self.late)]


def platform_status(platform: Platform) -> PlatformStatus:
    """Look at everything; takes a second or two at most where Redis does not answer."""
    queue = look_at_queue(platform.config.redis_url, WallClock().now())
    revision = revision_problem(platform.db)
    with platform.db.read() as session:
        now = platform.clock.now()
        due, oldest = session.execute(
            sa.select(sa.func.count(), sa.func.min(Task.run_at)).where(
                Task.state == TaskState.READY, Task.run_at <= now
            )
        ).one()
        return PlatformStatus(
            heartbeat=heartbeat_state(platform, session),
            late=late_since(session, now),
            due=due,
            oldest_due=now - oldest if due else None,
            queue=queue,
            revision=revision,
        )


def what_ails(platform: Platform) -> list[str]:
    """Return what is wrong with background work, from the database alone: quick enough for every page."""
    try:
        with platform.db.read() as session:
            return _problems(heartbeat_state(platform, session), late_since(session, platform.clock.now()))
    except SQLAlchemyError:
        return _database_problems(platform)


def what_is_not_ready(platform: Platform) -> list[str]:
    """Return why this installation cannot do its work, without anything secret; empty where it can.

    Work that is late for single integrations is no reason: another panel would not change it.
    """
    found = _database_problems(platform)
    if not found:
        try:
            with platform.db.read() as session:
                found = _heartbeat_problems(heartbeat_state(platform, session))
        except SQLAlchemyError:
            found = [NO_DATABASE]
    if not is_reachable(platform.config.redis_url):
        found.insert(0, NO_REDIS)
    return found


def _database_problems(platform: Platform) -> list[str]:
    try:
        problem = revision_problem(platform.db)
    except SQLAlchemyError:
        return [NO_DATABASE]
    return [problem] if problem else []


def _problems(heartbeat: HeartbeatState, late: Mapping[int, datetime]) -> list[str]:
    found = _heartbeat_problems(heartbeat)
    if late:
        count = "1 integration" if len(late) == 1 else f"{len(late)} integrations"
        found.append(f"Work of {count} is late, since {min(late.values()):%b %d, %H:%M} UTC.")
    return found


def _heartbeat_problems(heartbeat: HeartbeatState) -> list[str]:
    if not heartbeat.is_old:
        return []
    if heartbeat.stored_ago is None:
        message = "Background work has not begun: there has been no heartbeat yet."
    elif heartbeat.is_ahead:
        message = "The clock was put back, and there has been no heartbeat since."
    else:
        message = f"Background work stands still: the last heartbeat was {ago(heartbeat.stored_ago)}."
    if heartbeat.is_asked_for:
        return [f"{message} A dispatcher asks for one, no worker has stored it: look at the workers and at Redis."]
    if heartbeat.asked_ago is None or heartbeat.is_ahead:
        return [f"{message} Start the dispatcher and the workers."]
    return [f"{message} A dispatcher last asked for one {ago(heartbeat.asked_ago)}: start the dispatcher."]


def ago(age: timedelta) -> str:
    """Return how long ago something was, in its largest whole unit."""
    seconds = int(age.total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        count = seconds // length
        if count >= 2 or (count and unit == "minute"):
            return f"{count} {unit}{'s' if count != 1 else ''} ago"
    return "less than a minute ago"
