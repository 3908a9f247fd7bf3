"""The drift report: what the cart shows beside what it accepted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import IntegrationState
from is2_core.embedded_warehouse import receiving
from is2_core.errors import Conflict, NotFound
from is2_core.inventory import drift, overview
from is2_core.inventory.drift import drift_of
from is2_core.inventory.overview import ItemStock
from is2_core.items.models import CartItem
from is2_core.items.states import SeenInCart
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Schedule
from tests.amazon.payloads import item, ready_order
from tests.support.amazon import NORTHWIND
from tests.support.world import World

SKUS = ("TENT-2P", "LAMP-USB", "000123")
NOT_LISTED = "The cart does not list this SKU."


def iso_time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown_item(shown: int | None, sent: int | None = 50, *, days: tuple[int | None, int | None] = (3, 3)) -> CartItem:
    sent_days, shown_days = days
    return CartItem(
        seen_in_cart=SeenInCart.YES,
        withheld="",
        shown_quantity=shown,
        pushed_quantity=sent,
        pushed_lead_days=sent_days,
        shown_lead_days=shown_days,
    )


@pytest.mark.parametrize(
    ("shown", "sold", "fits"),
    [
        (50, 0, True),
        (49, 0, False),
        (51, 0, False),
        (48, 2, True),
        (47, 2, False),
        (50, 2, True),
        (51, 2, False),
        (0, 60, True),
        (10, None, True),
        (51, None, False),
    ],
)
def test_the_quantity_lies_between_what_was_sent_and_what_was_sold_of_it(
    shown: int, sold: int | None, fits: bool
) -> None:
    assert (drift_of(shown_item(shown), sold) == "") is fits


def test_the_sentence_names_the_numbers() -> None:
    assert drift_of(shown_item(60), 0) == "The cart shows a quantity of 60, where 50 was sent."
    assert drift_of(shown_item(40), 2) == "The cart shows a quantity of 40, where 50 was sent and 2 sold since."
    assert drift_of(shown_item(50, days=(4, 2)), 0) == "The cart shows a latency of 2 days, where 4 days were sent."
    assert drift_of(shown_item(50, days=(1, None)), 0) == "The cart shows no latency, where 1 day was sent."
    assert drift_of(shown_item(60, days=(4, 1)), 0).count("The cart shows") == 2


def test_a_cart_without_latency_is_not_compared_by_it() -> None:
    assert drift_of(shown_item(50, days=(None, 2)), 0) == ""


def test_a_sku_that_is_gone_is_said_to_be_and_one_that_others_ship_is_left_alone() -> None:
    gone = shown_item(None)
    gone.seen_in_cart, gone.withheld = SeenInCart.NO, "Amazon has no listing with this SKU."
    assert drift_of(gone, 0) == NOT_LISTED
    converted = shown_item(None)
    converted.withheld = "Amazon ships this SKU from its own stock."
    assert drift_of(converted, 0) == ""


def test_what_was_never_sent_is_not_compared() -> None:
    assert drift_of(shown_item(7, None), 0) == ""


class Compared:
    """A store whose stock was sent and has settled at Amazon."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.stock_up(SKUS, 50)
        self.put(*SKUS, quantity=7)
        self.store = world.connect()
        world.map_methods(self.store, "STANDARD", "Express", "SECOND_DAY", "NEXT_DAY")
        for sku in SKUS:
            world.add_item(self.store, sku)
        world.finish(self.store)
        world.pass_time(minutes=5)
        assert {row.sent for row in self.rows().values()} == {50}
        world.settle_later(hours=3)

    def put(self, *skus: str, **fields: Any) -> None:
        """Change listings behind our back."""
        shown = {"seller": NORTHWIND, "quantity": 50, "lead_days": 3}
        self.world.amazon.post("listings", [{**shown, "sku": sku, **fields} for sku in skus])

    def sell(self, sku: str, units: int) -> str:
        """Somebody buys at this moment; returns the order's number."""
        order = ready_order(
            createdTime=iso_time(self.world.clock.now()),
            lastUpdatedTime=iso_time(self.world.clock.now()),
            orderItems=[item(ordered=units, unfulfilled=units, product={"sellerSku": sku, "title": sku})],
        )
        self.world.amazon.post("orders", [{**order, "seller": NORTHWIND}])
        return str(order["orderId"])

    def compare(self) -> str:
        """Compare now, and wait for it."""
        message = drift.compare_now(
            self.world.platform, integration_id=self.store, scope=account_scope(self.world.account)
        )
        self.world.pass_time(minutes=10)
        return message

    def rows(self) -> dict[str, ItemStock]:
        view = overview.inventory_view(
            self.world.platform, integration_id=self.store, scope=account_scope(self.world.account)
        )
        return {row.sku: row for row in view.rows}

    def drifts(self) -> dict[str, str]:
        return {sku: row.drift for sku, row in self.rows().items() if row.drift}

    def items(self) -> dict[str, CartItem]:
        with self.world.platform.db.read() as session:
            return {row.sku: row for row in session.scalars(sa.select(CartItem))}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """On SQLite; `test_on_postgresql.py` repeats the main cases there."""
    return sqlite_url


