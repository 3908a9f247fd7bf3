"""The `CartContext` of a call: one store, its settings, its way out, its token."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from is2_core.accounts.models import Integration
from is2_core.calls.http import CallRules, CoreHttp, no_lease
from is2_core.carts.cart_settings import platform_settings
from is2_core.carts.tokens import NoToken, StoredToken
from is2_core.platform import Platform
from is2_core.settings.links import Link
from plugins.interface import (
    CartContext,
    CartManifest,
    Effect,
    FieldKind,
    PlatformSettings,
    Store,
)


def cart_context(
    platform: Platform,
    integration: Integration,
    *,
    before_call: Callable[[Effect], None] = no_lease,
    extra_settings: Mapping[str, str] | None = None,
) -> CartContext:
    """The context for calls about one store.

    Args:
        before_call: called before every HTTP call (a task proves there that it is still its own).
        extra_settings: settings not stored yet (fields of an install under way).
    """
    manifest = platform.carts.manifest(integration.cart)
    app = platform_settings(platform, integration.cart)
    settings = {**{key: str(value) for key, value in integration.settings.items()}, **(extra_settings or {})}
    connected = Store(
        remote_id=integration.seller_id,
        region=integration.region,
        sites=tuple(integration.sites),
        home_site=integration.home_site,
        settings=settings,
    )
    http = CoreHttp(
        transport=platform.transport,
        buckets=platform.buckets,
        clock=platform.clock,
        rules=_rules(platform, integration, manifest, app, settings),
        before_call=before_call,
    )
    log = logging.LoggerAdapter(logging.getLogger(f"is2.cart.{integration.cart}"), {"integration": integration.id})
    context = CartContext(connected, app, http, NoToken(), platform.clock, log)
    return CartContext(connected, app, http, StoredToken(platform, integration, context), platform.clock, log)


def _rules(
    platform: Platform,
    integration: Integration,
    manifest: CartManifest,
    app: PlatformSettings,
    settings: Mapping[str, str],
) -> CallRules:
    hosts: set[str] = set()
    for environment in manifest.environments:
        if environment.code == app.environment:
            hosts.update(environment.hosts)
    hosts.update(typed_hosts(manifest, app))
    own_urls = [value for key, value in settings.items() if value and key in _url_keys(manifest)]
    hosts.update(urlsplit(value).netloc.lower() for value in own_urls)
    seller = integration.seller_id or f"new-{integration.id}"
    return CallRules(
        hosts=frozenset(hosts),
        rate_plans=manifest.rate_plans,
        integration_key=f"{integration.cart}:{integration.region}:{seller}",
        application_key=f"{integration.cart}:application",
        application_plans=manifest.application_plans,
        rate_header=manifest.rate_header,
        shared_refusal=manifest.shared_refusal,
        check_address=bool(own_urls) and not platform.config.allow_private_hosts,
        plaintext=Link.CART in platform.config.allow_plaintext,
    )


def typed_hosts(manifest: CartManifest, app: PlatformSettings) -> set[str]:
    """Return the hosts an administrator typed that count in the chosen environment."""
    return {
        urlsplit(app.values[field.key]).netloc.lower()
        for field in manifest.platform_fields
        if field.kind is FieldKind.URL and app.values.get(field.key)
        if not field.environments or app.environment in field.environments
    }


def _url_keys(manifest: CartManifest) -> set[str]:
    # A shop's address is asked for at install, before it is among the declared store fields.
    return {field.key for field in manifest.store_fields if field.kind is FieldKind.SHOP_URL} | {"shop_url"}
