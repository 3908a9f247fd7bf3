"""One trip of a browser to a cart's authorization page and back."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from is2_core.accounts.models import InstallSession, Integration, SellerClaim
from is2_core.accounts.states import IntegrationState
from is2_core.carts.cart_settings import known_manifest, platform_settings
from is2_core.carts.context import typed_hosts
from is2_core.carts.live_call import CartRefused
from is2_core.install.connecting import store_connection
from is2_core.integrations.claims import keep_claim
from is2_core.integrations.seller_proof import prove_claim
from is2_core.platform import Platform
from plugins.interface import (
    AskFields,
    CartManifest,
    Connected,
    Field,
    Redirect,
)

STATE_LIFE = timedelta(minutes=30)


@dataclass(frozen=True)
class GoTo:
    """Send the browser to the cart."""

    url: str


@dataclass(frozen=True)
class Ask:
    """Ask for these fields and come back with them."""

    integration_id: int
    fields: tuple[Field, ...]
    message: str


@dataclass(frozen=True)
class Ready:
    """The store is connected; `setup_open` tells whether its settings are still to be saved."""

    integration_id: int
    setup_open: bool


Step = GoTo | Ask | Ready


@dataclass(frozen=True)
class Trip:
    user_id: int
    browser: str
    return_url: str


def take(
    platform: Platform,
    integration: Integration,
    trip: Trip,
    outcome: Redirect | AskFields | Connected,
    asked: Mapping[str, str],
) -> Step:
    if isinstance(outcome, AskFields):
        return Ask(integration.id, outcome.fields, outcome.message)
    if isinstance(outcome, Redirect):
        return send_away(platform, integration, trip, outcome)
    return prove_now(platform, integration, keep_claim(platform, integration.id, outcome, asked))


def prove_now(platform: Platform, integration: Integration, claim: SellerClaim) -> Ready:
    identity = prove_claim(platform, integration, claim)
    connected = store_connection(platform, integration.id, claim, identity)
    return Ready(connected.id, connected.state == IntegrationState.SETUP)


def send_away(platform: Platform, integration: Integration, trip: Trip, redirect: Redirect) -> GoTo:
    manifest = known_manifest(platform, integration.cart)
    host = urlsplit(redirect.url).netloc.lower()
    if host not in _browser_hosts(platform, manifest):
        raise CartRefused(f"{manifest.label} wanted to send you to {host}, which is not one of its known addresses.")
    state = secrets.token_urlsafe(32)
    now = platform.clock.now()
    with platform.db.write() as session:
        session.add(
            InstallSession(
                integration_id=integration.id,
                user_id=trip.user_id,
                state_hash=hashed(state),
                browser_hash=hashed(trip.browser),
                return_url=trip.return_url,
                expires_at=now + STATE_LIFE,
                set_at=now,
            )
        )
    query = {**redirect.params, redirect.state_param: state}
    if redirect.return_param:
        query[redirect.return_param] = trip.return_url
    separator = "&" if urlsplit(redirect.url).query else "?"
    return GoTo(f"{redirect.url}{separator}{urlencode(query)}")


def _browser_hosts(platform: Platform, manifest: CartManifest) -> set[str]:
    app = platform_settings(platform, manifest.name)
    hosts = {host for entry in manifest.environments if entry.code == app.environment for host in entry.browser_hosts}
    return hosts | typed_hosts(manifest, app)


def hashed(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
