"""What merchants type about items, shipping and stock; nothing half-written when it cannot be used."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from is2_core.accounts import users
from is2_core.accounts.models import Membership
from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import MemberRole
from is2_core.embedded_warehouse import receiving
from is2_core.embedded_warehouse.models import StockMovement
from is2_core.errors import BadInput, Conflict, NotFound
from is2_core.items import custom_items, shipping_mappings
from is2_core.items.models import CartItem, KnownSku, Mapping, ShippingMapping
from is2_core.orders import seen_methods
from is2_core.tasks.models import Task
from is2_core.tasks.queue import NOW
from is2_core.warehouses.calls import warehouse_of
from plugins.interface import Address
from plugins.warehouse import Already, Cancelled, NewOrder, OrderLine, Placed, Refused
from tests.support.world import World


@pytest.fixture
def store(world: World) -> int:
    world.stock_up(["TENT-2P", "LAMP-USB"], units=10)
    return world.connect()


def rows(world: World, table: type) -> list[object]:
    with world.platform.db.read() as session:
        return list(session.scalars(sa.select(table)))


@pytest.mark.parametrize(
    ("sku", "mappings", "field"),
    [
        ("", (), "sku"),
        ("   ", (), "sku"),
        ("x" * 101, (), "sku"),
        ("a\tb", (), "sku"),
        ("OK", (("NOWHERE", "1"),), "mappings"),
        ("OK", (("TENT-2P", "0"),), "mappings"),
        ("OK", (("TENT-2P", "-1"),), "mappings"),
        ("OK", (("TENT-2P", "1.5"),), "mappings"),
        ("OK", (("TENT-2P", "10001"),), "mappings"),
        ("OK", (("TENT-2P", "1"), ("TENT-2P", "2")), "mappings"),
        ("OK", (("", "3"),), "mappings"),
    ],
)
def test_an_item_that_cannot_be_used_is_refused_at_its_field(
    world: World, store: int, sku: str, mappings: tuple[tuple[str, str], ...], field: str
) -> None:
    with pytest.raises(BadInput) as caught:
        world.add_item(store, sku, *mappings)
    assert caught.value.field == field
    assert rows(world, CartItem) == rows(world, Mapping) == []


def test_an_item_is_listed_once_and_can_be_changed(world: World, store: int) -> None:
    item = world.add_item(store, "A", ("TENT-2P", "1"), ("", ""))
    with pytest.raises(Conflict):
        world.add_item(store, "A")
    world.add_item(store, "a")
    ids = {"item_id": item, "scope": account_scope(world.account)}
    custom_items.set_mappings(world.platform, **ids, mappings=[("TENT-2P", "2"), ("LAMP-USB", "1")])
    custom_items.edit_item(world.platform, **ids, sku=" A2 ", title="Two")
    custom_items.set_active(world.platform, **ids, active=False)
    with world.platform.db.read() as session:
        row = session.get_one(CartItem, item)
        assert (row.sku, row.title, row.active) == ("A2", "Two", False)
        assert [(one.warehouse_sku, one.quantity) for one in row.mappings] == [("TENT-2P", 2), ("LAMP-USB", 1)]
    with pytest.raises(Conflict):
        custom_items.edit_item(world.platform, **ids, sku="a", title="")
    custom_items.remove_item(world.platform, **ids)
    with pytest.raises(NotFound):
        custom_items.remove_item(world.platform, **ids)


def test_refresh_cart_items_says_what_it_does_not_do_and_makes_no_call(world: World, store: int) -> None:
    before = len(world.amazon.get("calls")["calls"])
    message = custom_items.refresh_cart_items(world.platform, integration_id=store, scope=account_scope(world.account))
    assert message == (
        "This integration cannot see the items in your Amazon store, so Refresh Cart Items does nothing; "
        "list them under Custom Items."
    )
    assert len(world.amazon.get("calls")["calls"]) == before


def test_what_belongs_to_another_account_is_not_there(world: World, store: int) -> None:
    item = world.add_item(store, "A")
    other = users.create_account(world.platform, "Other Company")
    for call in (
        lambda: custom_items.set_active(world.platform, item_id=item, scope=account_scope(other), active=False),
        lambda: custom_items.add_custom_item(world.platform, integration_id=store, scope=account_scope(other), sku="B"),
        lambda: seen_methods.methods(world.platform, integration_id=store, scope=account_scope(other)),
        lambda: shipping_mappings.add_shipping_mapping(
            world.platform, integration_id=store, scope=account_scope(other), method="STANDARD", service="GROUND"
        ),
    ):
        with pytest.raises(NotFound):
            call()
    with world.platform.db.write() as session:
        session.add(Membership(account_id=other, user_id=world.owner, role=MemberRole.OWNER))
    with pytest.raises(BadInput, match="has no SKU TENT-2P in this account"):
        world.account = other
        custom_items.add_custom_item(
            world.platform,
            integration_id=world.connect("eu", "A2SIMEU0000001"),
            scope=account_scope(other),
            sku="X",
            mappings=[("TENT-2P", "1")],
        )


def test_a_method_is_the_same_by_code_label_alias_case_and_spaces(world: World, store: int) -> None:
    world.map_methods(store, " expRESS ")
    for again in ("EXPEDITED", "Express", "expedited "):
        with pytest.raises(Conflict):
            world.map_methods(store, again)
    choice = next(
        one
        for one in seen_methods.methods(world.platform, integration_id=store, scope=account_scope(world.account))
        if one.code == "EXPEDITED"
    )
    assert choice.mapped
    assert "Express" in choice.aliases


@pytest.mark.parametrize(
    ("method", "service", "field"), [("m" * 501, "GROUND", "method"), ("STANDARD", "ROCKET", "service")]
)
def test_a_shipping_mapping_that_cannot_be_used_is_refused(
    world: World, store: int, method: str, service: str, field: str
) -> None:
    with pytest.raises(BadInput) as caught:
        shipping_mappings.add_shipping_mapping(
            world.platform, integration_id=store, scope=account_scope(world.account), method=method, service=service
        )
    assert caught.value.field == field
    assert rows(world, ShippingMapping) == []


def test_methods_seen_on_orders_but_unmapped_come_first(world: World, store: int) -> None:
    world.amazon.generate(unmapped_method=2)
    world.finish(store)
    world.settle()
    first = seen_methods.methods(world.platform, integration_id=store, scope=account_scope(world.account))[0]
    assert (first.code, first.seen, first.mapped) == ("SCHEDULED", 2, False)


def test_stock_moves_with_a_ledger_and_never_below_zero(world: World, store: int) -> None:
    where = {"account_id": world.account, "sku": "TENT-2P", "user_id": world.owner}
    assert receiving.adjust(world.platform, **where, delta="-4", reason="counted") == 6
    before = len(rows(world, StockMovement))
    with pytest.raises(BadInput, match="only 6 units"):
        receiving.adjust(world.platform, **where, delta="-7", reason="counted")
    for delta, reason in (("0", "x"), ("one", "x"), ("1", " ")):
        with pytest.raises(BadInput):
            receiving.adjust(world.platform, **where, delta=delta, reason=reason)
    for quantity in ("0", "-1", "", "1000001"):
        with pytest.raises(BadInput):
            receiving.receive(world.platform, **where, name="", quantity=quantity)
    assert len(rows(world, StockMovement)) == before


def test_what_may_free_an_order_asks_for_a_review(world: World, store: int) -> None:
    world.finish(store)
    world.settle()
    with world.platform.db.write() as session:
        session.execute(sa.delete(Task))
    for act in (
        lambda: world.add_item(store, "A", ("TENT-2P", "1")),
        lambda: world.map_methods(store, "STANDARD"),
    ):
        act()
        assert next(task.state for task in world.tasks("orders.review")) == "READY"
        world.settle()
    reviews = len(world.tasks("orders.review"))
    world.stock_up(["NEW"])
    (read,) = [task for task in world.tasks("warehouse.read") if task.state == "READY" and task.priority == NOW]
    assert (read.account_id, read.integration_id) == (world.account, None)
    world.settle()
    assert len(world.tasks("orders.review")) == reviews + 1
    world.stock_up(["NEW"])
    world.settle()
    assert len(world.tasks("orders.review")) == reviews + 1


def test_a_sku_is_known_by_what_the_warehouse_tells_and_at_once_where_somebody_names_it(
    world: World, store: int
) -> None:
    """Nothing has read the warehouse yet: naming a SKU does, and brings the others with it."""
    assert rows(world, KnownSku) == []
    world.add_item(store, "A", ("TENT-2P", "1"))
    known = {(row.account_id, row.wms_target, row.sku) for row in rows(world, KnownSku)}
    assert known == {(world.account, "embedded", "TENT-2P"), (world.account, "embedded", "LAMP-USB")}
    other = users.create_account(world.platform, "Contoso")
    receiving.receive(world.platform, account_id=other, sku="THEIRS", name="", quantity="1", user_id=None)
    with pytest.raises(BadInput, match="no SKU THEIRS"):
        world.add_item(store, "B", ("THEIRS", "1"))
    world.settle()
    world.stock_up(["TENT-2P", "LATER"])
    receiving.receive(world.platform, account_id=world.account, sku="LAMP-USB", name="Lamp", quantity="1", user_id=None)
    world.settle()
    names = {row.sku: row.name for row in rows(world, KnownSku) if row.account_id == world.account}
    assert names == {"TENT-2P": "TENT-2P", "LAMP-USB": "Lamp", "LATER": "LATER"}


def test_the_embedded_warehouse_takes_a_number_once_and_says_what_it_cannot(world: World, store: int) -> None:
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.finish(store)
    world.settle()
    warehouse = warehouse_of(world.platform, "embedded", world.account)
    assert world.orders()[order_id].has_address

    def order(number: str, sku: str, quantity: int) -> NewOrder:
        return NewOrder(number, "", "GROUND", Address(), (OrderLine(sku, quantity),))

    answers = warehouse.place_orders([order("N1", "TENT-2P", 8), order("N1", "TENT-2P", 8), order("N2", "NO", 1)])
    assert answers == [Placed(), Already(), Refused("The warehouse has no SKU 'NO'.")]
    assert warehouse.place_orders([order("N1", "TENT-2P", 8), order("N3", "TENT-2P", 8)]) == [Already(), Placed()]
    assert [row.state for row in world.warehouse_orders().values() if row.number == "N3"] == ["BACK_ORDER"]
    (level,) = warehouse.stock(["TENT-2P"])
    assert (level.on_hand, level.committed) == (10, 16)
    assert warehouse.cancel_order("N3") == Cancelled()
    assert warehouse.stock(["TENT-2P"])[0].committed == 8
    assert warehouse.find_order("N1")[0].open == (OrderLine("TENT-2P", 8),)
    other = users.create_account(world.platform, "Contoso")
    assert warehouse_of(world.platform, "embedded", other).find_order("N1") == []
