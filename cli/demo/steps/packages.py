"""Third steps: the warehouse packs, ships, corrects, takes back and stops; buyers cancel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from cli.demo import setup
from cli.demo.participants import Demo, DemoStore
from cli.demo.steps.mixed import Mixed

WHOLE = 4
CARRIERS = {"na": "UPS", "eu": "DPD", "fe": "Yamato"}


@dataclass(frozen=True)
class Shipped:
    """An order that later steps use again, by its own id and by our number."""

    order_id: str
    number: str


class PackageSteps:
    """The parcels of one run."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        self._store = demo.store(setup.MAIN)
        self._used = 0
        self._shipped: list[Shipped] = []
        self._free: Iterator[Shipped] = iter(())

    @property
    def first_order(self) -> str:
        """An order of the largest store that was shipped whole and left at that."""
        return self._shipped[-1].order_id

    def ship(self, mixed: Mixed | None) -> None:
        """Whole orders, one in two packages, one partly, a bundle whose parts travel apart, and what is ours of a mixed
        one."""
        self._demo.show.step("The warehouse ships: whole orders, one in two packages, one partly, a bundle in two.")
        self._free = self._placed(self._store)
        self._shipped = list(islice(self._free, WHOLE))
        for order in self._shipped:
            self._ship(self._store, order)
        for rest_too in (True, False):
            self._ship_one_unit(rest_too=rest_too)
        self._ship_bundle()
        for ours in self._placed(self._store, {mixed.order_id} if mixed else set()):
            self._ship(self._store, ours)
        for store in self._demo.stores:
            if store is not self._store:
                self._ship(store, next(self._placed(store)))

    def ship_whole(self, order_id: str) -> None:
        """One order, with all that is left of it."""
        for order in self._placed(self._store, {order_id}):
            self._ship(self._store, order)

    def ship_apart_and_replace_first(self, order_id: str) -> None:
        """An order unit by unit; the first package comes back and is packed again."""
        for order in self._placed(self._store, {order_id}):
            for _ in range(2):
                sku = next(iter(self._demo.packer.units_left(order.number)))
                self._ship(self._store, order, {sku: 1})
            self._demo.rest("Amazon has both packages")
            self._demo.packer.void(order.number, 1, "It came back")
            self._ship(self._store, order)

    def correct(self) -> None:
        """One package gets another tracking number, one comes back and is packed again, one order cannot be packed."""
        demo, packer = self._demo, self._demo.packer
        demo.show.step("One package is corrected, one voided and shipped again; the warehouse stops one order.")
        for corrected in self._shipped[:1]:
            packer.correct(corrected.number, 1, CARRIERS["na"], self._tracking_number(CARRIERS["na"]))
        for voided in self._shipped[1:2]:
            packer.void(voided.number, 1, "The label was on the wrong parcel")
            self._ship(self._store, voided)
        for stopped in islice(self._free, 1):
            packer.stop(stopped.number, "Damaged on the shelf")
            self._store.stopped.add(stopped.order_id)

    def cancel(self) -> None:
        """Buyers cancel what the warehouse has already."""
        orders = self._store.branches.get("cancel_after", [])
        self._demo.show.step(f"Buyers cancel what the warehouse has already, orders: {len(orders)}.")
        for order_id in orders:
            self._demo.amazon.cancel(order_id)

    def _ship_bundle(self) -> None:
        bundles = set(self._store.branches.get("bundle", []))
        for order in islice(self._placed(self._store, bundles), 1):
            units = self._demo.packer.units_left(order.number)
            first = min(units)
            self._ship(self._store, order, {sku: count if sku == first else 0 for sku, count in units.items()})
            self._ship(self._store, order)

    def _ship_one_unit(self, *, rest_too: bool) -> None:
        """One unit of an order that has several, and the rest in a second package where wanted."""
        for order in self._free:
            units = self._demo.packer.units_left(order.number)
            if sum(units.values()) > 1:
                self._ship(self._store, order, {**dict.fromkeys(units, 0), next(iter(units)): 1})
                if rest_too:
                    self._ship(self._store, order)
                return

    def _placed(self, store: DemoStore, ids: set[str] | None = None) -> Iterator[Shipped]:
        """Orders the warehouse has, without the one that `--drop` may need untouched."""
        wanted = set(store.plain()[:-1]) if ids is None else ids
        for order in sorted(self._demo.orders_of(store), key=lambda order: str(order["cart_id"])):
            if order["cart_id"] in wanted and order["state"] == "INJECTED":
                yield Shipped(order["cart_id"], order["number"])

    def _ship(self, store: DemoStore, order: Shipped, units: dict[str, int] | None = None) -> None:
        carrier = CARRIERS[store.plan.region]
        self._demo.packer.ship(order.number, carrier, self._tracking_number(carrier), units)

    def _tracking_number(self, carrier: str) -> str:
        """A number as the carrier writes it. The last digit of UPS checks those before it, where a letter counts as
        its place from A = 2 on."""
        self._used += 1
        if carrier != "UPS":
            return f"{55_000_000_000_000 + self._used}"
        digits = [9, 9, 9, 2, 2, 1, *map(int, f"{self._used:09d}")]
        return f"1Z999AA1{self._used:09d}{-(sum(digits[0::2]) + 2 * sum(digits[1::2])) % 10}"
