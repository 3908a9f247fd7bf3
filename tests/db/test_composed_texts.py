"""Texts that the release before composed of holds and timelines: dropped or sealed, and shown all the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.orm import Session, selectinload

from is2_core.bootstrap import build_platform
from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.cases.models import SupportCase
from is2_core.clock import VirtualClock
from is2_core.crypto import Keyring
from is2_core.db.metadata import metadata
from is2_core.db.reseal import all_steps, reseal, sealed_columns
from is2_core.db.schema import alembic_config, upgrade
from is2_core.db.types import opened, use_keyring
from is2_core.embedded_warehouse.models import StockMovement, WarehouseOrder
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.holds.review import review_orders
from is2_core.orders.models import LineCustomization, ReceivedOrder
from is2_core.orders.wording.shown import shown_holds, shown_reason, stop_answer, timeline
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.runner import run_next
from tests.conftest import KEYS, make_config
from tests.db.test_migrations import NOON, Older, a_store, old_recipient
from tests.support.erasing import erase

WISH = "The buyer has asked to cancel this order. Reason given: My neighbour Ann-Zoë died."
TOLD = "The buyer of order AM1-2 asks to cancel it (My neighbour Ann-Zoë died); the warehouse has it already."
LACKS = "The delivery address lacks a street and a city."
CAUTION = "Ann-Zoë's order is one of two: look at both."
STOPPED = "Cancelled at Amazon, but too late. Ann-Zoë has it."
NO_LINE = "Ann-Zoë's order has no such line. (4711)"
REASONS = {
    "Cancelled at the cart before it was placed.": ("CANCELLED", "CANCELLED"),
    "Amazon fulfills this order itself.": ("EXCLUDED", "FULFILLED_BY_CART"),
    "Bought before 2026-11-01 00:00 UTC, when the first orders begin.": ("EXCLUDED", "BEFORE_FIRST_ORDERS"),
    "Dismissed: Ann-Zoë called.": ("DISMISSED", "DISMISSED"),
    "Shipped elsewhere: by Ann-Zoë": ("DISMISSED", "CLOSED_ELSEWHERE"),
    "Shipped elsewhere: Confirmed at Amazon by somebody else after it was placed; the warehouse stopped it.": (
        "DISMISSED",
        "STOPPED_ELSEWHERE",
    ),
    "The store was disconnected.": ("DISMISSED", "DISCONNECTED"),
    "Cancelled at Amazon after it was placed; the warehouse stopped it.": ("CANCELLED", "STOP"),
    "The warehouse ended this order: Ann-Zoë refused it.": ("CANCELLED", "WAREHOUSE_ENDED"),
    "The order of Ann-Zoë cannot be read.": ("QUARANTINED", "QUARANTINED"),
}


def filled(url: str) -> Older:
    """A database of the release before with an order that is held, and one that was placed."""
    older = Older(url, "0005")
    a_store(older, "off")
    for order, state in ((1, "HELD"), (2, "INJECTED")):
        ids = {"id": order, "account_id": 1, "integration_id": 1, "remote_id": f"R-{order}", "number": f"AM1-{order}"}
        told = {"has_address": True, "address_problem": LACKS if order == 1 else ""}
        told |= {"cancel_reason": "My neighbour Ann-Zoë died", "caution": CAUTION} if order == 1 else {}
        older.add("received_order", **ids, **told, state=state, cart_state="READY", cancellation_requested=order == 1)
    for order, (reason, (state, _)) in enumerate(REASONS.items(), start=3):
        ids = {"id": order, "account_id": 1, "integration_id": 1, "remote_id": f"R-{order}", "number": f"AM1-{order}"}
        older.add("received_order", **ids, state=state, cart_state="READY", reason=reason)
    older.add("received_line", id=1, order_id=1, remote_id="1", sku="X-1", ordered=1, open=1)
    older.add("line_customization", account_id=1, line_id=1, sentence="Ann-Zoë's file is gone.")
    for code, subject, text in (
        ("SKU_UNKNOWN", "X-1", "The SKU X-1 is neither a warehouse SKU nor mapped to one."),
        ("METHOD_UNMAPPED", "", "The cart shipping method (none) has no shipping mapping."),
        ("ADDRESS_IMPOSSIBLE", "", LACKS),
        ("CAUTION", "", CAUTION),
        ("CANCELLATION_REQUESTED", "", WISH),
    ):
        older.add("hold", order_id=1, code=code, subject=subject, sentence=text)
    older.add("order_event", order_id=1, at=NOON, code="HELD", sentence=f"{LACKS} {WISH}")
    older.add("order_event", order_id=2, at=NOON, code="CANCELLATION_REQUESTED", sentence=TOLD)
    older.add("order_event", order_id=2, at=NOON, code="STOP", sentence=STOPPED)
    with older.engine.begin() as connection:
        orders = older.tables.tables["received_order"]
        said = {"ack_state": "REJECTED", "ack_sentence": NO_LINE, "stop_answer": STOPPED, "caution": "Ask Ann-Zoë."}
        connection.execute(sa.update(orders).where(orders.c.id == 2).values(said))
    package = {"account_id": 1, "integration_id": 1, "order_id": 2, "warehouse_ref": "1", "reference": "10000"}
    older.add("package", **package, post_state="REJECTED", post_sentence=NO_LINE)
    older.add(
        "support_case", account_id=1, kind="CANCELLATION_REQUESTED", subject="order AM1-2", sentence=TOLD, at=NOON
    )
    older.add("support_case", account_id=1, kind="HELP", sentence="Ann-Zoë waits.", at=NOON, answer="Ann-Zoë has it.")
    older.add("recipient", id=2, account_id=1, order_id=2, sealed=old_recipient(2))
    there = {"account_id": 1, "number": "AM1-2", "recipient_id": 2, "stop_reason": "Ann-Zoë refused it."}
    older.add("warehouse_order", id=1, **there, state="CANCELLED")
    older.add("warehouse_sku", id=1, account_id=1, sku="TENT-2P", on_hand=1)
    older.add("stock_movement", warehouse_sku_id=1, quantity=1, reason="Ann-Zoë sent it back", at=NOON)
    erased(older, 90)
    return older


def erased(older: Older, order: int) -> None:
    """An order whose buyer's data is gone, but for what was composed of it."""
    ids = {"id": order, "account_id": 1, "integration_id": 1, "remote_id": f"R-{order}", "number": f"AM1-{order}"}
    texts = {"reason": "Dismissed: Ann-Zoë called.", "caution": "Ask Ann-Zoë.", "ack_sentence": NO_LINE}
    older.add("received_order", **ids, **texts, state="DISMISSED", cart_state="READY", cancel_reason="Ann-Zoë died")
    older.add("recipient", id=order, account_id=1, order_id=order, erased_at=NOON)
    older.add("received_line", id=order, order_id=order, remote_id="1", sku="X-1", ordered=1, open=1)
    older.add("line_customization", account_id=1, line_id=order, sentence="Ann-Zoë's file is gone.", name="ann.png")
    older.add("order_event", order_id=order, at=NOON, code="DISMISSED", sentence="Dismissed: Ann-Zoë called.")
    older.add("support_case", account_id=1, order_id=order, kind="HELP", sentence="Ann-Zoë waits.", at=NOON)
    package = {"account_id": 1, "integration_id": 1, "order_id": order, "warehouse_ref": "1", "reference": "10000"}
    older.add("package", **package, post_state="REJECTED", post_sentence=NO_LINE)


