"""A store's name, its end (disconnecting) and its return."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.access import owned_integration
from is2_core.accounts.display_name import integration_name
from is2_core.accounts.models import Credential, Integration, SellerClaim
from is2_core.accounts.scope import ChangeScope
from is2_core.accounts.states import CONNECTED, IntegrationState
from is2_core.audit import Act, record
from is2_core.db.locks import LOCK
from is2_core.errors import Conflict
from is2_core.integrations.pausing import resume
from is2_core.items.activity import note_sold
from is2_core.orders.customized_lines import ask_for_customizations
from is2_core.orders.models import Hold, ReceivedLine, ReceivedOrder
from is2_core.orders.states import TO_PLACE, ReceivedState
from is2_core.orders.transition import transition
from is2_core.orders.wording.events import EventCode, Told
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import NOW, enqueue, pause_tasks


def disconnect(platform: Platform, *, integration_id: int, scope: ChangeScope, user_id: int) -> str:
    """End a store: its credentials are deleted, nothing is read or sent any more, orders that are not placed yet are
    dismissed. Items, mappings and the history stay for a reconnect. Returns a message.

    An order the warehouse was asked to take stays as it is: it may have it.
    """
    with platform.db.write() as session:
        row = owned_integration(session, integration_id, scope, lock=True)
        if row.state not in CONNECTED:
            raise Conflict("Only a connected store can be disconnected.")
        ids = session.scalars(
            sa.select(ReceivedOrder.id)
            .where(
                ReceivedOrder.integration_id == row.id,
                ReceivedOrder.state.in_(TO_PLACE),
                ReceivedOrder.placing_since.is_(None),
            )
            .order_by(ReceivedOrder.id)
            .with_for_update(**LOCK)
        ).all()
        now = platform.clock.now()
        told = Told(EventCode.DISCONNECTED)
        transition(session, ids, ReceivedState.DISMISSED, told, now, told=told, user_id=user_id)
        session.execute(sa.delete(Hold).where(Hold.order_id.in_(ids)))
        row.state, row.pause_code = IntegrationState.DISCONNECTED, ""
        row.pause_message = "This store was disconnected. Reconnect it to go on."
        session.flush()
        note_sold(
            session,
            row,
            session.scalars(sa.select(ReceivedLine.sku).where(ReceivedLine.order_id.in_(ids))).all(),
            platform,
        )
        session.execute(sa.delete(Credential).where(Credential.integration_id == row.id))
        session.execute(sa.delete(SellerClaim).where(SellerClaim.integration_id == row.id))
        pause_tasks(session, row.id)
        record(session, Act.DISCONNECTED, subject=f"integration {row.id}", account_id=row.account_id)
        name = integration_name(row)
    waiting = f" {len(ids)} orders that were not placed yet were dismissed." if ids else ""
    return f"{name} is disconnected; its authorization was deleted here.{waiting}"


def take_up_again(platform: Platform, session: Session, row: Integration) -> None:
    """Let a disconnected store go on, inside the transaction that stores its new authorization; the orders its
    disconnecting dismissed wait again, and are read again where that is long ago."""
    ids = session.scalars(
        sa.select(ReceivedOrder.id)
        .where(
            ReceivedOrder.integration_id == row.id,
            ReceivedOrder.state == ReceivedState.DISMISSED,
            ReceivedOrder.reason_code == EventCode.DISCONNECTED,
        )
        .order_by(ReceivedOrder.id)
        .with_for_update(**LOCK)
    ).all()
    now = platform.clock.now()
    transition(session, ids, ReceivedState.STAGED, {}, now, told=Told(EventCode.RECONNECTED))
    skus = session.scalars(sa.select(ReceivedLine.sku).where(ReceivedLine.order_id.in_(ids))).all()
    resume(session, row, platform)
    note_sold(session, row, skus, platform)
    for kind in (TaskKind.ORDERS_CHECK, TaskKind.ORDERS_REVIEW, TaskKind.WAREHOUSE_READ, TaskKind.TRACKING_POST):
        enqueue(session, kind=kind, integration=row, now=now, priority=NOW)
    ask_for_customizations(session, row, now)
