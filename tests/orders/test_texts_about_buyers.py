"""What a buyer, or somebody about one, wrote lies open nowhere, whichever way it came; and once it is erased, no way
leads it back."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration, User
from is2_core.accounts.scope import account_scope
from is2_core.admin import support_cases
from is2_core.calls.carts import CartRegistry
from is2_core.db.metadata import metadata
from is2_core.db.reseal import sealed_columns
from is2_core.db.types import Sealed
from is2_core.embedded_warehouse import order_handling, order_queries, packing
from is2_core.jobs import HANDLERS
from is2_core.orders import actions
from is2_core.orders.fulfillment import acknowledging, rereading, stopping
from is2_core.orders.fulfillment.answers.storing import store_refused
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.help import ask_for_help
from is2_core.orders.importing.staging import stage
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import AckState, ReceivedState
from is2_core.orders.wording.events import EventCode, Told
from is2_core.shipments import tracking
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Task
from is2_core.tasks.queue import enqueue
from is2_core.tasks.runner import run_task
from plugins.interface import (
    Address,
    Buyer,
    Customization,
    FulfilledBy,
    Order,
    OrderLine,
    OrderReject,
    OrderState,
    Permanent,
    Rejected,
    ShippingMappingUI,
)
from plugins.warehouse import Refused, TooLate
from tests.support.erasing import as_it_lies, erase, opened_columns, reloaded
from tests.support.panel import ALICE, SUPPORT, Panel
from tests.support.parcels import confirming, ups_number

MARK = "Quillfeather"
CODED = base64.b64encode(MARK.encode()).decode()
TYPED = {"name": MARK, "line1": "2 Side St", "city": "Reno", "postal_code": "89501", "country": "US", "phone": MARK}


class Shop:
    """An order of the panel's store, and all that can be said of it."""

    def __init__(self, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
        self.panel, self.platform, self.monkeypatch = panel, panel.platform, monkeypatch
        self.store, self.minutes = panel.store(panel.northwind), 0
        with self.platform.db.read() as session:
            self.who = session.scalars(sa.select(User.id).where(User.email == ALICE)).one()
            self.support = session.scalars(sa.select(User.id).where(User.email == SUPPORT)).one()

    def order(self, remote_id: str, **changes: Any) -> Order:
        """An order as the cart shows it, newer each time."""
        self.minutes += 1
        at = self.panel.clock.now() + timedelta(minutes=self.minutes)
        line = OrderLine("1", "TENT-2P", "Tent", 1, 0, 1, gift_message=MARK, customization_url=f"https://a/{MARK}")
        plain = Order(
            remote_id=remote_id,
            site="ATVPDKIKX0DER",
            state=OrderState.READY,
            fulfilled_by=FulfilledBy.MERCHANT,
            created_at=at,
            updated_at=at,
            lines=(line,),
            shipping_method="STANDARD",
            recipient=Address(
                name=MARK, company=MARK, lines=(f"1 {MARK} St",), city=MARK, postal_code=MARK, country="IE", phone=MARK
            ),
            buyer=Buyer(name=MARK, email=f"{MARK}@example.com"),
        )
        return replace(plain, **changes)

    def listed(self, order: Order | OrderReject) -> ReceivedOrder:
        """Stage an order as a listing does; returns its row."""
        orders, rejects = ([order], []) if isinstance(order, Order) else ([], [order])
        with self.platform.db.write() as session:
            store = session.get_one(Integration, self.store.id)
            stage(self.platform, session, store, ShippingMappingUI(()), orders, rejects=rejects)
        return self.row(order.remote_id)

    def row(self, remote_id: str) -> ReceivedOrder:
        with self.platform.db.read() as session:
            return session.scalars(sa.select(ReceivedOrder).where(ReceivedOrder.remote_id == remote_id)).one()

    def change(self, order: ReceivedOrder, **values: object) -> None:
        with self.platform.db.write() as session:
            session.execute(sa.update(ReceivedOrder).where(ReceivedOrder.id == order.id).values(values))

    def run(self, kind: TaskKind) -> None:
        """Run a kind of work of the store now."""
        with self.platform.db.write() as session:
            store = session.get_one(Integration, self.store.id)
            enqueue(session, kind=kind, integration=store, now=self.panel.clock.now())
            session.flush()
            tasks = session.scalars(
                sa.select(Task.id).where(Task.kind == kind, Task.account_id == store.account_id)
            ).all()
        for task in tasks:
            run_task(self.platform, task, {kind: HANDLERS[kind]})

    def fetch_customizations(self, answer: Customization | Permanent) -> None:
        """Have what the buyer had made fetched from a cart that answers so, and gives no other address for it."""

        def call(_: CartRegistry, __: str, hook: str, **___: Any) -> Customization:
            if isinstance(answer, Permanent) or hook != "fetch_customization":
                raise answer if isinstance(answer, Permanent) else Permanent("Not now.")
            return answer

        with self.monkeypatch.context() as patched:
            patched.setattr(CartRegistry, "call", call)
            self.run(TaskKind.ORDERS_CUSTOMIZE)


@pytest.fixture
def shop(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(panel, monkeypatch)


def fresh(shop: Shop) -> ReceivedOrder:
    """An order that waits, without anything special."""
    home = Address(name="Ann", lines=("1 Main St",), city="Reno", postal_code="89501", country="US")
    plain = {"recipient": home, "buyer": None, "lines": (OrderLine("1", "TENT-2P", "Tent", 1, 0, 1),)}
    row = shop.listed(shop.order(f"111-0000000-{shop.minutes:07}", **plain))
    shop.change(row, state=ReceivedState.STAGED)
    return shop.row(row.remote_id)


def place(shop: Shop, row: ReceivedOrder) -> None:
    """Give an order to the warehouse, with what its buyer had made."""
    shop.run(TaskKind.ORDERS_REVIEW)
    shop.run(TaskKind.ORDERS_PLACE)
    assert shop.row(row.remote_id).state == ReceivedState.INJECTED


def in_warehouse(shop: Shop) -> ReceivedOrder:
    """An order that lies in the warehouse, to be packed."""
    row = fresh(shop)
    place(shop, row)
    return row


def listed_again(shop: Shop, row: ReceivedOrder) -> None:
    shop.listed(shop.order(row.remote_id, cancellation_request=f"My wife {MARK}", caution=f"Ask {MARK}."))


def unreadable(shop: Shop, row: ReceivedOrder) -> None:
    at = shop.panel.clock.now() + timedelta(hours=1)
    shop.listed(OrderReject(row.remote_id, "UNREADABLE", f"The order of {MARK} cannot be read.", at))


def unreadable_by_id(shop: Shop, row: ReceivedOrder) -> None:
    told = Told(EventCode.QUARANTINED, {"message": f"The order of {MARK} cannot be read."})
    with shop.platform.db.write() as session:
        assert rereading.quarantine(session, row.id, told, shop.panel.clock.now())


def refused(shop: Shop, row: ReceivedOrder) -> None:
    with shop.platform.db.write() as session:
        store_refused(session, {row.id: Refused(f"{MARK} is no street.")}, shop.panel.clock.now())


def too_late(shop: Shop, row: ReceivedOrder) -> None:
    with shop.platform.db.write() as session:
        stopping.store_stop(shop.platform, session, reloaded(session, row), TooLate(f"{MARK} has it."))


def stopped_there(shop: Shop, row: ReceivedOrder) -> None:
    there = order_queries.id_of_order(shop.platform, row.account_id, row.number)
    assert there is not None
    order_handling.stop_order(shop.platform, order_id=there, reason=f"{MARK} called.", user_id=None)
    shop.run(TaskKind.WAREHOUSE_READ)
    assert shop.row(row.remote_id).state == ReceivedState.CANCELLED


def acknowledgement_refused(shop: Shop, row: ReceivedOrder) -> None:
    shop.change(row, ack_state=AckState.DUE)
    with shop.platform.db.write() as session:
        answer = {row.number: Rejected("4711", f"{MARK} has cancelled.")}
        acknowledging.settle(session, row.integration_id, answer, shop.panel.clock.now())
    assert shop.row(row.remote_id).ack_state == AckState.REJECTED


def shipped(shop: Shop, row: ReceivedOrder) -> int:
    """Ship one unit of an order; returns the package's id in the warehouse."""
    there = order_queries.id_of_order(shop.platform, row.account_id, row.number)
    found = order_queries.find_order(shop.platform, there or 0)
    assert there is not None and found is not None
    parcel = {"carrier": "UPS", "service": "Ground", "tracking_number": ups_number(7), "user_id": None}
    confirming(packing.ship, shop.platform, order_id=there, lines={found.lines[0].sku: "1"}, **parcel)
    shop.run(TaskKind.WAREHOUSE_READ)
    with shop.platform.db.read() as session:
        return int(session.scalars(sa.select(Package.warehouse_ref).where(Package.order_id == row.id)).one())


def tracking_refused(shop: Shop, row: ReceivedOrder) -> None:
    shipped(shop, row)
    with shop.platform.db.write() as session:
        package = session.scalars(sa.select(Package).where(Package.order_id == row.id)).one()
        answer = {f"{package.id}-{package.version}": Rejected("4711", f"{MARK} has it.")}
        tracking.settle(session, row.integration_id, answer, shop.panel.clock.now())


def voided(shop: Shop, row: ReceivedOrder) -> None:
    packing.void_package(shop.platform, package_id=shipped(shop, row), user_id=None, reason=f"{MARK} moved")


def dismissed(shop: Shop, row: ReceivedOrder) -> None:
    who = {"scope": account_scope(row.account_id), "user_id": shop.who}
    actions.dismiss(shop.platform, order_id=row.id, **who, reason=f"{MARK} called")


def closed_elsewhere(shop: Shop, row: ReceivedOrder) -> None:
    who = {"scope": account_scope(row.account_id), "user_id": shop.who}
    actions.shipped_elsewhere(shop.platform, order_id=row.id, **who, note=f"by {MARK}")


def customized(shop: Shop, row: ReceivedOrder) -> None:
    shop.listed(shop.order(row.remote_id))
    shop.fetch_customizations(Customization(f"{MARK}.png", "image/png", MARK.encode()))


def not_customized(shop: Shop, row: ReceivedOrder) -> None:
    shop.listed(shop.order(row.remote_id))
    shop.fetch_customizations(Permanent(f"{MARK}.png is gone."))


Way = Callable[[Shop, ReceivedOrder], None]
WAYS: list[tuple[Callable[[Shop], ReceivedOrder], Way]] = [
    (fresh, listed_again),
    (in_warehouse, listed_again),
    (fresh, unreadable),
    (fresh, unreadable_by_id),
    (fresh, refused),
    (in_warehouse, too_late),
    (in_warehouse, stopped_there),
    (in_warehouse, acknowledgement_refused),
    (in_warehouse, tracking_refused),
    (in_warehouse, voided),
    (fresh, dismissed),
    (fresh, closed_elsewhere),
    (fresh, customized),
    (fresh, not_customized),
]


@pytest.mark.parametrize(("begin", "way"), WAYS)
def test_scenario_F67_what_is_erased_comes_back_by_no_way(
    shop: Shop, begin: Callable[[Shop], ReceivedOrder], way: Way
) -> None:
    row = begin(shop)
    erase(shop.platform, row.id)
    before = opened_columns(shop.platform.db)
    way(shop, shop.row(row.remote_id))
    after = opened_columns(shop.platform.db)
    assert [name for name, text in after.items() if text.count(MARK) > before[name].count(MARK)] == []
    assert [name for name, text in as_it_lies(shop.platform.db).items() if MARK in text] == []
    assert shop.panel.browser(ALICE).get(f"/received-orders/{row.id}").status == 200


def test_nobody_asks_for_help_with_an_erased_order(shop: Shop) -> None:
    row = fresh(shop)
    asked = {
        "scope": account_scope(row.account_id),
        "account_id": row.account_id,
        "user_id": shop.who,
        "text": f"Where is {MARK}?",
        "page": "",
    }
    case = ask_for_help(shop.platform, **asked, order_id=row.id)
    erase(shop.platform, row.id)
    browser = shop.panel.browser(ALICE)
    browser.get(f"/help?from=/received-orders/{row.id}")
    page = browser.press("Request help", text=f"Where is {MARK}?")
    assert (page.status, page.alerts) == (
        409,
        ["The buyer's data of this order was erased; ask for help without naming the order."],
    )
    support_cases.close_case(shop.platform, case_id=case, user_id=shop.support, answer=f"{MARK} has it.")
    assert [name for name, text in opened_columns(shop.platform.db).items() if MARK in text] == []


def test_what_is_written_of_buyers_lies_open_nowhere(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    rows = {}
    for begin, way in WAYS:
        row = rows[begin, way] = begin(shop)
        way(shop, row)
    place(shop, rows[fresh, customized])
    addressed = fresh(shop)
    who = {"scope": account_scope(addressed.account_id), "user_id": shop.who}
    actions.correct_address(shop.platform, order_id=addressed.id, **who, values=TYPED)
    case = ask_for_help(
        shop.platform, **who, account_id=addressed.account_id, text=f"Where is {MARK}?", page="", order_id=addressed.id
    )
    support_cases.close_case(shop.platform, case_id=case, user_id=shop.support, answer=f"{MARK} has it.")

    assert [name for name, text in as_it_lies(shop.platform.db).items() if MARK in text or CODED in text] == []
    assert MARK not in caplog.text
    # All there is of the kind was reached, and is told.
    opened = opened_columns(shop.platform.db)
    declared = {str(column) for column in sealed_columns(metadata) if column.info.get("pii")}
    assert {name for name, text in opened.items() if MARK in text or CODED in text} == declared
    browser = shop.panel.browser(ALICE)
    pages = {way.__name__: browser.get(f"/received-orders/{row.id}").text for (_, way), row in rows.items()}
    # Why a package was voided stands in the warehouse's ledger.
    assert [name for name, page in pages.items() if MARK not in page] == [voided.__name__]
    assert MARK in browser.get("/help").text


@pytest.mark.unit
def test_a_column_that_sounds_like_a_text_is_sealed_or_says_nothing_of_buyers() -> None:
    named = re.compile(r"sentence|message|reason|answer|caution|note|notice|comment|text|detail|problem|drift|withheld")
    texts = {
        str(column)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, sa.Text) and not isinstance(column.type, Sealed) and named.search(column.name)
    }
    assert texts == ABOUT_NO_BUYER


# Why a text lies open.
ABOUT_NO_BUYER = {
    # Codes.
    "passing_answer.answer",
    "received_order.reason_code",
    "received_order.stop_reason",
    "received_order.address_problem",
    # Of a store or a listing: errors of a cart say nothing of a buyer (plugins/errors.py).
    "import_cursor.notice",
    "integration.pause_message",
    "seller_claim.message",
    "unshipped_look.message",
    "task.error_message",
    "task.error_detail",
    # Of an item's stock.
    "cart_item.drift",
    "cart_item.push_message",
    "cart_item.withheld",
    "inventory_sync.problem_code",
    "inventory_sync.problem_message",
    # On its way to be sealed.
    "unsealed_text.text",
}
