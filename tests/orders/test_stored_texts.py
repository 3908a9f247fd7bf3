"""What is stored of holds and timelines is no text, and nothing a buyer wrote; pages tell both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.orders.importing.staging import stage
from is2_core.orders.models import Hold, OrderEvent, ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.orders.timeline import Event, record
from is2_core.orders.wording.events import EventCode
from is2_core.platform import Platform
from plugins.interface import Address, FulfilledBy, Order, OrderLine, OrderReject, OrderState, ShippingMappingUI
from tests.support.panel import ALICE, Panel
from tests.support.statements import counted

ORDER = "111-7654321-1234567"
REASON = "My wife <b>Zoë Quill</b> & I split"


def database_bytes(panel: Panel) -> bytes:
    path = sa.make_url(panel.platform.db.url).database
    assert path is not None
    return b"".join(each.read_bytes() for each in (Path(path), Path(f"{path}-wal")) if each.exists())


def staged(panel: Panel, order: Order | OrderReject) -> ReceivedOrder:
    """Stage an order, or one that cannot be read, as a listing does; returns its row."""
    store = panel.store(panel.northwind)
    orders, rejects = ([order], []) if isinstance(order, Order) else ([], [order])
    with panel.platform.db.write() as db:
        stage(panel.platform, db, db.get_one(Integration, store.id), ShippingMappingUI(()), orders, rejects=rejects)
    with panel.platform.db.read() as db:
        return db.scalars(sa.select(ReceivedOrder).where(ReceivedOrder.remote_id == order.remote_id)).one()


def asked(panel: Panel, reason: str | None = REASON) -> Order:
    """An order whose buyer asks to cancel."""
    now = panel.clock.now()
    return Order(
        remote_id=ORDER,
        site="ATVPDKIKX0DER",
        state=OrderState.READY,
        fulfilled_by=FulfilledBy.MERCHANT,
        created_at=now,
        updated_at=now,
        lines=(OrderLine("1", "<i>NEW</i>", "Tent", 1, 0, 1),),
        shipping_method="STANDARD",
        recipient=Address(name="Ann", lines=("1 Main St",), city="Reno", postal_code="89501", country="US"),
        cancellation_request=reason,
    )


def test_what_a_buyer_wrote_is_on_the_page_of_a_held_order_and_not_in_the_database(panel: Panel) -> None:
    row = staged(panel, asked(panel))
    page = panel.browser(ALICE).get(f"/received-orders/{row.id}")
    told = f"The buyer has asked to cancel this order. Reason given: {REASON}."
    unknown = "The SKU <i>NEW</i> is neither a warehouse SKU nor mapped to one."
    assert page.text.count(told) == 2, "as a hold, and in the timeline"
    assert page.text.count(unknown) == 2
    markup = str(page.soup)
    assert "<b>Zoë" not in markup
    assert "<i>NEW" not in markup
    listed = panel.browser(ALICE).get("/received-orders?hold=CANCELLATION_REQUESTED")
    assert told in listed.text
    panel.platform.db.dispose()
    assert b"Quill" not in database_bytes(panel)


def test_what_a_buyer_wrote_after_placing_is_in_the_timeline_and_not_in_the_database(panel: Panel) -> None:
    row = staged(panel, asked(panel, None))
    with panel.platform.db.write() as db:
        db.execute(
            sa.update(ReceivedOrder)
            .where(ReceivedOrder.id == row.id)
            .values(state=ReceivedState.INJECTED, placed_at=panel.clock.now())
        )
    staged(panel, replace(asked(panel), updated_at=panel.clock.now() + timedelta(minutes=1)))
    told = f"The buyer of order {row.number} asks to cancel it ({REASON}); the warehouse has it already."
    assert told in panel.browser(ALICE).get(f"/received-orders/{row.id}").text
    panel.platform.db.dispose()
    assert b"Quill" not in database_bytes(panel)


def plain_values(value: object) -> Iterator[str]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from plain_values(each)
    elif isinstance(value, str):
        yield value


def test_nothing_composed_is_stored_of_all_that_the_panel_shows(panel: Panel) -> None:
    staged(panel, asked(panel))
    staged(panel, OrderReject("112-1", "UNREADABLE", "The order of <u>Zoë</u> cannot be read."))
    with panel.platform.db.read() as db:
        holds = db.execute(sa.select(Hold.code, Hold.subject, Hold.params)).all()
        events = db.execute(sa.select(OrderEvent.code, OrderEvent.params)).all()
    assert len({code for code, *_ in holds}) >= 5
    assert len({code for code, *_ in events}) >= 7
    stored = [row for rows in (holds, events) for _, *row in rows]
    found = [value for row in stored for part in row for value in plain_values(part)]
    # Three plain words in a row are of a text.
    assert [value for value in found if re.search(r"[a-z]{2,} [a-z]+ [a-z]+", value) or "Zo" in value] == []


@pytest.mark.parametrize("params", [{}, {"number": "1Z"}, {"tracking_number": "1Z", "carrier": "UPS"}])
def test_what_nothing_words_cannot_be_recorded(panel: Panel, params: dict[str, str]) -> None:
    for code in (EventCode.TRACKING, "TRACKED"):
        with pytest.raises(ValueError, match="word"), panel.platform.db.write() as db:
            record(db, [Event(1, code, params)], panel.clock.now())


def test_any_number_of_entries_is_one_statement_and_one_more_where_something_is_sealed(panel: Panel) -> None:
    platform, now = panel.platform, panel.clock.now()
    with platform.db.read() as db:
        ids = list(db.scalars(sa.select(ReceivedOrder.id)))
    assert statements(platform, [Event(order_id, EventCode.INJECTED) for order_id in ids], now) == ["INSERT"]
    said = {"message": "Too heavy."}
    assert statements(platform, [Event(order_id, EventCode.REFUSED, said) for order_id in ids], now) == [
        "SELECT",
        "INSERT",
    ]
    assert statements(platform, [], now) == []


def statements(platform: Platform, events: list[Event], now: object) -> list[str]:
    with platform.db.write() as db, counted(platform) as found:
        record(db, events, now)  # type: ignore[arg-type]
    return [text.split()[0] for text in found]


def test_a_value_of_another_order_tells_nothing_here(panel: Panel) -> None:
    row = staged(panel, asked(panel))
    other = staged(panel, replace(asked(panel, "Too late"), remote_id="111-0000000-0000001"))
    with panel.platform.db.write() as db:
        (sealed,) = db.scalars(
            sa.select(Hold.sealed).where(Hold.order_id == other.id, Hold.code == "CANCELLATION_REQUESTED")
        )
        db.execute(
            sa.update(Hold).where(Hold.order_id == row.id, Hold.code == "CANCELLATION_REQUESTED").values(sealed=sealed)
        )
        db.execute(sa.delete(OrderEvent).where(OrderEvent.order_id == row.id))
    page = panel.browser(ALICE).get(f"/received-orders/{row.id}")
    assert "The buyer has asked to cancel this order." in page.text
    assert "Too late" not in page.text


def test_the_export_tells_holds_as_the_page_does(panel: Panel) -> None:
    staged(panel, asked(panel))
    exported = panel.browser(ALICE).client.get("/received-orders.json").get_json()
    (order,) = [each for each in exported["orders"] if each["cart_id"] == ORDER]
    unknown = next(hold for hold in order["holds"] if hold["code"] == "SKU_UNKNOWN")
    assert unknown["subject"] == "<i>NEW</i>"
    assert unknown["sentence"] == "The SKU <i>NEW</i> is neither a warehouse SKU nor mapped to one."
