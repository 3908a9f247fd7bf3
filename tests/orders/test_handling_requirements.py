"""What a cart asks of a parcel, on its way to the packers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.clock import VirtualClock
from is2_core.embedded_warehouse.models import WarehouseOrder
from is2_core.embedded_warehouse.requirements import from_json, to_json
from is2_core.orders.fulfillment.handling_requirements import kind_of, requirements_of
from is2_core.orders.states import CustomizationState
from is2_core.orders.stored import StoredLine
from is2_core.platform import Platform
from plugins.warehouse import HandlingKind, HandlingRequirement
from tests.support.depot import Depot
from tests.support.world import World


def line(line_id: int, *handling_requirements: str, **more: Any) -> StoredLine:
    plain = StoredLine(
        line_id, 1, str(line_id), "TENT", 1, CustomizationState.NONE, handling_requirements, False, "", "", False
    )
    return replace(plain, **more)


def asked(
    *lines: StoredLine, components: tuple[tuple[int, str, int], ...] = ((1, "TENT-2P", 1),)
) -> set[HandlingRequirement]:
    found = requirements_of(lines, components)
    assert len(found) == len(set(found))
    return set(found)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("SERIAL_NUMBER", HandlingKind.SERIAL_NUMBER),
        ("TRANSPARENCY_CODE", HandlingKind.TRANSPARENCY_CODE),
        ("SIGNATURE", HandlingKind.SIGNATURE),
        ("AGE_CHECK", HandlingKind.AGE_CHECK),
        ("IDENTITY_CHECK", HandlingKind.IDENTITY_CHECK),
        ("CASH_ON_DELIVERY", HandlingKind.CASH_ON_DELIVERY),
        ("PALLET", HandlingKind.PALLET),
    ],
)
def test_a_known_word_has_a_kind_and_carries_no_value(word: str, kind: HandlingKind) -> None:
    assert kind_of(word) is kind
    assert asked(line(1, word)) == {HandlingRequirement(kind, ("TENT-2P",))}


def test_an_unknown_word_is_handed_on_as_it_is() -> None:
    assert asked(line(1, "refrigerated")) == {HandlingRequirement(HandlingKind.OTHER, ("TENT-2P",), "refrigerated")}


def test_gift_customization_and_tax_number_are_asked_for_too() -> None:
    assert asked(line(1, gift=True, gift_wrap="Classic")) == {
        HandlingRequirement(HandlingKind.GIFT, ("TENT-2P",), "Classic")
    }
    assert asked(line(1, gift=True, ioss="IM0123456789", customization=CustomizationState.STORED)) == {
        HandlingRequirement(HandlingKind.GIFT, ("TENT-2P",)),
        HandlingRequirement(HandlingKind.CUSTOMIZATION, ("TENT-2P",)),
        HandlingRequirement(HandlingKind.IOSS, ("TENT-2P",), "IM0123456789"),
    }


@pytest.mark.parametrize("state", list(CustomizationState))
def test_a_customization_is_asked_for_whether_or_not_it_could_be_fetched(state: CustomizationState) -> None:
    assert bool(asked(line(1, customization=state))) is (state is not CustomizationState.NONE)


def test_a_demand_names_every_sku_it_is_about_once() -> None:
    bundle = ((1, "LAMP-USB", 2), (1, "STOVE-MINI", 1), (2, "LAMP-USB", 1))
    assert asked(line(1, "SERIAL_NUMBER"), line(2, "SERIAL_NUMBER"), components=bundle) == {
        HandlingRequirement(HandlingKind.SERIAL_NUMBER, ("LAMP-USB", "STOVE-MINI"))
    }


def test_two_tax_numbers_are_two_demands() -> None:
    parts = ((1, "A", 1), (2, "B", 1))
    assert asked(line(1, ioss="IM1"), line(2, ioss="IM2"), components=parts) == {
        HandlingRequirement(HandlingKind.IOSS, ("A",), "IM1"),
        HandlingRequirement(HandlingKind.IOSS, ("B",), "IM2"),
    }


def test_nothing_is_asked_of_a_line_that_is_not_shipped() -> None:
    assert asked(line(1), line(2, "SERIAL_NUMBER")) == set()


def test_stored_demands_come_back_as_they_were() -> None:
    handling_requirements = (
        HandlingRequirement(HandlingKind.PALLET, ("A", "B")),
        HandlingRequirement(HandlingKind.OTHER, ("A",), "refrigerated"),
    )
    assert from_json(to_json(handling_requirements)) == handling_requirements


def test_the_embedded_warehouse_keeps_what_it_was_asked_for(platform: Platform, clock: VirtualClock) -> None:
    depot = Depot(platform, clock)
    depot.receive("TENT-2P", 5)
    handling_requirements = (HandlingRequirement(HandlingKind.SERIAL_NUMBER, ("TENT-2P",)),)
    plain = depot.new_order("N-1", {"TENT-2P": 1})
    special = replace(
        depot.new_order("N-2", {"TENT-2P": 1}),
        requirements=handling_requirements,
        tags=("PRIME",),
        deliver_by=clock.now(),
    )
    depot.place(plain, special)
    with platform.db.read() as session:
        kept = {row.number: row for row in session.scalars(sa.select(WarehouseOrder))}
    assert (kept["N-1"].requirements, kept["N-1"].tags, kept["N-1"].deliver_by) == ([], [], None)
    assert from_json(kept["N-2"].requirements) == handling_requirements
    assert (kept["N-2"].tags, kept["N-2"].deliver_by) == (["PRIME"], clock.now())


def test_an_order_goes_to_the_warehouse_with_its_demands_and_marks(world: World) -> None:
    world.stock_up()
    store = world.connect()
    world.map_methods(store, "STANDARD", "Express", "SECOND_DAY", "NEXT_DAY")
    order_id = world.amazon.generate(gift=1)["gift"][0]
    world.amazon.touch(order_id)
    world.finish(store)
    world.settle()
    received = world.orders()[order_id]
    placed = world.warehouse_orders()[received.number]
    assert HandlingKind.GIFT in {requirement.kind for requirement in from_json(placed.requirements)}
    assert placed.tags == received.tags == ["PRIME"]
    assert placed.deliver_by == received.deliver_by is not None
    ends = (placed.ship_after, placed.ship_by, placed.deliver_after)
    assert ends == (received.ship_after, received.ship_by, received.deliver_after)
    assert None not in ends
