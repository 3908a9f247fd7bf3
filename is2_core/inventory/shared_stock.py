"""Warehouse SKUs that several stores of an account sell: nothing of them is sent before a person has seen it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.access import owned_integration
from is2_core.accounts.display_name import integration_name
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import ChangeScope, Scope
from is2_core.cases.cases import raise_case
from is2_core.cases.states import CaseKind
from is2_core.errors import Conflict
from is2_core.inventory.buffers import buffers_of, set_buffers
from is2_core.inventory.models import InventorySync
from is2_core.inventory.push.sync_row import sync_row
from is2_core.items.activity import listed_components
from is2_core.items.models import CartItem
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import NOW, enqueue
from is2_core.warehouses.calls import ask_now

# The least buffer worth having, and the share of the free units it is otherwise.
LEAST_BUFFER = 2
BUFFER_SHARE = 20


@dataclass(frozen=True)
class SharedSku:
    """A warehouse SKU this store sells together with others; `proposed` is the buffer that is suggested."""

    warehouse_sku: str
    stores: tuple[str, ...]
    on_hand: int
    committed: int
    buffer: int
    proposed: int
    confirmed: bool


def shared_stock(platform: Platform, *, integration_id: int, scope: Scope) -> tuple[SharedSku, ...]:
    """Return the SKUs this integration shares with others of the account, unconfirmed first."""
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, scope)
        shared = _shared(session, integration)
        waiting = unconfirmed_skus(session, integration)
        buffers = buffers_of(session, integration.account_id)
        names = {
            row.id: integration_name(row)
            for row in session.scalars(sa.select(Integration).where(Integration.account_id == integration.account_id))
        }
    stock = ask_now(platform, integration, lambda warehouse: warehouse.stock(sorted(shared)))
    rows = {row.sku: row for row in stock}
    found = [
        SharedSku(
            warehouse_sku=sku,
            stores=tuple(sorted(names[other] for other in others)),
            on_hand=rows[sku].on_hand if sku in rows else 0,
            committed=rows[sku].committed if sku in rows else 0,
            buffer=buffers.get(sku, 0),
            proposed=max(buffers.get(sku, 0), LEAST_BUFFER, (rows[sku].on_hand // BUFFER_SHARE) if sku in rows else 0),
            confirmed=sku not in waiting,
        )
        for sku, others in shared.items()
    ]
    return tuple(sorted(found, key=lambda entry: (entry.confirmed, entry.warehouse_sku)))


def unconfirmed_skus(session: Session, integration: Integration) -> set[str]:
    """Shared warehouse SKUs whose stock this store may not send yet. A store that sends a SKU already goes on when
    another begins to sell it: the question is the newcomer's."""
    sync = session.get(InventorySync, integration.id)
    confirmed = set(sync.shared_confirmed) if sync else set()
    shared = _shared(session, integration).keys() - confirmed
    if not shared:
        return set()
    sent = set(
        session.scalars(
            sa.select(CartItem.id).where(CartItem.integration_id == integration.id, CartItem.pushed_version > 0)
        )
    )
    going_on: set[str] = set()
    for entry in listed_components(session, integration.account_id):
        if entry.item_id in sent:
            going_on |= entry.units.keys()
    return set(shared - going_on)


def _shared(session: Session, integration: Integration) -> dict[str, set[int]]:
    """Warehouse SKU whose stock this store sends -> the other stores that list it, for stock or for orders only."""
    own: set[str] = set()
    others: dict[str, set[int]] = {}
    for entry in listed_components(session, integration.account_id):
        for sku in entry.units:
            if entry.integration_id == integration.id:
                if entry.active:
                    own.add(sku)
            else:
                others.setdefault(sku, set()).add(entry.integration_id)
    return {sku: others[sku] for sku in sorted(own & others.keys())}


def confirm_shared_stock(
    platform: Platform, *, integration_id: int, scope: ChangeScope, user_id: int | None, buffers: Mapping[str, str]
) -> str:
    """Allow the stock of the shared SKUs to be sent, with these buffers, in this store and the others that sell them;
    the support is told. Returns a message.

    Raises:
        BadInput: a buffer is no number.
        Conflict: nothing is shared.
    """
    with platform.db.write() as session:
        integration = owned_integration(session, integration_id, scope)
        shared = _shared(session, integration)
        if not shared:
            raise Conflict("No other store sells the same stock any more.")
        set_buffers(
            platform, session, integration.account_id, {sku: units for sku, units in buffers.items() if sku in shared}
        )
        now = platform.clock.now()
        for each in sorted({integration.id, *(other for others in shared.values() for other in others)}):
            skus = {sku for sku in shared if each == integration.id or each in shared[sku]}
            row = sync_row(session, each)
            row.shared_confirmed = sorted({*row.shared_confirmed, *skus})
        names = sorted(
            integration_name(session.get_one(Integration, other))
            for other in {o for others in shared.values() for o in others}
        )
        raise_case(
            session,
            now,
            account_id=integration.account_id,
            kind=CaseKind.SHARED_STOCK,
            subject=f"store {integration.id}",
            message=f"{integration_name(integration)} now sends the stock of {len(shared)} SKUs that "
            f"{', '.join(names)} {'sells' if len(names) == 1 else 'sell'} too: {', '.join(list(shared)[:20])}.",
            integration_id=integration.id,
            user_id=user_id,
        )
        enqueue(session, kind=TaskKind.INVENTORY_PUSH, integration=integration, now=now, priority=NOW)
    return f"Confirmed: the stock of {len(shared)} shared SKUs is sent from now on."
