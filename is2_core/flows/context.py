"""The `CartContext` of a call: one store, its settings, its way out, its token."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from urllib.parse import urlsplit

import sqlalchemy as sa

from is2_core.flows.cart_settings import platform_settings
from is2_core.http import CallRules, CoreHttp
from is2_core.models import Credential, Integration
from is2_core.platform import Platform
from plugins.interface import (
    AccessToken,
    AuthorizationLost,
    CartContext,
    CartManifest,
    FieldKind,
    PlatformSettings,
    RateLimited,
    Secret,
    Store,
    Temporary,
)

_MINTING = timedelta(seconds=45)
_EARLY = timedelta(minutes=5)
_ASK_AGAIN = timedelta(seconds=3)


def no_lease() -> None:
    """What is called before a network call where no task is running."""


def cart_context(
    platform: Platform,
    integration: Integration,
    *,
    before_call: Callable[[], None] = no_lease,
    extra_settings: Mapping[str, str] | None = None,
) -> CartContext:
    """The context for calls about one store.

    Args:
        before_call: called before every HTTP call (a task renews its lease there).
        extra_settings: settings not stored yet (fields of an install under way).
    """
    manifest = platform.carts.manifest(integration.cart)
    app = platform_settings(platform, integration.cart)
    settings = {**{key: str(value) for key, value in integration.settings.items()}, **(extra_settings or {})}
    store = Store(
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
    context = CartContext(store, app, http, _NoToken(), platform.clock, log)
    return CartContext(store, app, http, StoredToken(platform, integration, context), platform.clock, log)


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
    for field in manifest.platform_fields:
        if field.kind is FieldKind.URL and app.values.get(field.key):
            hosts.add(urlsplit(app.values[field.key]).netloc.lower())
    shop_urls = [value for key, value in settings.items() if value and key in _shop_url_keys(manifest)]
    hosts.update(urlsplit(value).netloc.lower() for value in shop_urls)
    seller = integration.seller_id or f"new-{integration.id}"
    return CallRules(
        hosts=frozenset(hosts),
        rate_plans=manifest.rate_plans,
        store_key=f"{integration.cart}:{integration.region}:{seller}",
        application_key=f"{integration.cart}:application",
        check_address=bool(shop_urls) and not platform.config.allow_private_hosts,
    )


def _shop_url_keys(manifest: CartManifest) -> set[str]:
    # A shop's address is asked for at install, before it is among the declared store fields.
    return {field.key for field in manifest.store_fields if field.kind is FieldKind.SHOP_URL} | {"shop_url"}


class _NoToken:
    """Minting a token must not ask for one."""

    def get(self, refused: str | None = None) -> str:
        raise RuntimeError("mint_access_token asked for an access token")


class StoredToken:
    """A store's access token: cached encrypted in the database, minted by one worker at a time."""

    def __init__(self, platform: Platform, integration: Integration, minting_context: CartContext) -> None:
        self._platform = platform
        self._integration = integration
        self._context = minting_context

    def get(self, refused: str | None = None) -> str:
        """See `plugins.interface.TokenSource.get`."""
        with self._platform.db.read() as session:
            row = session.get(Credential, self._integration.id)
        if row is None:
            raise AuthorizationLost("This store is not connected yet.")
        if not self._platform.carts.has(self._integration.cart, "mint_access_token"):
            return str(row.credentials["token"])
        now = self._platform.clock.now()
        usable = row.access_token and row.access_expires_at and row.access_token != refused
        if usable and row.access_expires_at - now > _EARLY:
            return str(row.access_token)
        if not self._may_mint(row.version):
            if usable and row.access_expires_at > now:
                return str(row.access_token)
            raise RateLimited(
                "Another worker is renewing this store's access.", until=now + _ASK_AGAIN, code="TOKEN_BEING_RENEWED"
            )
        return self._mint(row.version, row.credentials)

    def _version(self) -> int | None:
        with self._platform.db.read() as session:
            return session.scalar(
                sa.select(Credential.version).where(Credential.integration_id == self._integration.id)
            )

    def _may_mint(self, version: int) -> bool:
        with self._platform.db.write() as session:
            now = self._platform.clock.database_now(session)
            won = session.execute(
                sa.update(Credential)
                .where(
                    Credential.integration_id == self._integration.id,
                    Credential.version == version,
                    sa.or_(Credential.minting_until.is_(None), Credential.minting_until < now),
                )
                .values(minting_until=now + _MINTING)
            )
            return bool(won.rowcount == 1)  # type: ignore[attr-defined]

    def _mint(self, version: int, credentials: Mapping[str, str]) -> str:
        secrets = {key: Secret(value) for key, value in credentials.items()}
        token: AccessToken | None = None
        try:
            token = self._platform.carts.call(
                self._integration.cart, "mint_access_token", ctx=self._context, credentials=secrets
            )
        except AuthorizationLost as error:
            if self._version() != version:
                raise Temporary("This store was reconnected meanwhile.", code="RECONNECTED") from error
            raise
        finally:
            # Compare and swap: a reconnect meanwhile has newer credentials, and its token wins.
            new = {"access_token": token.value.value, "access_expires_at": token.expires_at} if token else {}
            with self._platform.db.write() as session:
                session.execute(
                    sa.update(Credential)
                    .where(Credential.integration_id == self._integration.id, Credential.version == version)
                    .values(minting_until=None, version=version + 1 if token else version, **new)
                )
        return token.value.value
