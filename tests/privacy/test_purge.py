"""Nothing of a buyer is left when its time is up: in no column, opened or as it lies, nor in the database's files."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Account, Integration
from is2_core.accounts.scope import account_scope
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.db.metadata import metadata
from is2_core.db.ownership import Erased, buyers_columns
from is2_core.db.reseal import sealed_columns
from is2_core.db.types import Sealed
from is2_core.embedded_warehouse import packing
from is2_core.errors import BadInput, Conflict, NotFound
from is2_core.faultpoints import listen
from is2_core.install.disconnect import disconnect, take_up_again
from is2_core.orders import actions
from is2_core.orders.help import ask_for_help
from is2_core.orders.importing import fetch_order
from is2_core.orders.importing.models import DeletedOrder
from is2_core.orders.importing.staging import stage
from is2_core.orders.models import OrderEvent, ReceivedOrder, Recipient
from is2_core.orders.states import ReceivedState
from is2_core.privacy import queries
from is2_core.privacy.erasing import of_orders
from is2_core.privacy.open_orders import keep_order
from is2_core.privacy.requests import forget_account, forget_buyers
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import LEASE, Schedule, Task
from is2_core.tasks.queue import enqueue
from plugins.interface import Address, Buyer, FulfilledBy, Order, OrderLine, OrderReject, OrderState, ShippingMappingUI
from tests.amazon.payloads import item, ready_order
from tests.support.amazon import NORTHWIND
from tests.support.erasing import as_it_lies, opened_columns
from tests.support.parcels import confirming, ups_number
from tests.support.world import World

MARK = "Quillfeather"
ADDRESS = {"name": MARK, "line1": "2 Side St", "city": "Reno", "postal_code": "89501", "country": "US"}
ORDER = Order(
    remote_id="1",
    site="ATVPDKIKX0DER",
    state=OrderState.READY,
    fulfilled_by=FulfilledBy.MERCHANT,
    created_at=datetime(2026, 11, 23, tzinfo=UTC),
    updated_at=datetime(2026, 11, 23, tzinfo=UTC),
    lines=(OrderLine("1", "TENT-2P", "Tent", 1, 0, 1, gift_message=MARK),),
    shipping_method="STANDARD",
    cancellation_request=f"{MARK} is ill",
    recipient=Address(name=MARK, lines=("1 Main St",), city="Reno", postal_code="89501", country="US"),
    buyer=Buyer(name=MARK, email="a@example.com"),
)
SHIPPED, OPEN, PLACED = "111-0000001-0000001", "111-0000001-0000002", "111-0000001-0000003"


def sell(world: World, number: str, sku: str = "TENT-2P") -> None:
    """A buyer whose every field is marked buys one unit."""
    now = (world.clock.now() - timedelta(minutes=4)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    home = {
        "name": MARK,
        "addressLine1": f"1 {MARK} St",
        "city": MARK,
        "stateOrRegion": "NV",
        "postalCode": "89501",
        "countryCode": "US",
        "phone": MARK,
    }
    line = item(
        orderItemId="11",
        ordered=1,
        unfulfilled=1,
        product={"sellerSku": sku, "title": sku, "customization": {"customizedUrl": "simulated:customization"}},
    )
    line["fulfillment"]["packing"] = {"giftOption": {"giftMessage": f"Love from {MARK}", "giftWrapLevel": "Classic"}}
    order = ready_order(
        orderId=number,
        createdTime=now,
        lastUpdatedTime=now,
        orderItems=[line],
        recipient={"deliveryAddress": home},
        buyer={"buyerName": MARK, "buyerEmail": f"{MARK}@example.com"},
    )
    world.amazon.post("orders", [{**order, "seller": NORTHWIND}])


def ship(world: World, number: str, serial: int = 1) -> None:
    """Ship all of an order."""
    order = world.warehouse_orders()[world.orders()[number].number]
    parcel = {"carrier": "UPS", "service": "Ground", "tracking_number": ups_number(serial), "user_id": None}
    confirming(packing.ship, world.platform, order_id=order.id, lines={"TENT-2P": "1"}, **parcel)


def purge_after(world: World, **time: float) -> None:
    """Let time go by in which nothing runs, then everything that is due."""
    with world.platform.db.write() as session:
        # Listings over the time between would only take theirs.
        session.execute(sa.delete(Schedule))
    world.clock.advance(timedelta(**time))
    with world.platform.db.write() as session:
        for kind in (TaskKind.PRIVACY_PURGE, TaskKind.CLEAN_UP):
            enqueue(session, kind=kind, now=world.clock.now())
    world.settle()
    world.settle_later(minutes=2)


def sealed_texts(world: World) -> set[str]:
    """Everything that is stored of buyers, as it lies: what must be found nowhere any more."""
    with world.platform.db.engine.connect() as connection:
        return {
            text
            for column in sealed_columns(metadata)
            if column.info.get("erased")
            for text in connection.scalars(sa.select(sa.type_coerce(column, sa.Text)).where(column.is_not(None)))
        }


def dump(world: World) -> bytes:
    """All bytes of the database: the files of SQLite, every row of PostgreSQL."""
    db = world.platform.db
    if not db.is_sqlite:
        return "".join(as_it_lies(db).values()).encode()
    path = Path(db.url.removeprefix("sqlite:///"))
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*") if not file.name.endswith("-shm"))


def left(world: World) -> set[str]:
    """The columns in which the mark can be read, opened where they are sealed."""
    found = {name for name, text in opened_columns(world.platform.db).items() if MARK in text}
    return found | {name for name, text in as_it_lies(world.platform.db).items() if MARK in text}


@pytest.fixture
def store(world: World) -> int:
    world.stock_up()
    store = world.connect()
    world.add_item(store, "TENT-2P")
    world.map_methods(store, "STANDARD", "EXPEDITED", "SECOND_DAY", "NEXT_DAY")
    world.finish(store)
    return store


@pytest.fixture
def sold(world: World, store: int) -> int:
    """One order that ships, one that the warehouse has, one that is held."""
    sell(world, SHIPPED)
    sell(world, PLACED)
    sell(world, OPEN, "NO-SUCH-SKU")
    world.settle_later(minutes=31)
    states = {number: row.state for number, row in world.orders().items()}
    assert states == {SHIPPED: ReceivedState.INJECTED, PLACED: ReceivedState.INJECTED, OPEN: ReceivedState.HELD}
    order = world.orders()[SHIPPED]
    who = {"scope": account_scope(world.account), "account_id": world.account, "user_id": world.owner}
    ask_for_help(world.platform, **who, text=f"Where is {MARK}?", page="", order_id=order.id)
    ask_for_help(world.platform, **who, text=f"{MARK} has called", page="")
    ship(world, SHIPPED)
    world.settle_later(minutes=16)
    return store


def test_nothing_of_a_buyer_is_left_31_days_after_shipping_and_61_after_standing_still(world: World, sold: int) -> None:
    of_buyers = sealed_texts(world)
    kept = _sealed_of(world, PLACED) | _sealed_of(world, OPEN)
    held = queries.held(world.platform)
    assert (held.addresses, held.oldest_days) == (3, 0)
    purge_after(world, days=31)
    bytes_there = dump(world)
    assert [text for text in of_buyers - kept if text.encode() in bytes_there] == []
    assert _erased(world) == {SHIPPED}
    # The others were told of.
    assert "Nothing has become of it for 25 days" in world.timeline(OPEN)[-1]
    held = queries.held(world.platform)
    assert (held.addresses, held.oldest_at, held.at_warehouses) == (2, None, 0)

    purge_after(world, days=30)
    bytes_there = dump(world)
    assert left(world) == set()
    assert [text for text in of_buyers if text.encode() in bytes_there] == []
    assert _erased(world) == {SHIPPED, PLACED, OPEN}
    rows = world.orders()
    assert {rows[each].state for each in (PLACED, OPEN)} == {ReceivedState.DISMISSED}
    assert rows[PLACED].stop_asked_at is not None and rows[PLACED].stopped
    assert queries.held(world.platform).addresses == 0
    assert world.quarantined() == []


def _sealed_of(world: World, number: str) -> set[str]:
    """All that is stored of an order's buyer, as it lies."""
    order = world.orders()[number]
    there = metadata.tables["warehouse_order"]
    found: set[str] = set()
    with world.platform.db.engine.connect() as connection:
        for table in metadata.sorted_tables:
            for column in buyers_columns(table, Erased.WITH_ORDER):
                if isinstance(column.type, Sealed):
                    text = sa.select(sa.type_coerce(column, sa.Text)).where(of_orders(table, [order.id]))
                    found.update(filter(None, connection.scalars(text)))
            for column in buyers_columns(table, Erased.AT_WAREHOUSE):
                source = table if table is there else table.join(there, there.c.id == table.c.order_id)
                text = sa.select(sa.type_coerce(column, sa.Text)).select_from(source)
                found.update(filter(None, connection.scalars(text.where(there.c.number == order.number))))
    return found


