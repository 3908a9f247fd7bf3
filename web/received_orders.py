"""Received Orders: where every order stands, why one waits, and what gets it going."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import selectinload

from is2_core.flows import fetch_order, orders, tracking
from is2_core.flows.errors import FlowError
from is2_core.flows.holds import WAIVABLE, HoldCode
from is2_core.models import (
    Hold,
    Integration,
    LineCustomization,
    OrderEvent,
    Package,
    PlacedComponent,
    PostState,
    ReceivedOrder,
    ReceivedState,
    User,
    WarehouseOrder,
)
from web import scope
from web.fetch_order import FetchForm, fetch_form, outcome
from web.help import help_about
from web.paging import paged
from web.recipients import LABELS, line_notes, may_see, shown_recipient
from web.refused_writes import LABELS as REFUSED_LABELS, refusals, was_refused
from web.scope import platform

blueprint = Blueprint("received_orders", __name__, url_prefix="/received-orders")

HOLD_LABELS = {
    HoldCode.SKU_UNKNOWN: "SKU unknown",
    HoldCode.METHOD_UNMAPPED: "Shipping method not mapped",
    HoldCode.METHOD_HOLD: "Held by its shipping mapping",
    HoldCode.ADDRESS_MISSING: "Address missing",
    HoldCode.ADDRESS_IMPOSSIBLE: "Address cannot be shipped to",
    HoldCode.CANCELLATION_REQUESTED: "Cancellation requested",
    HoldCode.UNKNOWN_VALUE: "Unknown value from the cart",
    HoldCode.CUSTOMIZATION_MISSING: "Customization missing",
    HoldCode.CAUTION: "The cart advises caution",
    HoldCode.FIRST_REVIEW: "Waits for first review",
    HoldCode.WAREHOUSE_REFUSED: "Refused by the warehouse",
}
POST_LABELS = {
    PostState.WAITING: "Waits: it completes no unit of the cart yet",
    PostState.DUE: "Due",
    PostState.DONE: "The cart has it",
    PostState.REJECTED: "Refused",
    PostState.NOT_NEEDED: "The cart takes no tracking",
    PostState.VOIDED: "Voided",
}
_PAGES = {"items": "items.list_items", "shipping": "shipping.mappings"}
_UNWANTED = "Not sent: nothing in it is open at the cart any more"
# As long as the warehouse does not have it, a person can end it.
_DISMISSABLE = (ReceivedState.STAGED, ReceivedState.HELD, ReceivedState.QUARANTINED)


@blueprint.get("")
def list_orders() -> ResponseReturnValue:
    """The account's orders, newest first; filtered by state, hold, store and what the cart refused, searched by either
    number."""
    return _list()


def _list(error: str = "", refused: FetchForm | None = None) -> str:
    account = scope.account()
    chosen_store, searched = request.args.get("integration", 0, type=int), request.args.get("q", "").strip()
    what_refused = request.args.get("refused", "")
    chosen = {
        "state": request.args.get("state", ""),
        "hold": request.args.get("hold", ""),
        "refused": what_refused,
        "integration": chosen_store,
        "q": searched,
    }
    query = (
        sa.select(ReceivedOrder)
        .where(ReceivedOrder.account_id == account.id)
        .options(selectinload(ReceivedOrder.holds))
        .order_by(ReceivedOrder.cart_created_at.desc(), ReceivedOrder.id.desc())
    )
    if chosen["state"]:
        query = query.where(ReceivedOrder.state == chosen["state"])
    if chosen["hold"]:
        held = sa.select(Hold.order_id).where(Hold.code == chosen["hold"])
        query = query.where(ReceivedOrder.id.in_(held))
    if what_refused in REFUSED_LABELS:
        query = query.where(was_refused(what_refused))
    if chosen["integration"]:
        query = query.where(ReceivedOrder.integration_id == chosen["integration"])
    if chosen["q"]:
        query = query.where(
            sa.or_(
                ReceivedOrder.number.icontains(chosen["q"], autoescape=True),
                ReceivedOrder.remote_id.icontains(chosen["q"], autoescape=True),
            )
        )
    with platform().db.read() as db:
        page = paged(db, query)
        refused_writes = refusals(db, page.rows)
        stores = db.scalars(sa.select(Integration).where(Integration.account_id == account.id)).all()
        waiting = dict(
            db.execute(
                sa.select(ReceivedOrder.integration_id, sa.func.count())
                .join(Hold, Hold.order_id == ReceivedOrder.id)
                .where(ReceivedOrder.account_id == account.id, Hold.code == HoldCode.FIRST_REVIEW)
                .where(ReceivedOrder.state == ReceivedState.HELD)
                .group_by(ReceivedOrder.integration_id)
            ).all()
        )
    # A number that is searched for and not here may be one the cart has all the same.
    missed = searched if not page.total and scope.is_member(account.id) else ""
    return render_template(
        "orders/list.html",
        page=page,
        stores={store.id: store for store in stores},
        waiting=waiting,
        chosen=chosen,
        filtered=any(chosen.values()),
        states=list(ReceivedState),
        hold_labels=HOLD_LABELS,
        refused_labels=REFUSED_LABELS,
        refusals=refused_writes,
        links=_links,
        error=error,
        fetch=refused or (fetch_form(stores, chosen_store, missed) if missed else None),
    )


@blueprint.post("/fetch")
def fetch() -> ResponseReturnValue:
    """Read one order from the cart now, by the cart's number."""
    store = scope.owned_integration(request.form.get("integration_id", 0, type=int))
    number = request.form.get("remote_id", "")
    ids = {"integration_id": store.id, "account_id": store.account_id, "user_id": scope.user().id}
    try:
        order_id = fetch_order.fetch_this_order(platform(), **ids, remote_id=number)
    except FlowError as error:
        at_field = error.sentence if error.field == fetch_order.FIELD else ""
        form = FetchForm((store,), store.id, number, at_field)
        return _list("" if at_field else error.sentence, form), error.status
    order = _order(order_id)
    flash(outcome(order, platform().carts.manifest(store.cart).label), "success")
    return redirect(url_for(".detail", order_id=order_id), 303)


