"""The posts of an order's packages at the cart, for the pages of whoever packs them."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.platform import Platform


@dataclass(frozen=True)
class PackagePost:
    """Where the post of a package stands, of the revision that was read; `unwanted`: not all of the order is wanted by
    the cart any more."""

    revision: int
    state: PostState
    message: str
    unwanted: bool


def posts_of(platform: Platform, account_id: int, number: str) -> dict[str, PackagePost]:
    """By the warehouse's id of the package; empty where the order is none of ours."""
    with platform.db.read() as session:
        order_id = session.scalar(
            sa.select(ReceivedOrder.id).where(ReceivedOrder.account_id == account_id, ReceivedOrder.number == number)
        )
        late = sa.or_(ReceivedLine.cancelled_late > 0, ReceivedLine.shipped_elsewhere > 0)
        unwanted = session.scalar(sa.select(ReceivedLine.id).where(ReceivedLine.order_id == order_id, late).limit(1))
        rows = session.scalars(sa.select(Package).where(Package.order_id == order_id)).all()
    return {
        row.warehouse_ref: PackagePost(row.revision, PostState(row.post_state), row.post_message, unwanted is not None)
        for row in rows
    }
