"""Secrets are shown with their age, and the support is told once when one is due."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from is2_core.admin import cart_setup
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.integrations.secret_ages import MOST, secret_ages
from is2_core.jobs import HANDLERS
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import enqueue
from is2_core.tasks.runner import run_next
from tests.support.amazon import APPLICATION
from tests.support.panel import ADMIN, Panel

SECRET, KEY = "amazon: client_secret", "encryption key test"


def due(panel: Panel) -> set[str]:
    return {entry.name for entry in secret_ages(panel.platform) if entry.is_due}


def cases(panel: Panel) -> list[tuple[str, bool]]:
    """What was told of, and whether it is over."""
    with panel.platform.db.read() as session:
        found = session.scalars(sa.select(SupportCase).where(SupportCase.kind == CaseKind.SECRET_OLD)).all()
    return sorted((case.subject.partition(",")[0], case.closed_at is not None) for case in found)


def work(panel: Panel) -> None:
    """Do what is done daily."""
    with panel.platform.db.write() as session:
        enqueue(session, kind=TaskKind.RESEAL, now=panel.platform.clock.now())
    assert run_next(panel.platform, {TaskKind.RESEAL: HANDLERS[TaskKind.RESEAL]}) is not None


def test_a_secret_that_is_due_is_told_of_once(panel: Panel) -> None:
    since = {entry.name: entry.since for entry in secret_ages(panel.platform)}
    assert {SECRET, KEY, "oldest authorization of a store"} <= since.keys()
    newest = max(since[SECRET], since[KEY])
    panel.clock.advance(min(since[SECRET], since[KEY]) + MOST - timedelta(minutes=1) - panel.clock.now())
    work(panel)
    assert (due(panel), cases(panel)) == (set(), [])
    panel.clock.advance(newest + MOST + timedelta(minutes=1) - panel.clock.now())
    for _ in range(2):
        work(panel)
        assert (due(panel), cases(panel)) == ({SECRET, KEY}, [(SECRET, False), (KEY, False)])
    shown = panel.browser(ADMIN).get("/admin/platform").text
    assert SECRET in shown and "type a new one" in shown and "is2 keys rotate" in shown
    with panel.platform.db.write() as session:
        # Somebody closes one without renewing it: it was told, and is told no more.
        keys = sa.update(SupportCase).where(SupportCase.subject.startswith(KEY))
        session.execute(keys.values(closed_at=panel.platform.clock.now()))
    values = {**APPLICATION, "client_secret": "n" * 32, "simulator_url": "http://127.0.0.1:1"}
    cart_setup.save_cart_settings(panel.platform, "amazon", "simulator", values)
    work(panel)
    assert (due(panel), cases(panel)) == ({KEY}, [(SECRET, True), (KEY, True)])