def told(platform: Platform, number: int) -> tuple[dict[str, str], list[str]]:
    """What is shown of an order: its holds' texts by code, and its timeline."""
    with platform.db.read() as session:
        order = session.get_one(ReceivedOrder, number, options=[selectinload(ReceivedOrder.holds)])
        holds = shown_holds(platform, order, "amazon")
        return {hold.code: hold.text for hold in holds}, [
            entry.text for entry in timeline(platform, session, order, "amazon")
        ]


def left_of(session: Session, order: int) -> Iterator[str]:
    """Each sealed column that holds something of an order."""
    for column in sealed_columns(metadata):
        table = column.table
        if "order_id" in table.columns:
            of_order = table.columns["order_id"] == order
        elif table.name == "line_customization":
            of_order = table.columns["line_id"] == order
        elif table.name == "received_order":
            of_order = table.columns["id"] == order
        else:
            continue
        if session.execute(sa.select(sa.func.count()).where(of_order, column.is_not(None))).scalar():
            yield str(column)


def everything(platform: Platform) -> str:
    """All that lies in the database."""
    with platform.db.engine.connect() as connection:
        return " ".join(
            str(tuple(row))
            for table in metadata.sorted_tables
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}")  # noqa: S608
        )


def test_holds_are_worked_out_anew_and_timelines_tell_what_they_told(empty_url: str) -> None:
    older = filled(empty_url)
    assert older.now(empty_url, "received_order", "id", "state", "address_problem")[:2] == [
        (1, "HELD", "STREET,CITY"),
        (2, "INJECTED", ""),
    ]
    older.engine.dispose()
    clock = VirtualClock(datetime.now(UTC) + timedelta(days=1))
    platform = build_platform(make_config(empty_url), clock=clock, buckets=MemoryBuckets(clock))
    # Until the review: still held, by the same, and nothing that a buyer wrote.
    holds, before = told(platform, 1)
    assert holds == {
        "SKU_UNKNOWN": "The SKU X-1 is neither a warehouse SKU nor mapped to one.",
        "METHOD_UNMAPPED": "The cart shipping method (none) has no shipping mapping.",
        "ADDRESS_IMPOSSIBLE": "The delivery address is incomplete.",
        "CAUTION": "The cart advises caution.",
        "CANCELLATION_REQUESTED": "The buyer has asked to cancel this order.",
    }
    assert before == ["Held"], "what was told is sealed first"
    assert reseal(platform.db.write, all_steps()) > 10
    before = [f"{LACKS} {WISH}"]
    assert told(platform, 1) == (holds, before)
    assert told(platform, 2) == ({}, [TOLD, STOPPED])
    with platform.db.read() as session:
        rows = {row.id: row for row in session.scalars(sa.select(ReceivedOrder))}
        shown = [shown_reason(platform, rows[number], "amazon") for number in range(3, 3 + len(REASONS))]
        assert shown == list(REASONS)
        assert [rows[number].reason_code for number in range(3, 3 + len(REASONS))] == [
            code for _, code in REASONS.values()
        ]
        assert (rows[1].cancel_reason, rows[2].caution, rows[2].ack_message) == (
            "My neighbour Ann-Zoë died",
            "Ask Ann-Zoë.",
            NO_LINE,
        )
        package = sa.select(Package).where(Package.order_id == 2)
        assert session.scalars(package).one().post_message == NO_LINE
        help_asked = sa.select(SupportCase).where(SupportCase.kind == "HELP", SupportCase.order_id.is_(None))
        case = session.scalars(help_asked).one()
        assert (case.message, case.answer) == ("Ann-Zoë waits.", "Ann-Zoë has it.")
        stopped = session.scalars(sa.select(WarehouseOrder)).one()
        assert (stopped.stopped, stopped.stop_reason) == (True, "Ann-Zoë refused it.")
        assert session.scalars(sa.select(StockMovement)).one().reason == "Ann-Zoë sent it back"
        assert list(left_of(session, 90)) == []
        entries = timeline(platform, session, rows[2], "amazon")
        assert stop_answer(entries) == STOPPED
        message = session.scalars(
            sa.select(LineCustomization.sealed_message).where(LineCustomization.line_id == 1)
        ).one()
        assert opened(message, 1, "R-1", "1") == "Ann-Zoë's file is gone."
    assert "Ann-Zoë" not in everything(platform)
    assert reseal(platform.db.write, all_steps()) == 0
    assert run_next(platform, {TaskKind.ORDERS_REVIEW: review_orders})
    found = {"ADDRESS_IMPOSSIBLE": LACKS, "CAUTION": CAUTION, "CANCELLATION_REQUESTED": WISH}
    assert told(platform, 1) == (holds | found, before)
    assert "Ann-Zoë" not in everything(platform)
    platform.db.dispose()