def _erased(world: World) -> set[str]:
    with world.platform.db.read() as session:
        query = sa.select(ReceivedOrder.remote_id).join(Recipient, Recipient.order_id == ReceivedOrder.id)
        return set(session.scalars(query.where(Recipient.erased_at.is_not(None))))


def test_what_a_person_keeps_stays_and_ends_later(world: World, sold: int) -> None:
    purge_after(world, days=26)
    order = world.orders()[OPEN]
    assert queries.standing_still_of(world.platform, order.id) is not None
    with world.platform.db.read() as session:
        case = session.scalars(sa.select(SupportCase).where(SupportCase.kind == CaseKind.OPEN_LONG)).one()
    assert case.message.startswith("2 open orders of ")
    keep_order(world.platform, order_id=order.id, scope=account_scope(world.account), user_id=world.owner)
    with pytest.raises(NotFound):
        keep_order(world.platform, order_id=order.id, scope=account_scope(world.account + 1), user_id=world.owner)
    assert queries.standing_still_of(world.platform, order.id) is None
    purge_after(world, days=36)
    assert _erased(world) == {SHIPPED, PLACED}
    with pytest.raises(Conflict, match="This order is over"):
        keep_order(
            world.platform, order_id=world.orders()[PLACED].id, scope=account_scope(world.account), user_id=world.owner
        )
    purge_after(world, days=26)
    assert _erased(world) == {SHIPPED, PLACED, OPEN}
    assert world.orders()[OPEN].reason_code == "OPEN_TOO_LONG"


