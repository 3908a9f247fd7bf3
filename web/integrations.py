"""Integration > View Integrations, and what can be done with one store."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from is2_core.flows import connection, orders, store_settings
from is2_core.flows.cart_settings import is_enabled
from is2_core.flows.errors import FlowError
from is2_core.models import (
    OPEN_STATES,
    ImportCursor,
    Integration,
    IntegrationState,
    ReceivedOrder,
    Schedule,
    Task,
    TaskState,
)
from web import scope
from web.forms import draw, stray, typed
from web.scope import platform

blueprint = Blueprint("integrations", __name__)

_CHECK = "orders.check"


@dataclass
class StoreRow:
    """One store of the list: its row, how its last check went, how many orders it has in which state."""

    store: Integration
    counts: Counter[str] = field(default_factory=Counter)
    checked_at: datetime | None = None
    next_at: datetime | None = None
    running: bool = False
    problem: str = ""

    @property
    def received(self) -> int:
        """All orders that were received."""
        return self.counts.total()


def store_rows(db: Session, account_id: int) -> list[StoreRow]:
    """The account's stores as the list shows them."""
    stores = db.scalars(
        sa.select(Integration)
        .where(Integration.account_id == account_id)
        .order_by(Integration.created_at, Integration.id)
    ).all()
    rows = {store.id: StoreRow(store) for store in stores}
    counts = db.execute(
        sa.select(ReceivedOrder.integration_id, ReceivedOrder.state, sa.func.count())
        .where(ReceivedOrder.account_id == account_id)
        .group_by(ReceivedOrder.integration_id, ReceivedOrder.state)
    )
    for integration_id, state, count in counts:
        rows[integration_id].counts[state] = count
    _add_checks(db, rows)
    return list(rows.values())


def _add_checks(db: Session, rows: dict[int, StoreRow]) -> None:
    ids = list(rows)
    cursors = sa.select(ImportCursor.integration_id, sa.func.max(ImportCursor.checked_at)).where(
        ImportCursor.integration_id.in_(ids)
    )
    for integration_id, checked_at in db.execute(cursors.group_by(ImportCursor.integration_id)):
        rows[integration_id].checked_at = checked_at
    for schedule in db.scalars(sa.select(Schedule).where(Schedule.integration_id.in_(ids), Schedule.kind == _CHECK)):
        rows[schedule.integration_id].next_at = schedule.next_at
    newest = (
        sa.select(sa.func.max(Task.id))
        .where(Task.integration_id.in_(ids), Task.kind == _CHECK)
        .group_by(Task.integration_id)
    )
    for task in db.scalars(sa.select(Task).where(Task.id.in_(newest))):
        row = rows[task.integration_id]  # type: ignore[index]
        row.problem = task.error_sentence
        row.running = task.state == TaskState.RUNNING
        if task.state in OPEN_STATES:
            row.next_at = task.run_at


@blueprint.get("/integrations")
def view_integrations() -> ResponseReturnValue:
    """The list of stores."""
    return _list()


def _list(error: str = "") -> str:
    account = scope.account()
    with platform().db.read() as db:
        rows = store_rows(db, account.id)
    return render_template("integrations/list.html", rows=rows, states=IntegrationState, error=error)


@blueprint.get("/integrations/add")
def add() -> ResponseReturnValue:
    """Pick a cart to connect."""
    scope.account()
    carts = [platform().carts.manifest(name) for name in platform().carts.names() if is_enabled(platform(), name)]
    return render_template("integrations/add.html", carts=carts)


@blueprint.post("/integrations/<int:integration_id>/check")
def check_now(integration_id: int) -> ResponseReturnValue:
    """Ask for new orders now rather than at the next slot."""
    store = scope.owned_integration(integration_id)
    try:
        sentence = orders.check_now(platform(), integration_id=store.id, account_id=store.account_id)
    except FlowError as error:
        return _list(error.sentence), error.status
    flash(sentence, "success")
    return redirect(url_for(".view_integrations"), 303)


@blueprint.post("/integrations/<int:integration_id>/test")
def test_connection(integration_id: int) -> ResponseReturnValue:
    """Ask the cart who the store is."""
    store = scope.owned_integration(integration_id)
    try:
        sentence = connection.test_connection(platform(), integration_id=store.id, account_id=store.account_id)
    except FlowError as error:
        return _list(error.sentence), error.status
    flash(sentence, "success")
    return redirect(url_for(".view_integrations"), 303)


@blueprint.route("/integrations/<int:integration_id>/settings", methods=["GET", "POST"])
def settings(integration_id: int) -> ResponseReturnValue:
    """The store's settings after setup."""
    store = scope.owned_integration(integration_id)
    if store.state == IntegrationState.SETUP:
        return redirect(url_for("install.finish", integration_id=store.id))
    return settings_page(store, setup=False)


def settings_page(store: Integration, *, setup: bool) -> ResponseReturnValue:
    """Show the settings form of a store, or save what was typed into it.

    Args:
        setup: the last step of an install (**Finish Setup**) rather than a later change.
    """
    ids = {"integration_id": store.id, "account_id": store.account_id}
    form = store_settings.settings_form(platform(), **ids)
    declared = [entry.field for entry in form]
    values = {entry.field.key: entry.value for entry in form}
    error: FlowError | None = None
    if request.method == "POST":
        values = typed(declared, request.form)
        try:
            saved = store_settings.finish_setup(platform(), **ids, values=values)
        except FlowError as refusal:
            error = refusal
        else:
            flash(saved.sentence, "success")
            for warning in saved.warnings:
                flash(warning, "warning")
            return redirect(url_for("integrations.view_integrations"), 303)
    fields = draw(declared, values, error=error)
    manifest = platform().carts.manifest(store.cart)
    page = render_template(
        "integrations/settings.html",
        store=store,
        manifest=manifest,
        fields=fields,
        setup=setup,
        error=stray(fields, error),
    )
    return page, error.status if error else 200
