"""Actions on a failed task, or on slow work whose answer does not come."""

from __future__ import annotations

import sqlalchemy as sa

from is2_core.audit import Act, record
from is2_core.db.locks import LOCK
from is2_core.errors import Conflict, NotFound
from is2_core.jobs import WRITES
from is2_core.platform import Platform
from is2_core.submissions.models import Submission
from is2_core.submissions.polling import give_up
from is2_core.tasks.models import Task
from is2_core.tasks.states import OPEN_STATES, TaskState


def try_again(platform: Platform, task_id: int) -> None:
    """Make a failed task due again, with a clean count of errors and crashes.

    Raises:
        NotFound: no such task has failed.
        Conflict: the same work was asked for since, and is open.
    """
    with platform.db.write() as session:
        task = session.get(Task, task_id, with_for_update=LOCK)
        if task is None or task.state != TaskState.QUARANTINED:
            raise NotFound("No such task has failed.")
        successor = sa.select(Task.id).where(Task.business_key == task.business_key, Task.state.in_(OPEN_STATES))
        if session.scalar(successor) is not None:
            raise Conflict("The same work is open already under a newer task.")
        now = platform.clock.database_now(session)
        task.state, task.run_at, task.set_at = TaskState.READY, now, now
        task.attempts = task.crashes = 0
        task.fence += 1
        record(session, Act.TASK_RETRIED, subject=f"task {task_id} {task.kind}", account_id=task.account_id)


def give_up_submission(platform: Platform, submission_id: int) -> None:
    """End slow work at a cart whose answer does not come: each of its lines without a result is sent again.

    Raises:
        NotFound: there is no such submission.
        Conflict: it has ended.
    """
    with platform.db.write() as session:
        row = session.get(Submission, submission_id, with_for_update=LOCK)
        if row is None:
            raise NotFound("There is no such submission.")
        if row.closed_at is not None:
            raise Conflict("This submission has ended meanwhile.")
        give_up(session, row, platform.clock.now(), WRITES)
        record(session, Act.SUBMISSION_ENDED, subject=f"submission {row.id}", account_id=row.account_id)