def test_a_deleted_order_comes_back_by_no_listing_and_no_fetch(
    world: World, sold: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = world.orders()[SHIPPED]
    purge_after(world, days=541)
    assert set(world.orders()) == {SHIPPED, PLACED}, (
        "what the warehouse has is deleted once that has forgotten the buyer"
    )
    # What was sent to the cart of it is deleted a month after that was settled.
    purge_after(world, days=31)
    assert world.orders() == {}
    lies = as_it_lies(world.platform.db)
    numbers = (SHIPPED, PLACED, OPEN, order.number)
    assert {name for name, text in lies.items() if any(number in text for number in numbers)} == set()
    with world.platform.db.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(DeletedOrder)) == 3
    shown = [replace(ORDER, remote_id=number) for number in (SHIPPED, "111-0000001-0000009")]
    reject = OrderReject(PLACED, "UNREADABLE", f"The order of {MARK} cannot be read.", world.clock.now())
    with world.platform.db.write() as session:
        integration = session.get_one(Integration, sold)
        stage(world.platform, session, integration, ShippingMappingUI(()), shown, rejects=[reject])
    assert set(world.orders()) == {"111-0000001-0000009"}
    who = {"integration_id": sold, "scope": account_scope(world.account), "user_id": world.owner}
    # By then nobody's authorization at the cart is good.
    monkeypatch.setattr(fetch_order, "call_cart_live", lambda *_, **__: shown[0])
    with pytest.raises(Conflict, match="was deleted here"):
        fetch_order.fetch_this_order(world.platform, **who, remote_id=SHIPPED)
    assert set(world.orders()) == {"111-0000001-0000009"}


