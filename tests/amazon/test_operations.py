"""Every operation the cart calls: declared with its limit, and within Amazon's models."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from plugins import amazon
from plugins.amazon import plugin
from plugins.amazon.manifest import CREATE_LISTINGS_FEED, RATE_PLANS
from plugins.interface import (
    AcknowledgedLine,
    Acknowledgement,
    Applied,
    CartContext,
    Connected,
    InstallReply,
    InventoryQuantity,
    Order,
    OrderQuery,
    OrderState,
    Package,
    PackageLine,
    PendingSubmission,
    QueryBy,
    Redirect,
    SettingsError,
    Submission,
    WriteReply,
)
from tests.amazon.conftest import SELLER, Harness

US = "ATVPDKIKX0DER"
NO_LIMIT_OF_THE_API = {"lwaToken", "uploadFeedDocument", "downloadFeedDocument", "downloadCustomization"}
RETURN_URL = "http://127.0.0.1:5000/amazon/authorized"


def _value(module: str, node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        found = getattr(importlib.import_module(f"plugins.amazon.{module}"), node.id, None)
        return found if isinstance(found, str) else None
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def named_in_the_source() -> set[str]:
    """The operations the modules of the cart name where they call `ctx.http.call`, `send`, `call` or `_read`."""
    found = set()
    for path in Path(amazon.__path__[0]).rglob("*.py"):
        module = ".".join(path.relative_to(amazon.__path__[0]).with_suffix("").parts)
        if module.startswith("simulator."):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or len(node.args) < 2:
                continue
            name = ast.unparse(node.func)
            place = {"ctx.http.call": 0, "send": 1, "call": 1, "_read": 1, "create_feed": 4}.get(name)
            if place is not None and len(node.args) > place:
                value = _value(module, node.args[place])
                found |= {value} if value else set()
    return found


def test_every_operation_that_is_named_has_its_limit() -> None:
    named = named_in_the_source()
    assert {"searchOrders", "getOrder", "confirmShipment", CREATE_LISTINGS_FEED} <= named
    assert named - RATE_PLANS.keys() == NO_LIMIT_OF_THE_API


def _connected(harness: Harness) -> CartContext:
    ctx = harness.new_store()
    away = plugin.install(ctx, None)
    assert isinstance(away, Redirect)
    back = {name: value for name, value in harness.browse(away, RETURN_URL).items() if name != "state"}
    assert isinstance(plugin.install(ctx, InstallReply(back, RETURN_URL)), Connected)
    return harness.store(SELLER, "na", (US,), US)


def _orders(harness: Harness, ctx: CartContext) -> list[Order]:
    harness.steer("POST", "orders/generate", {"seller": SELLER, "count": 130, "seed": 3})
    now = harness.clock.now()
    query = OrderQuery(
        QueryBy.UPDATED,
        now - timedelta(days=3),
        now - timedelta(minutes=3),
        (OrderState.READY, OrderState.PARTLY_SHIPPED, OrderState.PENDING, OrderState.CANCELLED),
    )
    page = plugin.fetch_orders(ctx, query)
    assert page.next_page is not None
    plugin.fetch_orders(ctx, OrderQuery(query.by, query.start, query.end, query.states, page.next_page))
    plugin.fetch_orders(ctx, OrderQuery(QueryBy.CREATED, query.start, query.end))
    return [order for order in page.orders if order.state is OrderState.READY and order.site == US]


def _settled(harness: Harness, ctx: CartContext, kind: str, reply: WriteReply) -> WriteReply:
    (pending,) = reply.pending
    assert isinstance(pending, PendingSubmission)
    harness.clock.advance(120)
    return plugin.poll_submission(ctx, Submission(pending.handle, kind, pending.keys, harness.clock.now()))


def _run_everything(harness: Harness) -> None:
    ctx = _connected(harness)
    plugin.check_connection(ctx)
    order = plugin.fetch_order(ctx, _orders(harness, ctx)[0].remote_id)
    assert isinstance(order, Order)
    harness.steer("POST", "faults", {"operation": "searchOrders", "kind": "400", "dataset": "PROCEEDS"})
    assert plugin.fetch_orders(ctx, OrderQuery(QueryBy.CREATED, order.created_at, order.created_at)).notice
    lines = tuple(AcknowledgedLine(line.remote_id, str(n)) for n, line in enumerate(order.lines, start=1))
    acknowledged = plugin.acknowledge_orders(ctx, [Acknowledgement("a", order.remote_id, "IS2-1", order.site, lines)])
    assert _settled(harness, ctx, "acknowledge_orders", acknowledged).results == {"a": Applied()}

    plugin.read_inventory(ctx, ["TENT-2P", "RED, LARGE"])
    pushed = plugin.push_inventory(ctx, [InventoryQuantity("s", "TENT-2P", US, 7, lead_days=3)])
    assert _settled(harness, ctx, "push_inventory", pushed).results == {"s": Applied()}

    for number, (code, name, service) in enumerate((("UPS", "UPS", "Ground"), ("", "Hill & Dale", "")), start=1):
        package = Package(
            "p",
            order.remote_id,
            order.site,
            str(number),
            None,
            code,
            name,
            service,
            f"1Z{number}",
            harness.clock.now(),
            tuple(PackageLine(line.remote_id, line.open) for line in order.lines),
        )
        plugin.post_tracking(ctx, [package])


def test_every_operation_that_is_called_has_its_limit(harness: Harness) -> None:
    _run_everything(harness)
    called = set(harness.http.operations())
    assert called - RATE_PLANS.keys() == NO_LIMIT_OF_THE_API - {"downloadCustomization"}
    assert RATE_PLANS.keys() <= called, "a limit that nothing spends"


@pytest.mark.models
def test_every_operation_keeps_to_amazons_models(harness: Harness, models: str) -> None:
    _run_everything(harness)
    shown = harness.steer("GET", "violations")
    assert shown["violations"] == []
    wanted = {"createFeed" if name == CREATE_LISTINGS_FEED else name for name in RATE_PLANS}
    checked = {name for name, counts in shown["checked"].items() if counts}
    assert wanted <= checked, sorted(wanted - checked)


LISTINGS_ROLE = "Product Listing or Inventory and Order Tracking"
ORDERS_ROLE = "Inventory and Order Tracking or Direct-to-Consumer Shipping"
ACKNOWLEDGEMENT = Acknowledgement("a", "111-1111111-1111111", "IS2-1", US, ())
LEVEL = InventoryQuantity("s", "TENT-2P", US, 7, lead_days=3)


@pytest.mark.parametrize(
    ("granted", "act", "role"),
    [
        ("Product Listing", lambda ctx: plugin.acknowledge_orders(ctx, [ACKNOWLEDGEMENT]), ORDERS_ROLE),
        ("Direct-to-Consumer Shipping", lambda ctx: plugin.push_inventory(ctx, [LEVEL]), LISTINGS_ROLE),
        ("Direct-to-Consumer Shipping", lambda ctx: plugin.read_inventory(ctx, ["TENT-2P"]), LISTINGS_ROLE),
        ("", lambda ctx: plugin.read_inventory(ctx, ["RED, LARGE"]), LISTINGS_ROLE),
        ("", lambda ctx: plugin.check_connection(ctx), "Product Listing or Selling Partner Insights"),
        ("", lambda ctx: plugin.fetch_order(ctx, "111-1111111-1111111"), "Inventory and Order Tracking"),
    ],
    ids=["acknowledge", "push", "read many", "read one", "check", "fetch"],
)
def test_who_lacks_a_role_is_told_which(
    harness: Harness, granted: str, act: Callable[[CartContext], Any], role: str
) -> None:
    harness.steer("POST", "seller", {"seller": SELLER, "roles": [granted] if granted else []})
    ctx = harness.store(SELLER, "na", (US,), US)
    with pytest.raises(SettingsError) as error:
        act(ctx)
    assert error.value.code == "ROLE_MISSING"
    assert f"lacks the role {role}. Ask the warehouse" in error.value.message
