"""Which hosts the Amazon cart may call, by its endpoints."""

from __future__ import annotations

from dataclasses import replace

import pytest

from is2_core.admin import cart_setup
from is2_core.carts.cart_settings import platform_settings
from is2_core.carts.context import cart_context, typed_hosts
from is2_core.errors import BadInput
from is2_core.platform import Platform
from plugins.amazon.manifest import MANIFEST
from plugins.interface import Effect, Permanent, PlatformSettings, SettingsError
from tests.support.amazon import APPLICATION
from tests.support.panel import Panel

SIMULATOR, DOCUMENTS = "http://simulator.internal:8765", "https://documents.amazonaws.com.example"
TYPED = {"simulator_url": SIMULATOR, "document_url": DOCUMENTS}


@pytest.mark.unit
def test_no_host_is_one_that_anybody_could_have_a_bucket_under() -> None:
    hosts = {host for environment in MANIFEST.environments for host in environment.hosts}
    assert not {host for host in hosts if "*" in host}
    # Hosts of presigned addresses as developers have quoted them.
    for quoted in (
        "tortuga-prod-na.s3-external-1.amazonaws.com",
        "tortuga-prod-na.s3.amazonaws.com",
        "tortuga-prod-eu.s3-eu-west-1.amazonaws.com",
        "tortuga-prod-eu.s3.eu-west-1.amazonaws.com",
    ):
        assert quoted in hosts


@pytest.mark.unit
@pytest.mark.parametrize(
    ("environment", "hosts"),
    [
        ("simulator", {"simulator.internal:8765"}),
        ("sandbox", {"documents.amazonaws.com.example"}),
        ("production", {"documents.amazonaws.com.example"}),
    ],
)
def test_a_typed_host_counts_in_its_environments_only(environment: str, hosts: set[str]) -> None:
    assert typed_hosts(MANIFEST, PlatformSettings(environment, TYPED)) == hosts


def public(panel: Panel) -> Platform:
    """The same platform, reached from elsewhere."""
    return replace(panel.platform, config=replace(panel.platform.config, public_url="https://is2.example.com"))


def test_the_simulators_host_is_not_called_from_production(panel: Panel) -> None:
    values = {**APPLICATION, "simulator_url": "https://simulator.example"}
    cart_setup.save_cart_settings(panel.platform, "amazon", "production", values)
    http = cart_context(panel.platform, panel.store(panel.northwind)).http
    for url in ("https://simulator.example/na/x", "https://anybody.s3.amazonaws.com/x"):
        with pytest.raises(Permanent) as refused:
            http.call("any", Effect.READ, "GET", url)
        assert refused.value.code == "HOST_NOT_ALLOWED"


def test_a_public_panel_refuses_the_simulator(panel: Panel) -> None:
    assert not panel.platform.config.is_production
    assert platform_settings(panel.platform, "amazon").environment == "simulator"
    with pytest.raises(SettingsError, match="for trials only") as refused:
        platform_settings(public(panel), "amazon")
    assert "IS2_PUBLIC_URL" in refused.value.detail
    with pytest.raises(BadInput, match="for trials") as unsaved:
        cart_setup.save_cart_settings(public(panel), "amazon", "simulator", APPLICATION)
    assert unsaved.value.field == "environment"
    cart_setup.save_cart_settings(public(panel), "amazon", "sandbox", APPLICATION)
