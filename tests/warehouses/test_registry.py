"""Warehouses that cannot be used, their settings, and what a call of one is bound to."""

from __future__ import annotations

from types import ModuleType

import pytest

from is2_core.accounts import users
from is2_core.accounts.codes import new_code
from is2_core.admin.warehouse_setup import save_warehouse_settings
from is2_core.calls.warehouses import WarehouseRegistry
from is2_core.errors import BadInput, NotFound, PluginBug
from is2_core.platform import Platform
from is2_core.warehouses.calls import warehouse_of
from is2_core.warehouses.settings import stored_settings
from plugins.warehouse import (
    NewOrder,
    Permanent,
    PlaceAnswer,
    Placed,
    Temporary,
    WarehouseContext,
    hookimpl,
)
from tests.support.bay import Bay, FarBay


class Gated(FarBay):
    """Keeps what it was given."""

    seen: WarehouseContext

    @hookimpl
    def place_orders(self, ctx: WarehouseContext, orders: list[NewOrder]) -> list[PlaceAnswer]:
        self.seen = ctx
        return [Placed()]


def test_a_warehouse_that_cannot_be_used_is_listed_and_hinders_nobody() -> None:
    registry = WarehouseRegistry()
    registry.add("missing", lambda: 1 / 0)
    registry.add("empty", lambda: ModuleType("empty"))
    registry.add("other", Bay)
    registry.add("bay", Bay)
    assert registry.names() == ["bay"]
    reasons = {broken.name: broken.message for broken in registry.broken}
    assert "division by zero" in reasons["missing"]
    assert "<module 'empty'>, which has no hooks to call" in reasons["empty"]
    assert "the manifest is named 'bay'" in reasons["other"]


def test_a_call_gets_the_accounts_code_and_the_settings_and_may_call_only_its_hosts(platform: Platform) -> None:
    plugin = Gated()
    platform.warehouses.replace("bay", plugin)
    account = users.create_account(platform, "Müller & Söhne")
    with pytest.raises(BadInput):
        save_warehouse_settings(platform, "bay", {"address": "nowhere", "key": "s3cret"})
    save_warehouse_settings(platform, "bay", {"address": "http://wms.example:8080/api", "key": "s3cret"})
    save_warehouse_settings(platform, "bay", {"address": "http://wms.example:8080/v2", "key": ""})
    assert stored_settings(platform, "bay").secrets_set == {"key"}
    warehouse = warehouse_of(platform, "bay", account)
    with pytest.raises(PluginBug, match="place_orders"):
        warehouse.place_orders([])
    assert plugin.seen.account == "M-LLER-S-HNE"
    assert plugin.seen.settings.values == {"address": "http://wms.example:8080/v2"}
    assert plugin.seen.settings.secrets["key"].value == "s3cret"
    with pytest.raises(Permanent):
        plugin.seen.http.call("spy", "read", "GET", "https://elsewhere.example/")
    with pytest.raises(NotFound):
        save_warehouse_settings(platform, "nowhere", {})
    with pytest.raises(Temporary) as missing:
        warehouse_of(platform, "nowhere", account)
    assert missing.value.code == "WAREHOUSE_MISSING"


def test_a_warehouse_is_never_called_inside_a_transaction(platform: Platform) -> None:
    account = users.create_account(platform, "Northwind")
    warehouse = warehouse_of(platform, "embedded", account)
    with platform.db.read(), pytest.raises(RuntimeError, match="while a transaction is open"):
        warehouse.services()


def test_codes_of_accounts_differ_and_say_whose_they_are() -> None:
    assert new_code("Northwind", set()) == "NORTHWIND"
    assert new_code("north wind!", {"NORTH-WIND"}) == "NORTH-WIND-2"
    assert new_code("\N{SNOWMAN}", set()) == "ACCOUNT"
    assert len(new_code("x" * 300, set())) <= 24
