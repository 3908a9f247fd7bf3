"""Shipping mappings: a cart's shipping method -> a warehouse service."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from is2_core.flows.access import owned, owned_integration
from is2_core.flows.ask import ask_cart_now
from is2_core.flows.context import cart_context
from is2_core.flows.errors import BadInput, Conflict, FlowError
from is2_core.models import Integration, ReceivedOrder, ReceivedState, ShippingMapping
from is2_core.platform import Platform
from is2_core.tasks.queue import NOW, enqueue
from is2_core.warehouse.interface import Service
from plugins.interface import ShippingMappingUI, ShippingMethod

MAX_METHOD = 200


@dataclass(frozen=True)
class MethodChoice:
    """A shipping method as the mapping page offers it.

    Args:
        seen: open orders that came with it.
        mapped: whether it has a mapping.
    """

    code: str
    label: str
    aliases: tuple[str, ...]
    seen: int
    mapped: bool


def method_key(method: str) -> str:
    """What makes two spellings of a method the same: trimmed, case-blind."""
    return method.strip().casefold()


def vocabulary(platform: Platform, integration: Integration) -> ShippingMappingUI:
    """The methods the cart knows; empty where it does not say."""
    if not platform.carts.has(integration.cart, "shipping_mapping_ui"):
        return ShippingMappingUI(())
    ui: ShippingMappingUI = platform.carts.call(
        integration.cart, "shipping_mapping_ui", ctx=cart_context(platform, integration)
    )
    return ui


def vocabulary_now(platform: Platform, integration: Integration) -> ShippingMappingUI:
    """The same while a person waits.

    Raises:
        CartRefused, CartUnavailable: the cart could not be asked.
    """
    if not platform.carts.has(integration.cart, "shipping_mapping_ui"):
        return ShippingMappingUI(())
    ui: ShippingMappingUI = ask_cart_now(
        platform, integration, "shipping_mapping_ui", ctx=cart_context(platform, integration)
    )
    return ui


def shown_vocabulary(platform: Platform, integration: Integration) -> ShippingMappingUI:
    """What the mapping page shows: where the cart cannot be asked, the reason instead of its methods."""
    try:
        return vocabulary_now(platform, integration)
    except FlowError as error:
        return ShippingMappingUI((), field_help=error.sentence)


def canonical_key(ui: ShippingMappingUI, method: str) -> str:
    """The key of a method's code, whether code, label or alias was given; the text's own key otherwise."""
    key = method_key(method)
    for known in ui.methods:
        if key in {method_key(name) for name in (known.code, known.label, *known.aliases)}:
            return method_key(known.code)
    return key


def methods(
    platform: Platform, *, integration_id: int, account_id: int, ui: ShippingMappingUI | None = None
) -> list[MethodChoice]:
    """Every method worth offering: seen on orders but unmapped first, then the cart's own, then other seen ones.

    Args:
        ui: what the cart said just now, so that it need not be asked again.
    """
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, account_id)
        mapped = set(
            session.scalars(
                sa.select(ShippingMapping.method_key).where(ShippingMapping.integration_id == integration_id)
            )
        )
        seen_rows = session.execute(
            sa.select(ReceivedOrder.shipping_method, sa.func.count())
            .where(
                ReceivedOrder.integration_id == integration_id,
                ReceivedOrder.state.in_((ReceivedState.STAGED, ReceivedState.HELD)),
                ReceivedOrder.shipping_method != "",
            )
            .group_by(ReceivedOrder.shipping_method)
        ).all()
    ui = ui or vocabulary_now(platform, integration)
    known = {method_key(method.code): method for method in ui.methods}
    seen: dict[str, int] = {}
    for method, count in seen_rows:
        key = canonical_key(ui, method)
        seen[key] = seen.get(key, 0) + count
        known.setdefault(key, ShippingMethod(method, method))
    choices = [
        MethodChoice(method.code, method.label, method.aliases, seen.get(key, 0), key in mapped)
        for key, method in known.items()
    ]
    return sorted(
        choices, key=lambda choice: (choice.mapped or not choice.seen, -choice.seen if not choice.mapped else 0)
    )


def services(platform: Platform, *, integration_id: int, account_id: int) -> list[Service]:
    """The warehouse services a method can be mapped to."""
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, account_id)
    return platform.warehouse(integration.wms_target).services(account_id)


def add_shipping_mapping(
    platform: Platform, *, integration_id: int, account_id: int, method: str, service: str, hold: bool = False
) -> int:
    """Map a method, given by code, label or alias; orders that waited for it are reviewed. Returns the id."""
    method = method.strip()
    if not method or len(method) > MAX_METHOD:
        raise BadInput("Choose or type the cart's shipping method.", field="method")
    offered = services(platform, integration_id=integration_id, account_id=account_id)
    if service not in {entry.code for entry in offered}:
        raise BadInput("Choose one of the warehouse's services.", field="service")
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, account_id)
    key = canonical_key(vocabulary_now(platform, integration), method)
    with platform.db.write() as session:
        integration = owned_integration(session, integration_id, account_id)
        present = session.scalar(
            sa.select(ShippingMapping).where(
                ShippingMapping.integration_id == integration_id, ShippingMapping.method_key == key
            )
        )
        if present is not None:
            raise Conflict(
                f"{method} is mapped already (as {present.method}). Remove that mapping first.", field="method"
            )
        row = ShippingMapping(
            account_id=account_id,
            integration_id=integration_id,
            method=method,
            method_key=key,
            service=service,
            hold=hold,
            created_at=platform.clock.now(),
        )
        session.add(row)
        session.flush()
        enqueue(session, kind="orders.review", integration=integration, now=platform.clock.now(), priority=NOW)
        return row.id


def remove_shipping_mapping(platform: Platform, *, mapping_id: int, account_id: int) -> None:
    """Take a mapping away; orders not placed yet are reviewed."""
    with platform.db.write() as session:
        row = owned(session, ShippingMapping, mapping_id, account_id)
        integration = session.get_one(Integration, row.integration_id)
        session.delete(row)
        session.flush()
        enqueue(session, kind="orders.review", integration=integration, now=platform.clock.now(), priority=NOW)
