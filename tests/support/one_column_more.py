"""A program: give orders and recipients a column of each owner, one line each, and read orders again, over what a
person corrected and over what was erased. Its argument is the address of a database with the newest tables."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import mapped_column

from is2_core.accounts import users
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import IntegrationState
from is2_core.bootstrap import build_platform
from is2_core.calls.carts import CartRegistry
from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.clock import VirtualClock
from is2_core.db.ownership import CART, IS2
from is2_core.orders.actions import correct_address, recipient_of
from is2_core.orders.importing.staging import stage
from is2_core.orders.models import ReceivedOrder, Recipient
from plugins.interface import Address, FulfilledBy, Order, OrderLine, OrderState, ShippingMappingUI
from tests.conftest import make_config

NEW = {
    "received_order": ("cart_order_number", "cancellation_request", "colour"),
    "recipient": ("cart_order_number", "colour"),
}
ReceivedOrder.cart_order_number = mapped_column(sa.Text, default="", info=CART)  # type: ignore[attr-defined]
ReceivedOrder.cancellation_request = mapped_column(sa.Text, info=CART | {"pii": "a wish"})  # type: ignore[attr-defined]
ReceivedOrder.colour = mapped_column(sa.Text, default="", info=IS2)  # type: ignore[attr-defined]
Recipient.cart_order_number = mapped_column(sa.Text, default="", info=CART | {"pii": "a name"})  # type: ignore[attr-defined]
Recipient.colour = mapped_column(sa.Text, default="", info=IS2)  # type: ignore[attr-defined]

clock = VirtualClock(datetime(2026, 11, 23, 12, 0, tzinfo=UTC))
platform = build_platform(
    make_config(sys.argv[1]), clock=clock, buckets=MemoryBuckets(clock), carts=CartRegistry.load()
)
with platform.db.write() as session:
    for table, columns in NEW.items():
        for column in columns:
            session.execute(sa.text(f"ALTER TABLE {table} ADD COLUMN {column} TEXT"))
account = users.create_account(platform, "Northwind")
with platform.db.write() as session:
    store = Integration(
        account_id=account,
        cart="amazon",
        wms_target="embedded",
        region="na",
        state=IntegrationState.ACTIVE,
        settings={},
        sites=[],
        created_at=clock.now(),
    )
    session.add(store)
    session.flush()
    store_id = store.id


def listed(order: Order, minute: int, told: str) -> None:
    newer = replace(
        order,
        updated_at=order.updated_at + timedelta(minutes=minute),
        cart_order_number=told,
        cancellation_request=told,
        recipient=replace(HOME, lines=(f"{told} Street",)),
    )
    with platform.db.write() as session:
        stage(platform, session, session.get_one(Integration, store_id), ShippingMappingUI(()), [newer])


def stored() -> tuple[dict[str, str], dict[str, str]]:
    found = []
    with platform.db.read() as session:
        for table, columns in NEW.items():
            query = sa.select(sa.table(table, *map(sa.column, columns)))
            found.append(dict(session.execute(query).one()._mapping))
    return found[0], found[1]


HOME = Address(name="Ann", lines=("1 Main St",), city="Reno", postal_code="89501", country="US")
order = Order(
    remote_id="111-1111111-1111111",
    site="",
    state=OrderState.READY,
    fulfilled_by=FulfilledBy.MERCHANT,
    created_at=clock.now() - timedelta(hours=1),
    updated_at=clock.now() - timedelta(minutes=30),
    lines=(OrderLine("1", "TENT-2P", "Tent", 1, 0, 1),),
)
listed(order, 0, "one")
assert stored() == (
    {"cart_order_number": "one", "cancellation_request": "one", "colour": ""},
    {"cart_order_number": "one", "colour": ""},
), stored()
with platform.db.write() as session:
    session.execute(sa.update(ReceivedOrder).values(colour="green"))
    session.execute(sa.update(Recipient).values(colour="green"))
listed(order, 1, "two")
assert stored() == (
    {"cart_order_number": "two", "cancellation_request": "two", "colour": "green"},
    {"cart_order_number": "two", "colour": "green"},
), stored()

with platform.db.read() as session:
    order_id = session.scalars(sa.select(ReceivedOrder.id)).one()
typed = {"name": "Ann", "line1": "9 Typed St", "city": "Reno", "postal_code": "89501", "country": "US"}
correct_address(platform, order_id=order_id, scope=account_scope(account), user_id=0, values=typed)
listed(order, 2, "three")
assert recipient_of(platform, order_id=order_id, scope=account_scope(account))["address"]["lines"] == ["9 Typed St"]
assert stored()[0] == {"cart_order_number": "three", "cancellation_request": "three", "colour": "green"}, stored()

with platform.db.write() as session:
    session.execute(sa.update(ReceivedOrder).values(cancellation_request=None))
    session.execute(
        sa.update(Recipient).values(sealed=None, corrected=None, cart_order_number="", erased_at=clock.now())
    )
listed(order, 3, "four")
assert recipient_of(platform, order_id=order_id, scope=account_scope(account)) == {}
assert stored() == (
    {"cart_order_number": "four", "cancellation_request": None, "colour": "green"},
    {"cart_order_number": "", "colour": "green"},
), stored()
platform.db.dispose()
