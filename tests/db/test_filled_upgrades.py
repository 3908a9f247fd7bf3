"""Databases that earlier releases filled: brought to the newest revision, their open orders ship.

`filled_<revision>.json` holds every row of a store with three orders (two placed and acknowledged, one held), as the
last release of that revision left it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from is2_core.bootstrap import build_platform
from is2_core.calls.carts import CartRegistry
from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.clock import VirtualClock
from is2_core.crypto import Keyring
from is2_core.db.metadata import metadata
from is2_core.db.reseal import all_steps, reseal, sealed_columns
from is2_core.db.schema import alembic_config, upgrade
from is2_core.db.types import use_keyring
from is2_core.embedded_warehouse import packing
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.states import ReceivedState
from is2_core.platform import Platform
from tests.amazon.payloads import item, ready_order
from tests.conftest import KEYS, make_config
from tests.db.test_migrations import Older
from tests.support.amazon import NORTHWIND, SimulatedAmazon
from tests.support.buyers import sealed_before
from tests.support.parcels import confirming, ups_number
from tests.support.world import World

PLACED, OTHER, HELD = (f"111-0000000-000000{number}" for number in (1, 2, 3))
# When the releases filled it.
BEGAN = timedelta(minutes=10)


class Restored(World):
    """The store of such a database."""

    def __init__(self, platform: Platform, clock: VirtualClock, amazon: SimulatedAmazon) -> None:
        self.platform, self.clock, self.amazon = platform, clock, amazon
        self.account = self.owner = 1


def fill(url: str, revision: str) -> Older:
    """Make a database of that revision with the rows of the file."""
    older = Older(url, revision)
    rows_of = json.loads(Path(__file__).with_name(f"filled_{revision}.json").read_text())
    with older.engine.begin() as connection:
        for table in older.tables.sorted_tables:
            rows = [_typed(table, row) for row in rows_of.get(table.name, [])]
            if not rows:
                continue
            connection.execute(sa.insert(table), rows)
            if "id" in table.columns and connection.dialect.name == "postgresql":
                sequence = sa.func.pg_get_serial_sequence(table.name, "id")
                connection.execute(sa.select(sa.func.setval(sequence, max(row["id"] for row in rows))))
    return older


def _typed(table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    def typed(name: str, value: Any) -> Any:
        kind = table.columns[name].type
        if isinstance(kind, sa.DateTime) and value is not None:
            return datetime.fromisoformat(value)
        return bool(value) if isinstance(kind, sa.Boolean) and value is not None else value

    return {name: typed(name, value) for name, value in row.items()}


def join(older: Older, amazon: SimulatedAmazon, clock: VirtualClock) -> None:
    """Let the simulator be the one the store was connected to, with its orders and its authorization."""
    at = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    for order_id, level, sku in (
        (PLACED, "STANDARD", "TENT-2P"),
        (OTHER, "STANDARD", "LAMP-USB"),
        (HELD, "SECOND_DAY", "TENT-2P"),
    ):
        line = item(ordered=2, unfulfilled=2, product={"sellerSku": sku, "title": sku})
        order = ready_order(orderId=order_id, createdTime=at, lastUpdatedTime=at, orderItems=[line])
        order["fulfillment"] = {**order["fulfillment"], "fulfillmentServiceLevel": level}
        amazon.post("orders", [{**order, "seller": NORTHWIND}])
    granted = amazon.post("authorize", {"seller": NORTHWIND})
    keyring = Keyring.parse(KEYS)
    token = json.dumps({"refresh_token": granted["refresh_token"]}).encode()
    tables = older.tables.tables
    with older.engine.begin() as connection:
        sealed = sealed_before(keyring, "credential.credentials", token)
        connection.execute(sa.update(tables["credential"]).values(credentials=sealed, access_token=None))
        (values,) = connection.execute(sa.select(tables["cart_setting"].c["values"])).scalars()
        there = {**values, "simulator_url": amazon.address}
        connection.execute(sa.update(tables["cart_setting"]).values(values=there))


@pytest.fixture
def filled(
    request: pytest.FixtureRequest, empty_url: str, clock: VirtualClock, carts: CartRegistry, amazon: SimulatedAmazon
) -> Iterator[Restored]:
    older = fill(empty_url, request.param)
    join(older, amazon, clock)
    older.engine.dispose()
    clock.advance(BEGAN)
    upgrade(empty_url)
    platform = build_platform(make_config(empty_url), clock=clock, buckets=MemoryBuckets(clock), carts=carts)
    yield Restored(platform, clock, amazon)
    platform.db.dispose()


@pytest.mark.parametrize("filled", ["0004", "0005"], indirect=True)
def test_open_orders_of_an_earlier_release_ship(filled: Restored) -> None:
    world = filled
    assert reseal(world.platform.db.write, all_steps()) > 0
    assert reseal(world.platform.db.write, all_steps()) == 0
    assert sealed_texts(world.platform) and all(text.startswith("2:test.") for text in sealed_texts(world.platform))
    world.settle()
    assert world.holds(HELD) == {"METHOD_UNMAPPED"}
    world.map_methods(1, "SECOND_DAY")
    world.settle()
    found = world.orders()
    assert {order.state for order in found.values()} == {ReceivedState.INJECTED}
    in_warehouse = world.warehouse_orders()
    for serial, order_id in enumerate((PLACED, HELD), start=1):
        row = in_warehouse[found[order_id].number]
        parcel = {"carrier": "UPS", "service": "Ground", "tracking_number": ups_number(serial), "user_id": None}
        confirming(packing.ship, world.platform, order_id=row.id, lines={"TENT-2P": "2"}, **parcel)
    world.pass_time(minutes=10)
    assert [world.orders()[order_id].state for order_id in (PLACED, HELD)] == [ReceivedState.COMPLETED] * 2
    with world.platform.db.read() as session:
        assert session.scalars(sa.select(Package.post_state)).all() == [PostState.DONE] * 2
    for order_id in (PLACED, HELD):
        assert world.amazon.order(order_id)["status"] == "SHIPPED"
    assert world.quarantined() == []


def sealed_texts(platform: Platform) -> list[str]:
    with platform.db.read() as session:
        return [
            text
            for column in sealed_columns(metadata)
            for text in session.scalars(sa.select(sa.type_coerce(column, sa.Text)).where(column.is_not(None)))
        ]


def test_the_release_before_reads_what_is_taken_back(empty_url: str) -> None:
    """Revision 0006 can be taken back, with the keys: what it bound to rows is bound to columns again."""
    fill(empty_url, "0005").engine.dispose()
    upgrade(empty_url)
    platform = build_platform(make_config(empty_url))
    reseal(platform.db.write, all_steps())
    platform.db.dispose()
    use_keyring(Keyring.parse(KEYS))
    command.downgrade(alembic_config(empty_url), "0005")
    engine = sa.create_engine(empty_url)
    with engine.connect() as connection:
        for table, column in (("recipient", "sealed"), ("credential", "credentials"), ("cart_setting", "secrets")):
            texts = connection.execute(sa.select(sa.column(column)).select_from(sa.table(table))).scalars().all()
            assert texts
            for text in texts:
                assert text.startswith("test."), "as the release before wrote it"
                assert Keyring.parse(KEYS).open(f"{table}.{column}", (), text).startswith(b"{")
    engine.dispose()
    upgrade(empty_url)
