"""The page of a warehouse order: its lines with their stock, its packages, and the form for the next one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from flask import render_template, request

from is2_core.accounts.names import person_names
from is2_core.embedded_warehouse import order_queries, queries
from is2_core.embedded_warehouse.order_queries import File, Order, Package
from is2_core.embedded_warehouse.port import SERVICES
from is2_core.embedded_warehouse.states import WarehouseState
from is2_core.errors import Conflict, FlowError, Unconfirmed
from is2_core.orders.fulfillment.states import PostState
from is2_core.shipments import package_posts
from is2_core.tracking_numbers import CARRIERS
from plugins.warehouse import HandlingKind
from web import access
from web.access import platform
from web.audit.notes import note_shown
from web.embedded_warehouse.access import account_names, may_change, visible_order
from web.orders.recipients import may_see, shown_address

OTHER = "other"
"""The value of the drop-down where the carrier's name is typed."""

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

    package: Package
    number: int
    by: str
    told: str
    color: str
    message: str


@dataclass(frozen=True)
class ParcelForm:
    """The content of the form for a package: a new one, or the one it `corrects`.

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
    """A form as it was typed, and why it was refused; `reasons` by the id of their field."""

    error: FlowError
    form: ParcelForm | None = None
    reasons: dict[str, str] = field(default_factory=dict)


def draw_order(order_id: int, refused: Refused | None = None) -> str:
    """The page of an order as it is now."""
    row = visible_order(order_id)
    packages = packages_of(row)
    form = _form_to_show(row, packages, refused)
    most = _most(row, form)
    sees = may_see(row.account_id)
    to = order_queries.recipient_of(platform(), row.id)
    if sees and (to.address or to.gift_messages):
        note_shown(f"warehouse order {row.id}", row.account_id)
    files = order_queries.files_of(platform(), row.id)
    return render_template(
        "warehouse/order.html",
        row=row,
        owner=account_names()[row.account_id],
        stock=queries.skus_named(platform(), row.account_id, [line.sku for line in row.lines]),
        service={service.code: service.label for service in SERVICES}.get(row.service, row.service),
        recipient=replace(shown_address(to.address, erased=to.erased, whole=sees), closed=to.closed),
        requirements=row.requirements,
        messages=to.gift_messages if sees else (),
        files=[file for file in files if file.present],
        without_file=_without_file(row, files),
        may_see=sees,
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


def _without_file(row: Order, files: list[File]) -> list[str]:
    """SKUs that the buyer had something made on which did not come with the order."""
    come = {sku for file in files for sku in file.skus}
    asked = {sku for each in row.requirements if each.kind is HandlingKind.CUSTOMIZATION for sku in each.skus}
    return sorted(asked - come)


def packages_of(row: Order) -> list[PackageRow]:
    """The order's packages, voided ones included; the first is package 1."""
    packages = order_queries.packages_of(platform(), row.id)
    told = package_posts.posts_of(platform(), row.account_id, row.number)
    people = person_names(platform(), {package.user_id for package in packages if package.user_id})
    rows = []
    for number, package in enumerate(packages, start=1):
        seen = told.get(str(package.id))
        # What the cart has of an earlier revision says nothing about this one.
        current = seen if seen is not None and seen.revision == package.revision else None
        label, color = _TOLD[current.state] if current else _NOT_TOLD
        if current and current.unwanted and current.state is PostState.WAITING:
            label, color = _UNWANTED
        packer = people.get(package.user_id, "") if package.user_id else ""
        rows.append(PackageRow(package, number, packer, label, color, current.message if current else ""))
    return rows


def _form_to_show(row: Order, packages: list[PackageRow], refused: Refused | None) -> ParcelForm | None:
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
    if not row.is_open or row.state is WarehouseState.ON_HOLD:
        return None
    left = {sku: str(units) for sku, units in row.left.items()}
    # Most parcels of a day go the same way.
    carrier, name = _in_list(order_queries.last_carrier(platform(), access.user().id))
    return ParcelForm(carrier, name, quantities=left, mark=str(len(packages)))


def _correcting(entry: PackageRow) -> ParcelForm:
    package = entry.package
    carrier, name = _in_list(package.carrier)
    return ParcelForm(
        carrier=carrier,
        carrier_name=name,
        service=package.service,
        tracking_number=package.tracking_number,
        quantities={sku: str(units) for sku, units in package.units.items()},
        corrects=entry,
        mark=str(package.revision),
    )


def _most(row: Order, form: ParcelForm | None) -> dict[str, int]:
    """How many units of each SKU can be in the package of the form; only SKUs of which there can be any."""
    held = form.corrects.package.units if form and form.corrects else {}
    most = {line.sku: line.left + held.get(line.sku, 0) for line in row.lines}
    return {sku: units for sku, units in most.items() if units}


def _stray(error: FlowError, most: dict[str, int]) -> str:
    """The message for the top of the page: a refusal that is about none of the fields drawn."""
    kind, _, sku = (error.field or "").partition(":")
    return error.message if not kind or (sku and sku not in most) else ""


def _in_list(carrier: str) -> tuple[str, str]:
    """The drop-down's value for a carrier, and the name beside it."""
    return (carrier, "") if carrier in CARRIERS or not carrier else (OTHER, carrier)
