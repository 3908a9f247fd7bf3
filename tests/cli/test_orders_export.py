"""Received orders as JSON: one's own, all of them, and nothing about buyers."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from is2_core.flows import accounts
from plugins.amazon.simulator.buyers import SENTINELS
from tests.support.world import World
from web import create_app, orders_export

PASSWORD = "a long pass phrase 1"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Pages are tested on one kind of database."""
    return sqlite_url


def signed_in(world: World, email: str) -> FlaskClient:
    """A browser of a user."""
    app = create_app(world.platform)
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    assert client.post("/sign-in", data={"email": email, "password": PASSWORD}).status_code == 303
    return client


def test_orders_of_the_account_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = world.amazon.generate(plain=5, missing_address=1, amazon_fulfilled=1)
    world.stock_up()
    store = world.connect()
    world.finish(store)
    world.settle()
    contoso = accounts.create_account(world.platform, "Contoso")
    accounts.create_user(
        world.platform, email="charlie@example.com", name="Charlie", password=PASSWORD, account_id=contoso
    )
    monkeypatch.setattr(orders_export, "MOST", 4)

    alice = signed_in(world, "alice@example.com")
    first = alice.get(f"/received-orders.json?integration={store}")
    assert not any(word in first.text for word in SENTINELS)
    assert first.json is not None and first.json["checked_at"] is not None
    second = alice.get(f"/received-orders.json?after={first.json['next']}").json
    assert second is not None and second["next"] is None
    orders = [*first.json["orders"], *second["orders"]]
    assert sorted(order["cart_id"] for order in orders) == sorted(each for made in ids.values() for each in made)
    (excluded,) = (order for order in orders if order["cart_id"] in ids["amazon_fulfilled"])
    assert (excluded["state"], excluded["reason"]) == ("EXCLUDED", "Amazon fulfills this order itself.")
    (homeless,) = (order for order in orders if order["cart_id"] in ids["missing_address"])
    assert "ADDRESS_MISSING" in {hold["code"] for hold in homeless["holds"]}

    charlie = signed_in(world, "charlie@example.com")
    listed = charlie.get("/received-orders.json").json
    assert listed is not None and listed["orders"] == []
    assert charlie.get(f"/received-orders.json?integration={store}").status_code == 404


def test_strangers_are_sent_to_sign_in(world: World) -> None:
    answer = create_app(world.platform).test_client().get("/received-orders.json")
    assert answer.status_code == 302
    assert "/sign-in" in answer.headers["Location"]
