"""The application's client secret is replaced while stores go on, whichever of the two Amazon takes at the time."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Credential, Integration
from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import IntegrationState
from is2_core.admin import cart_setup
from is2_core.carts import cart_settings
from is2_core.carts.models import CartSetting
from is2_core.integrations import connection_test
from is2_core.jobs import clean_up
from tests.support.amazon import APPLICATION
from tests.support.world import World

NEW_SECRET = "a-newer-client-secret-for-tests-01"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """On SQLite; `test_on_postgresql.py` repeats the main cases there."""
    return sqlite_url


def type_secret(world: World, secret: str) -> None:
    values = {**APPLICATION, "client_secret": secret, "simulator_url": world.amazon.address}
    cart_setup.save_cart_settings(world.platform, "amazon", "simulator", values)


def works(world: World, store: int) -> bool:
    """Whether a store gets an access token now."""
    with world.platform.db.write() as session:
        session.execute(sa.update(Credential).values(access_token=None, access_expires_at=None))
    connection_test.test_connection(world.platform, integration_id=store, scope=account_scope(world.account))
    return True


def secrets_of(world: World) -> tuple[str, dict[str, str]]:
    settings = cart_settings.platform_settings(world.platform, "amazon")
    return settings.secrets["client_secret"].value, {key: entry.value for key, entry in settings.former.items()}


def test_a_secret_typed_before_amazon_takes_it_stops_no_store(world: World) -> None:
    store = world.connect()
    type_secret(world, NEW_SECRET)
    assert secrets_of(world) == (NEW_SECRET, {"client_secret": APPLICATION["client_secret"]})
    assert works(world, store)


def test_scenario_F61_both_are_good_while_amazon_rotates_and_then_the_newer_one(world: World) -> None:
    store = world.connect()
    world.amazon.post("application", {"rotate_secret": NEW_SECRET, "old_valid_s": 7 * 86_400})
    assert works(world, store), "nobody has typed the new one yet"
    type_secret(world, NEW_SECRET)
    assert works(world, store)
    world.clock.advance(timedelta(days=7, seconds=1))
    assert works(world, store), "the old one has ended at Amazon"


def test_the_former_secret_is_forgotten_in_time(world: World) -> None:
    type_secret(world, NEW_SECRET)
    stored = cart_settings.stored_settings(world.platform, "amazon")
    assert stored.former_until == {"client_secret": world.clock.now() + timedelta(days=7)}
    world.clock.advance(timedelta(days=7, seconds=1))
    assert secrets_of(world) == (NEW_SECRET, {})
    clean_up(world.platform)
    with world.platform.db.read() as session:
        assert session.get_one(CartSetting, "amazon").former is None


def test_saving_the_same_secret_or_none_keeps_what_was_replaced(world: World) -> None:
    type_secret(world, NEW_SECRET)
    world.clock.advance(timedelta(days=1))
    for secret in ("", NEW_SECRET):
        type_secret(world, secret)
        assert secrets_of(world) == (NEW_SECRET, {"client_secret": APPLICATION["client_secret"]})


def test_another_application_does_not_get_the_former_secret(world: World) -> None:
    type_secret(world, NEW_SECRET)
    values = {**APPLICATION, "client_id": "amzn1.application-oa2-client.another", "client_secret": "another secret"}
    cart_setup.save_cart_settings(
        world.platform, "amazon", "simulator", {**values, "simulator_url": world.amazon.address}
    )
    assert secrets_of(world) == ("another secret", {})


def test_the_former_secret_can_be_forgotten_at_once(world: World) -> None:
    type_secret(world, NEW_SECRET)
    cart_setup.forget_former(world.platform, "amazon")
    assert secrets_of(world) == (NEW_SECRET, {})


def test_a_slip_of_the_pen_does_not_cost_the_secret_that_works(world: World) -> None:
    store = world.connect()
    for typed in ("a-slip-of-the-pen-where-a-secret-was-due", NEW_SECRET):
        type_secret(world, typed)
        assert works(world, store)
    assert secrets_of(world) == (NEW_SECRET, {"client_secret": APPLICATION["client_secret"]})


def test_no_secret_that_amazon_takes_pauses_the_store_with_a_sentence(world: World) -> None:
    world.stock_up()
    store = world.connect()
    world.finish(store)
    world.amazon.post("application", {"rotate_secret": "neither-of-those-that-were-typed-x", "old_valid_s": 0})
    type_secret(world, NEW_SECRET)
    with world.platform.db.write() as session:
        session.execute(sa.update(Credential).values(access_token=None, access_expires_at=None))
    for _ in range(4):
        world.settle_later(minutes=21)
    with world.platform.db.read() as session:
        row = session.get_one(Integration, store)
    assert (row.state, "client secret" in row.pause_message) == (IntegrationState.PAUSED, True), row.pause_message
    assert NEW_SECRET not in row.pause_message
