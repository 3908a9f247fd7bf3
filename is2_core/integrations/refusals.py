"""Refusals of a whole integration: waited out while they may pass, then the integration is paused, and tried again."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.carts.cart_settings import is_enabled
from is2_core.carts.context import cart_context
from is2_core.db.locks import LOCK, lock_rows
from is2_core.errors import PluginBug
from is2_core.integrations.finality import Answer, Verdict, answered_since, forget_answers, note_answer
from is2_core.integrations.models import PassingAnswer
from is2_core.integrations.pausing import resume
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import enqueue, pause_tasks
from is2_core.tasks.run import TaskRun
from is2_core.tasks.runner import Handler
from plugins.interface import AuthorizationLost, CartError, Permanent, RateLimited, SellerIdentity, SettingsError

Refusal = AuthorizationLost | SettingsError
REFUSED = (Answer.ACCESS_REFUSED, Answer.AUTHORIZATION_LOST)
TRIED_AGAIN_EVERY = timedelta(hours=1)
TRIED_AGAIN_FOR = timedelta(days=7)
# What a person's test was answered, among the kinds of tasks.
_TEST = "test"
_log = logging.getLogger(__name__)


def judged(handler: Handler) -> Handler:
    """Have a task whose integration is refused run again while that may pass, and pause the integration once it is
    final (`finality.FINAL`)."""

    def run_judged(platform: Platform, run: TaskRun) -> None:
        try:
            handler(platform, run)
        except (AuthorizationLost, SettingsError) as error:
            if run.integration_id is None:
                raise
            wait_while_it_may_pass(platform, run, error)
            with run.write() as session:
                now = platform.clock.now()
                problem: dict[str, Any] = {
                    "error_code": error.code,
                    "error_message": error.message,
                    "error_detail": error.detail,
                }
                run.finish(session, again_at=now, **problem)
                _pause(session, run.integration_id, error, now)
        else:
            if run.error_code and run.integration_id is not None:
                with platform.db.write() as session:
                    forget_answers(session, run.integration_id, REFUSED, (run.kind, _TEST))

    return run_judged


def wait_while_it_may_pass(platform: Platform, run: TaskRun, error: Refusal) -> None:
    """Return where the refusal that a run met is final.

    Raises:
        RateLimited: it may pass; the run is to be put back until then. Pages show the message of a task that was put
            back, so this has none; administrators find what was said in its detail.
    """
    assert run.integration_id is not None
    if not error.may_pass:
        return
    with run.write() as session:
        verdict = _note(session, run.integration_id, error, run.kind, platform.clock.now())
    if not verdict.is_final:
        detail = f"{error.message} {error.detail}".strip()
        raise RateLimited("", until=verdict.ask_again_at, detail=detail, code=error.code) from error


def refused_tests(session: Session, integration_ids: Collection[int]) -> dict[int, datetime]:
    """Return, by integration, when its last test of the connection was refused, without those that worked since."""
    rows = session.execute(
        sa.select(PassingAnswer.integration_id, sa.func.max(PassingAnswer.set_at))
        .where(
            PassingAnswer.integration_id.in_(integration_ids),
            PassingAnswer.answer.in_([answer.value for answer in REFUSED]),
            PassingAnswer.subject == _TEST,
        )
        .group_by(PassingAnswer.integration_id)
    )
    return dict(rows.all())


def forget_failed_tests(session: Session, integration_id: int) -> None:
    """Forget what earlier tests were refused with, since one has worked."""
    forget_answers(session, integration_id, REFUSED, (_TEST,))


def note_failed_test(platform: Platform, integration_id: int, error: Refusal) -> None:
    """Count what a person's test of the connection was answered; pauses the integration where that makes it final."""
    with platform.db.write() as session:
        # Before what it was answered: whoever lets it go on forgets that.
        lock_rows(session, Integration.id, [integration_id])
        now = platform.clock.now()
        if not error.may_pass or _note(session, integration_id, error, _TEST, now).is_final:
            _pause(session, integration_id, error, now)


def try_again(platform: Platform, run: TaskRun) -> None:
    """Task `integrations.retry`: let a paused integration go on where its connection works again; else ask again in an
    hour, for a week.

    It goes on on trial: what refused it before is not forgotten until it says otherwise, and one more refusal pauses
    it again.
    """
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.payload["integration"])
    now = platform.clock.now()
    if integration.state != IntegrationState.PAUSED or now >= datetime.fromisoformat(run.payload["until"]):
        return
    works = _works(platform, run, integration)
    with run.write() as session:
        row = session.get_one(Integration, integration.id, with_for_update=LOCK, populate_existing=True)
        if not works:
            run.finish(session, again_at=now + TRIED_AGAIN_EVERY)
            return
        if row.state == IntegrationState.PAUSED:
            resume(session, row, platform, on_trial=True)
        run.finish(session)


def _works(platform: Platform, run: TaskRun, integration: Integration) -> bool:
    """Whether a paused integration's connection is taken again, as far as its cart can tell."""
    if not is_enabled(platform, integration.cart):
        return False
    if not platform.carts.has(integration.cart, "check_connection"):
        return True
    try:
        context = cart_context(platform, integration, before_call=run.heartbeat)
        identity: SellerIdentity = platform.carts.call(integration.cart, "check_connection", ctx=context)
    except (AuthorizationLost, SettingsError) as error:
        with run.write() as session:
            _note(session, integration.id, error, _TEST, platform.clock.now())
        return False
    except (Permanent, PluginBug) as error:
        detail = error.trace if isinstance(error, PluginBug) else error.detail
        _log.warning("integration %s was not tried again: %s", integration.id, detail)
        return False
    return identity.remote_id == integration.seller_id


def _note(session: Session, integration_id: int, error: CartError, subject: str, now: datetime) -> Verdict:
    lost = isinstance(error, AuthorizationLost)
    answer = Answer.AUTHORIZATION_LOST if lost else Answer.ACCESS_REFUSED
    return note_answer(session, integration_id, answer, subject, now)


def _pause(session: Session, integration_id: int, error: Refusal, now: datetime) -> None:
    paused = (
        sa.update(Integration)
        .where(Integration.id == integration_id, Integration.state == IntegrationState.ACTIVE)
        .values(state=IntegrationState.PAUSED, pause_code=error.default_code, pause_message=error.message)
        .returning(Integration.account_id)
    )
    account_id = session.execute(paused).scalar_one_or_none()
    pause_tasks(session, integration_id)
    if account_id is None:
        return
    since = answered_since(session, integration_id, REFUSED) or now
    enqueue(
        session,
        # Of no integration: tasks of a paused one wait.
        kind=TaskKind.INTEGRATIONS_RETRY,
        account_id=account_id,
        now=now,
        run_at=now + TRIED_AGAIN_EVERY,
        payload={"integration": integration_id, "until": (since + TRIED_AGAIN_FOR).isoformat()},
        key=str(integration_id),
    )
