"""A small warehouse in memory, unlike the embedded one in all that the contract leaves open: it takes the same number
twice, decides later, and at times does not say whether it has an order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from plugins.warehouse import (
    Activity,
    Answers,
    CancelAnswer,
    Cancelled,
    Field,
    FieldKind,
    FoundOrder,
    KnownSku,
    KnownSkus,
    LateAnswer,
    NewOrder,
    OrderLine,
    PartlyCancelled,
    Pending,
    PlaceAnswer,
    Placed,
    Refused,
    Service,
    Shipments,
    ShippedPackage,
    Stock,
    StoppedOrder,
    TooLate,
    Unknown,
    WaitingOrder,
    WaitsFor,
    WarehouseContext,
    WarehouseManifest,
    hookimpl,
)

T = TypeVar("T")
PENDING, ACCEPTED, REFUSED, STOPPED = "pending", "accepted", "refused", "stopped"
LOOK_AGAIN = timedelta(minutes=30)
SETTLE_S = 60


@dataclass
class BayOrder:
    """An order, and what became of it; `stop_asked` until that is decided."""

    order: NewOrder
    state: str = PENDING
    stop_asked: bool = False
    shipped: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def open(self) -> dict[str, int]:
        """What is left to ship."""
        if self.state not in (PENDING, ACCEPTED):
            return {}
        left = {line.sku: line.quantity - self.shipped[line.sku] for line in self.order.lines}
        return {sku: units for sku, units in left.items() if units}


@dataclass
class Yard:
    """What belongs to one account; every kind of news in the order it happened."""

    on_hand: dict[str, int] = field(default_factory=dict)
    orders: list[BayOrder] = field(default_factory=list)
    skus: list[KnownSku] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    late: list[LateAnswer] = field(default_factory=list)
    news: list[ShippedPackage | StoppedOrder | WaitingOrder] = field(default_factory=list)

    def under(self, number: str) -> list[BayOrder]:
        """The orders of a number."""
        return [entry for entry in self.orders if entry.order.number == number]


def _after(rows: Sequence[T], cursor: str) -> tuple[T, ...]:
    return tuple(rows[int(cursor or 0) :])


def _lines(units: Mapping[str, int]) -> tuple[OrderLine, ...]:
    return tuple(OrderLine(sku, quantity) for sku, quantity in units.items() if quantity)


class Bay:
    """The plugin. `next_answers` are used up, one a batch: "unknown" takes the orders and does not say so, "lost"
    does neither; `stock_age` is how old what it tells of its stock is."""

    def __init__(self) -> None:
        self.yards: dict[str, Yard] = defaultdict(Yard)
        self.next_answers: list[str] = []
        self.stock_age = timedelta(0)
        self.settings: list[tuple[Mapping[str, str], Mapping[str, object]]] = []

    @hookimpl
    def warehouse_manifest(self) -> WarehouseManifest:
        return WarehouseManifest(
            "bay",
            "Bay 7",
            "0.1",
            settings=(Field("gate", "Gate", default="North"),),
            unique_external_id=False,
            settle_s=SETTLE_S,
        )

    @hookimpl
    def place_orders(self, ctx: WarehouseContext, orders: Sequence[NewOrder]) -> list[PlaceAnswer]:
        self.settings.append((ctx.settings.values, ctx.settings.secrets))
        trouble = self.next_answers.pop(0) if self.next_answers and orders else ""
        if trouble == "lost":
            return [Unknown("Bay 7 did not answer.") for _ in orders]
        answers = [self._take(ctx, order) for order in orders]
        return [Unknown("Bay 7 did not answer.") for _ in orders] if trouble == "unknown" else answers

    def _take(self, ctx: WarehouseContext, order: NewOrder) -> PlaceAnswer:
        yard = self.yards[ctx.account]
        missing = [line.sku for line in order.lines if line.sku not in yard.on_hand]
        if missing or not order.lines:
            return Refused(f"Bay 7 has no {', '.join(missing)}." if missing else "Nothing is ordered.")
        yard.orders.append(BayOrder(order))
        return Pending(ctx.clock.now() + LOOK_AGAIN)

    @hookimpl
    def answers_since(self, ctx: WarehouseContext, cursor: str) -> Answers:
        yard = self.yards[ctx.account]
        return Answers(_after(yard.late, cursor), str(len(yard.late)))

    @hookimpl
    def find_order(self, ctx: WarehouseContext, number: str) -> list[FoundOrder]:
        return [
            FoundOrder(number, _lines(entry.open), _lines(entry.shipped), accepted=entry.state != PENDING)
            for entry in self.yards[ctx.account].under(number)
            if entry.state != REFUSED
        ]

    @hookimpl
    def cancel_order(self, ctx: WarehouseContext, number: str) -> CancelAnswer:
        found = self.yards[ctx.account].under(number)
        if all(entry.state in (REFUSED, STOPPED) for entry in found):
            return self._stopped(found)
        if not any(entry.open for entry in found):
            return TooLate("Bay 7 has shipped it.")
        for entry in found:
            entry.stop_asked = True
        return Pending(ctx.clock.now() + LOOK_AGAIN)

    def _stopped(self, found: Sequence[BayOrder]) -> Cancelled | PartlyCancelled:
        shipped = [line for entry in found for line in _lines(entry.shipped)]
        return PartlyCancelled(tuple(shipped)) if shipped else Cancelled()

    @hookimpl
    def skus(self, ctx: WarehouseContext, cursor: str) -> KnownSkus:
        yard = self.yards[ctx.account]
        return KnownSkus(_after(yard.skus, cursor), str(len(yard.skus)))

    @hookimpl
    def stock(self, ctx: WarehouseContext, skus: Sequence[str] | None) -> list[Stock]:
        yard = self.yards[ctx.account]
        return [
            Stock(sku, units, sum(entry.open.get(sku, 0) for entry in yard.orders), ctx.clock.now() - self.stock_age)
            for sku, units in yard.on_hand.items()
            if skus is None or sku in skus
        ]

    @hookimpl
    def activity_since(self, ctx: WarehouseContext, cursor: str) -> Activity:
        yard = self.yards[ctx.account]
        return Activity(_after(yard.moved, cursor), str(len(yard.moved)))

    @hookimpl
    def shipments_since(self, ctx: WarehouseContext, cursor: str) -> Shipments:
        yard = self.yards[ctx.account]
        news = _after(yard.news, cursor)
        return Shipments(
            packages=tuple(entry for entry in news if isinstance(entry, ShippedPackage)),
            stopped=tuple(entry for entry in news if isinstance(entry, StoppedOrder)),
            cursor=str(len(yard.news)),
            waiting=tuple(entry for entry in news if isinstance(entry, WaitingOrder)),
        )

    @hookimpl
    def services(self, ctx: WarehouseContext) -> list[Service]:
        return [Service("TRUCK", "By truck")]

    def receive(self, account: str, sku: str, units: int) -> None:
        """Units arrive."""
        yard = self.yards[account]
        if sku not in yard.on_hand:
            yard.skus.append(KnownSku(sku, sku.title()))
        yard.on_hand[sku] = yard.on_hand.get(sku, 0) + units
        yard.moved.append(sku)

    def decide(self, account: str, number: str, *, accept: bool = True) -> None:
        """Take or refuse what is pending, or stop what was asked to be stopped."""
        yard = self.yards[account]
        found = yard.under(number)
        if any(entry.stop_asked for entry in found):
            for entry in found:
                entry.state, entry.stop_asked = STOPPED if accept else entry.state, False
            answer = self._stopped(found) if accept else TooLate("It is on the truck.")
            yard.late.append(LateAnswer(number, answer))
        else:
            for entry in found:
                entry.state = ACCEPTED if accept else REFUSED
            yard.late.append(LateAnswer(number, Placed() if accept else Refused("Bay 7 is full.")))
            yard.news.append(WaitingOrder(number, WaitsFor.PACKING if accept else WaitsFor.NOTHING))
        yard.moved += [line.sku for entry in found for line in entry.order.lines]

    def ship(self, account: str, number: str, units: Mapping[str, int], tracking: str, now: datetime) -> None:
        """A package leaves."""
        yard = self.yards[account]
        (entry,) = (each for each in yard.under(number) if each.state == ACCEPTED)
        for sku, quantity in units.items():
            entry.shipped[sku] += quantity
            yard.on_hand[sku] -= quantity
            yard.moved.append(sku)
        yard.news.append(
            ShippedPackage(number, f"P{len(yard.news)}", 1, "UPS", "Truck", tracking, now, False, _lines(units))
        )
        if not entry.open:
            yard.news.append(WaitingOrder(number, WaitsFor.NOTHING))

    def end(self, account: str, number: str, message: str) -> None:
        """The warehouse ends an order by itself."""
        yard = self.yards[account]
        for entry in yard.under(number):
            entry.state = STOPPED
        yard.news.append(StoppedOrder(number, message))


class FarBay(Bay):
    """The same under an address and with a key, which the admin enters."""

    @hookimpl
    def warehouse_manifest(self) -> WarehouseManifest:
        """Declare both."""
        fields = (Field("address", "Address", FieldKind.URL), Field("key", "Key", FieldKind.SECRET))
        return WarehouseManifest("bay", "Bay 7", "1", settings=fields)
