"""What the page of a warehouse order shows: its lines with their stock, its packages, and the form for the next one."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa
from flask import render_template, request
from sqlalchemy.orm import Session

from is2_core.accounts.models import Account, User
from is2_core.embedded_warehouse.demands import from_json
from is2_core.embedded_warehouse.ledger import open_units
from is2_core.embedded_warehouse.models import WarehouseOrder, WarehousePackage, WarehouseSku
from is2_core.embedded_warehouse.packing_form import CARRIERS
from is2_core.embedded_warehouse.states import OPEN, WarehouseState
from is2_core.errors import Conflict, FlowError, Unconfirmed
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.models import LineCustomization, ReceivedLine, Recipient
from is2_core.orders.states import CUSTOMIZATION_MISSING
from web import access
from web.access import platform
from web.embedded_warehouse.access import may_change, visible
from web.orders.recipients import line_notes, may_see, shown_recipient

OTHER = "other"
"""What the drop-down sends where the carrier's name is typed."""

_TOLD = {
    PostState.WAITING: ("Completes no item yet", "secondary"),
    PostState.DUE: ("To be sent to the cart", "info"),
    PostState.DONE: ("The cart has it", "success"),
    PostState.REJECTED: ("Refused by the cart", "danger"),
    PostState.NOT_NEEDED: ("The cart takes no tracking", "light"),
    PostState.VOIDED: ("Taken back", "light"),
}
_NOT_TOLD = ("Not read yet", "light")
_UNWANTED = ("Not wanted by the cart any more", "light")


@dataclass(frozen=True)
class PackageRow:
    """A package with its number in the order, who shipped it, and what the cart was told of it."""

    package: WarehousePackage
    number: int
    by: str
    told: str
    color: str
    sentence: str


@dataclass(frozen=True)
class ParcelForm:
    """What stands in the form for a package: a new one, or the one it `corrects`.

    `mark` is what the page showed: how many packages there were, or the revision of the one to correct.
    """

    carrier: str = ""
    carrier_name: str = ""
    service: str = ""
    tracking_number: str = ""
    quantities: dict[str, str] = field(default_factory=dict)
    corrects: PackageRow | None = None
    mark: str = ""


@dataclass(frozen=True)
class Refused:
    """What was typed, and why it was refused; `reasons` by the id of their field."""

    error: FlowError
    form: ParcelForm | None = None
    reasons: dict[str, str] = field(default_factory=dict)


def draw_order(order_id: int, refused: Refused | None = None) -> str:
    """The page of an order as it is now."""
    with platform().db.read() as db:
        row = visible(db, WarehouseOrder, order_id)
        owner = db.get_one(Account, row.account_id)
        received = db.get_one(Recipient, row.recipient_id).order_id
        skus = db.scalars(
            sa.select(WarehouseSku).where(
                WarehouseSku.account_id == row.account_id, WarehouseSku.sku.in_([line.sku for line in row.lines])
            )
        )
        stock = {sku.sku: sku for sku in skus}
        packages = packages_of(db, row)
        form = _form_to_show(db, row, packages, refused)
        lines = db.scalars(
            sa.select(ReceivedLine)
            .where(ReceivedLine.order_id == received, ReceivedLine.placed > 0)
            .order_by(ReceivedLine.id)
        ).all()
        files = set(
            db.scalars(
                sa.select(LineCustomization.line_id).where(
                    LineCustomization.line_id.in_([line.id for line in lines]), LineCustomization.sealed.is_not(None)
                )
            )
        )
    recipient = shown_recipient(received, row.account_id)
    most = _most(row, form)
    services = {service.code: service.label for service in platform().warehouse("embedded").services(row.account_id)}
    return render_template(
        "warehouse/order.html",
        row=row,
        owner=owner,
        stock=stock,
        state=WarehouseState(row.state),
        is_open=row.state in OPEN,
        service=services.get(row.service, row.service),
        recipient=recipient,
        demands=from_json(row.demands),
        notes=line_notes(recipient, lines),
        customized=[line for line in lines if line.id in files],
        uncustomized=[line for line in lines if line.customization in CUSTOMIZATION_MISSING],
        may_see=may_see(row.account_id),
        packages=packages,
        may_pack=may_change(),
        form=form,
        most=most,
        problem_on_top=_stray(refused.error, most) if refused else "",
        carriers=CARRIERS,
        other=OTHER,
        error=refused.error if refused else None,
        confirmation=refused.error.confirmation if refused and isinstance(refused.error, Unconfirmed) else "",
        reasons=refused.reasons if refused else {},
    )


