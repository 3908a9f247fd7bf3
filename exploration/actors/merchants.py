"""The merchants of a run, at the panel."""

from __future__ import annotations

import random
from collections.abc import Callable

import sqlalchemy as sa

from exploration.world import ITEMS, Connected, World
from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.install import settings
from is2_core.integrations import connection_test
from is2_core.inventory import buffers, shared_stock
from is2_core.inventory.push import push
from is2_core.items import custom_items, shipping_mappings
from is2_core.items.models import CartItem
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
        self._doings = (
            *(self._map_a_method,) * 3,
            *(self._push_now, self._answer) * 2,
            *(self._map_items, self._check_now, self._test_connection),
            *(self._toggle, self._remake_bundle, self._set_buffer, self._set_latency),
        )

    def act(self) -> None:
        """One merchant does one thing."""
        integration, doing = self._rng.choice(self._world.integrations), self._rng.choice(self._doings)
        self._world.trace.add("merchant", f"store {integration.id} {doing.__name__}")
        doing(integration)

    def set_right(self) -> None:
        """Map every shipping method, list and activate every item, and see to what needs a person."""
        for integration in self._world.integrations:
            for method in METHODS:
                self._map_method(integration, method)
            self._map_items(integration)
            for item in self._items(integration):
                if not item.active:
                    self._press(custom_items.set_active, item_id=item.id, account_id=integration.account, active=True)
        self.look_after_all()

    def look_after_all(self) -> None:
        """Have a paused store go on, and say yes to whatever the platform wants to know before it sends stock."""
        for integration in self._world.integrations:
            with self._world.platform.db.read() as session:
                state = session.get_one(Integration, integration.id).state
            if state == IntegrationState.PAUSED:
                self._test_connection(integration)
            self._answer(integration)
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
            self._press(actions.approve, order_id=order_id, account_id=account, user_id=None, codes=[code])

    def _answer(self, integration: Connected) -> None:
        with self._world.platform.db.read() as session:
            wanted = shared_stock.unconfirmed_skus(session, session.get_one(Integration, integration.id))
        if wanted:
            fields = {"user_id": None, "buffers": {sku: str(self._rng.randint(0, 3)) for sku in sorted(wanted)}}
            self._press(shared_stock.confirm_shared_stock, **integration.fields, **fields)
        self._press(push.confirm_zeros, **integration.fields)

    def _push_now(self, integration: Connected) -> None:
        self._press(push.push_now, **integration.fields)

    def _check_now(self, integration: Connected) -> None:
        self._press(actions.check_now, **integration.fields)

    def _test_connection(self, integration: Connected) -> None:
        self._press(connection_test.test_connection, **integration.fields)

    def _map_a_method(self, integration: Connected) -> None:
        self._map_method(integration, self._rng.choice(METHODS[:-1]))

    def _map_method(self, integration: Connected, method: str) -> None:
        self._press(shipping_mappings.add_shipping_mapping, **integration.fields, method=method, service="GROUND")

    def _map_items(self, integration: Connected) -> None:
        listed = {item.sku for item in self._items(integration)}
        for sku, parts in ITEMS.items():
            if sku not in listed:
                self._press(custom_items.add_custom_item, **integration.fields, sku=sku, mappings=parts)

    def _toggle(self, integration: Connected) -> None:
        listed = self._items(integration)
        if listed:
            item = self._rng.choice(listed)
            self._press(
                custom_items.set_active, item_id=item.id, account_id=integration.account, active=not item.active
            )

    def _remake_bundle(self, integration: Connected) -> None:
        parts = [("TENT-2P", "1"), ("LAMP-USB", str(self._rng.randint(1, 3)))]
        for item in self._items(integration):
            if item.sku == BUNDLE[0]:
                self._press(custom_items.set_mappings, item_id=item.id, account_id=integration.account, mappings=parts)

    def _set_buffer(self, integration: Connected) -> None:
        sku, units = self._rng.choice(sorted(SKUS)), str(self._rng.randint(0, 5))
        self._press(buffers.set_buffer, account_id=integration.account, warehouse_sku=sku, units=units)

    def _set_latency(self, integration: Connected) -> None:
        form = settings.settings_form(
            self._world.platform, integration_id=integration.id, account_id=integration.account
        )
        values = {entry.field.key: entry.value for entry in form} | {"lead_days": str(self._rng.randint(2, 5))}
        self._press(settings.finish_setup, **integration.fields, values=values)

    def _items(self, integration: Connected) -> list[CartItem]:
        with self._world.platform.db.read() as session:
            rows = sa.select(CartItem).where(CartItem.integration_id == integration.id).order_by(CartItem.id)
            return list(session.scalars(rows))

    def _press(self, button: Callable[..., object], **fields: object) -> None:
        self._world.press("merchant", button, **fields)
