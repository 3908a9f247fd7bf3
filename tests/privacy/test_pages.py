"""Pages and commands about buyers' data: who sees them, what they say and what they do."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

import cli.privacy
from is2_core.audit.models import AuditEntry
from is2_core.orders.models import OrderEvent, ReceivedOrder, Recipient
from is2_core.orders.states import ReceivedState
from tests.support.panel import ADMIN, ALICE, BOB, CHARLIE, PACKER, SUPPORT, Panel

PAGE = "/admin/privacy"


def first(panel: Panel, state: ReceivedState, account: int) -> ReceivedOrder:
    with panel.platform.db.read() as session:
        found = sa.select(ReceivedOrder).where(ReceivedOrder.state == state, ReceivedOrder.account_id == account)
        return session.scalars(found.order_by(ReceivedOrder.id)).first()


def erased(panel: Panel) -> set[int]:
    with panel.platform.db.read() as session:
        return set(session.scalars(sa.select(Recipient.order_id).where(Recipient.erased_at.is_not(None))))


def test_an_admin_sees_what_is_held_and_deletes_on_request(panel: Panel) -> None:
    order = first(panel, ReceivedState.INJECTED, panel.northwind)
    browser = panel.browser(ADMIN)
    page = browser.get(PAGE)
    with panel.platform.db.read() as session:
        held = session.scalar(sa.select(sa.func.count()).where(Recipient.sealed.is_not(None)))
    assert f"Buyers' addresses held {held} " in " ".join(page.text.split())
    assert "25 days" in page.text and "30 days" in page.text and "540 days" in page.text
    refused = browser.press("Delete their buyers' data", numbers=f"{order.number} XX1")
    assert (refused.status, refused.alerts) == (400, ["There is no order XX1. Nothing was erased."])
    assert erased(panel) == set()
    browser.get(PAGE)
    done = browser.press("Delete their buyers' data", numbers=order.number)
    assert "The buyers' data of 1 orders was erased. 1 of them were open" in done.text
    assert erased(panel) == {order.id}
    refused = browser.press("Delete all its buyers' data", code="NOBODY")
    assert refused.status == 404
    with panel.platform.db.read() as session:
        entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.act == "buyer.forget")).one()
    assert (entry.subject, entry.actor, entry.account_id) == (f"order {order.id}", ADMIN, panel.northwind)
    page = panel.browser(ALICE).get(f"/received-orders/{order.id}")
    assert "The buyer's data was deleted on request" in page.text


@pytest.mark.parametrize("email", [ALICE, SUPPORT, PACKER])
def test_nobody_else_does(panel: Panel, email: str) -> None:
    assert panel.browser(email).get(PAGE).status == 403


def test_a_merchant_keeps_an_order_that_stands_still(panel: Panel) -> None:
    order = first(panel, ReceivedState.HELD, panel.northwind)
    with panel.platform.db.write() as session:
        long_ago = panel.clock.now() - timedelta(days=30)
        told = panel.clock.now() - timedelta(days=5)
        session.execute(sa.update(OrderEvent).where(OrderEvent.order_id == order.id).values(at=long_ago))
        row = session.get_one(ReceivedOrder, order.id)
        row.staged_at, row.open_told_at = long_ago, told
    page = f"/received-orders/{order.id}"
    assert panel.browser(CHARLIE).post(f"{page}/keep").status == 404
    browser = panel.browser(BOB)
    assert "Nothing has become of this order since long before" in browser.get(page).text
    assert "Keep this order" not in browser.press("Keep this order").text
    with panel.platform.db.read() as session:
        kept = session.scalars(sa.select(OrderEvent).where(OrderEvent.order_id == order.id, OrderEvent.code == "KEPT"))
        assert kept.one().user_id is not None


def test_how_long_is_set_only_where_the_cart_does_not_say(panel: Panel) -> None:
    browser = panel.browser(ADMIN)
    assert "Amazon declares it: buyers' data for 25 days" in browser.get("/admin/plugins/amazon/settings").text
    assert browser.post(f"{PAGE}/carts/amazon", {"buyers_days": "90", "orders_days": "900"}).status == 409
    browser.get("/admin/plugins/tiny/settings")
    assert browser.press("Save how long", buyers_days="0", orders_days="900").status == 400
    browser.get("/admin/plugins/tiny/settings")
    assert browser.press("Save how long", buyers_days="90", orders_days="60").status == 400
    browser.get("/admin/plugins/tiny/settings")
    assert (
        "<td>90 days</td><td>95 days</td><td>900 days</td>"
        in browser.press("Save how long", buyers_days="90", orders_days="900").html
    )


def test_the_command_says_what_it_did_and_what_remains(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.privacy, "platform_of_environment", lambda: panel.platform)
    order = first(panel, ReceivedState.HELD, panel.northwind)
    run = CliRunner().invoke
    assert "Buyers' addresses held: " in run(cli.privacy.privacy, ["held"]).output
    refused = run(cli.privacy.privacy, ["forget-buyer", order.number, "XX1"])
    assert (refused.exit_code, refused.output) == (1, "Error: There is no order XX1. Nothing was erased.\n")
    done = run(cli.privacy.privacy, ["forget-buyer", order.number])
    assert done.exit_code == 0 and "Orders stay without their buyers" in done.output
    assert erased(panel) == {order.id}
