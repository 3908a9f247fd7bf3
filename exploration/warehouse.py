"""The embedded warehouse behind a bad line: answers are lost, come late, come twice or are empty."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import sqlalchemy as sa

from exploration.checks import expected
from exploration.scheduler import Scheduler
from exploration.trace import Trace
from is2_core.accounts.models import Account
from is2_core.db.engine import Database
from is2_core.embedded_warehouse.port import EmbeddedWarehouse
from plugins.warehouse import (
    Activity,
    CancelAnswer,
    FoundOrder,
    KnownSkus,
    NewOrder,
    PlaceAnswer,
    Retry,
    Service,
    Shipments,
    Stock,
    Temporary,
    Unknown,
    WarehouseContext,
    WarehouseManifest,
    hookimpl,
)

T = TypeVar("T")


class UnreliableWarehouse:
    """The warehouse as an outside WMS might serve it.

    Args:
        fault_rate: how often a call goes wrong, from 0 to 1; set to 0 when the world is healed.

    `seen` says, per piece that asked for stock last, what it may take to be sellable: the units the warehouse had not
    promised when it answered, less what IS2 itself knew to be spoken for when it asked.
    """

    def __init__(
        self,
        inner: EmbeddedWarehouse,
        db: Database,
        scheduler: Scheduler,
        trace: Trace,
        *,
        luck: str,
        fault_rate: float,
    ) -> None:
        self._inner = inner
        self._db = db
        self._scheduler = scheduler
        self._trace = trace
        self._rng = random.Random(f"{luck}/warehouse")
        self._cursors: dict[tuple[str, str], str] = {}
        self.fault_rate = fault_rate
        self.seen: dict[str, expected.Sellable] = {}

    @hookimpl
    def warehouse_manifest(self) -> WarehouseManifest:
        return self._inner.warehouse_manifest()

    @hookimpl
    def place_orders(self, ctx: WarehouseContext, orders: Sequence[NewOrder]) -> list[PlaceAnswer]:
        trouble = self._trouble("place", ("not now", "no telling", "lost"))
        if trouble == "not now":
            return [Retry("The warehouse is busy.") for _ in orders]
        answers = self._asked(lambda: self._inner.place_orders(ctx, orders))
        if trouble == "no telling":
            return [Unknown("The warehouse did not say whether it has the order.") for _ in orders]
        self._lose(trouble)
        return answers

    @hookimpl
    def find_order(self, ctx: WarehouseContext, number: str) -> list[FoundOrder]:
        return self._reading("find", lambda: self._inner.find_order(ctx, number))

    @hookimpl
    def cancel_order(self, ctx: WarehouseContext, number: str) -> CancelAnswer:
        trouble = self._trouble("cancel", ("down", "lost"))
        if trouble == "down":
            self._lose(trouble)
        answer = self._asked(lambda: self._inner.cancel_order(ctx, number))
        self._lose(trouble)
        return answer

    @hookimpl
    def skus(self, ctx: WarehouseContext, cursor: str) -> KnownSkus:
        return self._inner.skus(ctx, cursor)

    @hookimpl
    def stock(self, ctx: WarehouseContext, skus: Sequence[str] | None) -> list[Stock]:
        trouble = self._trouble("stock", ("down", "empty"))
        if trouble == "down":
            self._lose(trouble)
        with self._db.read() as session:
            account_id = session.scalars(sa.select(Account.id).where(Account.code == ctx.account)).one()
            kept = expected.kept_back(session, account_id)
            parts = expected.made_of(session, account_id)
        self._scheduler.pause("the warehouse is asked")
        with self._db.read() as session:
            free = expected.not_promised(session, account_id)
        rows = self._inner.stock(ctx, skus)
        left = {sku: units - kept[sku] for sku, units in free.items()}
        self.seen[self._scheduler.running] = expected.Sellable(parts, left)
        self._scheduler.pause("the warehouse answers")
        return [] if trouble == "empty" else rows

    @hookimpl
    def activity_since(self, ctx: WarehouseContext, cursor: str) -> Activity:
        earlier = self._told_again("activity", ctx, cursor)
        answer = self._reading("activity", lambda: self._inner.activity_since(ctx, cursor))
        if earlier is None:
            return answer
        again = self._inner.activity_since(ctx, earlier)
        return replace(answer, skus=(*again.skus, *answer.skus))

    @hookimpl
    def shipments_since(self, ctx: WarehouseContext, cursor: str) -> Shipments:
        earlier = self._told_again("shipments", ctx, cursor)
        answer = self._reading("shipments", lambda: self._inner.shipments_since(ctx, cursor))
        if earlier is None:
            return answer
        again = self._inner.shipments_since(ctx, earlier)
        return replace(answer, packages=(*again.packages, *answer.packages), stopped=(*again.stopped, *answer.stopped))

    @hookimpl
    def services(self, ctx: WarehouseContext) -> list[Service]:
        return self._inner.services(ctx)

    def _told_again(self, what: str, ctx: WarehouseContext, cursor: str) -> str | None:
        """The cursor of an earlier question, where what was answered then is told once more."""
        earlier = self._cursors.get((what, ctx.account), "")
        self._cursors[what, ctx.account] = cursor
        return earlier if self._trouble(what, ("twice",)) else None

    def _reading(self, what: str, ask: Callable[[], T]) -> T:
        self._lose(self._trouble(what, ("down",)))
        return self._asked(ask)

    def _asked(self, ask: Callable[[], T]) -> T:
        self._scheduler.pause("the warehouse is asked")
        answer = ask()
        self._scheduler.pause("the warehouse answers")
        return answer

    def _trouble(self, what: str, kinds: Sequence[str]) -> str:
        if self._rng.random() >= self.fault_rate:
            return ""
        kind = self._rng.choice(kinds)
        self._trace.add("warehouse", f"{what}: {kind}")
        return kind

    def _lose(self, trouble: str) -> None:
        if trouble in ("down", "lost"):
            raise Temporary("The warehouse does not answer.", code="WAREHOUSE_DOWN", unknown=trouble == "lost")
