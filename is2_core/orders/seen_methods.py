"""The shipping methods worth offering for a mapping: those seen on orders, and the cart's own."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from is2_core.accounts.access import owned_integration
from is2_core.accounts.scope import Scope
from is2_core.carts.method_vocabulary import canonical_key, method_key, shown_method
from is2_core.items.models import ShippingMapping
from is2_core.items.shipping_mappings import vocabulary_now
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import TO_PLACE
from is2_core.platform import Platform
from plugins.interface import ShippingMappingUI, ShippingMethod


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


def methods(
    platform: Platform, *, integration_id: int, scope: Scope, ui: ShippingMappingUI | None = None
) -> list[MethodChoice]:
    """Every method worth offering: seen on orders but unmapped first, then the cart's own, then other seen ones.

    Args:
        ui: what the cart said just now, so that it need not be asked again.
    """
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, scope)
        mapped = set(
            session.scalars(
                sa.select(ShippingMapping.method_key).where(ShippingMapping.integration_id == integration_id)
            )
        )
        seen_rows = session.execute(
            sa.select(ReceivedOrder.shipping_method, sa.func.count())
            .where(
                ReceivedOrder.integration_id == integration_id,
                ReceivedOrder.state.in_(TO_PLACE),
            )
            .group_by(ReceivedOrder.shipping_method)
        ).all()
    ui = ui or vocabulary_now(platform, integration)
    known = {method_key(method.code): method for method in ui.methods}
    seen: dict[str, int] = {}
    for method, count in seen_rows:
        key = canonical_key(ui, method)
        seen[key] = seen.get(key, 0) + count
        known.setdefault(key, ShippingMethod(method.strip(), shown_method(method)))
    choices = [
        MethodChoice(method.code, method.label, method.aliases, seen.get(key, 0), key in mapped)
        for key, method in known.items()
    ]
    return sorted(
        choices, key=lambda choice: (choice.mapped or not choice.seen, -choice.seen if not choice.mapped else 0)
    )
