"""Received orders as JSON: one's own, all of them, and nothing about buyers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from is2_core.accounts import users
from is2_core.accounts.models import Integration
from is2_core.embedded_warehouse import packing
from is2_core.tasks.queue import enqueue
from plugins.amazon.simulator.orders.buyers import SENTINELS
from tests.support.parcels import confirming
from tests.support.world import World
from web.app import create_app
from web.orders import orders_export

PASSWORD = "A long pass phrase 1"


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
    contoso = users.create_account(world.platform, "Contoso")
    users.create_user(
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


def test_packages_of_an_order_and_work_under_way(world: World) -> None:
    (order_id,) = world.amazon.generate(bundle=1)["bundle"]
    world.stock_up()
    store = world.connect()
    world.map_methods(store, "STANDARD", "Express", "SECOND_DAY", "NEXT_DAY")
    world.add_item(store, "BUNDLE-CAMP", ("TENT-2P", "1"), ("LAMP-USB", "2"))
    world.finish(store)
    world.settle()
    (placed,) = world.warehouse_orders().values()
    confirming(
        packing.ship,
        world.platform,
        order_id=placed.id,
        carrier="UPS",
        service="",
        tracking_number="1Z1",
        lines={line.sku: str(line.quantity) for line in placed.lines},
        user_id=None,
    )

    alice = signed_in(world, "alice@example.com")
    before = alice.get("/received-orders.json").json
    assert before is not None and before["open_tasks"]["warehouse.read"] == 1
    world.settle()
    # A push that waits until the cart takes another one is no work under way.
    with world.platform.db.write() as session:
        later = world.clock.now() + timedelta(hours=6)
        integration = session.get_one(Integration, store)
        enqueue(session, kind="inventory.push", integration=integration, now=world.clock.now(), run_at=later)
    after = alice.get("/received-orders.json").json
    assert after is not None and not after["open_tasks"].keys() & {"warehouse.read", "inventory.push"}
    (listed,) = after["orders"]
    (package,) = listed["packages"]
    (shown,) = world.amazon.order(order_id)["packages"]
    assert package == {
        "reference": shown["packageReferenceId"],
        "carrier": "UPS",
        "tracking_number": shown["trackingNumber"],
        "posted": "DONE",
        "problem": "",
        "units": {item["orderItemId"]: item["quantity"] for item in shown["packageItems"]},
    }


def test_stock_of_a_store(world: World) -> None:
    world.stock_up(("TENT-2P",), 50)
    store = world.connect()
    world.add_item(store, "TENT-2P")
    world.add_item(store, "NOT-LISTED", ("TENT-2P", "1"))
    world.finish(store, lead_days="4")
    world.pass_time(minutes=5)
    contoso = users.create_account(world.platform, "Contoso")
    users.create_user(
        world.platform, email="charlie@example.com", name="Charlie", password=PASSWORD, account_id=contoso
    )

    path = f"/integrations/{store}/stock.json"
    answer = signed_in(world, "alice@example.com").get(path).json
    assert answer is not None
    tent = next(item for item in answer["items"] if item["sku"] == "TENT-2P")
    other = next(item for item in answer["items"] if item["sku"] == "NOT-LISTED")
    assert (tent["quantity"], tent["lead_days"], tent["due"], tent["quantity_now"]) == (50, 4, False, 50)
    assert other["quantity"] is None and "no listing" in other["withheld"]
    (push,) = answer["pushes"]
    assert push == {"accepted_at": answer["accepted_at"], "applied": ["TENT-2P"]}
    assert answer["next_possible"] > answer["accepted_at"]
    assert signed_in(world, "charlie@example.com").get(path).status_code == 404


def test_strangers_are_sent_to_sign_in(world: World) -> None:
    answer = create_app(world.platform).test_client().get("/received-orders.json")
    assert answer.status_code == 302
    assert "/sign-in" in answer.headers["Location"]
