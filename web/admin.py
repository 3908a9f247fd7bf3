"""What administrators run the platform with: plugins, accounts, background tasks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from is2_core.flows import accounts, carrier_codes, cart_settings, given_up, older_generation
from is2_core.flows.cart_settings import StoredSettings
from is2_core.flows.errors import Conflict, FlowError
from is2_core.flows.stores import store_name
from is2_core.flows.submissions import poll_problem
from is2_core.models import (
    OPEN_STATES,
    Account,
    Integration,
    IntegrationState,
    Role,
    Submission,
    Task,
    TaskState,
)
from plugins.interface import CartManifest
from web import scope
from web.forms import draw, stray, typed
from web.paging import paged
from web.scope import platform

blueprint = Blueprint("admin", __name__, url_prefix="/admin")


@dataclass(frozen=True)
class CartRow:
    """A cart plugin as the plugins page shows it."""

    manifest: CartManifest
    hooks: list[str]
    stored: StoredSettings
    stores: int
    migration: str

    @property
    def environment(self) -> str:
        """The label of the endpoints in use, "" before one was chosen."""
        return next((e.label for e in self.manifest.environments if e.code == self.stored.environment), "")


@blueprint.get("")
@scope.require_role(Role.ADMIN)
def home() -> ResponseReturnValue:
    """The first admin page."""
    return redirect(url_for(".plugins"))


@blueprint.get("/plugins")
@scope.require_role(Role.ADMIN)
def plugins() -> ResponseReturnValue:
    """Every cart plugin: what it can do, who uses it, whether it is enabled; the broken ones with the reason."""
    return _plugins_page()


def _plugins_page(error: str = "") -> str:
    carts = platform().carts
    with platform().db.read() as db:
        stores = dict(
            db.execute(
                sa.select(Integration.cart, sa.func.count())
                .where(Integration.state != IntegrationState.SETUP)
                .group_by(Integration.cart)
            ).all()
        )
    rows = [
        CartRow(
            carts.manifest(name),
            carts.hooks(name),
            cart_settings.stored_settings(platform(), name),
            stores.get(name, 0),
            older_generation.migration_of(platform(), name),
        )
        for name in carts.names()
    ]
    return render_template("admin/plugins.html", rows=rows, broken=carts.broken, error=error)


@blueprint.post("/plugins/<cart>/enable")
@scope.require_role(Role.ADMIN)
def enable(cart: str) -> ResponseReturnValue:
    """Let merchants connect this cart."""
    return _switch(cart, True)


@blueprint.post("/plugins/<cart>/disable")
@scope.require_role(Role.ADMIN)
def disable(cart: str) -> ResponseReturnValue:
    """Stop installs and imports of this cart."""
    return _switch(cart, False)


def _switch(cart: str, enabled: bool) -> ResponseReturnValue:
    manifest = _manifest(cart)
    change = cart_settings.enable_cart if enabled else cart_settings.disable_cart
    try:
        change(platform(), cart)
    except FlowError as error:
        return _plugins_page(error.sentence), error.status
    flash(f"{manifest.label} is {'enabled' if enabled else 'disabled'}.", "success")
    return redirect(url_for(".plugins"), 303)


def _manifest(cart: str) -> CartManifest:
    return platform().carts.manifest(cart) if cart in platform().carts.names() else abort(404)


@blueprint.route("/plugins/<cart>/settings", methods=["GET", "POST"])
@scope.require_role(Role.ADMIN)
def cart_platform_settings(cart: str) -> ResponseReturnValue:
    """The settings of a cart that hold for all its stores. A secret is never shown again."""
    manifest = _manifest(cart)
    stored = cart_settings.stored_settings(platform(), cart)
    environment, values = stored.environment, stored.values
    error: FlowError | None = None
    if request.method == "POST":
        environment = request.form.get("environment", "")
        values = typed(manifest.platform_fields, request.form)
        try:
            cart_settings.save_cart_settings(platform(), cart, environment, values)
        except FlowError as refusal:
            error = refusal
        else:
            flash(f"The settings of {manifest.label} were saved.", "success")
            return redirect(url_for(".plugins"), 303)
    fields = draw(manifest.platform_fields, values, error=error, secrets_set=stored.secrets_set)
    page = render_template(
        "admin/cart_settings.html",
        manifest=manifest,
        stored=stored,
        chosen=environment,
        fields=fields,
        error=error,
        stray=stray(fields, error),
    )
    return page, error.status if error else 200


@blueprint.post("/plugins/<cart>/former-secrets/forget")
@scope.require_role(Role.ADMIN)
def forget_former(cart: str) -> ResponseReturnValue:
    """Erase what a cart's secrets were before, ahead of their time."""
    manifest = _manifest(cart)
    cart_settings.forget_former(platform(), cart)
    flash(f"The former secret of {manifest.label} was forgotten.", "success")
    return redirect(url_for(".cart_platform_settings", cart=cart), 303)


@blueprint.post("/plugins/<cart>/migration")
@scope.require_role(Role.ADMIN)
def migration(cart: str) -> ResponseReturnValue:
    """Begin or end the move from the cart's older API generation."""
    manifest = _manifest(cart)
    running = request.form.get("running") == "yes"
    try:
        older_generation.set_migration(platform(), cart=cart, running=running)
    except FlowError as error:
        return _plugins_page(error.sentence), error.status
    flash(f"The migration of {manifest.label} {'runs' if running else 'has ended'}; its stores are told so.", "success")
    return redirect(url_for(".plugins"), 303)


