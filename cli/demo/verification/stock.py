"""Stock of both sides beside each other, SKU by SKU: what IS2 says it sent, and what Amazon shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from cli.demo.verification.comparison import Row

LEVELS = "Stock: SKUs with quantity and latency"
FBA = "Stock: Amazon's own, never written"
PUSHES = "Stock: SKUs of push {number}"
# Amazon's floor between two runs. The feeds of one run, one for each marketplace, are seconds apart.
FLOOR = timedelta(hours=12)


@dataclass(frozen=True)
class Level:
    """A SKU of a store on both sides: (units, days of latency), None where a side has none."""

    store: str
    sku: str
    is2: tuple[int, int] | None
    cart: tuple[int, int] | None

    @property
    def same(self) -> bool:
        """Whether Amazon shows what was sent."""
        return self.is2 == self.cart

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return {"store": self.store, "sku": self.sku, "is2": self.is2, "cart": self.cart, "same": self.same}


@dataclass(frozen=True)
class ListingsSide:
    """Amazon's records of one seller: the listings as they were before anything was sent and as they are, and the runs
    that its call log shows, oldest first."""

    before: Mapping[str, Mapping[str, Any]]
    now: Mapping[str, Mapping[str, Any]]
    runs: Sequence[Run]


@dataclass(frozen=True)
class Run:
    """Feeds of one run: when the first was worked off, and the SKUs whose new stock was taken."""

    at: datetime
    skus: frozenset[str]


def runs_of(calls: Iterable[Mapping[str, Any]]) -> list[Run]:
    """The runs of a seller, from Amazon's call log."""
    runs: list[Run] = []
    for call in calls:
        if call["operation"] != "feedProcessed" or not call["skus"]:
            continue
        at, skus = datetime.fromisoformat(call["time"]), frozenset(call["skus"])
        if runs and at - runs[-1].at < FLOOR / 2:
            runs[-1] = Run(runs[-1].at, runs[-1].skus | skus)
        else:
            runs.append(Run(at, skus))
    return runs


def levels(stock: Mapping[str, Any], cart: ListingsSide, store: str) -> list[Level]:
    """Pair the number sent with the one Amazon shows, for every SKU of which either side knows one."""
    sent = {
        item["sku"]: (int(item["quantity"]), int(item["lead_days"]))
        for item in stock["items"]
        if item["quantity"] is not None
    }
    shown = {
        sku: (int(listing["quantity"] or 0), int(listing["effective_lead_days"]))
        for sku, listing in cart.now.items()
        if sku in sent or _offer(listing) != _offer(cart.before[sku])
    }
    return [Level(store, sku, sent.get(sku), shown.get(sku)) for sku in sorted(sent.keys() | shown.keys())]


def compare_stock(stock: Mapping[str, Any], cart: ListingsSide, store: str) -> list[Row]:
    """A store's rows about stock."""
    found = levels(stock, cart, store)
    fba = {sku for sku, listing in cart.before.items() if listing["fba"]}
    rows = [
        Row(
            LEVELS,
            frozenset(_described(entry.sku, entry.is2) for entry in found if entry.is2 and entry.sku not in fba),
            frozenset(_described(entry.sku, entry.cart) for entry in found if entry.cart and entry.sku not in fba),
            store,
        ),
        Row(
            FBA,
            frozenset(fba - {item["sku"] for item in stock["items"] if item["quantity"] is not None}),
            frozenset(sku for sku in fba if sku in cart.now and _offer(cart.now[sku]) == _offer(cart.before[sku])),
            store,
        ),
    ]
    pushes = [frozenset(push["applied"]) for push in reversed(stock["pushes"]) if push["applied"]]
    for number in range(max(len(pushes), len(cart.runs))):
        ours = pushes[number] if number < len(pushes) else frozenset()
        theirs = cart.runs[number].skus if number < len(cart.runs) else frozenset()
        rows.append(Row(PUSHES.format(number=number + 1), ours, theirs, store))
    return rows


def too_close(cart: ListingsSide) -> bool:
    """Whether two runs came sooner after each other than Amazon allows."""
    times = [run.at for run in cart.runs]
    return any(later - earlier < FLOOR for earlier, later in pairwise(times))


def _offer(listing: Mapping[str, Any]) -> tuple[Any, ...]:
    return listing["fulfillmentAvailability"], listing["lead_days"], listing["converted"], listing["stranded"]


def _described(sku: str, level: tuple[int, int]) -> str:
    return f"{sku}: {level[0]} units, {level[1]} days"
