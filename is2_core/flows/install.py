"""Connecting a store: region, authorization at the cart, and the way back."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

import sqlalchemy as sa

from is2_core.db.locks import LOCK
from is2_core.flows.access import owned_integration
from is2_core.flows.ask import CartRefused, ask_cart_now, live_call
from is2_core.flows.cart_settings import is_enabled, known_manifest, platform_settings
from is2_core.flows.claims import can_be_tried, claim_of, keep_claim, wipe_claims
from is2_core.flows.connecting import remove_integration, store_connection
from is2_core.flows.context import cart_context
from is2_core.flows.errors import BadInput, Conflict, Forbidden
from is2_core.flows.fields import check_fields
from is2_core.flows.proof import prove_claim
from is2_core.models import Credential, InstallSession, Integration, IntegrationState, SellerClaim
from is2_core.platform import Platform
from plugins.interface import (
    AskFields,
    CartManifest,
    Connected,
    Field,
    FieldKind,
    InstallReply,
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
    sentence: str


@dataclass(frozen=True)
class Ready:
    """The store is connected; `setup_open` tells whether its settings are still to be saved."""

    integration_id: int
    setup_open: bool


Step = GoTo | Ask | Ready


def begin(platform: Platform, *, cart: str, region: str, account_id: int, home_site: str = "") -> int:
    """Open (or find again) a "setup not finished" store of an account; returns its id.

    Args:
        home_site: the cart's id of the marketplace the merchant's account is of, where the merchant said so; one of
            the region's.

    Raises:
        Forbidden: the cart is not enabled.
        BadInput: there is no such region, or no such marketplace in it.
    """
    manifest = known_manifest(platform, cart)
    if not is_enabled(platform, cart):
        raise Forbidden(f"{manifest.label} is not enabled on this platform at the moment.")
    if manifest.regions and manifest.region(region) is None:
        raise BadInput("Choose the sales region of your store.", field="region")
    check_home_site(manifest, region, home_site)
    with platform.db.write() as session:
        left = session.scalar(
            sa.select(Integration).where(
                Integration.account_id == account_id,
                Integration.cart == cart,
                Integration.region == (region if manifest.regions else ""),
                Integration.state == IntegrationState.SETUP,
                Integration.seller_id.is_(None),
            )
        )
        if left is not None:
            left.home_site = home_site
            return left.id
        row = Integration(
            account_id=account_id,
            cart=cart,
            region=region if manifest.regions else "",
            state=IntegrationState.SETUP,
            home_site=home_site,
            settings={},
            sites=[],
            created_at=platform.clock.now(),
        )
        session.add(row)
        session.flush()
        return row.id


def check_home_site(manifest: CartManifest, region: str, home_site: str) -> None:
    """See that a marketplace is one of the region's; "" is none and fine.

    Raises:
        BadInput: it is not.
    """
    found = manifest.region(region)
    if home_site and (found is None or home_site not in {site.id for site in found.sites}):
        raise BadInput("Choose a country of the region you chose, or leave it open.", field="home_site")


def step(
    platform: Platform,
    *,
    integration_id: int,
    account_id: int,
    user_id: int,
    browser: str,
    return_url: str,
    params: Mapping[str, str] | None = None,
) -> Step:
    """The first step of an install or reconnect, or the answer to `Ask`.

    Args:
        browser: what ties the trip to this browser session.
        return_url: where the cart is to send the browser back to.
        params: the fields typed, None at the first step.
    """
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, account_id)
        connected = session.get(Credential, integration_id) is not None
    if integration.state == IntegrationState.SETUP and connected:
        return Ready(integration_id, True)
    with live_call(platform, account_id):
        return _step(platform, integration, _Trip(user_id, browser, return_url), params)


def _step(platform: Platform, integration: Integration, trip: _Trip, params: Mapping[str, str] | None) -> Step:
    outcome = _ask_cart(platform, integration, None, {})
    if isinstance(outcome, AskFields) and params is not None:
        typed = check_fields(outcome.fields, params).values
        # A secret lives on in the credentials the cart returns, sealed, and nowhere else.
        secret = {field.key for field in outcome.fields if field.kind is FieldKind.SECRET}
        outcome = _ask_cart(platform, integration, InstallReply(typed, trip.return_url), typed)
        asked = {key: value for key, value in typed.items() if key not in secret}
        return _take(platform, integration, trip, outcome, asked)
    return _take(platform, integration, trip, outcome, {})


def come_back(platform: Platform, *, cart: str, user_id: int, browser: str, params: Mapping[str, str]) -> Step:
    """The browser is back from the cart: check `state` (this browser, this user, once, in time) and go on.

    Raises:
        BadInput: the state is missing, wrong, foreign, used or expired; nothing was done.
        CartBusy: the cart was not asked, and the same address works in a moment.
        CartRefused, CartUnavailable, Conflict: nothing was stored.
        NotProved: the authorization is kept for an hour, the seller is not stored.
    """
    with platform.db.read() as session:
        account_id = session.scalar(
            sa.select(Integration.account_id)
            .join(InstallSession, InstallSession.integration_id == Integration.id)
            .where(InstallSession.state_hash == _hash(params.get("state", "")))
        )
    # A place before the state is used up: what the cart sent the browser back with is good once.
    with live_call(platform, account_id or 0, at_once=True):
        return _come_back(platform, cart, user_id, browser, params)


def _come_back(platform: Platform, cart: str, user_id: int, browser: str, params: Mapping[str, str]) -> Step:
    with platform.db.write() as session:
        now = platform.clock.now()
        trip = session.scalar(
            sa.select(InstallSession)
            .where(InstallSession.state_hash == _hash(params.get("state", "")))
            .with_for_update(**LOCK)
        )
        fits = (
            trip is not None
            and trip.used_at is None
            and trip.expires_at > now
            and trip.user_id == user_id
            and secrets.compare_digest(trip.browser_hash, _hash(browser))
        )
        integration = session.get(Integration, trip.integration_id) if trip and fits else None
        if trip is None or integration is None or integration.cart != cart:
            raise BadInput(
                "This sign-in cannot be used: it was started in another browser, has been used already or is too old. "
                "Please start again."
            )
        trip.used_at = now
        leg = _Trip(user_id, browser, trip.return_url)
    rest = {key: value for key, value in params.items() if key != "state"}
    outcome = _ask_cart(platform, integration, InstallReply(rest, leg.return_url), {})
    return _take(platform, integration, leg, outcome, {})


def prove_again(platform: Platform, *, integration_id: int, account_id: int) -> Ready:
    """Try once more to prove the seller of a connection, with the authorization that is kept for an hour.

    Raises:
        Conflict: there is none to try, or it is too old; a new consent is needed.
        NotProved, CartUnavailable: as at first.
    """
    with platform.db.write() as session:
        integration = owned_integration(session, integration_id, account_id)
        label = platform.carts.manifest(integration.cart).label
        claim = claim_of(session, integration_id)
        wipe_claims(session, platform.clock.now())
    _check_enabled(platform, integration)
    if claim is None and integration.seller_id is not None:
        # Another window was faster.
        return Ready(integration_id, integration.state == IntegrationState.SETUP)
    if claim is None or not can_be_tried(claim, platform.clock.now()):
        raise Conflict(
            f"The authorization of {label} is kept here for an hour only, and there is none any more. Sign in at "
            f"{label} again."
        )
    return _prove(platform, integration, claim)


def pass_on(platform: Platform, *, cart: str, user_id: int, browser: str, params: Mapping[str, str]) -> GoTo:
    """A cart may send the browser to us in the middle of its consent, to have our own user signed in, before
    there is any `state` of ours (Amazon's Website Authorization Workflow: the OAuth Login URI).

    Belongs to the newest open trip of this browser and user. Such a step can only lead on, to a known address
    of the cart; it never connects anything, because nothing proves that it belongs to the trip.

    Raises:
        BadInput: there is no open trip, or the step does not lead on.
    """
    with platform.db.read() as session:
        found = session.execute(
            sa.select(InstallSession, Integration)
            .join(Integration, Integration.id == InstallSession.integration_id)
            .where(
                Integration.cart == cart,
                InstallSession.user_id == user_id,
                InstallSession.browser_hash == _hash(browser),
                InstallSession.used_at.is_(None),
                InstallSession.expires_at > platform.clock.now(),
            )
            .order_by(InstallSession.id.desc())
            .limit(1)
        ).one_or_none()
    if found is None:
        raise BadInput(
            "There is no setup under way in this browser. Connect a new store from here; to renew the authorization "
            "of a connected one, choose Reconnect at it under View Integrations."
        )
    trip, integration = found
    outcome = _ask_cart(platform, integration, InstallReply(dict(params), trip.return_url), {})
    if not isinstance(outcome, Redirect):
        raise BadInput("This address is only for the middle of a sign-in at the cart. Please start again.")
    return _send_away(platform, integration, _Trip(user_id, browser, trip.return_url), outcome)


def discard_setup(platform: Platform, *, integration_id: int, account_id: int) -> None:
    """Remove a store whose setup was never finished."""
    with platform.db.write() as session:
        row = owned_integration(session, integration_id, account_id)
        if row.state != IntegrationState.SETUP:
            raise Conflict("Only a store whose setup is not finished can be discarded.")
        remove_integration(session, row)


@dataclass(frozen=True)
class _Trip:
    user_id: int
    browser: str
    return_url: str


def _ask_cart(
    platform: Platform, integration: Integration, reply: InstallReply | None, typed: Mapping[str, str]
) -> Redirect | AskFields | Connected:
    _check_enabled(platform, integration)
    context = cart_context(platform, integration, extra_settings=typed)
    # What the cart sent the browser back with may be used up by now.
    outcome: Redirect | AskFields | Connected = ask_cart_now(
        platform, integration, "install", advice="Please start again in a minute.", ctx=context, reply=reply
    )
    return outcome


def _check_enabled(platform: Platform, integration: Integration) -> None:
    if not is_enabled(platform, integration.cart):
        raise Forbidden(f"{platform.carts.manifest(integration.cart).label} is not enabled at the moment.")


def _take(
    platform: Platform,
    integration: Integration,
    trip: _Trip,
    outcome: Redirect | AskFields | Connected,
    asked: Mapping[str, str],
) -> Step:
    if isinstance(outcome, AskFields):
        return Ask(integration.id, outcome.fields, outcome.sentence)
    if isinstance(outcome, Redirect):
        return _send_away(platform, integration, trip, outcome)
    return _prove(platform, integration, keep_claim(platform, integration.id, outcome, asked))


def _prove(platform: Platform, integration: Integration, claim: SellerClaim) -> Ready:
    identity = prove_claim(platform, integration, claim)
    connected = store_connection(platform, integration.id, claim, identity)
    return Ready(connected.id, connected.state == IntegrationState.SETUP)


def _send_away(platform: Platform, integration: Integration, trip: _Trip, redirect: Redirect) -> GoTo:
    manifest = known_manifest(platform, integration.cart)
    host = urlsplit(redirect.url).netloc.lower()
    if host not in _browser_hosts(platform, manifest):
        raise CartRefused(f"{manifest.label} wanted to send you to {host}, which is not one of its known addresses.")
    state = secrets.token_urlsafe(32)
    with platform.db.write() as session:
        session.add(
            InstallSession(
                integration_id=integration.id,
                user_id=trip.user_id,
                state_hash=_hash(state),
                browser_hash=_hash(trip.browser),
                return_url=trip.return_url,
                expires_at=platform.clock.now() + STATE_LIFE,
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
    for field in manifest.platform_fields:
        if field.kind is FieldKind.URL and app.values.get(field.key):
            hosts.add(urlsplit(app.values[field.key]).netloc.lower())
    return hosts


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