@blueprint.post("/approve-all")
def approve_all() -> ResponseReturnValue:
    """Approve every order of a store that waits for its first review."""
    store = scope.owned_integration(request.form.get("integration_id", 0, type=int))
    try:
        count = orders.approve_all(
            platform(), integration_id=store.id, account_id=store.account_id, user_id=scope.user().id
        )
    except FlowError as error:
        return _list(error.sentence), error.status
    flash(f"{count} order{'' if count == 1 else 's'} approved.", "success")
    return redirect(url_for(".list_orders", integration=store.id), 303)


@blueprint.get("/<int:order_id>")
def detail(order_id: int) -> ResponseReturnValue:
    """Everything about one order."""
    return _detail(_order(order_id))


def _order(order_id: int) -> ReceivedOrder:
    with platform().db.read() as db:
        return scope.owned(
            db, ReceivedOrder, order_id, selectinload(ReceivedOrder.lines), selectinload(ReceivedOrder.holds)
        )


def _detail(order: ReceivedOrder, error: FlowError | None = None, reason: str = "", note: str = "") -> str:
    with platform().db.read() as db:
        store = db.get_one(Integration, order.integration_id)
        components: defaultdict[int, list[PlacedComponent]] = defaultdict(list)
        for part in db.scalars(
            sa.select(PlacedComponent)
            .where(PlacedComponent.line_id.in_([line.id for line in order.lines]))
            .order_by(PlacedComponent.id)
        ):
            components[part.line_id].append(part)
        events = db.execute(
            sa.select(OrderEvent, User.name)
            .outerjoin(User, User.id == OrderEvent.user_id)
            .where(OrderEvent.order_id == order.id)
            .order_by(OrderEvent.at, OrderEvent.id)
        ).all()
        packages = db.scalars(sa.select(Package).where(Package.order_id == order.id).order_by(Package.id)).all()
        warehouse_order = db.scalar(
            sa.select(WarehouseOrder).where(
                WarehouseOrder.number == order.number, WarehouseOrder.account_id == order.account_id
            )
        )
        replaced = db.scalar(
            sa.select(ReceivedOrder.id).where(
                ReceivedOrder.integration_id == order.integration_id,
                ReceivedOrder.remote_id == order.original_order,
                ReceivedOrder.id != order.id,
            )
        )
        customizations = {
            row.line_id: row
            for row in db.execute(
                sa.select(
                    LineCustomization.line_id,
                    LineCustomization.sentence,
                    LineCustomization.sealed.is_not(None).label("present"),
                ).where(LineCustomization.line_id.in_([line.id for line in order.lines]))
            )
        }
    recipient = shown_recipient(order.id, order.account_id)
    return render_template(
        "orders/detail.html",
        order=order,
        store=store,
        components=components,
        events=events,
        packages=packages,
        skus={line.id: line.sku for line in order.lines},
        post_label=post_label,
        warehouse_order=warehouse_order,
        replaced=replaced,
        customizations=customizations,
        recipient=recipient,
        notes=line_notes(recipient, order.lines),
        may_see=may_see(order.account_id),
        can_fetch=fetch_order.can_fetch(platform(), store),
        hold_labels=HOLD_LABELS,
        links=_links(order),
        waivable=[hold for hold in order.holds if hold.code in WAIVABLE],
        can_dismiss=order.state in _DISMISSABLE,
        error=error,
        reason=reason,
        note=note,
    )


