"""The embedded warehouse behind a bad line: answers are lost, come late, come twice or are empty."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from exploration.checks import expected
from exploration.ports.faults import KILLED_BEFORE, Faults
from exploration.scheduler import Scheduler
from is2_core.accounts.models import Account
from is2_core.db.engine import Database
from is2_core.embedded_warehouse.port import EmbeddedWarehouse
from plugins.warehouse import (
    Activity,
    Answers,
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
# They befall a call before the warehouse hears of it.
_BEFORE = ("not now", "down", KILLED_BEFORE)


class UnreliableWarehouse:
    """A warehouse as an outside WMS might serve it.

    Args:
        inner: the warehouse itself.
        free: the units per SKU that it has not promised to anybody, by the account's id and code.
        who: its name in trace and tally.

    `seen` says, per piece that asked for stock last, what it may take to be sellable: the units the warehouse had not
    promised when it answered, less what IS2 itself knew to be spoken for when it asked.
    """

    def __init__(
        self,
        inner: EmbeddedWarehouse,
        db: Database,
        scheduler: Scheduler,
        faults: Faults,
        *,
        free: Callable[[Session, int, str], Mapping[str, int]],
        who: str = "warehouse",
    ) -> None:
        self._inner = inner
        self._db = db
        self._scheduler = scheduler
        self._faults = faults
        self._free = free
        self._who = who
        self._cursors: dict[tuple[str, str], str] = {}
        self.seen: dict[str, expected.Sellable] = {}

    @hookimpl
    def warehouse_manifest(self) -> WarehouseManifest:
        return self._inner.warehouse_manifest()

    @hookimpl
    def place_orders(self, ctx: WarehouseContext, orders: Sequence[NewOrder]) -> list[PlaceAnswer]:
        trouble = self._trouble("place")
        if trouble == "not now":
            return [Retry("The warehouse is busy.") for _ in orders]
        answers = self._asked("place", trouble, lambda: self._inner.place_orders(ctx, orders))
        if trouble == "no telling":
            return [Unknown("The warehouse did not say whether it has the order.") for _ in orders]
        return answers

    @hookimpl
    def find_order(self, ctx: WarehouseContext, number: str) -> list[FoundOrder]:
        return self._asked("find", self._trouble("find"), lambda: self._inner.find_order(ctx, number))

    @hookimpl
    def cancel_order(self, ctx: WarehouseContext, number: str) -> CancelAnswer:
        return self._asked("cancel", self._trouble("cancel"), lambda: self._inner.cancel_order(ctx, number))

    @hookimpl
    def skus(self, ctx: WarehouseContext, cursor: str) -> KnownSkus:
        return self._inner.skus(ctx, cursor)

    @hookimpl
    def stock(self, ctx: WarehouseContext, skus: Sequence[str] | None) -> list[Stock]:
        trouble = self._trouble("stock")
        with self._db.read() as session:
            account_id = session.scalars(sa.select(Account.id).where(Account.code == ctx.account)).one()
            kept = expected.kept_back(session, account_id)
            parts = expected.made_of(session, account_id)

        def ask() -> list[Stock]:
            with self._db.read() as session:
                free = self._free(session, account_id, ctx.account)
            left = {sku: units - kept[sku] for sku, units in free.items()}
            self.seen[self._scheduler.running] = expected.Sellable(parts, left)
            return self._inner.stock(ctx, skus)

        rows = self._asked("stock", trouble, ask)
        return [] if trouble == "empty" else rows

    @hookimpl
    def activity_since(self, ctx: WarehouseContext, cursor: str) -> Activity:
        trouble, earlier = self._trouble("activity"), self._earlier("activity", ctx, cursor)
        answer = self._asked("activity", trouble, lambda: self._inner.activity_since(ctx, cursor))
        if trouble != "twice":
            return answer
        again = self._inner.activity_since(ctx, earlier)
        return replace(answer, skus=(*again.skus, *answer.skus))

    @hookimpl
    def shipments_since(self, ctx: WarehouseContext, cursor: str) -> Shipments:
        trouble, earlier = self._trouble("shipments"), self._earlier("shipments", ctx, cursor)
        answer = self._asked("shipments", trouble, lambda: self._inner.shipments_since(ctx, cursor))
        if trouble != "twice":
            return answer
        again = self._inner.shipments_since(ctx, earlier)
        return replace(answer, packages=(*again.packages, *answer.packages), stopped=(*again.stopped, *answer.stopped))

    @hookimpl
    def services(self, ctx: WarehouseContext) -> list[Service]:
        return self._inner.services(ctx)

    def _earlier(self, what: str, ctx: WarehouseContext, cursor: str) -> str:
        """Return the cursor of the question before this one."""
        earlier = self._cursors.get((what, ctx.account), "")
        self._cursors[what, ctx.account] = cursor
        return earlier

    def _trouble(self, what: str) -> str:
        """Draw what befalls a call; raises where it ends the call before the warehouse hears of it."""
        self._scheduler.call()
        kind = self._faults.draw(self._who, what)
        if kind in _BEFORE:
            self._faults.struck(self._who, what, kind)
        if kind == "down":
            self._scheduler.pause("the warehouse is asked in vain")
            raise Temporary("The warehouse does not answer.", code="WAREHOUSE_DOWN", unknown=False)
        return kind

    def _asked(self, what: str, trouble: str, ask: Callable[[], T]) -> T:
        """Ask, and let the rest of a trouble befall the answer."""
        self._scheduler.pause("the warehouse is asked")
        answer = ask()
        if trouble and trouble not in _BEFORE:
            self._faults.struck(self._who, what, trouble)
        self._scheduler.pause("the warehouse answers")
        if trouble == "lost":
            raise Temporary("The warehouse does not answer.", code="WAREHOUSE_DOWN", unknown=True)
        return answer


class DecidingLater(UnreliableWarehouse):
    """One that answers Pending and tells later."""

    @hookimpl
    def answers_since(self, ctx: WarehouseContext, cursor: str) -> Answers:
        inner, trouble = cast(Any, self._inner), self._trouble("answers")
        answers: Answers = self._asked("answers", trouble, lambda: inner.answers_since(ctx, cursor))
        return answers