def packages_of(db: Session, row: WarehouseOrder) -> list[PackageRow]:
    """The order's packages, voided ones included; the first is package 1."""
    packages = db.scalars(
        sa.select(WarehousePackage).where(WarehousePackage.order_id == row.id).order_by(WarehousePackage.id)
    ).all()
    received = db.get_one(Recipient, row.recipient_id).order_id
    told = {each.warehouse_ref: each for each in db.scalars(sa.select(Package).where(Package.order_id == received))}
    unwanted = db.scalar(
        sa.select(ReceivedLine.id)
        .where(
            ReceivedLine.order_id == received,
            sa.or_(ReceivedLine.cancelled_late > 0, ReceivedLine.shipped_elsewhere > 0),
        )
        .limit(1)
    )
    by = {package.user_id for package in packages if package.user_id}
    people = dict(db.execute(sa.select(User.id, User.name).where(User.id.in_(by))).all())
    rows = []
    for number, package in enumerate(packages, start=1):
        seen = told.get(str(package.id))
        # What the cart has of an earlier revision says nothing about this one.
        current = seen if seen is not None and seen.revision == package.revision else None
        label, color = _TOLD[PostState(current.post_state)] if current else _NOT_TOLD
        if unwanted and current and current.post_state == PostState.WAITING:
            label, color = _UNWANTED
        sentence = current.post_sentence if current else ""
        packer = people.get(package.user_id, "") if package.user_id else ""
        rows.append(PackageRow(package, number, packer, label, color, sentence))
    return rows


def _form_to_show(
    db: Session, row: WarehouseOrder, packages: list[PackageRow], refused: Refused | None
) -> ParcelForm | None:
    """None where the viewer cannot ship or correct anything here."""
    if not may_change():
        return None
    # After a conflict the page was out of date: what was typed for it must be looked at again.
    if refused is not None and refused.form is not None and not isinstance(refused.error, Conflict):
        return refused.form
    chosen = request.args.get("package", 0, type=int)
    for entry in packages:
        if entry.package.id == chosen and entry.package.voided_at is None:
            return _correcting(entry)
    if row.state not in OPEN or row.state == WarehouseState.ON_HOLD:
        return None
    left = {sku: str(units) for sku, units in open_units(row).items()}
    carrier, name = _in_list(_last_carrier(db))
    return ParcelForm(carrier, name, quantities=left, mark=str(len(packages)))


def _correcting(entry: PackageRow) -> ParcelForm:
    package = entry.package
    carrier, name = _in_list(package.carrier)
    return ParcelForm(
        carrier=carrier,
        carrier_name=name,
        service=package.service,
        tracking_number=package.tracking_number,
        quantities={line.sku: str(line.quantity) for line in package.lines},
        corrects=entry,
        mark=str(package.revision),
    )


def _most(row: WarehouseOrder, form: ParcelForm | None) -> dict[str, int]:
    """How many units of each SKU can be in the package of the form; only SKUs of which there can be any."""
    held = {line.sku: line.quantity for line in form.corrects.package.lines} if form and form.corrects else {}
    most = {line.sku: line.quantity - line.shipped + held.get(line.sku, 0) for line in row.lines}
    return {sku: units for sku, units in most.items() if units}


def _stray(error: FlowError, most: dict[str, int]) -> str:
    """The sentence for the top of the page: a refusal that is about none of the fields drawn."""
    kind, _, sku = (error.field or "").partition(":")
    return error.sentence if not kind or (sku and sku not in most) else ""


def _last_carrier(db: Session) -> str:
    """What this packer used last: most parcels of a day go the same way."""
    last = sa.select(WarehousePackage.carrier).where(WarehousePackage.user_id == access.user().id)
    return db.scalar(last.order_by(WarehousePackage.id.desc()).limit(1)) or ""


def _in_list(carrier: str) -> tuple[str, str]:
    """The drop-down's value for a carrier, and the name beside it."""
    return (carrier, "") if carrier in CARRIERS or not carrier else (OTHER, carrier)