@blueprint.get("/plugins/<cart>/carriers")
@scope.require_role(Role.ADMIN)
def carriers(cart: str) -> ResponseReturnValue:
    """What a cart calls the warehouse's carriers."""
    return _carriers_page(_manifest(cart), {})


def _carriers_page(manifest: CartManifest, values: dict[str, str], error: FlowError | None = None) -> str:
    entries = carrier_codes.list_codes(platform(), manifest.name)
    return render_template("admin/carriers.html", manifest=manifest, entries=entries, values=values, error=error)


@blueprint.post("/plugins/<cart>/carriers")
@scope.require_role(Role.ADMIN)
def set_carrier(cart: str) -> ResponseReturnValue:
    """Set the code of a carrier."""
    manifest = _manifest(cart)
    values = {key: request.form.get(key, "") for key in ("carrier", "code")}
    try:
        carrier_codes.set_code(platform(), cart=cart, **values)
    except FlowError as error:
        return _carriers_page(manifest, values, error), error.status
    flash(f"{values['carrier'].strip()} is now {values['code'].strip()} at {manifest.label}.", "success")
    return redirect(url_for(".carriers", cart=cart), 303)


@blueprint.post("/plugins/<cart>/carriers/remove")
@scope.require_role(Role.ADMIN)
def remove_carrier(cart: str) -> ResponseReturnValue:
    """Take back the code an admin set for a carrier."""
    manifest = _manifest(cart)
    carrier_codes.remove_code(platform(), cart=cart, code_id=request.form.get("code_id", 0, type=int))
    flash(f"The plugin's own code is in force again at {manifest.label}, where it has one.", "success")
    return redirect(url_for(".carriers", cart=cart), 303)


@blueprint.get("/accounts")
@scope.require_role(Role.ADMIN)
def list_accounts() -> ResponseReturnValue:
    """Merchant accounts, and the form that adds one."""
    return _accounts_page()


def _accounts_page(name: str = "", error: FlowError | None = None) -> str:
    with platform().db.read() as db:
        companies = db.execute(
            sa.select(Account, sa.func.count(Integration.id))
            .outerjoin(Integration, Integration.account_id == Account.id)
            .group_by(Account.id)
            .order_by(Account.name)
        ).all()
    return render_template("admin/accounts.html", companies=companies, name=name, error=error)


@blueprint.post("/accounts")
@scope.require_role(Role.ADMIN)
def add_account() -> ResponseReturnValue:
    """Make a merchant account."""
    name = request.form.get("name", "")
    try:
        accounts.create_account(platform(), name)
    except FlowError as error:
        return _accounts_page(name, error), error.status
    flash(f"The account {name.strip()} was made.", "success")
    return redirect(url_for(".list_accounts"), 303)


@blueprint.get("/tasks")
@scope.require_role(Role.ADMIN)
def tasks() -> ResponseReturnValue:
    """Background work: how much is open or given up, and the last error of each kind; `kind` narrows those given up."""
    chosen = request.args.get("kind", "")
    with platform().db.read() as db:
        counts: dict[str, dict[str, int]] = {}
        for kind, state, count in db.execute(
            sa.select(Task.kind, Task.state, sa.func.count())
            .where(Task.state.in_((*OPEN_STATES, TaskState.QUARANTINED)))
            .group_by(Task.kind, Task.state)
        ):
            counts.setdefault(kind, {})[state] = count
        newest = sa.select(sa.func.max(Task.id)).where(Task.error_sentence != "").group_by(Task.kind)
        errors = {task.kind: task for task in db.scalars(sa.select(Task).where(Task.id.in_(newest)))}
        failed = sa.select(Task).where(Task.state == TaskState.QUARANTINED).order_by(Task.id.desc())
        page = paged(db, failed.where(Task.kind == chosen) if chosen else failed)
        silent = _silent(db)
        stores = {row.id: store_name(row) for row in db.scalars(sa.select(Integration))}
    return render_template(
        "admin/tasks.html",
        counts=counts,
        states=(*OPEN_STATES, TaskState.QUARANTINED),
        errors=errors,
        page=page,
        chosen=chosen,
        silent=silent,
        stores=stores,
    )


@dataclass(frozen=True)
class Silent:
    """Slow work at a cart that has had no answer for a while."""

    id: int
    store: Integration
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
    return [Silent(row.id, store, row.kind, row.sent_at, len(row.lines), poll_problem(db, row)) for row, store in rows]


@blueprint.post("/submissions/<int:submission_id>/give-up")
@scope.require_role(Role.ADMIN)
def give_up(submission_id: int) -> ResponseReturnValue:
    """End slow work whose answer does not come; its lines are sent again."""
    try:
        given_up.give_up_submission(platform(), submission_id)
        flash("Given up: what had no result is sent again.", "success")
    except Conflict as error:
        flash(error.sentence, "warning")
    return redirect(url_for(".tasks"), 303)


@blueprint.post("/tasks/<int:task_id>/try-again")
@scope.require_role(Role.ADMIN)
def try_again(task_id: int) -> ResponseReturnValue:
    """Make a task that was given up due again."""
    try:
        given_up.try_again(platform(), task_id)
        flash(f"Task {task_id} is tried again.", "success")
    except Conflict as error:
        flash(error.sentence, "warning")
    return redirect(url_for(".tasks"), 303)
