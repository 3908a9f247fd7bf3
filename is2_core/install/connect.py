"""Connecting a store: region, authorization at the cart, and the way back."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.access import owned_integration, owns
from is2_core.accounts.models import Credential, InstallSession, Integration
from is2_core.accounts.scope import ChangeScope
from is2_core.accounts.states import IntegrationState
from is2_core.carts.cart_settings import is_enabled, known_manifest
from is2_core.carts.context import cart_context
from is2_core.carts.fields import check_fields
from is2_core.carts.live_call import call_cart_live, live_call
from is2_core.db.locks import LOCK
from is2_core.errors import BadInput, Conflict, Forbidden
from is2_core.install.connecting import remove_integration
from is2_core.install.trip import GoTo, Ready, Step, Trip, hashed, prove_now, send_away, take
from is2_core.integrations.claims import can_be_tried, claim_of, wipe_claims
from is2_core.platform import Platform
from plugins.interface import (
    AskFields,
    CartManifest,
    Connected,
    FieldKind,
    InstallReply,
    Redirect,
)


def begin(
    platform: Platform,
    *,
    cart: str,
    region: str,
    scope: ChangeScope,
    account_id: int,
    home_site: str = "",
    wms_target: str = "",
) -> int:
    """Open (or find again) a "setup not finished" store of an account; returns its id.

    Args:
        home_site: the cart's id of the marketplace the merchant's account is of, where the merchant said so; one of
            the region's.
        wms_target: the warehouse that ships its orders, for good; may be "" where there is only one.

    Raises:
        Forbidden: the cart is not enabled.
        NotFound: the account is out of scope.
        BadInput: there is no such region, no such marketplace in it, or no such warehouse.
    """
    scope.check(account_id)
    manifest = known_manifest(platform, cart)
    if not is_enabled(platform, cart):
        raise Forbidden(f"{manifest.label} is not enabled on this platform at the moment.")
    if manifest.regions and manifest.region(region) is None:
        raise BadInput("Choose the sales region of your store.", field="region")
    check_home_site(manifest, region, home_site)
    target = _target(platform, wms_target)
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
            left.home_site, left.wms_target = home_site, target
            return left.id
        row = Integration(
            account_id=account_id,
            cart=cart,
            region=region if manifest.regions else "",
            state=IntegrationState.SETUP,
            home_site=home_site,
            wms_target=target,
            settings={},
            sites=[],
            created_at=platform.clock.now(),
        )
        session.add(row)
        session.flush()
        return row.id


def _target(platform: Platform, chosen: str) -> str:
    names = platform.warehouses.names()
    if not chosen and len(names) == 1:
        return names[0]
    if chosen not in names:
        raise BadInput("Choose the warehouse that ships the orders of your store.", field="wms_target")
    return chosen


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
    scope: ChangeScope,
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
        integration = owned_integration(session, integration_id, scope)
        connected = session.get(Credential, integration_id) is not None
    if integration.state == IntegrationState.SETUP and connected:
        return Ready(integration_id, True)
    with live_call(platform, integration.account_id):
        return _step(platform, integration, Trip(user_id, browser, return_url), params)


def _step(platform: Platform, integration: Integration, trip: Trip, params: Mapping[str, str] | None) -> Step:
    outcome = _call_cart(platform, integration, None, {})
    if isinstance(outcome, AskFields) and params is not None:
        typed = check_fields(outcome.fields, params).values
        # A secret lives on in the credentials the cart returns, sealed, and nowhere else.
        secret = {field.key for field in outcome.fields if field.kind is FieldKind.SECRET}
        outcome = _call_cart(platform, integration, InstallReply(typed, trip.return_url), typed)
        asked = {key: value for key, value in typed.items() if key not in secret}
        return take(platform, integration, trip, outcome, asked)
    return take(platform, integration, trip, outcome, {})


def come_back(platform: Platform, *, cart: str, user_id: int, browser: str, params: Mapping[str, str]) -> Step:
    """The browser is back from the cart: check `state` (this browser, this user, once, in time) and go on.

    Raises:
        BadInput: the state is missing, wrong, foreign, used or expired; nothing was done.
        Forbidden: the user is no owner of the account any more.
        CartBusy: the cart was not asked, and the same address works in a moment.
        CartRefused, CartUnavailable, Conflict: nothing was stored.
        NotProved: the authorization is kept for an hour, the seller is not stored.
    """
    with platform.db.read() as session:
        account_id = session.scalar(
            sa.select(Integration.account_id)
            .join(InstallSession, InstallSession.integration_id == Integration.id)
            .where(InstallSession.state_hash == hashed(params.get("state", "")))
        )
    # A place before the state is used up: what the cart sent the browser back with is good once.
    with live_call(platform, account_id or 0, at_once=True):
        return _come_back(platform, cart, user_id, browser, params)


def _come_back(platform: Platform, cart: str, user_id: int, browser: str, params: Mapping[str, str]) -> Step:
    with platform.db.write() as session:
        now = platform.clock.now()
        trip = session.scalar(
            sa.select(InstallSession)
            .where(InstallSession.state_hash == hashed(params.get("state", "")))
            .with_for_update(**LOCK)
        )
        is_own = (
            trip is not None and trip.user_id == user_id and secrets.compare_digest(trip.browser_hash, hashed(browser))
        )
        integration = session.get(Integration, trip.integration_id) if trip and is_own else None
        if trip and integration and integration.cart == cart and _has_connected(session, integration, trip):
            # The page was loaded again, or gone back to.
            return Ready(integration.id, integration.state == IntegrationState.SETUP)
        fits = trip is not None and trip.used_at is None and trip.expires_at > now
        if trip is None or not fits or integration is None or integration.cart != cart:
            raise BadInput(
                "This sign-in cannot be used: it was started in another browser, has been used already or is too old. "
                "Please start again."
            )
        if not owns(session, user_id, integration.account_id):
            raise Forbidden("Only an owner of the account can connect its stores.")
        trip.used_at = now
        leg = Trip(user_id, browser, trip.return_url)
    rest = {key: value for key, value in params.items() if key != "state"}
    outcome = _call_cart(platform, integration, InstallReply(rest, leg.return_url), {})
    return take(platform, integration, leg, outcome, {})


def _has_connected(session: Session, integration: Integration, trip: InstallSession) -> bool:
    """Tell whether this very trip has ended with a connection that stands."""
    credential = session.get(Credential, integration.id)
    since = trip.used_at
    return (
        since is not None
        and credential is not None
        and integration.proved_at is not None
        and min(credential.authorized_at, integration.proved_at) >= since
    )


def prove_again(platform: Platform, *, integration_id: int, scope: ChangeScope) -> Ready:
    """Try once more to prove the seller of a connection, with the authorization that is kept for an hour.

    Raises:
        Conflict: there is none to try, or it is too old; a new consent is needed.
        NotProved, CartUnavailable: as at first.
    """
    with platform.db.write() as session:
        integration = owned_integration(session, integration_id, scope)
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
    return prove_now(platform, integration, claim)


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
                InstallSession.browser_hash == hashed(browser),
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
    outcome = _call_cart(platform, integration, InstallReply(dict(params), trip.return_url), {})
    if not isinstance(outcome, Redirect):
        raise BadInput("This address is only for the middle of a sign-in at the cart. Please start again.")
    return send_away(platform, integration, Trip(user_id, browser, trip.return_url), outcome)


def discard_setup(platform: Platform, *, integration_id: int, scope: ChangeScope) -> None:
    """Remove a store whose setup was never finished."""
    with platform.db.write() as session:
        row = owned_integration(session, integration_id, scope)
        if row.state != IntegrationState.SETUP:
            raise Conflict("Only a store whose setup is not finished can be discarded.")
        remove_integration(session, row)


def _call_cart(
    platform: Platform, integration: Integration, reply: InstallReply | None, typed: Mapping[str, str]
) -> Redirect | AskFields | Connected:
    _check_enabled(platform, integration)
    context = cart_context(platform, integration, extra_settings=typed)
    # What the cart sent the browser back with may be used up by now.
    outcome: Redirect | AskFields | Connected = call_cart_live(
        platform, integration, "install", advice="Please start again in a minute.", ctx=context, reply=reply
    )
    return outcome


def _check_enabled(platform: Platform, integration: Integration) -> None:
    if not is_enabled(platform, integration.cart):
        raise Forbidden(f"{platform.carts.manifest(integration.cart).label} is not enabled at the moment.")
