"""The conformance kit: one class a cart author subclasses, and what tests of a cart need besides.

For tests only: it needs pytest and requests, and nothing of the platform but `plugins.interface`.
"""

from plugins.conformance.carts.all_checks import CartConformance
from plugins.conformance.carts.harness import Harness
from plugins.conformance.clock import StillClock
from plugins.conformance.fake_shop import FakeShop, Recorded, json_answer, served
from plugins.conformance.faults import Answer, Fault
from plugins.conformance.http import Call, ShopHttp

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
    "json_answer",
    "served",
]
