"""Bringing databases of earlier releases, with what they hold, to the newest schema."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from is2_core.bootstrap import build_platform
from is2_core.config import Config
from is2_core.crypto import Keyring
from is2_core.db.engine import Database
from is2_core.db.reseal import all_steps, reseal
from is2_core.db.schema import alembic_config, upgrade
from is2_core.db.types import use_keyring
from is2_core.embedded_warehouse import order_queries
from is2_core.embedded_warehouse.resealing import copy_recipients
from is2_core.orders.models import Recipient
from is2_core.orders.resealing import STEPS
from tests.conftest import KEYS
from tests.support.buyers import sealed_before

# Times are stored without their zone.
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC).replace(tzinfo=None)


class Older:
    """A database at an earlier revision; rows are given by the columns that matter, the others get a plain value."""

    def __init__(self, url: str, revision: str) -> None:
        command.upgrade(alembic_config(url), revision)
        self.engine = sa.create_engine(url)
        self.tables = sa.MetaData()
        self.tables.reflect(self.engine)

    def add(self, table: str, **values: Any) -> None:
        """Insert one row."""
        columns = self.tables.tables[table].columns
        plain: dict[str, Any] = {
            column.name: _plain(column)
            for column in columns
            if not column.nullable and not column.primary_key and column.server_default is None
        }
        with self.engine.begin() as connection:
            connection.execute(sa.insert(self.tables.tables[table]).values(**{**plain, **values}))

    def now(self, url: str, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """Rows of a table after the upgrade to the newest revision."""
        upgrade(url)
        found = sa.table(table, *(sa.column(name) for name in columns))
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.select(found).order_by(*map(sa.column, columns)))]


def _plain(column: sa.Column[Any]) -> Any:
    if isinstance(column.type, sa.JSON):
        return []
    if isinstance(column.type, sa.DateTime):
        return NOON
    if isinstance(column.type, sa.Boolean):
        return False
    return 0 if isinstance(column.type, sa.Integer) else ""


def a_store(older: Older, inventory_every: str) -> None:
    older.add("account", id=1, name="Northwind")
    older.add(
        "integration",
        id=1,
        account_id=1,
        cart="amazon",
        region="na",
        state="ACTIVE",
        settings={"inventory_every": inventory_every},
    )


def test_orders_and_stores_of_the_first_release_go_on(empty_url: str) -> None:
    older = Older(empty_url, "0001")
    a_store(older, "43200")
    for number, placed in (("one", NOON), ("two", None)):
        order = 1 if placed else 2
        older.add(
            "received_order",
            id=order,
            account_id=1,
            integration_id=1,
            remote_id=number,
            number=number,
            placed_at=placed,
        )
        older.add("received_line", order_id=order, remote_id="1", sku="TENT-2P", ordered=3, open=2)
    for kind in ("orders.check", "orders.reconcile"):
        older.add("schedule", integration_id=1, kind=kind, every_s=1800, next_at=NOON)
    assert older.now(empty_url, "received_line", "order_id", "placed") == [(1, 2), (2, 0)]
    assert [row[:2] for row in older.now(empty_url, "schedule", "kind", "every_s")] == [
        ("inventory.compare", 86400),
        ("inventory.drift", 86400),
        ("inventory.push", 43200),
        ("orders.check", 1800),
        ("orders.reconcile", 1800),
        ("warehouse.read", 300),
    ]
    older.engine.dispose()


@pytest.mark.parametrize("empty_url", ["sqlite"], indirect=True)
def test_what_the_warehouse_said_of_stopping_is_known_after_the_upgrade(empty_url: str) -> None:
    older = Older(empty_url, "0004")
    a_store(older, "off")
    for order, asked, answer in (
        (1, NOON, "Cancelled at the cart; part of it had been shipped, the warehouse stopped the rest."),
        (2, NOON, "Cancelled at the cart, but too late. The warehouse has already shipped the order."),
        (3, None, ""),
    ):
        ids = {"id": order, "account_id": 1, "integration_id": 1, "remote_id": str(order), "number": str(order)}
        older.add("received_order", **ids, stop_asked_at=asked, stop_answer=answer)
    stopped = older.now(empty_url, "received_order", "id", "stopped")
    assert [(order, bool(value)) for order, value in stopped] == [(1, True), (2, False), (3, False)]
    older.engine.dispose()


@pytest.mark.parametrize("empty_url", ["sqlite"], indirect=True)
def test_a_store_that_sends_no_stock_gets_no_work_about_stock(empty_url: str) -> None:
    older = Older(empty_url, "0001")
    a_store(older, "off")
    older.add("schedule", integration_id=1, kind="orders.check", every_s=1800, next_at=NOON)
    kinds = {row[0] for row in older.now(empty_url, "schedule", "kind")}
    assert kinds == {"orders.check", "warehouse.read"}
    older.engine.dispose()


@pytest.mark.parametrize("empty_url", ["sqlite"], indirect=True)
def test_there_is_a_way_back_from_the_newest_schema(empty_url: str) -> None:
    upgrade(empty_url)
    command.downgrade(alembic_config(empty_url), "base")
    engine = sa.create_engine(empty_url)
    assert set(sa.inspect(engine).get_table_names()) == {"alembic_version"}
    engine.dispose()


@pytest.mark.parametrize("empty_url", ["sqlite"], indirect=True)
def test_a_migration_that_would_leave_loose_ends_changes_nothing(empty_url: str) -> None:
    older = Older(empty_url, "0001")
    with older.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql(
            "INSERT INTO mapping (id, cart_item_id, warehouse_sku, quantity) VALUES (1, 9, 'X', 1)"
        )
        connection.commit()
    with pytest.raises(RuntimeError, match="1 rows that refer to nothing; nothing was changed"):
        upgrade(empty_url)
    assert "stock_push" not in sa.inspect(older.engine).get_table_names()
    with older.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "0001"
    older.engine.dispose()


def test_what_carts_accepted_before_is_what_packages_complete_now(empty_url: str) -> None:
    older = Older(empty_url, "0004")
    a_store(older, "43200")
    older.add("received_order", id=1, account_id=1, integration_id=1, remote_id="one", number="one")
    older.add("received_line", id=7, order_id=1, remote_id="1", sku="TENT-2P", ordered=9)
    states = [("DONE", 3, 3, False), ("REJECTED", 2, 1, False), ("REJECTED", 1, 0, False), ("VOIDED", 2, 0, True)]
    for number, (state, version, posted, voided) in enumerate(states, start=1):
        key = {"id": number, "account_id": 1, "integration_id": 1, "order_id": 1, "warehouse_ref": str(number)}
        told = {"version": version, "posted_version": posted, "post_state": state, "voided": voided}
        older.add("package", **key, **told, reference=str(10_000 + number))
        older.add("package_units", id=number, package_id=number, line_id=7, quantity=number)
    columns = ("package_id", "version", "holder_id", "reference", "line_id", "quantity", "accepted")
    assert older.now(empty_url, "package_offer", *columns) == [
        (1, 3, 1, "10001", 7, 1, True),
        (2, 1, 2, "10002", 7, 2, True),
        (4, 2, 4, "10004", 7, 4, False),
    ]
    older.engine.dispose()


def test_what_the_embedded_warehouse_has_is_known_from_the_first_moment(empty_url: str) -> None:
    older = Older(empty_url, "0005")
    a_store(older, "43200")
    older.add("warehouse_sku", id=1, account_id=1, sku="TENT-2P", name="Tent", on_hand=3)
    assert older.now(empty_url, "known_sku", "account_id", "wms_target", "sku", "name") == [
        (1, "embedded", "TENT-2P", "Tent")
    ]
    older.engine.dispose()


def old_recipient(number: int) -> str:
    value = f'{{"address": {{"city": "Reno {number}"}}, "buyer": null, "lines": {{}}}}'
    return sealed_before(Keyring.parse(KEYS), "recipient.sealed", value.encode())


def test_an_address_that_was_corrected_stays_corrected(empty_url: str) -> None:
    older = Older(empty_url, "0005")
    a_store(older, "off")
    for order, waived in ((1, ["ADDRESS_CORRECTED", "FIRST_REVIEW"]), (2, ["FIRST_REVIEW"]), (3, [])):
        ids = {"id": order, "account_id": 1, "integration_id": 1, "remote_id": str(order), "number": str(order)}
        older.add("received_order", **ids, waived=waived)
        older.add("recipient", id=order, account_id=1, order_id=order, sealed=old_recipient(order))
    corrected = older.now(empty_url, "received_order", "id", "address_corrected")
    assert [(order, bool(value)) for order, value in corrected] == [(1, True), (2, False), (3, False)]
    use_keyring(Keyring.parse(KEYS))
    db = Database(empty_url)
    for expected in (1, 0):
        assert reseal(db.write, STEPS) == expected
    with db.read() as session:
        found = {row.order_id: row for row in session.scalars(sa.select(Recipient))}
    assert [row.corrected and row.corrected.open(1, str(number)) for number, row in sorted(found.items())] == [
        {"city": "Reno 1"},
        None,
        None,
    ]
    db.dispose()
    older.engine.dispose()


def test_how_often_orders_are_listed_goes_to_the_settings(empty_url: str) -> None:
    older = Older(empty_url, "0005")
    a_store(older, "off")
    older.add("integration", id=2, account_id=1, cart="amazon", region="eu", settings={"lead_days": "2"})
    older.add("schedule", integration_id=1, kind="orders.check", every_s=900, next_at=NOON)
    older.add("schedule", integration_id=1, kind="warehouse.read", every_s=300, next_at=NOON)
    upgrade(empty_url)
    integration = sa.table("integration", sa.column("id"), sa.column("settings", sa.JSON()))
    with older.engine.begin() as connection:
        chosen = dict(connection.execute(sa.select(integration)).all())
        connection.execute(
            sa.text("INSERT INTO schedule (kind, every_s, daily_at, zone, next_at) VALUES ('x', 1, '', '', :at)"),
            {"at": NOON},
        )
    assert chosen == {1: {"inventory_every": "off", "orders_every": "900"}, 2: {"lead_days": "2"}}
    command.downgrade(alembic_config(empty_url), "0005")
    with older.engine.connect() as connection:
        assert dict(connection.execute(sa.select(integration)).all())[1] == {"inventory_every": "off"}
        kinds = connection.execute(sa.text("SELECT kind FROM schedule ORDER BY kind")).scalars().all()
    assert kinds == ["orders.check", "warehouse.read"]
    older.engine.dispose()


def test_accounts_have_codes_and_handling_requirements_the_contracts_names(empty_url: str) -> None:
    older = Older(empty_url, "0005")
    a_store(older, "43200")
    older.add("account", id=2, name="north wind")
    older.add("account", id=3, name="North-Wind")
    older.add("received_order", id=1, account_id=1, integration_id=1, remote_id="one", number="one")
    words = ["signatureConfirmation", "refrigerated", "serialNumber"]
    older.add("received_line", id=7, order_id=1, remote_id="1", sku="TENT-2P", ordered=9, demands=words)
    assert older.now(empty_url, "account", "id", "code") == [(1, "NORTHWIND"), (2, "NORTH-WIND"), (3, "NORTH-WIND-2")]
    tables = sa.MetaData()
    tables.reflect(older.engine, only=["received_line", "account"])
    with older.engine.begin() as connection:
        assert connection.scalar(sa.select(tables.tables["received_line"].c.handling_requirements)) == [
            "SIGNATURE",
            "refrigerated",
            "SERIAL_NUMBER",
        ]
        # As a process of the release before makes one, which knows no codes.
        connection.execute(sa.insert(tables.tables["account"]).values(id=9, name="Late", created_at=NOON))
        assert connection.scalar(sa.text("SELECT code FROM account WHERE name = 'Late'"))
    older.engine.dispose()


def test_what_was_placed_before_is_packed_by_the_warehouses_own_copy(empty_url: str) -> None:
    older = Older(empty_url, "0005")
    a_store(older, "43200")
    older.add("received_order", id=1, account_id=1, integration_id=1, remote_id="one", number="N1")
    older.add("received_line", id=7, order_id=1, remote_id="item", sku="TENT-2P", ordered=1, placed=1)
    older.add("placed_component", id=1, line_id=7, warehouse_sku="TENT", quantity=1)
    keyring = Keyring.parse(Keyring.generate("k1"))
    use_keyring(keyring)
    people = {"address": {"name": "Ann"}, "lines": {"item": {"gift_message": "Hello"}}}
    older.add(
        "recipient",
        id=5,
        account_id=1,
        order_id=1,
        sealed=sealed_before(keyring, "recipient.sealed", json.dumps(people).encode()),
    )
    content = json.dumps(base64.b64encode(b"zip").decode()).encode()
    file = sealed_before(keyring, "line_customization.sealed", content)
    older.add("line_customization", id=1, account_id=1, line_id=7, name="design.zip", sealed=file)
    older.add("warehouse_order", id=3, account_id=1, number="N1", state="PENDING", service="GROUND", recipient_id=5)
    older.engine.dispose()
    upgrade(empty_url)
    platform = build_platform(Config(empty_url, "redis://nobody.invalid", keyring, "no cookies here"))
    # What the buyer had made is sealed with its name first.
    assert reseal(platform.db.write, all_steps()) > 1
    assert reseal(platform.db.write, [copy_recipients]) == 0
    recipient = order_queries.recipient_of(platform, 3)
    assert (recipient.address, recipient.gift_messages) == ({"name": "Ann"}, ((("TENT",), "Hello"),))
    (copied,) = order_queries.files_of(platform, 3)
    assert (copied.skus, copied.name) == (("TENT",), "design.zip")
    assert order_queries.content_of(platform, 3, copied.id) == b"zip"
    platform.db.dispose()
