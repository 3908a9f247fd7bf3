"""The way out of an unknown SKU at its hold, and what pages tell of lines that are not shipped from here."""

from __future__ import annotations

import sqlalchemy as sa

from is2_core.items.models import CartItem
from is2_core.orders.models import Hold, ReceivedLine, ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.orders.transition import transition
from is2_core.orders.wording.events import EventCode, Told
from is2_core.tasks.models import Task
from tests.support.panel import ALICE, CHARLIE, SUPPORT, Panel


def held(panel: Panel) -> tuple[int, str]:
    """An order of Northwind that waits for its SKU, and the SKU."""
    with panel.platform.db.read() as db:
        row = db.execute(
            sa.select(ReceivedOrder.id, Hold.subject)
            .join(Hold, Hold.order_id == ReceivedOrder.id)
            .where(ReceivedOrder.account_id == panel.northwind, Hold.code == "SKU_UNKNOWN")
        ).one()
    return row.id, row.subject


def listed(panel: Panel, sku: str) -> list[tuple[str, bool]]:
    with panel.platform.db.read() as db:
        rows = db.execute(sa.select(CartItem.unknown_sku, CartItem.active).where(CartItem.sku == sku))
        return [tuple(row) for row in rows]


def reviews(panel: Panel) -> int:
    with panel.platform.db.read() as db:
        return db.scalar(sa.select(sa.func.count()).where(Task.kind == "orders.review", Task.state == "READY")) or 0


def test_a_hold_for_a_sku_offers_a_mapping_and_that_it_is_not_shipped_from_here(panel: Panel) -> None:
    order_id, sku = held(panel)
    browser, before = panel.browser(ALICE), reviews(panel)
    page = browser.get(f"/received-orders/{order_id}")
    assert "List and map this SKU" in page.text
    page = browser.press("Not shipped from here")
    assert page.messages == f"{sku} is not shipped from here. Orders with it are being looked at again."
    assert listed(panel, sku) == [("not_from_here", False)]
    assert reviews(panel) == before + 1


def test_only_a_sku_of_the_order_and_only_by_its_merchant(panel: Panel) -> None:
    order_id, sku = held(panel)
    address = f"/received-orders/{order_id}/not-from-here"
    own = panel.browser(ALICE)
    own.get("/")
    for other in ("", "TENT-9P"):
        page = own.post(address, {"sku": other})
        assert (page.status, page.alerts) == (404, ["This order has no line of this SKU."])
    for who, status in ((CHARLIE, 404), (SUPPORT, 403)):
        browser = panel.browser(who)
        browser.get("/")
        assert browser.post(address, {"sku": sku}).status == status
    assert listed(panel, sku) == []


def test_pages_and_exports_tell_which_lines_and_orders_are_not_shipped_from_here(panel: Panel) -> None:
    order_id, sku = held(panel)
    with panel.platform.db.write() as session:
        session.execute(sa.update(ReceivedLine).where(ReceivedLine.order_id == order_id).values(not_from_here=True))
        session.execute(sa.delete(Hold).where(Hold.order_id == order_id))
        told = Told(EventCode.NOT_FROM_HERE, {"skus": [sku]})
        transition(session, [order_id], ReceivedState.EXCLUDED, told, panel.platform.clock.now(), told=told)
        remote_id = session.get_one(ReceivedOrder, order_id).remote_id
        lines = session.scalars(sa.select(ReceivedLine.remote_id).where(ReceivedLine.order_id == order_id)).all()
    browser = panel.browser(ALICE)
    page = browser.get(f"/received-orders/{order_id}")
    text = f"Nothing of it is shipped from here: {sku}."
    assert text in page.text
    assert "1 Not shipped from here" in page.text
    assert text in browser.get("/received-orders?state=EXCLUDED").text
    exported = browser.client.get("/received-orders.json").json
    (order,) = (each for each in exported["orders"] if each["cart_id"] == remote_id)
    assert (order["state"], order["reason"], order["not_from_here"]) == ("EXCLUDED", text, list(lines))