@pytest.fixture
def compared(world: World) -> Compared:
    return Compared(world)


def test_a_store_that_shows_what_was_sent_has_no_drift(compared: Compared) -> None:
    compared.compare()
    assert compared.drifts() == {}
    assert all(entry.drift_at is not None for entry in compared.items().values())
    assert {(row.shown, row.shown_lead_days) for row in compared.rows().values()} == {(50, 3)}
    assert not any(row.due for row in compared.rows().values())
    assert compared.world.quarantined() == []


def test_what_differs_is_reported_made_due_and_corrected_by_the_next_push(compared: Compared) -> None:
    compared.put("TENT-2P", quantity=80)
    compared.put("LAMP-USB", quantity=50, lead_days=None)
    compared.compare()
    assert compared.drifts() == {
        "TENT-2P": "The cart shows a quantity of 80, where 50 was sent.",
        "LAMP-USB": "The cart shows no latency, where 3 days were sent.",
    }
    rows = compared.rows()
    assert [rows[sku].due for sku in SKUS] == [True, True, False]
    compared.world.pass_time(hours=13)
    assert compared.drifts() == {}
    listings = compared.world.amazon.get("listings", seller=NORTHWIND)["listings"]
    assert {(entry["quantity"], entry["lead_days"]) for entry in listings if entry["sku"] in SKUS} == {(50, 3)}


def test_units_sold_since_are_no_drift_even_where_we_hear_of_them_later(compared: Compared) -> None:
    order_id = compared.sell("TENT-2P", 3)
    compared.put("TENT-2P", quantity=47)
    compared.compare()
    assert compared.drifts() == {}
    assert list(compared.world.orders()) == [order_id]
    # What was sold makes the SKU due, so it is left out; the others were compared.
    assert compared.items()["LAMP-USB"].drift_at is not None


def test_units_sold_since_are_counted_from_when_the_numbers_were_computed(compared: Compared) -> None:
    compared.sell("TENT-2P", 3)
    compared.world.pass_time(hours=1)
    # As if the stock had been sent before, and nothing were due.
    change(compared, pushed_version=CartItem.due_version, pushed_quantity=50)
    compared.put("TENT-2P", quantity=47)
    compared.compare()
    assert compared.drifts() == {}
    compared.put("TENT-2P", quantity=46)
    compared.compare()
    assert compared.drifts() == {"TENT-2P": "The cart shows a quantity of 46, where 50 was sent and 3 sold since."}


def test_too_few_units_are_reported_once_the_orders_of_that_time_are_here(compared: Compared) -> None:
    compared.put("TENT-2P", quantity=10)
    drift.compare_now(
        compared.world.platform, integration_id=compared.store, scope=account_scope(compared.world.account)
    )
    compared.world.settle()
    assert compared.rows()["TENT-2P"].shown == 10
    assert compared.drifts() == {}
    compared.world.pass_time(minutes=10)
    assert compared.drifts() == {"TENT-2P": "The cart shows a quantity of 10, where 50 was sent."}


def test_where_orders_cannot_be_read_the_comparison_does_without_them(compared: Compared) -> None:
    compared.put("TENT-2P", quantity=10)
    compared.put("LAMP-USB", quantity=80)
    compared.world.amazon.fault("searchOrders", "5xx", 10_000)
    compared.compare()
    assert compared.drifts() == {}
    compared.world.pass_time(hours=7)
    assert set(compared.drifts()) == {"LAMP-USB"}


def test_a_sku_the_cart_lost_is_reported(compared: Compared) -> None:
    compared.put("000123", marketplaces=["A1AM78C64UM0Y8"])
    with compared.world.platform.db.write() as session:
        session.get_one(Integration, compared.store).sites = ["ATVPDKIKX0DER"]
    compared.compare()
    assert compared.drifts() == {"000123": NOT_LISTED}


def test_a_sku_amazon_ships_itself_now_is_withheld_and_not_called_drift(compared: Compared) -> None:
    compared.put("TENT-2P", fba=True)
    compared.compare()
    assert compared.drifts() == {}
    assert "from its own stock" in compared.rows()["TENT-2P"].withheld


def due(compared: Compared) -> None:
    receiving.adjust(
        compared.world.platform,
        account_id=compared.world.account,
        sku="TENT-2P",
        delta="-1",
        reason="counted",
        user_id=None,
    )
    compared.world.pass_time(minutes=6)
    assert compared.rows()["TENT-2P"].due


def change(compared: Compared, **values: Any) -> None:
    with compared.world.platform.db.write() as session:
        session.execute(sa.update(CartItem).where(CartItem.sku == "TENT-2P").values(**values))


def just_pushed(compared: Compared) -> None:
    change(compared, pushed_at=compared.world.clock.now() - timedelta(minutes=100))