def post_label(package: Package, order: ReceivedOrder) -> str:
    """Where the post of a package stands, in words."""
    unwanted = any(line.cancelled_late or line.shipped_elsewhere for line in order.lines)
    if package.post_state == PostState.WAITING and unwanted:
        return _UNWANTED
    return POST_LABELS.get(PostState(package.post_state), package.post_state)


def _links(order: ReceivedOrder) -> dict[int, tuple[str, str]]:
    """Hold id -> label and address of what fixes it."""
    found = {}
    for hold in order.holds:
        fix = orders.hold_fix(hold)
        if fix.page in _PAGES:
            filled: dict[str, Any] = {"integration_id": order.integration_id, **fix.params}
            address = url_for(_PAGES[fix.page], _anchor="add", **filled)
        elif fix.page == "address":
            address = url_for(".address", order_id=order.id)
        elif fix.page == "approve":
            address = url_for(".detail", order_id=order.id, _anchor="approve")
        else:
            address = help_about(url_for(".detail", order_id=order.id))
        found[hold.id] = (fix.label, address)
    return found


@blueprint.post("/<int:order_id>/approve")
def approve(order_id: int) -> ResponseReturnValue:
    """Let the order go on in spite of the holds a person may decide about."""
    order = _order(order_id)
    try:
        orders.approve(
            platform(),
            order_id=order.id,
            account_id=order.account_id,
            user_id=scope.user().id,
            codes=request.form.getlist("code"),
        )
    except FlowError as error:
        return _detail(order, error), error.status
    flash("The order is approved and goes on as soon as nothing else holds it.", "success")
    return redirect(url_for(".detail", order_id=order.id), 303)


@blueprint.post("/<int:order_id>/dismiss")
def dismiss(order_id: int) -> ResponseReturnValue:
    """End an order that will not be shipped from here, with a reason."""
    order = _order(order_id)
    reason = request.form.get("reason", "")
    try:
        orders.dismiss(
            platform(), order_id=order.id, account_id=order.account_id, user_id=scope.user().id, reason=reason
        )
    except FlowError as error:
        return _detail(order, error, reason), error.status
    flash("The order was dismissed; the warehouse will not ship it.", "success")
    return redirect(url_for(".detail", order_id=order.id), 303)


@blueprint.post("/<int:order_id>/shipped-elsewhere")
def shipped_elsewhere(order_id: int) -> ResponseReturnValue:
    """End an order that was shipped from somewhere else."""
    order = _order(order_id)
    note = request.form.get("note", "")
    try:
        orders.shipped_elsewhere(
            platform(), order_id=order.id, account_id=order.account_id, user_id=scope.user().id, note=note
        )
    except FlowError as error:
        return _detail(order, error, note=note), error.status
    flash("The order is closed here as shipped elsewhere; the warehouse will not ship it.", "success")
    return redirect(url_for(".detail", order_id=order.id), 303)


@blueprint.post("/<int:order_id>/post-again")
def post_again(order_id: int) -> ResponseReturnValue:
    """Post a package again that the cart refused."""
    order = _order(order_id)
    package_id = request.form.get("package_id", 0, type=int)
    try:
        tracking.post_again(platform(), package_id=package_id, account_id=order.account_id, user_id=scope.user().id)
    except FlowError as error:
        return _detail(order, error), error.status
    flash("The tracking is sent again.", "success")
    return redirect(url_for(".detail", order_id=order.id), 303)


@blueprint.route("/<int:order_id>/address", methods=["GET", "POST"])
def address(order_id: int) -> ResponseReturnValue:
    """Correct where an order goes."""
    order = _order(order_id)
    # Also for looking at the form: it holds the whole address, which only members may see.
    scope.require_member(order.account_id)
    error: FlowError | None = None
    if request.method == "GET":
        stored = shown_recipient(order.id, order.account_id)
        values = {key: stored.values.get(key, "") for key in LABELS}
    else:
        values = {key: request.form.get(key, "") for key in LABELS}
        try:
            orders.correct_address(
                platform(), order_id=order.id, account_id=order.account_id, user_id=scope.user().id, values=values
            )
        except FlowError as refusal:
            error = refusal
        else:
            flash("The address was corrected. The order is being looked at again.", "success")
            return redirect(url_for(".detail", order_id=order.id), 303)
    page = render_template("orders/address.html", order=order, values=values, labels=LABELS, error=error)
    return page, error.status if error else 200
