"""Packing in the embedded warehouse: orders are packed, shipped in parts, corrected, voided, held and stopped.

For users of the warehouse, whose pages check that they are; they work on the orders of all accounts. Every change is
one transaction, which also asks the platform to read what the warehouse reports.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from is2_core.embedded_warehouse.change import Change, change_order, must_be_open
from is2_core.embedded_warehouse.ledger import units_are
from is2_core.embedded_warehouse.models import WarehouseOrder, WarehousePackage
from is2_core.embedded_warehouse.packing_form import Parcel, read_parcel, read_reason
from is2_core.embedded_warehouse.shipping import set_contents, shift_units, skus_of
from is2_core.embedded_warehouse.states import WarehouseState
from is2_core.errors import BadInput, Conflict, NotFound, Unconfirmed
from is2_core.platform import Platform
from is2_core.tracking_numbers import plain_number, shape_problem


def ship(
    platform: Platform,
    *,
    order_id: int,
    carrier: str,
    service: str,
    tracking_number: str,
    lines: Mapping[str, str],
    user_id: int | None,
    expected_packages: str = "",
    confirmed: str = "",
) -> int:
    """Ship one package of an order, with all that is left of it or a part.

    Args:
        order_id: WarehouseOrder.id.
        carrier, service, tracking_number, lines: see `packing_form.read_parcel`.
        expected_packages: how many packages, voided ones included, the order had when the page was drawn; where it
            has others by now, the page is out of date. "" does not compare.

    Returns:
        WarehousePackage.id.

    Raises:
        NotFound: there is no such order.
        BadInput: what was typed cannot be shipped; nothing was written.
        Conflict: the order cannot be shipped, or not any more.
        Unconfirmed: the tracking number looks wrong; nothing was written.
    """
    parcel = read_parcel(carrier, service, tracking_number, lines)
    with change_order(platform, order_id) as change:
        if expected_packages not in ("", str(len(change.packages))):
            raise Conflict("A package of this order was shipped a moment ago. Look at it before you ship another one.")
        must_be_open(change.order)
        if change.order.state == WarehouseState.ON_HOLD:
            raise Conflict("This order is on hold. Release it before you ship it.")
        _must_be_possible(change, parcel.units)
        _must_be_sure(change, parcel, confirmed)
        package = WarehousePackage(
            account_id=change.order.account_id,
            order_id=order_id,
            revision=1,
            position=change.position,
            carrier=parcel.carrier,
            service=parcel.service,
            tracking_number=parcel.tracking_number,
            plain_number=plain_number(parcel.tracking_number),
            shipped_at=change.now,
            user_id=user_id,
        )
        change.session.add(package)
        change.session.flush()
        change.packages.append(package)
        set_contents(change.session, package, parcel.units)
        _shift(change, package, parcel.units, "shipped", user_id)
        return package.id


def correct_package(
    platform: Platform,
    *,
    package_id: int,
    carrier: str,
    service: str,
    tracking_number: str,
    lines: Mapping[str, str],
    user_id: int | None,
    expected_revision: str = "",
    confirmed: str = "",
) -> None:
    """Change carrier, service, number or contents of a package that was shipped.

    Args:
        package_id: WarehousePackage.id.
        carrier, service, tracking_number, lines: what they shall be; see `packing_form.read_parcel`.
        expected_revision: the package's revision when the page was drawn; "" does not compare.
        confirmed: the `confirmation` of an `Unconfirmed` raised before for the same.

    Raises:
        NotFound: there is no such package.
        BadInput: what was typed cannot be, or changes nothing; nothing was written.
        Conflict: it is voided, or was changed meanwhile.
        Unconfirmed: carrier or tracking number are other ones and look wrong; nothing was written.
    """
    parcel = read_parcel(carrier, service, tracking_number, lines)
    with change_order(platform, _order_of(platform, package_id)) as change:
        package = change.package(package_id)
        if package.voided_at is not None:
            raise Conflict("This package was voided. It cannot be corrected; ship another one instead.")
        if expected_revision not in ("", str(package.revision)):
            raise Conflict("This package was changed a moment ago. Look at it before you correct it again.")
        held = {line.sku: line.quantity for line in package.lines}
        changes = {sku: parcel.units.get(sku, 0) - held.get(sku, 0) for sku in {**held, **parcel.units}}
        changes = {sku: units for sku, units in changes.items() if units}
        facts = (package.carrier, package.service, package.tracking_number)
        if not changes and facts == (parcel.carrier, parcel.service, parcel.tracking_number):
            raise BadInput("Nothing about this package is different.")
        _must_be_possible(change, changes)
        if facts[::2] != (parcel.carrier, parcel.tracking_number):
            _must_be_sure(change, parcel, confirmed)
        package.carrier, package.service = parcel.carrier, parcel.service
        package.tracking_number = parcel.tracking_number
        package.plain_number = plain_number(parcel.tracking_number)
        _new_revision(change, package)
        set_contents(change.session, package, parcel.units)
        if changes:
            _shift(change, package, changes, "corrected", user_id)


def void_package(platform: Platform, *, package_id: int, user_id: int | None, reason: str) -> None:
    """Take a package back: its units are on hand again and left to ship, unless the order has been ended. Of an order
    whose buyer's data is erased, the reason is not kept.

    Raises:
        NotFound: there is no such package.
        BadInput: the reason is missing or unprintable.
        Conflict: it was voided already.
    """
    reason_given = read_reason(reason)
    with change_order(platform, _order_of(platform, package_id)) as change:
        package = change.package(package_id)
        if package.voided_at is not None:
            raise Conflict("This package was voided already.")
        package.voided_at = change.now
        _new_revision(change, package)
        changes = {line.sku: -line.quantity for line in package.lines}
        remark = f" ({reason_given})" if change.order.erased_at is None else ""
        _shift(change, package, changes, "voided", user_id, remark=remark)


def _order_of(platform: Platform, package_id: int) -> int:
    with platform.db.read() as session:
        order_id = session.scalar(sa.select(WarehousePackage.order_id).where(WarehousePackage.id == package_id))
    if order_id is None:
        raise NotFound("There is no such package.")
    return order_id


def _must_be_possible(change: Change, changes: Mapping[str, int]) -> None:
    """Refuse units that the order does not have left, or that are not on hand."""
    lines = {line.sku: line for line in change.order.lines}
    stock = skus_of(change.session, change.order)
    for sku, units in changes.items():
        field = f"quantity:{sku}"
        if sku not in lines:
            raise BadInput(f"This order has no SKU {sku}.", field=field)
        left = lines[sku].quantity - lines[sku].shipped
        if units > left:
            raise BadInput(
                f"Only {units_are(left, sku)} left to ship in this order."
                if left
                else f"No unit of {sku} is left to ship in this order.",
                field=field,
            )
        if units > stock[sku].on_hand:
            raise BadInput(f"Only {units_are(stock[sku].on_hand, sku)} on hand.", field=field)


def _must_be_sure(change: Change, parcel: Parcel, confirmed: str) -> None:
    """Ask about a tracking number that is not of the carrier's shape, or stands on a package of another order; several
    packages of one order may share a number, and a voided one's is free."""
    plain = plain_number(parcel.tracking_number)
    problems = [shape_problem(parcel.carrier, parcel.tracking_number)]
    used = change.session.execute(
        sa.select(WarehouseOrder.number, WarehouseOrder.account_id)
        .join(WarehousePackage, WarehousePackage.order_id == WarehouseOrder.id)
        .where(
            WarehousePackage.plain_number == plain,
            WarehousePackage.voided_at.is_(None),
            WarehouseOrder.id != change.order.id,
        )
        .order_by(WarehouseOrder.account_id != change.order.account_id, WarehousePackage.id.desc())
        .limit(1)
    ).first()
    if used is not None:
        # What another account sells is nobody's business here.
        other = f"order {used.number}" if used.account_id == change.order.account_id else "another order"
        problems.append(f"{parcel.tracking_number} was used before, for {other}.")
    text = " ".join(filter(None, problems))
    confirmation = f"{text} {parcel.carrier}: {plain}"
    if text and confirmed != confirmation:
        raise Unconfirmed(text, confirmation, field="tracking_number")


def _new_revision(change: Change, package: WarehousePackage) -> None:
    package.revision += 1
    package.position = change.position


def _shift(
    change: Change,
    package: WarehousePackage,
    changes: Mapping[str, int],
    verb: str,
    user_id: int | None,
    *,
    remark: str = "",
) -> None:
    shift_units(
        change.session,
        change.order,
        change.position,
        changes,
        reason=f"{verb} {change.name(package)}{remark}",
        user_id=user_id,
        now=change.now,
    )