def test_a_buyer_is_forgotten_on_request(world: World, sold: int) -> None:
    rows = world.orders()
    with pytest.raises(BadInput, match="There is no order NONE-1"):
        forget_buyers(world.platform, f"{SHIPPED} NONE-1")
    assert _erased(world) == set()
    found = forget_buyers(world.platform, f" {SHIPPED}, {rows[PLACED].number}\n")
    assert (found.erased, found.ended, found.before) == (2, 1, 0)
    world.settle_later(minutes=2)
    assert _erased(world) == {SHIPPED, PLACED}
    assert _sealed_of(world, SHIPPED) == _sealed_of(world, PLACED) == set()
    placed = world.orders()[PLACED]
    assert (placed.state, placed.reason_code, placed.stopped) == (ReceivedState.DISMISSED, "FORGOTTEN", True)
    assert forget_buyers(world.platform, SHIPPED).before == 1
    with world.platform.db.read() as session:
        account = session.scalars(sa.select(Account.code)).one()
    with pytest.raises(Conflict, match="Disconnect the stores"):
        forget_account(world.platform, account)
    disconnect(world.platform, integration_id=sold, scope=account_scope(world.account), user_id=world.owner)
    assert forget_account(world.platform, account).erased == 1
    world.settle_later(minutes=2)
    assert left(world) == set()


def test_an_order_that_was_erased_is_not_taken_up_again(world: World, sold: int) -> None:
    order = world.orders()[OPEN]
    who = {"scope": account_scope(world.account), "user_id": world.owner}
    disconnect(world.platform, integration_id=sold, **who)
    assert world.orders()[OPEN].state == ReceivedState.DISMISSED
    purge_after(world, days=26)
    assert _erased(world) == {SHIPPED, OPEN}
    with world.platform.db.write() as session:
        take_up_again(world.platform, session, session.get_one(Integration, sold))
    assert world.orders()[OPEN].state == ReceivedState.DISMISSED
    with pytest.raises(Conflict):
        actions.correct_address(world.platform, order_id=order.id, **who, values=ADDRESS)
    assert _sealed_of(world, OPEN) == set()


def test_what_ended_on_arrival_is_not_filled_when_it_opens_again(world: World, store: int) -> None:
    """Nothing of its buyer was stored, so there is no row that could say that it was erased."""
    number = world.amazon.generate(cancelled=1)["cancelled"][0]
    world.settle_later(minutes=31)
    purge_after(world, days=26)
    assert _erased(world) == {number}
    row = world.orders()[number]
    again = replace(ORDER, remote_id=number, created_at=row.cart_created_at, updated_at=world.clock.now())
    with world.platform.db.write() as session:
        stage(world.platform, session, session.get_one(Integration, store), ShippingMappingUI(()), [again])
    assert world.orders()[number].state == row.state
    assert left(world) == set()


class Killed(BaseException):
    """Stands for the end of a process."""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_killed_at_each_commit_it_is_taken_up_where_it_was(world: World, sold: int) -> None:
    world.clock.advance(timedelta(days=61))
    with world.platform.db.write() as session:
        session.execute(sa.delete(Schedule))
        enqueue(session, kind=TaskKind.PRIVACY_PURGE, now=world.clock.now())
    killed = 0
    while _dies_at(world, killed + 1):
        killed += 1
        with world.platform.db.write() as session:
            # It is no fault of the task's.
            session.execute(sa.update(Task).values(crashes=0))
        world.clock.advance(2 * LEASE)
    assert killed > 10
    world.settle_later(minutes=2)
    assert left(world) == set()
    assert _erased(world) == {SHIPPED, PLACED, OPEN}
    with world.platform.db.read() as session:
        erased = sa.select(sa.func.count()).where(OrderEvent.code == "ERASED").group_by(OrderEvent.order_id)
        assert session.scalars(erased).all() == [1, 1, 1]


def _dies_at(world: World, number: int) -> bool:
    """Run what is due until the process dies before or after a commit, the one of this number; whether it did."""
    left_to_go = number

    def die(name: str) -> None:
        nonlocal left_to_go
        left_to_go -= name.startswith("commit")
        if left_to_go == 0:
            raise Killed

    listen(die)
    try:
        world.settle()
    except Killed:
        return True
    finally:
        listen(None)
    return False
