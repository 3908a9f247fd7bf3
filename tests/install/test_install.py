"""Connecting a store: what a wrong, foreign, late or repeated step meets."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts import users
from is2_core.accounts.models import Credential, Integration, Membership
from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import IntegrationState
from is2_core.admin import cart_setup
from is2_core.carts import cart_settings
from is2_core.errors import BadInput, Conflict, FlowError, Forbidden, NotFound
from is2_core.install import connect, settings, trip
from is2_core.install.connecting import AlreadyConnected
from is2_core.integrations import connection_test
from is2_core.tasks.models import Schedule, Task
from is2_core.tasks.queue import enqueue
from tests.support.amazon import APPLICATION, NORTHWIND
from tests.support.world import BROWSER, RETURN_URL, World


def away(world: World, *, region: str = "na", browser: str = BROWSER) -> tuple[int, str]:
    store = connect.begin(
        world.platform, cart="amazon", region=region, scope=account_scope(world.account), account_id=world.account
    )
    step = connect.step(
        world.platform,
        integration_id=store,
        scope=account_scope(world.account),
        user_id=world.owner,
        browser=browser,
        return_url=RETURN_URL,
    )
    assert isinstance(step, trip.GoTo)
    return store, step.url


def back(world: World, params: dict[str, str], **changes: object) -> trip.Step:
    arguments: dict[str, object] = {"cart": "amazon", "user_id": world.owner, "browser": BROWSER, "params": params}
    return connect.come_back(world.platform, **{**arguments, **changes})  # type: ignore[arg-type]


def reconcile(world: World, store: int) -> None:
    with world.platform.db.write() as session:
        integration = session.get_one(Integration, store)
        enqueue(session, kind="orders.reconcile", integration=integration, now=world.clock.now())
    world.settle()


def credentials(world: World) -> int:
    with world.platform.db.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Credential)) or 0


def test_who_is_no_owner_any_more_connects_nothing_on_the_way_back(world: World) -> None:
    _, url = away(world)
    answer = world.consent(url)
    with world.platform.db.write() as session:
        session.execute(sa.update(Membership).values(role="member"))
    with pytest.raises(Forbidden, match="Only an owner"):
        back(world, answer)
    assert credentials(world) == 0


def test_a_store_is_connected_with_its_sites_and_starts_its_schedules(world: World) -> None:
    store = world.connect()
    saved = world.finish(store, nickname="main street", lead_days="1")
    assert saved.message.startswith("Success")
    assert len(saved.warnings) == 1
    with world.platform.db.read() as session:
        row = session.get_one(Integration, store)
        assert (row.state, row.seller_id, row.nickname) == (IntegrationState.ACTIVE, NORTHWIND, "main street")
        assert "ATVPDKIKX0DER" in row.sites
        assert row.settings["lead_days"] == "1"
        kinds = {schedule.kind: schedule.every_s for schedule in session.scalars(sa.select(Schedule))}
        assert kinds == {
            "orders.check": 1800,
            "orders.reconcile": 86_400,
            "orders.compare": 7200,
            "warehouse.read": 300,
            "inventory.push": 43_200,
            "inventory.compare": 86_400,
            "inventory.drift": 86_400,
        }


def test_the_settings_are_asked_in_the_merchants_order_with_their_defaults(world: World) -> None:
    store = world.connect()
    form = settings.settings_form(world.platform, integration_id=store, scope=account_scope(world.account))
    labels = [entry.field.label for entry in form]
    assert labels[:2] == ["Fulfillment Latency", "Amazon manages it"]
    assert [label.split(":")[0] for label in labels[2:5]] == ["Scheduling", "Scheduling", "Nickname"]
    assert labels[-1] == "Review first orders before they ship"
    assert "Remote Fulfillment With FBA" in labels
    values = {entry.field.key: entry.value for entry in form}
    assert values["lead_days"] == "3"
    assert values["orders_every"] == "1800"
    assert values["inventory_every"] == "43200"
    assert values["remote_fulfillment"] == "no"


def test_inventory_off_says_what_it_means(world: World) -> None:
    saved = world.finish(world.connect(), inventory_every="off")
    assert any("latency will not be sent to Amazon" in warning for warning in saved.warnings)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lead_days", "-1"),
        ("lead_days", "31"),
        ("lead_days", "soon"),
        ("orders_every", "60"),
        ("orders_from", "yesterday"),
        ("orders_from", "2031-01-01"),
        ("orders_from", "2020-01-01"),
        ("home_site", "ATLANTIS"),
        ("remote_fulfillment", "perhaps"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_at_its_field(world: World, field: str, value: str) -> None:
    store = world.connect()
    with pytest.raises(BadInput) as caught:
        world.finish(store, **{field: value})
    assert caught.value.field == field
    with world.platform.db.read() as session:
        assert session.get_one(Integration, store).state == IntegrationState.SETUP
        assert session.scalar(sa.select(sa.func.count()).select_from(Task)) == 0


def test_field_H3_a_state_works_once_and_tells_what_became_of_it(world: World) -> None:
    _, url = away(world)
    params = world.consent(url)
    ready = back(world, params)
    exchanged = len(world.amazon.calls("token"))
    assert back(world, params) == ready
    assert len(world.amazon.calls("token")) == exchanged


@pytest.mark.parametrize("state", ["", "made up"])
def test_a_wrong_state_is_refused_and_nothing_is_stored(world: World, state: str) -> None:
    _, url = away(world)
    params = {**world.consent(url), "state": state}
    with pytest.raises(BadInput):
        back(world, params)
    assert credentials(world) == 0
    assert world.amazon.calls("token") == []


def test_scenario_F60_a_state_of_another_browser_user_or_cart_is_refused(world: World) -> None:
    _, url = away(world)
    params = world.consent(url)
    eve = users.create_user(
        world.platform, email="eve@example.com", name="Eve", password="A long pass phrase 2", account_id=world.account
    )
    for changes in ({"browser": "another"}, {"user_id": eve}, {"cart": "tiny"}):
        with pytest.raises(BadInput):
            back(world, params, **changes)
    assert credentials(world) == 0
    assert back(world, params) == trip.Ready(1, True)


def test_a_state_expires(world: World) -> None:
    _, url = away(world)
    params = world.consent(url)
    world.clock.advance(timedelta(minutes=31))
    with pytest.raises(BadInput):
        back(world, params)


def test_a_code_that_was_left_lying_for_too_long_is_explained(world: World) -> None:
    _, url = away(world)
    params = world.consent(url)
    world.clock.advance(timedelta(minutes=6))
    with pytest.raises(FlowError, match="5 minutes"):
        back(world, params)
    assert credentials(world) == 0


def test_cancel_at_amazon_comes_back_with_a_sentence(world: World) -> None:
    _, url = away(world)
    params = world.consent(url)
    with pytest.raises(FlowError, match="Cancel"):
        back(world, {"state": params["state"], "error": "access_denied"})
    assert credentials(world) == 0


def test_the_wrong_region_is_refused(world: World) -> None:
    with pytest.raises(BadInput) as caught:
        connect.begin(
            world.platform, cart="amazon", region="moon", scope=account_scope(world.account), account_id=world.account
        )
    assert caught.value.field == "region"
    with pytest.raises(NotFound):
        connect.begin(
            world.platform, cart="nothing", region="", scope=account_scope(world.account), account_id=world.account
        )


def test_a_store_is_connected_once_on_the_whole_platform(world: World) -> None:
    world.finish(world.connect())
    _, url = away(world)
    with pytest.raises(AlreadyConnected, match="your account already") as refused:
        back(world, world.consent(url))
    with world.platform.db.read() as session:
        # No stray setup is left.
        assert session.scalars(sa.select(Integration.id)).all() == [refused.value.integration_id]
    other = users.create_account(world.platform, "Other Company")
    bob = users.create_user(
        world.platform, email="bob@example.com", name="Bob", password="A long pass phrase 3", account_id=other
    )
    world.account, world.owner = other, bob
    _, url = away(world)
    with pytest.raises(Conflict, match="another account"):
        back(world, world.consent(url))
    assert credentials(world) == 1


def test_a_paused_store_that_is_installed_anew_goes_on_in_place(world: World) -> None:
    store = world.connect()
    world.finish(store)
    with world.platform.db.write() as session:
        row = session.get_one(Integration, store)
        row.state, row.pause_code = IntegrationState.PAUSED, "AUTHORIZATION_LOST"
    begun, url = away(world)
    assert begun != store
    assert back(world, world.consent(url)) == trip.Ready(store, False)
    with world.platform.db.read() as session:
        (row,) = session.scalars(sa.select(Integration))
    assert (row.id, row.state, row.pause_code) == (store, IntegrationState.ACTIVE, "")
    assert credentials(world) == 1


def test_a_setup_left_half_way_is_found_again_or_discarded(world: World) -> None:
    store, _ = away(world)
    assert (
        connect.begin(
            world.platform, cart="amazon", region="na", scope=account_scope(world.account), account_id=world.account
        )
        == store
    )
    assert world.connect() == store
    step = connect.step(
        world.platform,
        integration_id=store,
        scope=account_scope(world.account),
        user_id=world.owner,
        browser=BROWSER,
        return_url=RETURN_URL,
    )
    assert step == trip.Ready(store, True)
    connect.discard_setup(world.platform, integration_id=store, scope=account_scope(world.account))
    assert credentials(world) == 0
    with pytest.raises(NotFound):
        world.finish(store)


def test_another_accounts_store_is_not_there(world: World) -> None:
    store = world.connect()
    world.account = users.create_account(world.platform, "Other Company")
    with pytest.raises(NotFound):
        world.finish(store)
    with pytest.raises(NotFound):
        connection_test.test_connection(world.platform, integration_id=store, scope=account_scope(world.account))


def test_a_disabled_or_unfinished_cart_takes_no_installs(world: World) -> None:
    cart_setup.disable_cart(world.platform, "amazon")
    with pytest.raises(Forbidden):
        connect.begin(
            world.platform, cart="amazon", region="na", scope=account_scope(world.account), account_id=world.account
        )
    cart_setup.enable_cart(world.platform, "amazon")
    with pytest.raises(BadInput):
        cart_setup.save_cart_settings(world.platform, "amazon", "moon", APPLICATION)
    with pytest.raises(BadInput):
        cart_setup.save_cart_settings(world.platform, "amazon", "simulator", {**APPLICATION, "client_id": ""})


def test_a_secret_left_empty_keeps_the_stored_one_and_is_never_shown(world: World) -> None:
    cart_setup.save_cart_settings(
        world.platform,
        "amazon",
        "simulator",
        {**APPLICATION, "client_secret": "", "simulator_url": world.amazon.address},
    )
    stored = cart_settings.stored_settings(world.platform, "amazon")
    assert stored.secrets_set == {"client_secret"}
    assert APPLICATION["client_secret"] not in repr(stored)
    world.connect()


def test_the_connection_test_names_the_seller(world: World) -> None:
    store = world.connect()
    message = connection_test.test_connection(world.platform, integration_id=store, scope=account_scope(world.account))
    assert NORTHWIND in message


@pytest.mark.parametrize("how", ["test", "reconcile"])
def test_marketplaces_the_seller_has_joined_are_learned(world: World, how: str) -> None:
    def sites() -> list[str]:
        with world.platform.db.read() as session:
            return list(session.get_one(Integration, store).sites)

    store = world.connect()
    world.finish(store)
    before = sites()
    with world.platform.db.write() as session:
        session.get_one(Integration, store).sites = before[:1]
    if how == "test":
        connection_test.test_connection(world.platform, integration_id=store, scope=account_scope(world.account))
    else:
        reconcile(world, store)
    assert sites() == before and len(before) > 1


@pytest.mark.parametrize("fault", ["5xx", "429", "html_200"])
def test_a_listing_does_not_wait_for_the_marketplaces(world: World, fault: str) -> None:
    store = world.connect()
    world.finish(store)
    world.settle()
    world.amazon.fault("getMarketplaceParticipations", fault)
    reconcile(world, store)
    with world.platform.db.read() as session:
        task = session.scalars(sa.select(Task).where(Task.kind == "orders.reconcile").order_by(Task.id.desc())).first()
        assert session.get_one(Integration, store).sites
    assert task is not None and (task.state, task.attempts) == ("DONE", 0)


def test_amazons_login_leg_leads_on_and_ends_connected(world: World) -> None:
    login = "http://127.0.0.1:5000/amazon/login"
    world.amazon.post("application", {"login_uri": login})
    store, url = away(world)
    step = pass_on(world, world.consent(url, until=login))
    params = world.follow(step.url)
    assert back(world, params) == trip.Ready(store, True)


def test_a_login_leg_without_an_open_setup_or_to_a_strange_address_is_refused(world: World) -> None:
    with pytest.raises(BadInput, match="no setup under way"):
        pass_on(world, {"amazon_callback_uri": world.amazon.address, "amazon_state": "x"})
    _, url = away(world)
    with pytest.raises(FlowError):
        pass_on(world, {"amazon_callback_uri": "https://evil.example/x", "amazon_state": "x"})
    code = {key: value for key, value in world.consent(url).items() if key != "state"}
    with pytest.raises(BadInput, match="middle of a sign-in"):
        pass_on(world, code)
    assert credentials(world) == 0


def pass_on(world: World, params: dict[str, str]) -> trip.GoTo:
    return connect.pass_on(world.platform, cart="amazon", user_id=world.owner, browser=BROWSER, params=params)
