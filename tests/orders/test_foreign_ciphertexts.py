"""Sealed values that were copied to another row, as by somebody who can write to the database: nobody is sent anything
of anybody else's, only what it hits stops, and there is a way out."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import IntegrationState
from is2_core.admin import cart_setup
from is2_core.carts.cart_settings import platform_settings
from is2_core.errors import BadInput
from is2_core.orders.importing import fetch_order
from is2_core.orders.states import ReceivedState
from plugins.interface import SettingsError
from tests.support.amazon import APPLICATION
from tests.support.buyers import why
from tests.support.world import World

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def execute(world: World, statement: str, **values: object) -> None:
    with world.platform.db.write() as session:
        session.execute(sa.text(statement), values)


def test_an_order_with_another_ones_buyer_is_set_aside_alone_and_can_be_read_again(world: World) -> None:
    world.stock_up()
    store = world.connect()
    mine, other = world.amazon.generate(unmapped_method=2)["unmapped_method"]
    world.finish(store)
    world.settle()
    found = world.orders()
    execute(
        world,
        "UPDATE recipient SET sealed = (SELECT sealed FROM recipient WHERE order_id = :other) WHERE order_id = :mine",
        mine=found[mine].id,
        other=found[other].id,
    )
    world.map_methods(store, "SCHEDULED")
    world.settle()
    found = world.orders()
    assert (found[mine].state, found[other].state) == (ReceivedState.QUARANTINED, ReceivedState.INJECTED)
    assert "cannot be opened" in why(found[mine])
    assert set(world.warehouse_orders()) == {found[other].number}
    again = {"integration_id": store, "scope": account_scope(world.account), "user_id": world.owner, "remote_id": mine}
    fetch_order.fetch_this_order(world.platform, **again)
    world.settle()
    assert world.orders()[mine].state == ReceivedState.INJECTED
    assert world.quarantined() == []


def test_a_store_with_foreign_credentials_pauses_and_says_what_helps(world: World) -> None:
    store = world.connect()
    world.finish(store)
    execute(world, "UPDATE credential SET credentials = (SELECT secrets FROM cart_setting), access_token = NULL")
    world.settle_later(minutes=31)
    with world.platform.db.read() as session:
        row = session.get_one(Integration, store)
    assert row.state == IntegrationState.PAUSED
    assert "Reconnect this integration" in row.pause_message


def test_secrets_of_a_cart_that_do_not_open_are_asked_for_and_typed_again(world: World) -> None:
    execute(world, "UPDATE cart_setting SET secrets = substr(secrets, 1, 20)")
    with pytest.raises(SettingsError, match="has to enter them"):
        platform_settings(world.platform, "amazon").secrets.get("client_secret")
    values = {**APPLICATION, "simulator_url": world.amazon.address}
    with pytest.raises(BadInput) as refused:
        cart_setup.save_cart_settings(world.platform, "amazon", "simulator", {**values, "client_secret": ""})
    assert refused.value.field == "client_secret"
    cart_setup.save_cart_settings(world.platform, "amazon", "simulator", values)
    assert platform_settings(world.platform, "amazon").secrets["client_secret"].value == APPLICATION["client_secret"]
