"""Integration > View Integrations, and what can be done with one store."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy.orm import Session

from is2_core.flows import connection, older_generation, orders, store_settings, stores, unshipped
from is2_core.flows.cart_settings import is_enabled
from is2_core.flows.claims import KEEP_CLAIM, can_be_tried
from is2_core.flows.errors import FlowError
from is2_core.flows.fetch_order import can_fetch
from is2_core.flows.inventory_sync import ORDERS
from is2_core.flows.inventory_view import inventory_view
from is2_core.flows.setup_form import LEAD_DAYS, ORDERS_FROM
from is2_core.models import (
    ImportCursor,
    Integration,
    IntegrationState,
    InventorySync,
    Package,
    ReceivedOrder,
    ReceivedState,
    Schedule,
    SellerClaim,
    Task,
)
from is2_core.tasks.lateness import is_late, is_running, next_runs
from web import scope
from web.forms import draw, stray, typed
from web.inventory import latency_sentence
from web.notices import Notices, notices_of
from web.refused_writes import TRACKING, was_refused
from web.scope import platform
from web.shared_stock import unconfirmed

blueprint = Blueprint("integrations", __name__)

_CHECK = "orders.check"


@dataclass
class StoreRow:
    """One store of the list: its row, how its last check went (`long_ago`: more than two intervals before now) and
    what the cart had to say of it, how many orders it has in which state, what was last sent to its cart, of how many
    orders the tracking was refused, whether it can be asked for a single order, and the connection whose seller is not
    proved yet with the time until which that can be tried again."""

    store: Integration
    counts: Counter[str] = field(default_factory=Counter)
    checked_at: datetime | None = None
    long_ago: bool = False
    next_at: datetime | None = None
    running: bool = False
    problem: str = ""
    posted_at: datetime | None = None
    refused: int = 0
    pushed_at: datetime | None = None
    stock_problem: str = ""
    listing_notice: str = ""
    can_fetch: bool = False
    claim: SellerClaim | None = None
    claim_until: datetime | None = None
    notices: Notices = field(default_factory=Notices)

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
    _add_way_back(db, rows)
    _add_claims(db, rows)
    return list(rows.values())


def _add_checks(db: Session, rows: dict[int, StoreRow]) -> None:
    ids, now = list(rows), platform().clock.now()
    cursors = sa.select(ImportCursor.integration_id, sa.func.max(ImportCursor.checked_at)).where(
        ImportCursor.integration_id.in_(ids)
    )
    for integration_id, checked_at in db.execute(cursors.group_by(ImportCursor.integration_id)):
        # Where the clock was put back, it was just now.
        rows[integration_id].checked_at = checked_at and min(checked_at, now)
    notices = sa.select(ImportCursor.integration_id, ImportCursor.notice).where(
        ImportCursor.integration_id.in_(ids), ImportCursor.notice != ""
    )
    # The routine listing's goes before the daily one's.
    for integration_id, notice in db.execute(notices.order_by(ImportCursor.kind)):
        rows[integration_id].listing_notice = notice
    for (integration_id, _), next_at in next_runs(db, ids, [_CHECK], now).items():
        rows[integration_id].next_at = next_at
    for schedule in db.scalars(sa.select(Schedule).where(Schedule.integration_id.in_(ids), Schedule.kind == _CHECK)):
        row = rows[schedule.integration_id]
        row.long_ago = row.checked_at is not None and is_late(
            row.checked_at + 2 * timedelta(seconds=schedule.every_s), now
        )
    newest = (
        sa.select(sa.func.max(Task.id))
        .where(Task.integration_id.in_(ids), Task.kind == _CHECK)
        .group_by(Task.integration_id)
    )
    for task in db.scalars(sa.select(Task).where(Task.id.in_(newest))):
        assert task.integration_id is not None, task.id
        row = rows[task.integration_id]
        row.problem = task.error_sentence
        row.running = is_running(task, now)


def _add_way_back(db: Session, rows: dict[int, StoreRow]) -> None:
    ids = list(rows)
    posts = sa.select(Package.integration_id, sa.func.max(Package.posted_at)).where(Package.integration_id.in_(ids))
    for integration_id, posted_at in db.execute(posts.group_by(Package.integration_id)):
        rows[integration_id].posted_at = posted_at
    refused = sa.select(ReceivedOrder.integration_id, sa.func.count()).where(
        ReceivedOrder.integration_id.in_(ids), was_refused(TRACKING)
    )
    for integration_id, count in db.execute(refused.group_by(ReceivedOrder.integration_id)):
        rows[integration_id].refused = count
    for sync in db.scalars(sa.select(InventorySync).where(InventorySync.integration_id.in_(ids))):
        row = rows[sync.integration_id]
        row.pushed_at = sync.accepted_at
        # A wait of minutes as a rule; where orders cannot be read, their own line says so.
        row.stock_problem = "" if sync.problem_code == ORDERS else sync.problem_sentence


def _add_claims(db: Session, rows: dict[int, StoreRow]) -> None:
    now = platform().clock.now()
    for claim in db.scalars(sa.select(SellerClaim).where(SellerClaim.integration_id.in_(list(rows)))):
        row = rows[claim.integration_id]
        row.claim = claim
        row.claim_until = claim.at + KEEP_CLAIM if can_be_tried(claim, now) else None


@blueprint.get("/integrations")
def view_integrations() -> ResponseReturnValue:
    """The list of stores."""
    return _list()


def _list(error: str = "") -> str:
    account = scope.account()
    with platform().db.read() as db:
        rows = store_rows(db, account.id)
    for row in rows:
        row.notices = notices_of(row.store)
        row.can_fetch = can_fetch(platform(), row.store)
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


@blueprint.route("/integrations/<int:integration_id>/disconnect", methods=["GET", "POST"])
def disconnect(integration_id: int) -> ResponseReturnValue:
    """What disconnecting does, and the button that does it."""
    store = scope.owned_integration(integration_id)
    error: FlowError | None = None
    if request.method == "POST":
        ids = {"integration_id": store.id, "account_id": store.account_id, "user_id": scope.user().id}
        try:
            sentence = stores.disconnect(platform(), **ids)
        except FlowError as refusal:
            error = refusal
        else:
            flash(sentence, "success")
            return redirect(url_for(".view_integrations"), 303)
    elif store.state not in (IntegrationState.ACTIVE, IntegrationState.PAUSED):
        return redirect(url_for(".view_integrations"))
    page = render_template(
        "integrations/disconnect.html", store=store, consequences=_consequences(store), error=error and error.sentence
    )
    return page, error.status if error else 200


def _consequences(store: Integration) -> list[str]:
    """What disconnecting means for the orders there are."""
    label = platform().carts.manifest(store.cart).label
    own = ReceivedOrder.integration_id == store.id
    with platform().db.read() as db:
        waiting = db.scalar(
            sa.select(sa.func.count()).where(
                own, ReceivedOrder.state.in_(stores.ENDED_BY_DISCONNECT), ReceivedOrder.asked_at.is_(None)
            )
        )
        placed = db.scalar(
            sa.select(sa.func.count()).where(
                own, ReceivedOrder.state.in_((ReceivedState.INJECTED, ReceivedState.SHIPPED))
            )
        )
    sentences = []
    if waiting:
        orders_are = "1 order that is" if waiting == 1 else f"{waiting} orders that are"
        sentences.append(f"{orders_are} not in the warehouse yet will not be shipped, unless you reconnect the store.")
    if placed:
        orders_are = "1 order" if placed == 1 else f"{placed} orders"
        sentences.append(
            f"The warehouse goes on to pack and ship {orders_are} it already has. {label} is told the tracking only "
            "after you reconnect the store; otherwise confirm those shipments there yourself."
        )
    return sentences


@blueprint.post("/integrations/<int:integration_id>/older-notice/hide")
def hide_older_notice(integration_id: int) -> ResponseReturnValue:
    """The merchant has done what the last notice about the older authorization says."""
    store = scope.owned_integration(integration_id)
    try:
        older_generation.hide_older_notice(platform(), integration_id=store.id, account_id=store.account_id)
    except FlowError as error:
        return _list(error.sentence), error.status
    flash("The notice about the older authorization is hidden.", "success")
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
    found = unshipped.look(platform(), **ids) if setup else None
    form = store_settings.settings_form(platform(), **ids, found=found)
    declared = [entry.field for entry in form]
    values = {entry.field.key: entry.value for entry in form}
    error: FlowError | None = None
    if request.method == "POST":
        values = typed(declared, request.form)
        try:
            leave_out = request.form.get("leave_out", "")
            saved = store_settings.finish_setup(platform(), **ids, values=values, leave_out=leave_out)
        except FlowError as refusal:
            error = refusal
        else:
            flash(_with_guide(saved.sentence) if setup else saved.sentence, "success")
            for warning in saved.warnings:
                flash(warning, "warning")
            if unconfirmed(store):
                return redirect(url_for("shared_stock.confirm", integration_id=store.id), 303)
            return redirect(url_for("integrations.view_integrations"), 303)
    fields = draw(declared, values, error=error)
    manifest = platform().carts.manifest(store.cart)
    notes = {ORDERS_FROM: unshipped.describe(platform(), found, manifest.label)} if found else {}
    page = render_template(
        "integrations/settings.html",
        store=store,
        manifest=manifest,
        fields=fields,
        setup=setup,
        notices=notices_of(store),
        notes=notes if setup else {LEAD_DAYS: _latency(store)},
        leave_out=error.day if isinstance(error, unshipped.LeavesOut) else "",
        error=stray(fields, error),
    )
    return page, error.status if error else 200


def _latency(store: Integration) -> str:
    view = inventory_view(platform(), integration_id=store.id, account_id=store.account_id)
    return latency_sentence(view.lead_days, view.with_lead, view.active)


def _with_guide(sentence: str) -> Markup:
    guide = url_for("inventory.guide")
    return Markup('{} <a class="alert-link" href="{}">How inventory syncing works</a>').format(sentence, guide)
