"""A warehouse as the checks handle it: called like the core does, with the answers that come late waited for."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pluggy

from plugins import warehouse
from plugins.conformance.clock import StillClock
from plugins.conformance.http import ShopHttp
from plugins.conformance.warehouses.warehouse_under_test import WarehouseUnderTest
from plugins.types.values import Address
from plugins.warehouse import (
    PROJECT,
    Answers,
    GiftMessage,
    HandlingKind,
    HandlingRequirement,
    NewOrder,
    OrderLine,
    Pending,
    PlaceAnswer,
    WarehouseContext,
)

NAME, MESSAGE = "Secret Ann Buyer", "Happy secret birthday"


@dataclass
class WarehouseHarness:
    """The plugin behind its hooks, and its two accounts."""

    under_test: WarehouseUnderTest
    plugin: Any
    clock: StillClock
    hook: pluggy.HookRelay
    contexts: tuple[WarehouseContext, WarehouseContext]
    secrets: tuple[str, ...] = (NAME, MESSAGE)
    numbers: int = field(default=0)

    @property
    def ctx(self) -> WarehouseContext:
        """The context of the first account."""
        return self.contexts[0]

    def call(self, hook: str, **arguments: Any) -> Any:
        """Call a hook for the first account."""
        return getattr(self.hook, hook)(ctx=self.ctx, **arguments)

    def has(self, hook: str) -> bool:
        """Whether the warehouse has a hook."""
        return bool(getattr(self.hook, hook).get_hookimpls())

    def receive(self, sku: str, units: int) -> None:
        """Have units arrive for the first account."""
        self.under_test.receive(self.plugin, self.ctx, sku, units)

    def order(self, units: Mapping[str, int], number: str = "") -> NewOrder:
        """An order that is not placed yet."""
        self.numbers += 1
        skus = tuple(units)
        return NewOrder(
            number or f"KIT-{self.numbers}",
            "Kit's store",
            self.under_test.service,
            Address(name=NAME, lines=("1 Main St",), city="Springfield", postal_code="62701", country="US"),
            tuple(OrderLine(sku, quantity, (f"item of {sku}",)) for sku, quantity in units.items()),
            requirements=(HandlingRequirement(HandlingKind.GIFT, skus),) if skus else (),
            tags=("PRIME",),
            gift_messages=(GiftMessage("item", skus, MESSAGE),) if skus else (),
        )

    def place(self, *orders: NewOrder) -> list[PlaceAnswer]:
        """Place them; what is left pending is accepted, and the answer is the one that came late."""
        answers: list[PlaceAnswer] = list(self.call("place_orders", orders=orders))
        assert len(answers) == len(orders), f"{len(answers)} answers to {len(orders)} orders"
        return [
            self.settled(order.number, accept=True) if isinstance(answer, Pending) else answer
            for order, answer in zip(orders, answers, strict=True)
        ]

    def placed(self, units: Mapping[str, int]) -> str:
        """Place one order that is accepted; its number."""
        order = self.order(units)
        (answer,) = self.place(order)
        assert isinstance(answer, warehouse.Placed), f"an order for units that are there was answered {answer}"
        return order.number

    def cancel(self, number: str) -> Any:
        """Ask to stop an order; what is left pending is stopped."""
        answer = self.call("cancel_order", number=number)
        return self.settled(number, accept=True) if isinstance(answer, Pending) else answer

    def settled(self, number: str, *, accept: bool) -> Any:
        """The answer that comes once the warehouse has decided about a number."""
        before = self.answers("").cursor
        self.under_test.decide(self.plugin, self.ctx, number, accept=accept)
        found = [late.answer for late in self.answers(before).answers if late.number == number]
        assert len(found) == 1, f"{len(found)} answers to {number}, which was left pending and decided once"
        return found[0]

    def answers(self, cursor: str) -> Answers:
        """All late answers after a cursor."""
        assert self.has("answers_since"), "a warehouse that answers Pending needs answers_since"
        return Answers(*self._all("answers_since", cursor, "answers"))

    def news(self, hook: str, cursor: str, *kinds: str) -> tuple[dict[str, list[Any]], str]:
        """Everything a hook tells after a cursor, page by page, by kind; and the last cursor."""
        found: dict[str, list[Any]] = {kind: [] for kind in kinds}
        for _ in range(1000):
            page = self.call(hook, cursor=cursor)
            for kind in kinds:
                found[kind] += getattr(page, kind)
            cursor = page.cursor
            if page.complete:
                return found, cursor
        raise AssertionError(f"{hook} never says that it is complete")

    def _all(self, hook: str, cursor: str, kind: str) -> tuple[tuple[Any, ...], str]:
        found, end = self.news(hook, cursor, kind)
        return tuple(found[kind]), end


@contextmanager
def opened(under_test: WarehouseUnderTest, clock: StillClock) -> Iterator[WarehouseHarness]:
    """Run a fresh warehouse."""
    with under_test.warehouse(clock) as plugin, ShopHttp(clock) as http:
        manager = pluggy.PluginManager(PROJECT)
        manager.add_hookspecs(warehouse)
        manager.register(plugin)
        manager.check_pending()
        first, second = (
            WarehouseContext(
                account,
                under_test.settings(),
                http,
                clock,
                logging.LoggerAdapter(logging.getLogger("is2.warehouse.kit"), {"account": account}),
            )
            for account in under_test.accounts
        )
        yield WarehouseHarness(under_test, plugin, clock, manager.hook, (first, second))
