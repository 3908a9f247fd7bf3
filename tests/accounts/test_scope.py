"""The scope cannot be forgotten: what reads or changes something of an account finds nothing outside of the scope it is
given, and what names something of an account takes one."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, get_type_hints

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

import is2_core
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import Scope, account_scope, change_scope, read_scope
from is2_core.accounts.states import READS_ALL, Role
from is2_core.accounts.users import AccountRef, SignedIn
from is2_core.errors import NotFound
from is2_core.items.models import CartItem, ItemUpload, ShippingMapping
from is2_core.items.states import UnknownSku
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.platform import Platform
from tests.support.panel import TABLE, Panel
from tests.web.test_rules import Content

Function = Callable[..., Any]

# Which row an argument names.
NAMED = {
    "integration_id": Integration,
    "order_id": ReceivedOrder,
    "item_id": CartItem,
    "mapping_id": ShippingMapping,
    "upload_id": ItemUpload,
    "package_id": Package,
}
# What else functions ask for: good enough to come to the row.
GIVEN: dict[str, object] = {
    "user_id": 1,
    "sku": "SKU-1",
    "warehouse_sku": "TENT-2P",
    "units": "1",
    "title": "",
    "active": True,
    "mappings": (),
    "latency": "",
    "content": TABLE,
    "item_ids": (1,),
    "answer": UnknownSku.NOT_FROM_HERE,
    "q": "",
    "show": "",
    "method": "EXPRESS",
    "service": "GROUND",
    "hold": False,
    "codes": ("FIRST_REVIEW",),
    "reason": "because",
    "note": "by hand",
    "text": "Help!",
    "page": "",
    "remote_id": "1",
    "browser": "browser",
    "return_url": "https://is2.example.com/",
    "cart": "amazon",
    "region": "na",
    "buffers": {"TENT-2P": "1"},
}
ADDRESS = {
    "name": "Ann",
    "line1": "1 Main St",
    "city": "Detroit",
    "region": "MI",
    "postal_code": "48201",
    "country": "US",
}
OF_ONE = {"correct_address": {"values": ADDRESS}, "finish_setup": {"values": {}}}


@cache
def functions() -> tuple[Function, ...]:
    """Every public function of the core that is given the platform."""

    def found() -> Iterator[Function]:
        for module in pkgutil.walk_packages(is2_core.__path__, "is2_core."):
            if ".migrations." in module.name:
                continue
            for function in vars(importlib.import_module(module.name)).values():
                own = inspect.isfunction(function) and function.__module__ == module.name
                if (
                    own
                    and not function.__name__.startswith("_")
                    and "platform" in inspect.signature(function).parameters
                ):
                    yield function

    return tuple(found())


def scope_of(function: Function) -> type[Scope] | None:
    """The kind of scope a function takes."""
    asked = get_type_hints(function, localns={"Platform": Platform}).get("scope")
    return asked if isinstance(asked, type) and issubclass(asked, Scope) else None


def name_of(function: Function) -> str:
    return f"{function.__module__.removeprefix('is2_core.')}.{function.__name__}"


SCOPED = [function for function in functions() if "scope" in inspect.signature(function).parameters]


def test_nothing_is_found_out_of_scope(panel: Panel) -> None:
    with panel.platform.db.write() as db:
        add_package(db, panel.northwind)
    with panel.platform.db.read() as db:
        rows = {
            name: db.scalars(sa.select(table.id).where(table.account_id == panel.northwind)).first()
            for name, table in NAMED.items()
        }
        line = db.scalars(sa.select(ReceivedLine.id).where(ReceivedLine.order_id == rows["order_id"])).first()
    assert all(rows.values())
    given = {**GIVEN, **rows, "line_id": line, "account_id": panel.northwind}
    before = Content(panel)
    acts = before.acts()
    for function in SCOPED:
        asked = inspect.signature(function).parameters
        needed = {name for name, each in asked.items() if each.default is inspect.Parameter.empty or name in rows}
        own = {**given, **OF_ONE.get(function.__name__, {})}
        arguments = {name: own[name] for name in needed - {"platform", "scope"}}
        with pytest.raises(NotFound):
            function(panel.platform, scope=account_scope(panel.contoso), **arguments)
            pytest.fail(f"{name_of(function)} found what is out of scope")
        assert before.is_the_same() and before.acts() == acts, f"{name_of(function)} changed something"


def add_package(db: Session, account_id: int) -> None:
    """A package of an order that was shipped."""
    order = db.scalars(sa.select(ReceivedOrder).where(ReceivedOrder.account_id == account_id)).first()
    assert order is not None
    db.add(
        Package(
            account_id=account_id,
            integration_id=order.integration_id,
            order_id=order.id,
            warehouse_ref="1",
            revision=1,
            reference="1",
            carrier="UPS",
            tracking_number="1Z",
            shipped_at=order.staged_at,
            post_state=PostState.REJECTED,
            seen_at=order.staged_at,
        )
    )


@pytest.mark.parametrize("role", list(Role))
def test_a_viewers_scope_is_that_of_the_memberships(role: Role) -> None:
    person = SignedIn(1, "", "", role, 0, (AccountRef(3, "", "owner"), AccountRef(5, "", "member")))
    changes, reads = change_scope(person), read_scope(person)
    assert [account for account in range(9) if changes.holds(account)] == [3, 5]
    assert reads.holds(4) == (role in READS_ALL)
    assert reads.holds(3)


def test_functions_take_the_scope_that_fits_what_they_do() -> None:
    assert len(SCOPED) > 45
    assert [name_of(function) for function in SCOPED if scope_of(function) is None] == []
