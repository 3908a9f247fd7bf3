"""Checks of placing, finding, stopping and shipping orders."""

from __future__ import annotations

from plugins.conformance.warehouses.harness import WarehouseHarness
from plugins.conformance.warehouses.warehouse_under_test import WarehouseUnderTest
from plugins.warehouse import (
    MAX_NUMBER,
    Already,
    Cancelled,
    NewOrder,
    OrderLine,
    PartlyCancelled,
    Pending,
    Placed,
    Refused,
    TooLate,
    WaitsFor,
)


def _units(lines: tuple[OrderLine, ...]) -> dict[str, int]:
    return {line.sku: line.quantity for line in lines if line.quantity}


class OrderChecks(WarehouseUnderTest):
    """Placing, finding, stopping and shipping."""

    def test_answers_come_in_the_order_of_the_orders(self, harness: WarehouseHarness) -> None:
        longest = harness.order({"TENT": 1, "LAMP": 2}, "N" * MAX_NUMBER)
        good, bad, empty = harness.order({"TENT": 1}), harness.order({"NOWHERE": 1}), harness.order({})
        answers = harness.place(good, bad, empty, longest)
        assert [type(answer) for answer in answers] == [Placed, Refused, Refused, Placed]
        assert all(answer.message for answer in answers if isinstance(answer, Refused))
        assert list(harness.call("place_orders", orders=())) == []

    def test_what_is_placed_is_found(self, harness: WarehouseHarness) -> None:
        number = harness.placed({"TENT": 2, "LAMP": 1})
        (found,) = harness.call("find_order", number=number)
        assert (found.number, found.accepted) == (number, True)
        assert (_units(found.open), _units(found.shipped)) == ({"TENT": 2, "LAMP": 1}, {})
        assert list(harness.call("find_order", number="KIT-NEVER")) == []

    def test_a_number_is_taken_once_where_the_manifest_says_so(self, harness: WarehouseHarness) -> None:
        order = harness.order({"TENT": 2})
        assert [type(answer) for answer in harness.place(order)] == [Placed]
        if harness.hook.warehouse_manifest().unique_external_id:
            assert [type(answer) for answer in harness.place(order, order)] == [Already, Already]
            assert len(harness.call("find_order", number=order.number)) == 1

    def test_what_is_pending_is_no_accepted_order_until_it_is_decided(self, harness: WarehouseHarness) -> None:
        orders: list[NewOrder] = [harness.order({"TENT": 1}) for _ in range(2)]
        answers = list(harness.call("place_orders", orders=tuple(orders)))
        waiting = [order for order, answer in zip(orders, answers, strict=True) if isinstance(answer, Pending)]
        for order, accept in zip(waiting, (True, False), strict=False):
            assert not any(found.accepted for found in harness.call("find_order", number=order.number))
            answer = harness.settled(order.number, accept=accept)
            assert isinstance(answer, Placed if accept else Refused)
            found = harness.call("find_order", number=order.number)
            assert any(each.accepted for each in found) is accept

    def test_accounts_do_not_hear_of_each_other(self, harness: WarehouseHarness) -> None:
        number = harness.placed({"TENT": 1})
        self.ship(harness.plugin, harness.ctx, number, {"TENT": 1}, "KIT0001")
        other = harness.contexts[1]
        assert list(harness.hook.find_order(ctx=other, number=number)) == []
        assert isinstance(harness.hook.cancel_order(ctx=other, number=number), Cancelled)
        assert list(harness.hook.stock(ctx=other, skus=None)) == []
        assert harness.hook.shipments_since(ctx=other, cursor="").packages == ()
        assert harness.hook.activity_since(ctx=other, cursor="").skus == ()
        assert harness.hook.skus(ctx=other, cursor="").skus == ()

    def test_a_stopped_order_stays_stopped_and_gives_its_units_back(self, harness: WarehouseHarness) -> None:
        number = harness.placed({"TENT": 4})
        assert isinstance(harness.cancel(number), Cancelled)
        assert isinstance(harness.cancel(number), Cancelled), "asked again, it says the same"
        assert [row.committed for row in harness.call("stock", skus=["TENT"])] == [0]
        assert not any(_units(found.open) for found in harness.call("find_order", number=number))
        assert isinstance(harness.cancel("KIT-NEVER"), Cancelled)

    def test_what_was_shipped_before_a_stop_is_told(self, harness: WarehouseHarness) -> None:
        part, whole = harness.placed({"TENT": 2}), harness.placed({"LAMP": 1})
        self.ship(harness.plugin, harness.ctx, part, {"TENT": 1}, "KIT0001")
        self.ship(harness.plugin, harness.ctx, whole, {"LAMP": 1}, "KIT0002")
        answer = harness.cancel(part)
        assert isinstance(answer, PartlyCancelled) and _units(answer.shipped) == {"TENT": 1}
        assert isinstance(harness.cancel(whole), TooLate)

    def test_a_package_is_told_once_with_what_is_in_it(self, harness: WarehouseHarness) -> None:
        number = harness.placed({"TENT": 2, "LAMP": 1})
        _, before = harness.news("shipments_since", "", "packages", "stopped")
        self.ship(harness.plugin, harness.ctx, number, {"TENT": 1, "LAMP": 1}, "KIT0001")
        found, cursor = harness.news("shipments_since", before, "packages", "stopped", "waiting")
        (package,) = found["packages"]
        assert (package.number, package.tracking_number, package.voided) == (number, "KIT0001", False)
        assert _units(package.lines) == {"TENT": 1, "LAMP": 1} and package.shipped_at <= harness.clock.now()
        self.ship(harness.plugin, harness.ctx, number, {"TENT": 1}, "KIT0002")
        found, cursor = harness.news("shipments_since", cursor, "packages", "stopped", "waiting")
        assert [entry.tracking_number for entry in found["packages"]] == ["KIT0002"]
        assert found["packages"][0].id != package.id
        assert {entry.waits_for for entry in found["waiting"]} <= {WaitsFor.NOTHING}
        assert harness.news("shipments_since", cursor, "packages")[0]["packages"] == []
        (order,) = harness.call("find_order", number=number)
        assert (_units(order.open), _units(order.shipped)) == ({}, {"TENT": 2, "LAMP": 1})
        assert [row.on_hand for row in harness.call("stock", skus=["TENT"])] == [8]

    def test_an_order_the_warehouse_ends_is_told_with_its_reason(self, harness: WarehouseHarness) -> None:
        number = harness.placed({"TENT": 2})
        _, before = harness.news("shipments_since", "", "stopped")
        self.end(harness.plugin, harness.ctx, number, "Moths have eaten it")
        found, _ = harness.news("shipments_since", before, "stopped")
        assert [(entry.number, entry.message) for entry in found["stopped"]] == [(number, "Moths have eaten it")]

    def test_forgetting_a_buyer_leaves_the_order(self, harness: WarehouseHarness) -> None:
        number = harness.placed({"TENT": 1})
        if harness.has("forget"):
            for each in (number, number, "KIT-NEVER"):
                harness.call("forget", number=each)
        assert [found.number for found in harness.call("find_order", number=number)] == [number]
