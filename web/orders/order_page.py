"""The page of one received order, and what a person decides about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import sqlalchemy as sa
from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import selectinload

from is2_core.accounts.models import Integration
from is2_core.comparison.queries import last_of_order
from is2_core.db.types import opened
from is2_core.embedded_warehouse import order_queries
from is2_core.errors import FlowError
from is2_core.orders import actions
from is2_core.orders.fulfillment import acknowledging
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.importing import fetch_order
from is2_core.orders.models import LineCustomization, PlacedComponent, ReceivedOrder
from is2_core.orders.not_from_here.answering import ship_not_from_here
from is2_core.orders.states import UNPLACED
from is2_core.orders.wording.labels import WAITS_LABELS
from is2_core.orders.wording.shown import ShownHold, shown_holds, shown_reason, stop_answer, timeline
from is2_core.privacy.open_orders import keep_order
from is2_core.privacy.queries import standing_still_of
from is2_core.shipments import carrier_codes, tracking
from is2_core.visible_text import visible
from plugins.warehouse import WaitsFor
from web import access
from web.access import platform
from web.actions import run_action
from web.cases.help import help_about
from web.orders.recipients import line_notes, may_see, shown_recipient

blueprint = Blueprint("received_orders", __name__, template_folder="templates", url_prefix="/received-orders")

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


@blueprint.get("/<int:order_id>")
def detail(order_id: int) -> ResponseReturnValue:
    """Everything about one order."""
    return _detail(visible_order(order_id))


def visible_order(order_id: int) -> ReceivedOrder:
    with platform().db.read() as db:
        return access.owned(
            db, ReceivedOrder, order_id, selectinload(ReceivedOrder.lines), selectinload(ReceivedOrder.holds)
        )


def _detail(order: ReceivedOrder, error: FlowError | None = None, reason: str = "", note: str = "") -> str:
    with platform().db.read() as db:
        integration = db.get_one(Integration, order.integration_id)
        components: defaultdict[int, list[PlacedComponent]] = defaultdict(list)
        for part in db.scalars(
            sa.select(PlacedComponent)
            .where(PlacedComponent.line_id.in_([line.id for line in order.lines]))
            .order_by(PlacedComponent.id)
        ):
            components[part.line_id].append(part)
        entries = timeline(platform(), db, order, integration.cart)
        packages = db.scalars(sa.select(Package).where(Package.order_id == order.id).order_by(Package.id)).all()
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
                    LineCustomization.sealed_message,
                    LineCustomization.sealed.is_not(None).label("present"),
                ).where(LineCustomization.line_id.in_([line.id for line in order.lines]))
            )
        }
    recipient = shown_recipient(order.id, order.account_id)
    return render_template(
        "orders/detail.html",
        order=order,
        integration=integration,
        components=components,
        entries=entries,
        packages=packages,
        skus={line.id: line.sku for line in order.lines},
        post_label=post_label,
        warehouse_order_id=order_queries.id_of_order(platform(), order.account_id, order.number),
        in_warehouse=in_warehouse(order),
        replaced=replaced,
        seen_as_other=carrier_codes.seen_as_other(
            platform(), integration.cart, [package.carrier for package in packages]
        ),
        customizations=customizations,
        customization_problems={
            line.id: opened(
                customizations[line.id].sealed_message, order.integration_id, order.remote_id, line.remote_id
            )
            for line in order.lines
            if line.id in customizations
        },
        why=shown_reason(platform(), order, integration.cart),
        stop_answer=stop_answer(entries),
        compared=last_of_order(platform(), order.id, integration.cart),
        recipient=recipient,
        notes=line_notes(recipient, order.lines),
        may_see=may_see(order.account_id),
        can_fetch=fetch_order.can_fetch(platform(), integration),
        holds=shown_holds(platform(), order, integration.cart),
        link=link_of,
        can_dismiss=order.state in UNPLACED,
        may_stop=actions.may_be_stopped(order),
        still=standing_still_of(platform(), order.id),
        error=error,
        reason=reason,
        note=note,
    )


def in_warehouse(order: ReceivedOrder) -> str:
    """Return the label of what an order waits for in the warehouse; "" where the warehouse does not have it."""
    if order.placed_at is None:
        return ""
    return WAITS_LABELS[WaitsFor(order.waits_for)] if order.waits_for else "Accepted"


def post_label(package: Package, order: ReceivedOrder) -> str:
    """Where the post of a package stands, in words."""
    unwanted = any(line.cancelled_late or line.shipped_elsewhere for line in order.lines)
    if package.post_state == PostState.WAITING and unwanted:
        return _UNWANTED
    return POST_LABELS.get(PostState(package.post_state), package.post_state)


def link_of(order: ReceivedOrder, hold: ShownHold) -> str:
    """The address of what ends a hold."""
    fix = hold.fix
    if fix.page in _PAGES:
        filled: dict[str, Any] = {"integration_id": order.integration_id, **fix.params}
        return url_for(_PAGES[fix.page], _anchor="add", **filled)
    if fix.page == "address":
        return url_for(".address", order_id=order.id)
    if fix.page == "help":
        return help_about(url_for(".detail", order_id=order.id))
    return url_for(".detail", order_id=order.id, _anchor="approve" if fix.page == "approve" else "holds-title")


@blueprint.post("/<int:order_id>/approve")
def approve(order_id: int) -> ResponseReturnValue:
    """Let the order go on in spite of the holds a person may decide about."""
    order = visible_order(order_id)
    return run_action(
        lambda: actions.approve(
            platform(),
            **who(order),
            scope=access.change_scope(),
            codes=[unquote(code) for code in request.form.getlist("code")],
        ),
        done="The order is approved and goes on as soon as nothing else holds it.",
        to=url_for(".detail", order_id=order.id),
        draw=lambda error: _detail(order, error),
    )


@blueprint.post("/<int:order_id>/ask-again")
def ask_again(order_id: int) -> ResponseReturnValue:
    """Have the warehouse asked again to take an order that it refused."""
    return _end_by(order_id, actions.ask_again, "The warehouse is asked again.")


@blueprint.post("/<int:order_id>/do-not-ship")
def do_not_ship(order_id: int) -> ResponseReturnValue:
    """End an order that the warehouse does not have: it is not to ship."""
    return _end_by(order_id, actions.do_not_ship, "The order is ended here; the warehouse will not ship it.")


@blueprint.post("/<int:order_id>/stop")
def ask_to_stop(order_id: int) -> ResponseReturnValue:
    """Have the warehouse asked to stop an order that it has."""
    return _end_by(order_id, actions.ask_to_stop, "The warehouse is asked to stop it; its answer will stand here.")


@blueprint.post("/<int:order_id>/keep")
def keep(order_id: int) -> ResponseReturnValue:
    """Keep an open order that stands still."""
    return _end_by(order_id, keep_order, "The order is kept, and its buyer's data with it.")


def _end_by(order_id: int, act: Callable[..., None], done: str) -> ResponseReturnValue:
    order = visible_order(order_id)
    return run_action(
        lambda: act(platform(), **who(order), scope=access.change_scope()),
        done=done,
        to=url_for(".detail", order_id=order.id),
        draw=lambda error: _detail(order, error),
    )


@blueprint.post("/<int:order_id>/dismiss")
def dismiss(order_id: int) -> ResponseReturnValue:
    """End an order that will not be shipped from here, with a reason."""
    order, reason = visible_order(order_id), request.form.get("reason", "")
    return run_action(
        lambda: actions.dismiss(platform(), **who(order), scope=access.change_scope(), reason=reason),
        done="The order was dismissed; the warehouse will not ship it.",
        to=url_for(".detail", order_id=order.id),
        draw=lambda error: _detail(order, error, reason),
    )


@blueprint.post("/<int:order_id>/shipped-elsewhere")
def shipped_elsewhere(order_id: int) -> ResponseReturnValue:
    """End an order that was shipped from somewhere else."""
    order, note = visible_order(order_id), request.form.get("note", "")
    return run_action(
        lambda: actions.shipped_elsewhere(platform(), **who(order), scope=access.change_scope(), note=note),
        done="The order is closed here as shipped elsewhere; the warehouse will not ship it.",
        to=url_for(".detail", order_id=order.id),
        draw=lambda error: _detail(order, error, note=note),
    )


@blueprint.post("/<int:order_id>/not-from-here")
def not_from_here(order_id: int) -> ResponseReturnValue:
    """Say of an unknown SKU of the order that it is not shipped from here."""
    order, sku = visible_order(order_id), request.form.get("sku", "")
    return run_action(
        lambda: ship_not_from_here(platform(), order_id=order.id, scope=access.change_scope(), sku=sku),
        done=f"{visible(sku)} is not shipped from here. Orders with it are being looked at again.",
        to=url_for(".detail", order_id=order.id),
        draw=lambda error: _detail(order, error),
    )


@blueprint.post("/<int:order_id>/post-again")
def post_again(order_id: int) -> ResponseReturnValue:
    """Post a package again that the cart refused."""
    return _about_package(order_id, tracking.post_again, "The tracking is sent again.")


@blueprint.post("/<int:order_id>/entered-by-hand")
def entered_by_hand(order_id: int) -> ResponseReturnValue:
    """Take note that a package the cart refused was entered there by a person."""
    done = "The tracking counts as entered at the cart; it is not sent again."
    return _about_package(order_id, tracking.entered_by_hand, done)


def _about_package(order_id: int, act: Callable[..., None], done: str) -> ResponseReturnValue:
    order, package_id = visible_order(order_id), request.form.get("package_id", 0, type=int)
    return run_action(
        lambda: act(platform(), package_id=package_id, scope=access.change_scope(), user_id=access.user().id),
        done=done,
        to=url_for(".detail", order_id=order.id),
        draw=lambda error: _detail(order, error),
    )


@blueprint.post("/<int:order_id>/acknowledgement")
def refused_acknowledgement(order_id: int) -> ResponseReturnValue:
    """Send the acknowledgement that the cart refused again, or let the order go without."""
    order, again = visible_order(order_id), "again" in request.form
    end = acknowledging.acknowledge_again if again else acknowledging.leave_unacknowledged
    return run_action(
        lambda: end(platform(), **who(order), scope=access.change_scope()),
        done="The acknowledgement is sent again." if again else "The order goes on without acknowledgement.",
        to=url_for(".detail", order_id=order.id),
        draw=lambda error: _detail(order, error),
    )


def who(order: ReceivedOrder) -> dict[str, int]:
    """Return the order of an action and who asks, as arguments."""
    return {"order_id": order.id, "user_id": access.user().id}
