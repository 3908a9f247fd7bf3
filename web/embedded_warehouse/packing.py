"""The orders of the embedded warehouse: the list, and what its staff do with one; `packing_page` draws it."""

from __future__ import annotations

from collections.abc import Callable

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.embedded_warehouse import order_handling, order_queries, packing
from is2_core.embedded_warehouse.order_queries import Order
from is2_core.embedded_warehouse.states import WarehouseState
from is2_core.errors import BadInput, Conflict, FlowError
from is2_core.orders import actions
from is2_core.shipments import carrier_codes
from web import access
from web.access import platform
from web.embedded_warehouse.access import account_names, require_staff, seen_accounts, visible_order
from web.embedded_warehouse.packing_page import (
    OTHER,
    PackageRow,
    ParcelForm,
    Refused,
    draw_order,
    packages_of,
)
from web.embedded_warehouse.warehouse import blueprint
from web.paging import page_from


@blueprint.get("/orders")
def orders() -> ResponseReturnValue:
    """The orders to pack, the most urgent first."""
    state, q = request.args.get("state", ""), request.args.get("q", "").strip()
    accounts = seen_accounts()
    page = page_from(
        lambda first, most: order_queries.order_list(platform(), accounts, state=state, text=q, first=first, most=most)
    )
    return render_template(
        "warehouse/orders.html",
        page=page,
        names=account_names(),
        states=list(WarehouseState),
        state=state,
        q=q,
        chosen=request.args.get("account", 0, type=int),
    )


@blueprint.get("/orders/<int:order_id>")
def order(order_id: int) -> ResponseReturnValue:
    """One order: what is left to ship, for whom, by which service, and its packages."""
    return draw_order(order_id)


@blueprint.post("/orders/<int:order_id>/ship")
def ship(order_id: int) -> ResponseReturnValue:
    """Ship a package."""
    row = _require(order_id)
    form = _typed()

    def act() -> None:
        _ask_whether_still_wanted(row)
        packing.ship(
            platform(),
            order_id=order_id,
            carrier=_carrier(form),
            service=form.service,
            tracking_number=form.tracking_number,
            lines=form.quantities,
            user_id=access.user().id,
            expected_packages=form.mark,
            confirmed=request.form.get("confirmed", ""),
        )
        _tell_of_carrier(row, form)

    return _do(order_id, act, f"Shipped under tracking number {form.tracking_number.strip()}.", form)


@blueprint.post("/orders/<int:order_id>/correct")
def correct(order_id: int) -> ResponseReturnValue:
    """Correct a package."""
    row = _require(order_id)
    entry = _package(row)
    form = _typed(entry)

    def act() -> None:
        packing.correct_package(
            platform(),
            package_id=entry.package.id,
            carrier=_carrier(form),
            service=form.service,
            tracking_number=form.tracking_number,
            lines=form.quantities,
            user_id=access.user().id,
            expected_revision=form.mark,
            confirmed=request.form.get("confirmed", ""),
        )
        _tell_of_carrier(row, form)

    return _do(order_id, act, f"Package {entry.number} was corrected. The cart will be told.", form)


@blueprint.post("/orders/<int:order_id>/void")
def void(order_id: int) -> ResponseReturnValue:
    """Take a package back."""
    entry = _package(_require(order_id))
    reason = request.form.get("reason", "")

    def act() -> None:
        packing.void_package(platform(), package_id=entry.package.id, user_id=access.user().id, reason=reason)

    message = f"Package {entry.number} was voided. Its units are on hand again."
    return _do(order_id, act, message, reasons={f"void-{entry.package.id}": reason})


@blueprint.post("/orders/<int:order_id>/stop")
def stop(order_id: int) -> ResponseReturnValue:
    """End an order from the warehouse's side."""
    _require(order_id)
    reason = request.form.get("reason", "")

    def act() -> None:
        order_handling.stop_order(platform(), order_id=order_id, reason=reason, user_id=access.user().id)

    return _do(order_id, act, "The order was stopped. The merchant will be told.", reasons={"stop": reason})