def never_pushed(compared: Compared) -> None:
    change(compared, pushed_at=None, pushed_quantity=None)


def not_active(compared: Compared) -> None:
    change(compared, active=False)


@pytest.mark.parametrize("make", [due, just_pushed, never_pushed, not_active])
def test_what_is_about_to_change_is_not_compared(compared: Compared, make: Callable[[Compared], None]) -> None:
    make(compared)
    compared.put("TENT-2P", quantity=80)
    compared.compare()
    assert compared.drifts() == {}
    assert compared.items()["TENT-2P"].drift_at is None
    assert compared.items()["LAMP-USB"].drift_at is not None


def test_a_comparison_waits_for_the_answer_to_a_push(compared: Compared) -> None:
    compared.world.amazon.fault("getFeed", "5xx", 10_000)
    due(compared)
    compared.world.pass_time(hours=10)
    compared.put("LAMP-USB", quantity=80)
    compared.compare()
    assert compared.items()["LAMP-USB"].drift_at is None
    compared.world.amazon.heal()
    compared.world.pass_time(hours=2)
    assert set(compared.drifts()) == {"LAMP-USB"}


def test_an_empty_budget_ends_a_comparison_only_for_now(compared: Compared) -> None:
    compared.put("LAMP-USB", quantity=80)
    compared.world.amazon.fault("searchListingsItems", "429", 1)
    compared.compare()
    compared.world.pass_time(hours=1)
    assert set(compared.drifts()) == {"LAMP-USB"}


def test_a_comparison_never_pauses_the_store(compared: Compared) -> None:
    compared.put("FBA-1", fba=True, marketplaces=["ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"])
    compared.world.amazon.post("seller", {"seller": NORTHWIND, "remote_fulfillment": True})
    compared.compare()
    with compared.world.platform.db.read() as session:
        assert session.get_one(Integration, compared.store).state == IntegrationState.ACTIVE
    assert compared.world.quarantined() == []


def test_every_store_is_compared_once_a_night(compared: Compared) -> None:
    compared.put("LAMP-USB", quantity=80)
    with compared.world.platform.db.read() as session:
        slot = session.scalars(sa.select(Schedule).where(Schedule.kind == TaskKind.INVENTORY_DRIFT)).one()
    assert (slot.daily_at, slot.every_s) == (drift.night_slot(compared.store), 86_400)
    compared.world.pass_time(hours=13)
    compared.world.pass_time(hours=1)
    assert set(compared.drifts()) == {"LAMP-USB"}


def test_stores_are_compared_at_different_times_between_four_and_six() -> None:
    slots = [drift.night_slot(store) for store in range(1, 121)]
    assert len(set(slots)) == 120
    assert (min(slots), max(slots)) == ("04:00", "05:59")


def test_what_somebody_else_keeps_writing_is_sent_again_twice_and_then_only_reported(compared: Compared) -> None:
    with compared.world.platform.db.write() as session:
        # No night in between, which would see what was corrected.
        session.execute(sa.delete(Schedule).where(Schedule.kind == TaskKind.INVENTORY_DRIFT))
    feeds = []
    for _ in range(4):
        compared.put("TENT-2P", quantity=80)
        compared.compare()
        assert compared.drifts()["TENT-2P"].startswith("The cart shows a quantity of 80, where 50 was sent.")
        feeds.append(compared.rows()["TENT-2P"].due)
        compared.world.settle_later(hours=13)
        compared.world.pass_time(minutes=5)
        compared.world.settle_later(hours=3)
    assert feeds == [True, True, False, False]
    assert "It was sent again twice" in compared.drifts()["TENT-2P"]
    compared.put("TENT-2P", quantity=50)
    compared.compare()
    assert compared.drifts() == {}


def test_the_orders_are_asked_for_once_while_their_listing_fails(compared: Compared) -> None:
    compared.world.amazon.fault("searchOrders", "5xx", times=1000)
    compared.put("TENT-2P", quantity=80)
    compared.compare()
    compared.world.pass_time(hours=2)
    before = len(compared.world.amazon.calls("searchOrders"))
    compared.world.pass_time(hours=3)
    # The listing's own schedule and back-off, and nothing of ours.
    assert len(compared.world.amazon.calls("searchOrders")) - before <= 2 * 3 * 60 / 30


def test_a_comparison_is_refused_where_there_is_nothing_to_compare(world: World) -> None:
    store = world.connect()
    ids = {"integration_id": store, "scope": account_scope(world.account)}
    with pytest.raises(Conflict, match="not active"):
        drift.compare_now(world.platform, **ids)
    world.finish(store, inventory_every="off")
    with pytest.raises(Conflict, match="is off in this store's settings"):
        drift.compare_now(world.platform, **ids)
    world.finish(store, inventory_every="43200")
    with pytest.raises(Conflict, match="no stock was sent to Amazon"):
        drift.compare_now(world.platform, **ids)
    with pytest.raises(NotFound):
        drift.compare_now(world.platform, integration_id=store, scope=account_scope(world.account + 1))
