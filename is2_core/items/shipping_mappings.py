"""Shipping mappings: a cart's shipping method -> a warehouse service."""

from __future__ import annotations

import sqlalchemy as sa

from is2_core.accounts.access import owned, owned_integration
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import ChangeScope, Scope
from is2_core.audit import Act, record
from is2_core.carts.context import cart_context
from is2_core.carts.live_call import call_cart_live
from is2_core.carts.method_vocabulary import canonical_key, shown_method
from is2_core.errors import BadInput, Conflict, FlowError
from is2_core.items.models import ShippingMapping
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import NOW, enqueue
from is2_core.warehouses.calls import ask_now
from plugins.interface import ShippingMappingUI
from plugins.warehouse import Service

# More than carts send, and little enough for the index.
MAX_METHOD = 500


def vocabulary_now(platform: Platform, integration: Integration) -> ShippingMappingUI:
    """The same while a person waits.

    Raises:
        CartRefused, CartUnavailable: the cart could not be asked.
    """
    if not platform.carts.has(integration.cart, "shipping_mapping_ui"):
        return ShippingMappingUI(())
    ui: ShippingMappingUI = call_cart_live(
        platform, integration, "shipping_mapping_ui", ctx=cart_context(platform, integration)
    )
    return ui


def shown_vocabulary(platform: Platform, integration: Integration) -> ShippingMappingUI:
    """The rows of the mapping page: where the cart cannot be asked, the reason instead of its methods."""
    try:
        return vocabulary_now(platform, integration)
    except FlowError as error:
        return ShippingMappingUI((), field_help=error.message)


def services(platform: Platform, *, integration_id: int, scope: Scope) -> list[Service]:
    """The warehouse services a method can be mapped to."""
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, scope)
    return ask_now(platform, integration, lambda warehouse: warehouse.services())


def add_shipping_mapping(
    platform: Platform,
    *,
    integration_id: int,
    scope: ChangeScope,
    method: str,
    service: str,
    hold: bool = False,
) -> int:
    """Map a method, given by code, label or alias; orders that waited for it are reviewed. Returns the id.

    Args:
        method: "" for orders that come without one.
    """
    method = method.strip()
    if len(method) > MAX_METHOD:
        raise BadInput(f"A shipping method has at most {MAX_METHOD} characters.", field="method")
    offered = services(platform, integration_id=integration_id, scope=scope)
    if service not in {entry.code for entry in offered}:
        raise BadInput("Choose one of the warehouse's services.", field="service")
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, scope)
    key = canonical_key(vocabulary_now(platform, integration), method)
    with platform.db.write() as session:
        integration = owned_integration(session, integration_id, scope)
        present = session.scalar(
            sa.select(ShippingMapping).where(
                ShippingMapping.integration_id == integration_id, ShippingMapping.method_key == key
            )
        )
        if present is not None:
            raise Conflict(
                f"{shown_method(method)} is mapped already (as {shown_method(present.method)}). Remove that mapping "
                "first.",
                field="method",
            )
        row = ShippingMapping(
            account_id=integration.account_id,
            integration_id=integration_id,
            method=method,
            method_key=key,
            service=service,
            hold=hold,
            created_at=platform.clock.now(),
        )
        session.add(row)
        session.flush()
        record(session, Act.MAPPING_ADDED, subject=_subject(row), after=_said(row), account_id=row.account_id)
        enqueue(session, kind=TaskKind.ORDERS_REVIEW, integration=integration, now=platform.clock.now(), priority=NOW)
        return row.id


def remove_shipping_mapping(platform: Platform, *, mapping_id: int, scope: ChangeScope) -> None:
    """Take a mapping away; orders not placed yet are reviewed."""
    with platform.db.write() as session:
        row = owned(session, ShippingMapping, mapping_id, scope)
        integration = session.get_one(Integration, row.integration_id)
        record(session, Act.MAPPING_REMOVED, subject=_subject(row), before=_said(row), account_id=row.account_id)
        session.delete(row)
        session.flush()
        enqueue(session, kind=TaskKind.ORDERS_REVIEW, integration=integration, now=platform.clock.now(), priority=NOW)


def _subject(row: ShippingMapping) -> str:
    return f"integration {row.integration_id}"


def _said(row: ShippingMapping) -> dict[str, str | bool]:
    return {"method": row.method, "service": row.service, "hold": row.hold}
