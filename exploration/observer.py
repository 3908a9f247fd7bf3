"""The observer of what leaves for Amazon: checks each write, and knows which push a listings feed carries."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from exploration.checks import expected
from is2_core.accounts.models import Integration
from is2_core.db.engine import Database
from is2_core.embedded_warehouse.queries import numbers_taken
from is2_core.inventory.models import InventoryPush, InventoryPushLine
from is2_core.items.models import CartItem
from is2_core.orders.models import ReceivedOrder
from plugins.amazon.simulator.messages import Request
from plugins.amazon.simulator.state import FBA_SKU

_ACKNOWLEDGED = re.compile(rb"<AmazonOrderID>([^<]+)</AmazonOrderID>")
_DOCUMENT = re.compile(r"/documents/([^/]+)")
_FEEDS = re.compile(r"/(?:na|eu|fe)/feeds/2021-06-30/feeds")


@dataclass
class Observer:
    """Sees every request just before it reaches Amazon, and every feed Amazon makes.

    Args:
        seen: per running piece, what the warehouse and IS2 together had to sell when it asked for stock last.
        running: the name of the piece that runs.
        feeds: the ids of Amazon's feeds, in the order they were made.
        taken_elsewhere: whether a further warehouse has said yes to an order.

    `push_of` maps a feed's id to the stock push it carries, `skus_of` an uploaded document's to the SKUs in it.
    """

    db: Database
    seen: dict[str, expected.Sellable]
    running: Callable[[], str]
    feeds: Callable[[], list[str]]
    taken_elsewhere: Callable[[str], bool] = lambda number: False
    violations: list[str] = field(default_factory=list)
    push_of: dict[str, int] = field(default_factory=dict)
    skus_of: dict[str, set[str]] = field(default_factory=dict)
    _uploads: dict[str, int] = field(default_factory=dict)
    _known: int = 0

    def before(self, request: Request) -> None:
        """A request is about to arrive."""
        document = _DOCUMENT.fullmatch(request.path)
        if request.method != "PUT" or document is None:
            return
        if request.body.startswith(b"{"):
            self._stock(document[1], json.loads(request.body))
        else:
            self._acknowledgements([found.decode() for found in _ACKNOWLEDGED.findall(request.body)])

    def after(self, request: Request) -> None:
        """A request has had its effect, answered or not."""
        if request.method != "POST" or not _FEEDS.fullmatch(request.path):
            return
        made = self.feeds()
        document = request.json()["inputFeedDocumentId"]
        for feed in made[self._known :]:
            if document in self._uploads:
                self.push_of[feed] = self._uploads[document]
        self._known = len(made)

    def _acknowledgements(self, wanted: list[str]) -> None:
        """I3: whatever leaves for Amazon as an acknowledgement has its placing committed before."""
        with self.db.read() as session:
            numbers = session.execute(
                sa.select(ReceivedOrder.remote_id, ReceivedOrder.number).where(
                    ReceivedOrder.remote_id.in_(wanted), ReceivedOrder.placed_at.is_not(None)
                )
            ).all()
            taken = numbers_taken(session, [row.number for row in numbers])
        placed = {row.remote_id for row in numbers if row.number in taken or self.taken_elsewhere(row.number)}
        self.violations += [
            f"I3: {order_id} is acknowledged before its placing is committed"
            for order_id in wanted
            if order_id not in placed
        ]

    def _stock(self, document: str, content: dict[str, Any]) -> None:
        """I5: what leaves as stock is what was stored for this push, with its latency; no more than was sellable when
        it was computed; and nothing Amazon ships itself."""
        seller = content["header"]["sellerId"]
        with self.db.read() as session:
            integration = session.scalars(sa.select(Integration).where(Integration.seller_id == seller)).one()
            push = session.scalars(
                sa.select(InventoryPush)
                .where(InventoryPush.integration_id == integration.id)
                .order_by(InventoryPush.id.desc())
                .limit(1)
            ).one()
            lines = {
                sku: line
                for line, sku in session.execute(
                    sa.select(InventoryPushLine, CartItem.sku)
                    .join(CartItem, CartItem.id == InventoryPushLine.cart_item_id)
                    .where(InventoryPushLine.push_id == push.id)
                )
            }
        self._uploads[document] = push.id
        self.skus_of[document] = {message["sku"] for message in content["messages"]}
        sellable_now = self.seen[self.running()]
        for message in content["messages"]:
            sku, value = message["sku"], message["patches"][0]["value"][0]
            quantity, lead_days = value["quantity"], value.get("lead_time_to_ship_max_days")
            line = lines.get(sku)
            if line is None or (line.quantity, line.lead_days) != (quantity, lead_days):
                self.violations.append(f"I5: {sku} leaves with {quantity}, which is not stored for push {push.id}")
            sellable = sellable_now.most(integration.id, sku)
            if sellable is None or quantity > sellable:
                self.violations.append(f"I5: {quantity} of {sku} leave, {sellable} were sellable")
            if sku == FBA_SKU:
                self.violations.append(f"I5: {sku} is written, which Amazon ships itself")
