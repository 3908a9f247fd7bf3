"""A merchant whose stock is sent, driven through the core."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from is2_core.accounts.scope import account_scope
from is2_core.embedded_warehouse import receiving
from is2_core.inventory import overview
from is2_core.inventory.overview import InventoryView, ItemStock
from is2_core.inventory.push import push
from tests.amazon.payloads import item, ready_order
from tests.support.amazon import NORTHWIND
from tests.support.world import World

METHODS = ("STANDARD", "Express", "SECOND_DAY", "NEXT_DAY")
# Every pair of calls to look at feeds or place orders is over well within this.
A_WHILE = 5


class Stock:
    """A store whose SKUs are listed at Amazon and active here."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.stock_up(("TENT-2P", "LAMP-USB", "000123"), 50)
        self.list_at_amazon("TENT-2P", "LAMP-USB", "000123", "BUNDLE-CAMP")
        self.store = world.connect()
        world.map_methods(self.store, *METHODS)
        self.ids = {sku: world.add_item(self.store, sku) for sku in ("TENT-2P", "LAMP-USB", "000123")}

    def list_at_amazon(self, *skus: str, **more: Any) -> None:
        self.world.amazon.post("listings", [{"seller": NORTHWIND, "sku": sku, "quantity": 7, **more} for sku in skus])

    def finish(self, **changes: str) -> None:
        self.world.finish(self.store, **changes)
        self.pass_time(minutes=A_WHILE)

    def pass_time(self, **time: float) -> None:
        self.world.pass_time(**time)

    def jump(self, **time: float) -> None:
        """Let much time go by at once, then a while of every minute."""
        self.world.settle_later(**time)
        self.pass_time(minutes=A_WHILE)

    def shown(self) -> dict[str, tuple[int | None, int | None]]:
        """SKU -> quantity and lead days at Amazon."""
        listings = self.world.amazon.get("listings", seller=NORTHWIND)["listings"]
        return {entry["sku"]: (entry["quantity"], entry["lead_days"]) for entry in listings}

    def feeds(self) -> int:
        """How many stock feeds Amazon was given."""
        made = self.world.amazon.calls("feedProcessed")
        return sum(bool(call["skus"]) for call in made)

    def view(self) -> InventoryView:
        return overview.inventory_view(
            self.world.platform, integration_id=self.store, scope=account_scope(self.world.account)
        )

    def row(self, sku: str) -> ItemStock:
        return next(row for row in self.view().rows if row.sku == sku)

    def push_now(self) -> str:
        return push.push_now(self.world.platform, integration_id=self.store, scope=account_scope(self.world.account))

    def adjust(self, sku: str, delta: int) -> None:
        receiving.adjust(
            self.world.platform,
            account_id=self.world.account,
            sku=sku,
            delta=str(delta),
            reason="counted",
            user_id=None,
        )

    def sell(self, sku: str, units: int) -> str:
        """Somebody buys at this moment, and Amazon takes it off its count; returns the order's number."""
        now = iso_time(self.world.clock.now())
        order = ready_order(
            createdTime=now,
            lastUpdatedTime=now,
            orderItems=[item(ordered=units, unfulfilled=units, product={"sellerSku": sku, "title": sku})],
        )
        self.world.amazon.post("orders", [{**order, "seller": NORTHWIND}])
        quantity, lead_days = self.shown()[sku]
        self.list_at_amazon(sku, quantity=(quantity or 0) - units, lead_days=lead_days)
        return str(order["orderId"])


def iso_time(at: datetime) -> str:
    """A time as Amazon writes it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
