"""Units the carts were sent with an order's packages: what they have under each reference, as far as is known."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.orders.fulfillment.models import Package, PackageOffer
from is2_core.orders.fulfillment.unit_matching import HeldUnits


def held_units(session: Session, order_id: int) -> list[HeldUnits]:
    """Return what the cart has, or may have, of an order's packages: one entry a reference.

    Where something newer was sent and nobody knows what became of it, the units are those accepted last, but they count
    for the package that was sent.
    """
    rows = session.scalars(
        sa.select(PackageOffer).where(PackageOffer.order_id == order_id).order_by(PackageOffer.id)
    ).all()
    offers: dict[str, dict[tuple[int, int], list[PackageOffer]]] = {}
    for row in rows:
        offers.setdefault(row.reference, {}).setdefault((row.package_id, row.version), []).append(row)
    held = []
    for reference, sent in offers.items():
        newest = [*sent.values()][-1]
        accepted = [offer for offer in sent.values() if offer[0].accepted]
        units = {row.line_id: row.quantity for row in (accepted or [newest])[-1]}
        held.append(HeldUnits(reference, newest[0].holder_id, units, sure=bool(accepted)))
    return held


def note_sent(session: Session, packages: Sequence[Package]) -> None:
    """Store what is about to be sent: from now on the cart may have it, whatever is heard of it."""
    sent = sa.select(PackageOffer.package_id, PackageOffer.version).where(
        PackageOffer.package_id.in_([package.id for package in packages])
    )
    known = {(package_id, version) for package_id, version in session.execute(sent)}
    session.add_all(
        PackageOffer(
            order_id=package.order_id,
            package_id=package.id,
            version=package.version,
            holder_id=package.label_id or package.id,
            reference=package.reference,
            line_id=entry.line_id,
            quantity=entry.quantity,
        )
        for package in packages
        if (package.id, package.version) not in known
        for entry in package.units
    )


def note_accepted(session: Session, package: Package, version: int) -> None:
    """The cart has this version of a package: nothing sent before it under the same reference is there any more."""
    accepted = (PackageOffer.package_id == package.id, PackageOffer.version == version)
    sent = session.execute(
        sa.select(PackageOffer.reference, sa.func.max(PackageOffer.id))
        .where(*accepted)
        .group_by(PackageOffer.reference)
    ).first()
    if sent is None:
        return
    reference, newest = sent
    session.execute(sa.update(PackageOffer).where(*accepted).values(accepted=True))
    session.execute(
        sa.delete(PackageOffer).where(
            PackageOffer.order_id == package.order_id,
            PackageOffer.reference == reference,
            PackageOffer.id < newest,
            sa.not_(sa.and_(*accepted)),
        )
    )


def note_refused(session: Session, package: Package, version: int) -> None:
    """The cart does not have this version of a package."""
    session.execute(
        sa.delete(PackageOffer).where(
            PackageOffer.package_id == package.id, PackageOffer.version == version, PackageOffer.accepted.is_(False)
        )
    )