@blueprint.post("/orders/<int:order_id>/start")
def start(order_id: int) -> ResponseReturnValue:
    """Start packing an order, if it is still wanted."""
    row = _require(order_id)

    def act() -> None:
        _ask_whether_still_wanted(row)
        order_handling.start_packing(platform(), order_id=order_id, user_id=access.user().id)

    return _do(order_id, act, "The order is in process.")


@blueprint.post("/orders/<int:order_id>/hold")
def hold(order_id: int) -> ResponseReturnValue:
    """Keep an order from being shipped."""
    return _turn(order_id, order_handling.hold_order, "The order is on hold.")


@blueprint.post("/orders/<int:order_id>/release")
def release(order_id: int) -> ResponseReturnValue:
    """Let an order on hold go on."""
    return _turn(order_id, order_handling.release_order, "The order was released.")


def _ask_whether_still_wanted(row: Order) -> None:
    """Have the cart asked before anything is packed; a cart that cannot be asked in time stops nobody, and is told.

    Raises:
        Conflict: the order is stopped.
    """
    if not row.is_open:
        return
    told = actions.read_before_packing(platform(), number=row.number, account_id=row.account_id)
    if told.stopped:
        raise Conflict(told.stopped)
    if told.unread:
        flash(told.unread, "warning")


def _turn(order_id: int, flow: Callable[..., None], message: str) -> ResponseReturnValue:
    _require(order_id)
    return _do(order_id, lambda: flow(platform(), order_id=order_id, user_id=access.user().id), message)


def _do(
    order_id: int,
    act: Callable[[], None],
    message: str,
    form: ParcelForm | None = None,
    reasons: dict[str, str] | None = None,
) -> ResponseReturnValue:
    try:
        act()
    except FlowError as error:
        return draw_order(order_id, Refused(error, form, reasons or {})), error.status
    flash(message, "success")
    return redirect(url_for(".order", order_id=order_id), 303)


def _require(order_id: int) -> Order:
    """The order, for who works in the warehouse: 404 where it is not there for the viewer, else 403."""
    row = visible_order(order_id)
    require_staff()
    return row


def _package(row: Order) -> PackageRow:
    """The package of this order that the form names."""
    package_id = request.form.get("package_id", 0, type=int)
    return next((entry for entry in packages_of(row) if entry.package.id == package_id), None) or abort(404)


def _typed(corrects: PackageRow | None = None) -> ParcelForm:
    start = "quantity:"
    return ParcelForm(
        carrier=request.form.get("carrier", ""),
        carrier_name=request.form.get("carrier_name", ""),
        service=request.form.get("service", ""),
        tracking_number=request.form.get("tracking_number", ""),
        quantities={key.removeprefix(start): text for key, text in request.form.items() if key.startswith(start)},
        corrects=corrects,
        mark=request.form.get("mark", ""),
    )


def _tell_of_carrier(row: Order, form: ParcelForm) -> None:
    """Tell what the order's cart will see of a carrier that was typed, where it is not that carrier alone; there is
    still time to correct it. Names of the list are typed by nobody: their codes are for an administrator to see."""
    name = form.carrier_name.strip()
    if not name:
        return
    told = carrier_codes.told_as(platform(), account_id=row.account_id, number=row.number, carrier=name)
    if told is not None and not told.found.code:
        flash(
            f"{told.cart} knows no carrier {name}: it will see Other, with this name. Correct it if that is not so.",
            "warning",
        )
    elif told is not None and told.found.service:
        service = form.service.strip() or told.found.service
        flash(f"{told.cart} will see the carrier {told.found.code} and the service {service}.", "info")


def _carrier(form: ParcelForm) -> str:
    if form.carrier in ("", OTHER):
        return form.carrier_name
    if form.carrier_name.strip():
        raise BadInput("Choose Other in the list, or leave this field empty.", field="carrier_name")
    return form.carrier
