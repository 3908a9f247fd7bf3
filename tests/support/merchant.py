"""A merchant with a store at the simulated Amazon, who acts through the pages of the panel and nowhere else."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from is2_core.accounts.scope import account_scope
from is2_core.cases.models import SupportCase
from is2_core.embedded_warehouse import packing
from is2_core.embedded_warehouse.models import WarehouseOrder
from is2_core.orders import actions
from is2_core.orders.models import ReceivedOrder
from tests.support.browser import Browser, Page
from tests.support.parcels import confirming
from tests.support.world import World


class Merchant:
    """Alice, her store with STANDARD mapped, and orders of one TENT-2P each, all in stock."""

    def __init__(self, world: World, *, settings: dict[str, str] | None = None) -> None:
        self.world = world
        world.stock_up()
        self.store = world.connect()
        world.finish(self.store, **(settings or {}))
        world.map_methods(self.store, "STANDARD")

    @cached_property
    def browser(self) -> Browser:
        """Her browser, signed in."""
        from tests.support.panel import ALICE

        browser = self.visitor()
        browser.sign_in(ALICE)
        return browser

    def visitor(self) -> Browser:
        """Somebody else's browser."""
        from tests.support.panel import app_over

        return Browser(app_over(self.world.platform, self.world.clock))

    def sell(self, **changes: Any) -> str:
        """`book` an order, and let the next listing read it."""
        order_id = self.book(**changes)
        self.listing()
        return order_id

    def book(
        self, *, sku: str = "TENT-2P", units: int = 1, fulfillment: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        """Book an order at Amazon; returns Amazon's id.

        Args:
            fulfillment: fields of the order's `fulfillment`, None for those it is to lack.
            changes: other fields of the order.
        """
        (order_id,) = self.world.amazon.generate(leading_zero=1)["leading_zero"]
        order = self.world.amazon.order(order_id)["order"]
        (item,) = order["orderItems"]
        item["product"]["sellerSku"] = sku
        item["quantityOrdered"] = item["fulfillment"]["quantityUnfulfilled"] = units
        fields = {"fulfillmentServiceLevel": "STANDARD", **(fulfillment or {})}
        self.world.amazon.post(f"orders/{order_id}", {"set": {"orderItems": [item], "fulfillment": fields, **changes}})
        return order_id

    def listing(self) -> None:
        """Let time go by until what Amazon was told is listed, and list it."""
        self.world.clock.advance(timedelta(minutes=5))
        actions.check_now(self.world.platform, integration_id=self.store, scope=account_scope(self.world.account))
        self.world.settle()

    def received(self, order_id: str) -> ReceivedOrder:
        """An order as it is here, lines and holds loaded."""
        return self.world.orders()[order_id]

    def ship(self, order_id: str, number: str = "1Z999AA10123456784") -> None:
        """Have the warehouse ship all of an order."""
        query = sa.select(WarehouseOrder).where(WarehouseOrder.number == self.received(order_id).number)
        with self.world.platform.db.read() as session:
            order = session.scalars(query.options(selectinload(WarehouseOrder.lines))).one()
            lines = {line.sku: str(line.quantity - line.shipped) for line in order.lines}
        parcel = {"carrier": "UPS", "service": "Ground", "tracking_number": number, "lines": lines}
        confirming(packing.ship, self.world.platform, order_id=order.id, **parcel, user_id=None)

    def page(self, order_id: str) -> Page:
        """Open an order's page."""
        return self.browser.get(f"/received-orders/{self.received(order_id).id}")

    def press(self, button: str, **values: Any) -> Page:
        """Press a button of the page that is open, and let follow what follows by itself."""
        page = self.browser.press(button, **values)
        assert page.status == 200, (page.status, page.alerts)
        self.world.settle()
        return page

    def follow(self, link: str) -> Page:
        """Follow a link of the page that is open."""
        page = self.browser.get(self.browser.page.link(link))
        assert page.status == 200, (page.status, page.alerts)
        return page

    def cases(self) -> list[str]:
        """The kinds of the open cases, the oldest first."""
        query = sa.select(SupportCase.kind).where(SupportCase.closed_at.is_(None)).order_by(SupportCase.id)
        with self.world.platform.db.read() as session:
            return list(session.scalars(query))
