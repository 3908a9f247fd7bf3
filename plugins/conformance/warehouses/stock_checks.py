"""Checks of the manifest, the services, the SKUs and the stock."""

from __future__ import annotations

from plugins.conformance.warehouses.harness import WarehouseHarness
from plugins.conformance.warehouses.warehouse_under_test import WarehouseUnderTest
from plugins.warehouse import CONTRACT_VERSION, WarehouseManifest

NEEDED = (
    "warehouse_manifest",
    "place_orders",
    "find_order",
    "cancel_order",
    "skus",
    "stock",
    "activity_since",
    "shipments_since",
    "services",
)


class StockChecks(WarehouseUnderTest):
    """Manifest, services, SKUs, stock and what moved."""

    def test_its_hooks_and_its_manifest_are_those_of_the_contract(self, harness: WarehouseHarness) -> None:
        lacking = [hook for hook in NEEDED if not harness.has(hook)]
        assert not lacking, f"every warehouse needs {', '.join(lacking)}"
        manifest = harness.hook.warehouse_manifest()
        assert isinstance(manifest, WarehouseManifest)
        assert manifest == harness.hook.warehouse_manifest(), "warehouse_manifest must always say the same"
        assert manifest.contract.partition(".")[0] == CONTRACT_VERSION.partition(".")[0]
        keys = [field.key for field in manifest.settings]
        assert len(keys) == len(set(keys)), "two settings have the same key"

    def test_it_offers_services_each_once(self, harness: WarehouseHarness) -> None:
        codes = [service.code for service in harness.call("services")]
        assert self.service in codes and len(codes) == len(set(codes))
        if harness.has("carriers"):
            assert all(name.strip() for name in harness.call("carriers"))

    def test_it_tells_its_skus_and_then_only_new_ones(self, harness: WarehouseHarness) -> None:
        found, cursor = harness.news("skus", "", "skus")
        assert {entry.sku for entry in found["skus"]} == {"TENT", "LAMP"}
        harness.receive("STOVE", 1)
        found, cursor = harness.news("skus", cursor, "skus")
        assert "STOVE" in {entry.sku for entry in found["skus"]}
        found, _ = harness.news("skus", cursor, "skus")
        assert found["skus"] == []

    def test_stock_counts_what_is_there_and_what_is_promised(self, harness: WarehouseHarness) -> None:
        harness.placed({"TENT": 3})
        rows = {row.sku: row for row in harness.call("stock", skus=["TENT", "LAMP", "NOWHERE"])}
        assert {sku: (row.on_hand, row.committed) for sku, row in rows.items()} == {"TENT": (10, 3), "LAMP": (10, 0)}
        assert all(row.as_of <= harness.clock.now() for row in rows.values()), "stock of a time to come"
        assert {row.sku for row in harness.call("stock", skus=None)} == {"TENT", "LAMP"}
        assert list(harness.call("stock", skus=[])) == []

    def test_it_tells_what_moved_and_then_only_what_moved_since(self, harness: WarehouseHarness) -> None:
        found, cursor = harness.news("activity_since", "", "skus")
        assert set(found["skus"]) == {"TENT", "LAMP"}
        harness.placed({"TENT": 1})
        found, cursor = harness.news("activity_since", cursor, "skus")
        assert set(found["skus"]) == {"TENT"}
        harness.receive("LAMP", 1)
        found, cursor = harness.news("activity_since", cursor, "skus")
        assert set(found["skus"]) == {"LAMP"}
        assert harness.news("activity_since", cursor, "skus")[0]["skus"] == []
