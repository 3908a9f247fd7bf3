"""Whoever is shown a buyer's data, or takes rows away, is in the audit log: tried with every page there is."""

from __future__ import annotations

import re

import sqlalchemy as sa

from is2_core.audit.models import AuditEntry
from is2_core.embedded_warehouse.models import WarehouseOrder
from is2_core.orders.models import ReceivedOrder, Recipient
from tests.support.panel import ADMIN, ALICE, CHARLIE, PACKER, SUPPORT, Panel
from tests.web.test_rules import address, rules

# Nothing of anybody.
OPEN = {"static", "health.healthz", "health.readyz"}
# Of no account.
OF_ALL = "access_review.download"
HTML = "text/html; charset=utf-8"


def texts_of_buyers(panel: Panel) -> set[bytes]:
    """Names, streets and phones of all buyers, and what they wrote."""
    found: set[str] = set()
    with panel.platform.db.read() as db:
        rows = sa.select(Recipient.sealed, ReceivedOrder).join(ReceivedOrder, ReceivedOrder.id == Recipient.order_id)
        told = [sealed.open(order.integration_id, order.remote_id) for sealed, order in db.execute(rows) if sealed]
        told += [row.sealed.open(row.number) for row in db.scalars(sa.select(WarehouseOrder)) if row.sealed]
    for each in told:
        whom = each.get("address") or {}
        found |= {whom.get("name", ""), whom.get("phone", ""), *whom.get("lines", ())}
        found |= {line.get("gift_message", "") for line in (each.get("lines") or {}).values()}
    return {text.encode() for text in found if len(text) > 4}


def newest(panel: Panel, after: int) -> list[AuditEntry]:
    with panel.platform.db.read() as db:
        return list(db.scalars(sa.select(AuditEntry).where(AuditEntry.id > after).order_by(AuditEntry.id)))


def test_every_look_at_a_buyer_s_data_and_every_export_is_noted(panel: Panel) -> None:
    texts = texts_of_buyers(panel)
    assert b"Grace Simbuyer" in texts or len(texts) > 3
    with panel.platform.db.read() as db:
        of_northwind = sa.select(ReceivedOrder.id).where(ReceivedOrder.account_id == panel.northwind)
        order = db.scalar(of_northwind.join(Recipient, Recipient.order_id == ReceivedOrder.id).limit(1))
    noted: dict[str, set[str]] = {}
    for email in (ALICE, ADMIN, SUPPORT, PACKER, CHARLIE):
        browser = panel.browser(email)
        last = max((row.id for row in newest(panel, 0)), default=0)
        for rule in rules(panel, "GET"):
            # Of the received orders one that has a recipient, as the warehouse's have.
            target = re.sub(
                "^/received-orders/[0-9]+", f"/received-orders/{order}", address(panel, rule, panel.northwind)
            )
            answer = browser.client.get(target)
            rows, last = newest(panel, last), max([last, *(row.id for row in newest(panel, last))])
            acts = {row.act for row in rows}
            shows = any(text in answer.data for text in texts)
            assert shows <= ("buyer.show" in acts), (email, rule, "shows a buyer's data and notes nothing")
            takes = answer.status_code == 200 and answer.content_type != HTML and rule.endpoint not in OPEN
            assert takes <= bool(acts & {"buyer.show", "export"}), (email, rule, "is taken away and not noted")
            for row in rows:
                assert (row.actor, row.address) == (email, "127.0.0.1"), rule
                accounts = {None} if rule.endpoint == OF_ALL else {panel.northwind, panel.contoso}
                assert row.account_id in accounts, rule
                noted.setdefault(email, set()).add(rule.endpoint)
    exports = {"drift.download", "item_table.download", "orders_export.export", "stock_export.export"}
    assert noted == {
        ALICE: {*exports, "warehouse.order", "received_orders.detail", "received_orders.address"},
        ADMIN: {*exports, OF_ALL},
        SUPPORT: exports,
        PACKER: {"warehouse.order"},
        CHARLIE: {"orders_export.export"},
    }
