"""The Amazon cart's manifest."""

from __future__ import annotations

from datetime import timedelta
from importlib.metadata import entry_points

import pluggy
import pytest

from plugins import interface
from plugins.amazon import plugin
from plugins.amazon.endpoints import api_base, token_url
from plugins.amazon.shipping.carriers import OTHER
from plugins.amazon.simulator.shipping.carriers import CARRIER_CODES
from plugins.interface import CartManifest, FieldKind, PlatformSettings
from tests.amazon.conftest import Harness


@pytest.fixture
def manifest() -> CartManifest:
    return plugin.cart_manifest()


def test_it_is_found_by_its_entry_point_and_fits_the_contract() -> None:
    (found,) = entry_points(group=interface.ENTRY_POINTS, name="amazon")
    carts = pluggy.PluginManager(interface.PROJECT)
    carts.add_hookspecs(interface)
    carts.register(found.load())
    carts.check_pending()
    assert carts.hook.cart_manifest().contract == interface.CONTRACT_VERSION


def test_each_region_names_its_countries(manifest: CartManifest) -> None:
    countries = {region.label: [site.country for site in region.sites] for region in manifest.regions}
    assert countries == {
        "North America": ["US", "CA", "MX", "BR"],
        "Europe": "GB DE FR IT ES NL SE PL BE IE TR AE SA EG ZA IN".split(),
        "Far East": ["JP", "AU", "SG"],
    }
    sites = [site.id for region in manifest.regions for site in region.sites]
    assert len(sites) == len(set(sites)) == 23


def test_the_settings_have_the_labels_merchants_know(manifest: CartManifest) -> None:
    fields = {field.key: field for field in manifest.store_fields}
    latency = fields["lead_days"]
    assert (latency.label, latency.default) == ("Fulfillment Latency", "3")
    assert (latency.minimum, latency.maximum, latency.advised_minimum) == (0, 30, 2)
    assert latency.advice
    remote = fields["remote_fulfillment"]
    assert (remote.label, remote.kind, remote.default) == ("Remote Fulfillment With FBA", FieldKind.YES_NO, "no")
    assert fields["home_site"].label == "Home marketplace"
    secrets = [field.key for field in manifest.platform_fields if field.kind is FieldKind.SECRET]
    assert secrets == ["client_secret"]


def test_the_schedules_preselect_what_is_most_common(manifest: CartManifest) -> None:
    assert manifest.order_schedule.default == timedelta(minutes=30)
    assert manifest.inventory_schedule is not None
    assert manifest.inventory_schedule.default == manifest.inventory_schedule.floor == timedelta(hours=12)
    assert [choice.every for choice in manifest.inventory_schedule.choices] == [
        None,
        timedelta(hours=24),
        timedelta(hours=12),
    ]
    assert manifest.inventory_schedule.off_warning == "Your latency will not be sent to Amazon."
    assert manifest.read_lag > timedelta(minutes=2)


def test_what_the_way_back_needs_is_declared(manifest: CartManifest) -> None:
    assert manifest.inventory_batch == 25_000
    assert manifest.authorization_life == timedelta(days=365)
    assert manifest.legacy_authorization is not None
    assert "can be ignored for now" in manifest.legacy_authorization.during
    assert "Do not disable" in manifest.legacy_authorization.during
    assert "may now disable" in manifest.legacy_authorization.ended
    limits = {name: (plan.rate_per_s, plan.burst) for name, plan in manifest.rate_plans.items()}
    assert (limits["searchListingsItems"], limits["getListingsItem"], limits["confirmShipment"]) == (
        (5, 5),
        (5, 10),
        (2, 10),
    )


def test_what_the_core_tells_and_spares_is_declared(manifest: CartManifest) -> None:
    refusal = "The frequency of requests was greater than what is allowed for the application."
    assert manifest.shared_refusal in refusal
    assert len(manifest.shared_refusal) > 20
    assert "lacks the role Direct-to-Consumer Shipping." in manifest.address_missing
    assert manifest.rate_header == "x-amzn-ratelimit-limit"


def test_documents_are_fetched_from_amazons_storage_only(manifest: CartManifest) -> None:
    for environment in manifest.environments:
        # Anybody can have a bucket under a pattern.
        assert [host for host in environment.hosts if "*" in host] == []
        if environment.code != "simulator":
            assert "tortuga-prod-eu.s3.eu-west-1.amazonaws.com" in environment.hosts


def test_no_two_carriers_are_told_apart_by_their_spelling_only(manifest: CartManifest) -> None:
    codes = manifest.carrier_codes
    assert (codes["UPS"], codes["Purolator"], codes["Post NL"]) == ("UPS", "PUROLATOR", "Post NL")
    assert "Other" not in codes
    by_key: dict[str, set[str]] = {}
    for name, code in codes.items():
        by_key.setdefault("".join(name.split()).casefold(), set()).add(code)
    assert all(len(found) == 1 for found in by_key.values())


def test_every_carrier_goes_by_a_code_the_simulated_amazon_knows(manifest: CartManifest) -> None:
    # Two lists on purpose: a code that is misspelt in one of them shows.
    assert set(manifest.carrier_codes.values()) | {OTHER} == CARRIER_CODES


@pytest.mark.parametrize("environment", ["production", "sandbox"])
def test_every_address_called_is_among_the_declared_hosts(manifest: CartManifest, environment: str) -> None:
    app = PlatformSettings(environment)
    (declared,) = (entry.hosts for entry in manifest.environments if entry.code == environment)
    for region in manifest.regions:
        assert api_base(app, region.code).removeprefix("https://") in declared
    assert token_url(app).split("/")[2] in declared


def test_items_cannot_be_listed_and_no_call_is_made(harness: Harness) -> None:
    assert plugin.refresh_cart_items(harness.new_store(), None).message == (
        "This integration cannot see the items in your Amazon store, so Refresh Cart Items does nothing; "
        "list them under Custom Items."
    )
    assert harness.http.calls == []


def test_the_shipping_methods_are_amazons_service_levels(harness: Harness) -> None:
    methods = {method.code: method for method in plugin.shipping_mapping_ui(harness.new_store()).methods}
    assert set(methods) == set(
        "EXPEDITED FREE_ECONOMY NEXT_DAY PRIORITY SAME_DAY SECOND_DAY SCHEDULED STANDARD".split()
    )
    assert (methods["EXPEDITED"].label, methods["EXPEDITED"].aliases) == ("Expedited", ("Express",))
    words = [word.casefold() for method in methods.values() for word in {method.label, *method.aliases}]
    assert len(words) == len(set(words)), "no word may stand for two methods"
