"""The promise: a latency by item beside the integration's, left to the cart, and what the cart sets in its place."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.carts.latency import LEAD_DAYS_MANAGED, MANAGED, Latency, latency_choices, latency_of
from is2_core.embedded_warehouse import receiving
from is2_core.errors import BadInput, NotFound
from is2_core.inventory.models import InventoryPushLine
from is2_core.items import custom_items, item_table
from is2_core.items.models import CartItem
from plugins.amazon.manifest import MANIFEST
from plugins.interface import InventoryQuantity
from tests.inventory.test_drift import SKUS, Compared
from tests.support.amazon import NORTHWIND
from tests.support.world import World

HEADER = "cart_sku,title,active,warehouse_sku,quantity,latency"
TOLD = (
    "The cart shows a latency of 1 day, where 3 days were sent. It was set by Amazon after what was sent had been "
    "taken, so it is not sent again. Give the item another latency of its own, or leave it to Amazon."
)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """On SQLite; `test_on_postgresql.py` repeats the main cases there."""
    return sqlite_url


@pytest.fixture
def compared(world: World) -> Compared:
    return Compared(world)


def amazon(compared: Compared) -> dict[str, tuple[int, int | None]]:
    listings = compared.world.amazon.get("listings", seller=NORTHWIND)["listings"]
    return {entry["sku"]: (entry["quantity"], entry["lead_days"]) for entry in listings if entry["sku"] in SKUS}


def sent_lead_days(compared: Compared) -> list[int | None]:
    """The latencies that were sent of the tent, the newest last."""
    with compared.world.platform.db.read() as session:
        query = sa.select(InventoryPushLine.lead_days).join(CartItem).where(CartItem.sku == "TENT-2P")
        return list(session.scalars(query.order_by(InventoryPushLine.id)))


def take_one(compared: Compared, sku: str = "TENT-2P") -> None:
    """Have a SKU move in the warehouse, and its quantity sent."""
    adjust: dict[str, Any] = {"sku": sku, "delta": "-1", "reason": "counted", "user_id": None}
    receiving.adjust(compared.world.platform, account_id=compared.world.account, **adjust)
    compared.world.pass_time(hours=13)


def set_latency(compared: Compared, sku: str, latency: str) -> None:
    custom_items.set_latency(
        compared.world.platform,
        item_id=compared.items()[sku].id,
        scope=account_scope(compared.world.account),
        latency=latency,
    )


def change_settings(compared: Compared, **settings: str) -> None:
    with compared.world.platform.db.write() as session:
        row = session.get_one(Integration, compared.store)
        row.settings = {**row.settings, **settings}


def test_field_J1_what_amazon_sets_in_place_of_it_is_told_once_and_not_sent_again(compared: Compared) -> None:
    assert amazon(compared)["TENT-2P"] == (50, 3)
    compared.put("TENT-2P", lead_days=1)
    compared.compare()
    row = compared.rows()["TENT-2P"]
    assert (row.due, row.drift, row.set_by_cart, row.shown_lead_days) == (False, TOLD, True, 1)
    # Over the night, in which it is compared again.
    compared.world.pass_time(hours=14)
    row = compared.rows()["TENT-2P"]
    assert (row.due, row.drift, row.set_by_cart) == (False, "", True), "told once, and never sent again"
    assert sent_lead_days(compared) == [3]
    assert amazon(compared)["TENT-2P"] == (50, 1)
    # What moves is sent without it.
    take_one(compared)
    assert amazon(compared)["TENT-2P"] == (49, 1)
    compared.compare()
    assert compared.drifts() == {}
    assert sent_lead_days(compared) == [3, None]
    assert compared.rows()["TENT-2P"].set_by_cart


def test_a_quantity_that_differs_too_is_put_right_without_the_latency(compared: Compared) -> None:
    compared.put("TENT-2P", quantity=80, lead_days=1)
    compared.compare()
    row = compared.rows()["TENT-2P"]
    assert row.due
    assert row.drift == f"The cart shows a quantity of 80, where 50 was sent. {TOLD}"
    compared.world.pass_time(hours=13)
    assert amazon(compared)["TENT-2P"] == (50, 1)


def test_another_latency_of_ours_is_sent_and_amazons_may_end(compared: Compared) -> None:
    compared.put("TENT-2P", lead_days=1)
    compared.compare()
    set_latency(compared, "TENT-2P", "5")
    assert not compared.rows()["TENT-2P"].due, "a changed latency alone makes nothing due"
    take_one(compared)
    assert amazon(compared)["TENT-2P"] == (49, 5)
    # Amazon shows again what was sent before: it sets nothing any more.
    set_latency(compared, "TENT-2P", "")
    take_one(compared)
    assert amazon(compared)["TENT-2P"] == (48, 5), "as far as is known here, Amazon has put another in place of 3"
    compared.world.settle_later(hours=3)
    compared.put("TENT-2P", quantity=48, lead_days=3)
    compared.compare()
    assert compared.items()["TENT-2P"].lead_days_replaced is None
    take_one(compared)
    assert sent_lead_days(compared)[-1] == 3


def test_an_items_own_latency_goes_with_its_quantity(compared: Compared) -> None:
    set_latency(compared, "TENT-2P", "7")
    set_latency(compared, "LAMP-USB", MANAGED)
    compared.put("LAMP-USB", lead_days=12)
    for sku in SKUS:
        take_one(compared, sku)
    assert amazon(compared) == {"TENT-2P": (49, 7), "LAMP-USB": (49, 12), "000123": (49, 3)}


def test_where_amazon_manages_it_for_the_whole_store_only_quantities_are_sent(compared: Compared) -> None:
    change_settings(compared, **{LEAD_DAYS_MANAGED: "yes"})
    set_latency(compared, "TENT-2P", "7")
    compared.put("LAMP-USB", lead_days=12)
    for sku in ("TENT-2P", "LAMP-USB"):
        take_one(compared, sku)
    assert amazon(compared) == {"TENT-2P": (49, 7), "LAMP-USB": (49, 12), "000123": (50, 3)}
    compared.compare()
    assert compared.drifts() == {}


def test_a_latency_outside_of_what_the_cart_takes_is_refused(compared: Compared) -> None:
    for wrong in ("31", "-1", "soon", "2.0"):
        with pytest.raises(BadInput):
            set_latency(compared, "TENT-2P", wrong)
    with pytest.raises(NotFound):
        custom_items.set_latency(
            compared.world.platform, item_id=compared.items()["TENT-2P"].id, scope=account_scope(10**6), latency="5"
        )


def table(compared: Compared, *lines: str) -> item_table.Preview:
    return item_table.preview(
        compared.world.platform,
        integration_id=compared.store,
        scope=account_scope(compared.world.account),
        user_id=compared.world.owner,
        content="\n".join([HEADER, *lines]).encode(),
    )


def test_a_table_sets_latencies_and_leaves_the_others(compared: Compared) -> None:
    set_latency(compared, "000123", "9")
    set_latency(compared, "LAMP-USB", "9")
    preview = table(
        compared,
        "TENT-2P,,,,,5",
        "LAMP-USB,,,,,store setting",
        "000123,,,,,",
        "NEW,,,LAMP-USB,1,Cart",
        "A,,,LAMP-USB,1,31",
    )
    messages = {row.sku: row.messages for row in preview.rows}
    assert messages["TENT-2P"] == ("Latency: as the settings say becomes 5 days. It is sent with the next quantity.",)
    assert messages["LAMP-USB"] == ("Latency: 9 days becomes as the settings say. It is sent with the next quantity.",)
    assert messages["000123"] == ()
    assert messages["A"] == ('Line 6: latency is not "31" but a number of days up to 30, store setting or cart.',)
    before = {sku: item.due_version for sku, item in compared.items().items()}
    item_table.apply(compared.world.platform, upload_id=preview.upload_id, scope=account_scope(compared.world.account))
    items = compared.items()
    assert {sku: item.latency for sku, item in items.items()} == {
        "TENT-2P": "5", "LAMP-USB": "", "000123": "9", "NEW": MANAGED,
    }  # fmt: skip
    assert {sku: items[sku].due_version for sku in before} == before
    content = item_table.download(
        compared.world.platform, integration_id=compared.store, scope=account_scope(compared.world.account)
    )
    assert '"TENT-2P","","yes","","","store setting","5"' in content


@pytest.mark.unit
def test_the_latency_of_an_item_is_its_own_or_its_integrations() -> None:
    three, managed = Integration(settings={"lead_days": "3"}), Integration(settings={"lead_days": "3"})
    managed.settings[LEAD_DAYS_MANAGED] = "yes"
    assert [latency_of(three, own) for own in ("", "0", MANAGED)] == [Latency(3), Latency(0), Latency(managed=True)]
    assert [latency_of(managed, own) for own in ("", "5")] == [Latency(managed=True), Latency(5)]
    assert latency_of(Integration(settings={}), "5") == Latency(), "a cart that knows no latency"
    choices = latency_choices(MANIFEST)
    assert (list(choices)[:3], list(choices)[-1]) == ([MANAGED, "0", "1"], "30")
    assert (choices[MANAGED], choices["1"]) == ("Amazon manages it", "1 day")


@pytest.mark.unit
def test_what_is_managed_is_not_sent() -> None:
    with pytest.raises(ValueError, match="managed"):
        InventoryQuantity("1", "A", "", 5, lead_days=3, lead_days_managed=True)
