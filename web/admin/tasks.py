"""Background tasks that failed, and submissions without an answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from is2_core.accounts.display_name import integration_name
from is2_core.accounts.models import Integration
from is2_core.accounts.states import Role
from is2_core.admin import failed_tasks
from is2_core.errors import Conflict
from is2_core.submissions.models import Submission
from is2_core.submissions.rows import poll_problem
from is2_core.tasks.models import Task
from is2_core.tasks.runner import MAX_ERRORS
from is2_core.tasks.states import UNFINISHED, TaskState
from web import access
from web.access import platform
from web.admin.section import blueprint
from web.paging import paged


@blueprint.get("/tasks")
@access.require_role(Role.ADMIN)
def tasks() -> ResponseReturnValue:
    """Show background work: how much is open or failed, and the last error of each kind with its traceback; `kind`
    narrows the failed."""
    chosen = request.args.get("kind", "")
    with platform().db.read() as db:
        counts: dict[str, dict[str, int]] = {}
        for kind, state, count in db.execute(
            sa.select(Task.kind, Task.state, sa.func.count())
            .where(Task.state.in_(UNFINISHED))
            .group_by(Task.kind, Task.state)
        ):
            counts.setdefault(kind, {})[state] = count
        newest = sa.select(sa.func.max(Task.id)).where(Task.error_message != "").group_by(Task.kind)
        errors = {task.kind: task for task in db.scalars(sa.select(Task).where(Task.id.in_(newest)))}
        failed = sa.select(Task).where(Task.state == TaskState.QUARANTINED).order_by(Task.id.desc())
        page = paged(db, failed.where(Task.kind == chosen) if chosen else failed)
        silent = _silent(db)
        integrations = {row.id: integration_name(row) for row in db.scalars(sa.select(Integration))}
    return render_template(
        "admin/tasks.html",
        counts=counts,
        states=UNFINISHED,
        errors=errors,
        max_errors=MAX_ERRORS,
        page=page,
        chosen=chosen,
        silent=silent,
        integrations=integrations,
    )


@dataclass(frozen=True)
class Silent:
    """Slow work at a cart that has had no answer for a while."""

    id: int
    integration: Integration
    kind: str
    sent_at: datetime
    lines: int
    problem: str


def _silent(db: Session) -> list[Silent]:
    rows = db.execute(
        sa.select(Submission, Integration)
        .join(Integration, Integration.id == Submission.integration_id)
        .where(Submission.closed_at.is_(None), Submission.sent_at < platform().clock.now() - timedelta(hours=1))
        .order_by(Submission.sent_at)
    ).all()
    return [
        Silent(row.id, integration, row.kind, row.sent_at, len(row.lines), poll_problem(db, row))
        for row, integration in rows
    ]


@blueprint.post("/submissions/<int:submission_id>/give-up")
@access.require_role(Role.ADMIN)
def give_up(submission_id: int) -> ResponseReturnValue:
    """End slow work whose answer does not come; its lines are sent again."""
    try:
        failed_tasks.give_up_submission(platform(), submission_id)
        flash("Given up: what had no result is sent again.", "success")
    except Conflict as error:
        flash(error.message, "warning")
    return redirect(url_for(".tasks"), 303)


@blueprint.post("/tasks/<int:task_id>/try-again")
@access.require_role(Role.ADMIN)
def try_again(task_id: int) -> ResponseReturnValue:
    """Make a failed task due again."""
    try:
        failed_tasks.try_again(platform(), task_id)
        flash(f"Task {task_id} is tried again.", "success")
    except Conflict as error:
        flash(error.message, "warning")
    return redirect(url_for(".tasks"), 303)
