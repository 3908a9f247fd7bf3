"""The merchants of a run, at the panel."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import wraps

import sqlalchemy as sa

from exploration.actors.doings import Doings
from exploration.stores import ITEMS, Connected
from exploration.world import World
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import IntegrationState
from is2_core.install import settings
from is2_core.integrations import connection_test
from is2_core.inventory import buffers, shared_stock
from is2_core.inventory.push import push
from is2_core.items import custom_items, shipping_mappings
from is2_core.items.models import CartItem, ShippingMapping
from is2_core.orders import actions
from is2_core.orders.holds.reasons import HoldCode
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.orders.states import CustomizationState
from plugins.amazon.simulator.orders.generate import BUNDLE, SKUS

METHODS = ("STANDARD", "EXPEDITED", "SECOND_DAY", "NEXT_DAY", "SCHEDULED")


class Merchants:
    """Press buttons by luck, and all that matter when the world is healed."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world = world
        self._rng = rng
        weights = {
            self._map_a_method: 3,
            self._push_now: 2,
            self._answer: 2,
            self._map_items: 1,
            self._check_now: 1,
            self._test_connection: 1,
            self._toggle: 1,
            self._remake_bundle: 1,
            self._set_buffer: 1,
            self._set_latency: 1,
        }
        at_one = {self._at_one(doing): weight for doing, weight in weights.items()}
        self.act = Doings("merchant", at_one, world, rng).act

    def set_right(self) -> None:
        """Map every shipping method, list and activate every item, and see to what needs a person."""
        for integration in self._world.integrations:
            for method in self._unmapped(integration):
                self._map_method(integration, method)
            self._map_items(integration)
            for item in self._items(integration):
                if not item.active:
                    self._press(
                        custom_items.set_active, item_id=item.id, scope=account_scope(integration.account), active=True
                    )
        self.look_after_all()

    def check_all(self) -> None:
        """Have the newest orders of every store read."""
        for integration in self._world.integrations:
            self._check_now(integration)

    def look_after_all(self) -> None:
        """Have a paused store go on, and say yes to whatever the platform wants to know before it sends stock."""
        for integration in self._world.integrations:
            with self._world.platform.db.read() as session:
                state = session.get_one(Integration, integration.id).state
            if state == IntegrationState.PAUSED:
                self._test_connection(integration)
            self._answer(integration)
        for entry in self._world.further_carts:
            self._answer(entry.integration)
        self._ship_without()

    def _ship_without(self) -> None:
        """Let orders go on whose customization could not be fetched."""
        with self._world.platform.db.read() as session:
            rows = session.execute(
                sa.select(ReceivedOrder.id, ReceivedOrder.account_id)
                .join(ReceivedLine, ReceivedLine.order_id == ReceivedOrder.id)
                .where(ReceivedLine.customization == CustomizationState.FAILED)
                .order_by(ReceivedOrder.id)
                .distinct()
            ).all()
        code = HoldCode.CUSTOMIZATION_MISSING
        for order_id, account in rows:
            self._press(actions.approve, order_id=order_id, scope=account_scope(account), user_id=None, codes=[code])

    def _at_one(self, doing: Callable[[Connected], bool]) -> Callable[[], bool]:
        @wraps(doing)
        def at_one() -> bool:
            return doing(self._rng.choice(self._world.integrations))

        return at_one

    def _answer(self, integration: Connected) -> bool:
        with self._world.platform.db.read() as session:
            wanted = shared_stock.unconfirmed_skus(session, session.get_one(Integration, integration.id))
        if wanted:
            fields = {"user_id": None, "buffers": {sku: str(self._rng.randint(0, 3)) for sku in sorted(wanted)}}
            self._press(shared_stock.confirm_shared_stock, **integration.fields, **fields)
        return self._press(push.confirm_zeros, **integration.fields) or bool(wanted)

    def _push_now(self, integration: Connected) -> bool:
        return self._press(push.push_now, **integration.fields)

    def _check_now(self, integration: Connected) -> bool:
        return self._press(actions.check_now, **integration.fields)

    def _test_connection(self, integration: Connected) -> bool:
        return self._press(connection_test.test_connection, **integration.fields)

    def _map_a_method(self, integration: Connected) -> bool:
        missing = [method for method in self._unmapped(integration) if method != METHODS[-1]]
        return bool(missing) and self._map_method(integration, self._rng.choice(missing))

    def _unmapped(self, integration: Connected) -> list[str]:
        with self._world.platform.db.read() as session:
            mapped = sa.select(ShippingMapping.method).where(ShippingMapping.integration_id == integration.id)
            known = set(session.scalars(mapped))
        return [method for method in METHODS if method not in known]

    def _map_method(self, integration: Connected, method: str) -> bool:
        return self._press(
            shipping_mappings.add_shipping_mapping, **integration.fields, method=method, service=integration.service
        )

    def _map_items(self, integration: Connected) -> bool:
        listed = {item.sku for item in self._items(integration)}
        missing = {sku: parts for sku, parts in ITEMS.items() if sku not in listed}
        for sku, parts in missing.items():
            self._press(custom_items.add_custom_item, **integration.fields, sku=sku, mappings=parts)
        return bool(missing)

    def _toggle(self, integration: Connected) -> bool:
        listed = self._items(integration)
        if not listed:
            return False
        item = self._rng.choice(listed)
        return self._press(
            custom_items.set_active, item_id=item.id, scope=account_scope(integration.account), active=not item.active
        )

    def _remake_bundle(self, integration: Connected) -> bool:
        parts = [("TENT-2P", "1"), ("LAMP-USB", str(self._rng.randint(1, 3)))]
        bundles = [item for item in self._items(integration) if item.sku == BUNDLE[0]]
        for item in bundles:
            self._press(
                custom_items.set_mappings, item_id=item.id, scope=account_scope(integration.account), mappings=parts
            )
        return bool(bundles)

    def _set_buffer(self, integration: Connected) -> bool:
        sku, units = self._rng.choice(sorted(SKUS)), str(self._rng.randint(0, 5))
        return self._press(
            buffers.set_buffer,
            scope=account_scope(integration.account),
            account_id=integration.account,
            warehouse_sku=sku,
            units=units,
        )

    def _set_latency(self, integration: Connected) -> bool:
        form = settings.settings_form(
            self._world.platform, integration_id=integration.id, scope=account_scope(integration.account)
        )
        values = {entry.field.key: entry.value for entry in form} | {"lead_days": str(self._rng.randint(2, 5))}
        return self._press(settings.finish_setup, **integration.fields, values=values)

    def _items(self, integration: Connected) -> list[CartItem]:
        with self._world.platform.db.read() as session:
            rows = sa.select(CartItem).where(CartItem.integration_id == integration.id).order_by(CartItem.id)
            return list(session.scalars(rows))

    def _press(self, button: Callable[..., object], **fields: object) -> bool:
        return self._world.press("merchant", button, **fields)
