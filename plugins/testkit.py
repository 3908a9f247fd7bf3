"""The conformance kit: one class a cart author subclasses, one for a warehouse's, and what their tests need besides.

For tests only: it needs pytest and requests, and nothing of the platform but `plugins.interface` and
`plugins.warehouse`.
"""

from plugins.conformance.carts.all_checks import CartConformance
from plugins.conformance.carts.harness import Harness
from plugins.conformance.clock import StillClock
from plugins.conformance.fake_shop import FakeShop, Recorded, json_answer, served
from plugins.conformance.faults import Answer, Fault
from plugins.conformance.http import Call, ShopHttp
from plugins.conformance.warehouses.all_checks import WarehouseConformance
from plugins.conformance.warehouses.harness import WarehouseHarness

__all__ = [
    "Answer",
    "Call",
    "CartConformance",
    "FakeShop",
    "Fault",
    "Harness",
    "Recorded",
    "ShopHttp",
    "StillClock",
    "WarehouseConformance",
    "WarehouseHarness",
    "json_answer",
    "served",
]