def test_a_release_before_has_its_texts_back_as_far_as_they_are_not_sealed_yet(empty_url: str) -> None:
    older = filled(empty_url)
    columns = {
        "received_order": ("id", "reason", "cancel_reason", "caution", "ack_sentence"),
        "order_event": ("id", "sentence"),
        "package": ("id", "post_sentence"),
        "support_case": ("id", "answer"),
        "warehouse_order": ("id", "stop_reason"),
        "stock_movement": ("id", "reason"),
        "line_customization": ("id", "sentence", "name"),
    }

    def stored() -> dict[str, list[tuple[object, ...]]]:
        with older.engine.connect() as connection:
            return {
                table: [
                    tuple(row)
                    for row in connection.execute(
                        sa.select(*map(sa.column, names)).select_from(sa.table(table)).order_by(sa.column("id"))
                    )
                    if "Ann-Zoë" in str(row) or "The" in str(row)
                ]
                for table, names in columns.items()
            }

    before = stored()
    assert all(before.values())
    upgrade(empty_url)
    use_keyring(Keyring.parse(KEYS))
    command.downgrade(alembic_config(empty_url), "0005")
    after = stored()
    gone = {table: [row for row in before[table] if row not in rows] for table, rows in after.items()}
    # Of the erased order, which was made last, nothing comes back.
    assert all(rows in ([], before[table][-1:]) for table, rows in gone.items())
    assert [len(rows) for rows in gone.values()] == [1, 1, 1, 0, 0, 0, 1]
    upgrade(empty_url)
    older.engine.dispose()


@pytest.mark.parametrize("empty_url", ["sqlite"], indirect=True)
def test_what_is_erased_before_it_is_sealed_is_not_sealed(empty_url: str) -> None:
    filled(empty_url).engine.dispose()
    upgrade(empty_url)
    platform = build_platform(make_config(empty_url))
    erase(platform, 2)
    reseal(platform.db.write, all_steps())
    with platform.db.read() as session:
        assert list(left_of(session, 2)) == []
        assert list(left_of(session, 1)) != []
    assert STOPPED not in everything(platform)
    platform.db.dispose()


@pytest.mark.parametrize("empty_url", ["sqlite"], indirect=True)
def test_what_holds_an_order_holds_it_before_its_text_is_sealed(empty_url: str) -> None:
    filled(empty_url).engine.dispose()
    upgrade(empty_url)
    clock = VirtualClock(datetime.now(UTC) + timedelta(days=1))
    platform = build_platform(make_config(empty_url), clock=clock, buckets=MemoryBuckets(clock))
    holds, _ = told(platform, 1)
    assert run_next(platform, {TaskKind.ORDERS_REVIEW: review_orders})
    assert told(platform, 1)[0].keys() == holds.keys() >= {"CAUTION", "CANCELLATION_REQUESTED"}
    platform.db.dispose()
