"""Texts that the release before composed of holds and timelines: dropped or sealed, and shown all the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import selectinload

from is2_core.bootstrap import build_platform
from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.clock import VirtualClock
from is2_core.db.reseal import all_steps, reseal
from is2_core.orders.holds.review import review_orders
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.wording.shown import shown_holds, timeline
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.runner import run_next
from tests.conftest import make_config
from tests.db.test_migrations import NOON, Older, a_store

WISH = "The buyer has asked to cancel this order. Reason given: My neighbour Ann died."
TOLD = "The buyer of order AM1-2 asks to cancel it (My neighbour Ann died); the warehouse has it already."
LACKS = "The delivery address lacks a street and a city."


def filled(url: str) -> Older:
    """A database of the release before with an order that is held, and one that was placed."""
    older = Older(url, "0005")
    a_store(older, "off")
    for order, state in ((1, "HELD"), (2, "INJECTED")):
        ids = {"id": order, "account_id": 1, "integration_id": 1, "remote_id": f"R-{order}", "number": f"AM1-{order}"}
        told = {"has_address": True, "address_problem": LACKS if order == 1 else ""}
        told |= {"cancel_reason": "My neighbour Ann died" if order == 1 else ""}
        older.add("received_order", **ids, **told, state=state, cart_state="READY", cancellation_requested=order == 1)
    older.add("received_line", order_id=1, remote_id="1", sku="X-1", ordered=1, open=1)
    for code, subject, text in (
        ("SKU_UNKNOWN", "X-1", "The SKU X-1 is neither a warehouse SKU nor mapped to one."),
        ("METHOD_UNMAPPED", "", "The cart shipping method (none) has no shipping mapping."),
        ("ADDRESS_IMPOSSIBLE", "", LACKS),
        ("CANCELLATION_REQUESTED", "", WISH),
    ):
        older.add("hold", order_id=1, code=code, subject=subject, sentence=text)
    older.add("order_event", order_id=1, at=NOON, code="HELD", sentence=f"{LACKS} {WISH}")
    older.add("order_event", order_id=2, at=NOON, code="CANCELLATION_REQUESTED", sentence=TOLD)
    older.add(
        "support_case", account_id=1, kind="CANCELLATION_REQUESTED", subject="order AM1-2", sentence=TOLD, at=NOON
    )
    return older


def told(platform: Platform, number: int) -> tuple[dict[str, str], list[str]]:
    """What is shown of an order: its holds' texts by code, and its timeline."""
    with platform.db.read() as session:
        order = session.get_one(ReceivedOrder, number, options=[selectinload(ReceivedOrder.holds)])
        holds = shown_holds(platform, order, "amazon")
        return {hold.code: hold.text for hold in holds}, [
            entry.text for entry in timeline(platform, session, order, "amazon")
        ]


def everything(platform: Platform) -> str:
    """All that lies in the tables in which the release before stored texts."""
    with platform.db.engine.connect() as connection:
        return " ".join(
            str(tuple(row))
            for table in ("hold", "order_event", "support_case", "received_order")
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}")  # noqa: S608
        )


def test_holds_are_worked_out_anew_and_timelines_tell_what_they_told(empty_url: str) -> None:
    older = filled(empty_url)
    assert older.now(empty_url, "received_order", "id", "state", "address_problem") == [
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
        "CANCELLATION_REQUESTED": "The buyer has asked to cancel this order.",
    }
    assert before == [f"{LACKS} {WISH}"]
    assert reseal(platform.db.write, all_steps()) == 3
    assert told(platform, 1) == (holds, before)
    assert told(platform, 2) == ({}, [TOLD])
    assert "Ann" not in everything(platform)
    assert reseal(platform.db.write, all_steps()) == 0
    assert run_next(platform, {TaskKind.ORDERS_REVIEW: review_orders})
    assert told(platform, 1) == (holds | {"ADDRESS_IMPOSSIBLE": LACKS, "CANCELLATION_REQUESTED": WISH}, before)
    assert "Ann" not in everything(platform)
    platform.db.dispose()
