"""Proving that an authorization is the seller's it claims to be, by a call the shop answers for that seller alone.

A cart that learns the seller's id from an authenticated answer has no hook `prove_seller`; its install is the proof.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.display_name import integration_name
from is2_core.accounts.models import Integration, SellerClaim
from is2_core.carts.cart_settings import is_enabled
from is2_core.carts.context import cart_context
from is2_core.carts.live_call import CartRefused, call_cart_live
from is2_core.cases.cases import end_case, raise_case
from is2_core.cases.states import CaseKind
from is2_core.errors import FlowError, PluginBug
from is2_core.integrations.claims import credentials_of, note_refusal
from is2_core.platform import Platform
from is2_core.tasks.run import TaskRun
from plugins.interface import (
    AccessToken,
    AuthorizationLost,
    CartContext,
    CartError,
    Permanent,
    Secret,
    SellerIdentity,
    SettingsError,
)

_HOOK = "prove_seller"
_log = logging.getLogger(__name__)


class NotProved(FlowError):
    """The seller is not proved, so nothing was connected; the integration waits as it was.

    Args:
        again: whether it can be tried again without a new consent.
    """

    def __init__(self, message: str, *, integration_id: int, again: bool, status: int) -> None:
        super().__init__(message)
        self.integration_id, self.again, self.status = integration_id, again, status


class _UnstoredToken:
    """The access token of credentials that are no integration's yet, minted for this one call."""

    def __init__(self, platform: Platform, cart: str, credentials: Mapping[str, str], context: CartContext) -> None:
        self._platform, self._cart, self._credentials, self._context = platform, cart, credentials, context
        self._token = ""

    def get(self, refused: str | None = None) -> str:
        """See `plugins.interface.TokenSource.get`."""
        if not self._platform.carts.has(self._cart, "mint_access_token"):
            return self._credentials["token"]
        if not self._token or self._token == refused:
            secrets = {key: Secret(value) for key, value in self._credentials.items()}
            minted: AccessToken = self._platform.carts.call(
                self._cart, "mint_access_token", ctx=self._context, credentials=secrets
            )
            self._token = minted.value.value
        return self._token


def prove_claim(platform: Platform, integration: Integration, claim: SellerClaim) -> SellerIdentity:
    """Return who the seller of a claim is, proved to be who authorized it, while a person waits.

    Raises:
        NotProved: the shop refused, or could not be asked; why is stored with the claim.
    """
    if not platform.carts.has(integration.cart, _HOOK):
        return SellerIdentity(claim.seller_id, claim.seller_name, tuple(claim.sites))
    plain = cart_context(platform, integration, extra_settings=claim.settings)
    context = replace(
        plain,
        store=replace(plain.store, remote_id=claim.seller_id, sites=tuple(claim.sites)),
        token=_UnstoredToken(platform, integration.cart, credentials_of(claim) or {}, plain),
    )
    try:
        return _ask_now(platform, integration, context, claim.seller_id)
    except FlowError as error:
        lost = isinstance(error.__cause__, AuthorizationLost)
        note_refusal(platform, claim, error.message, lost=lost)
        raise NotProved(error.message, integration_id=integration.id, again=not lost, status=error.status) from error


def prove_connected(platform: Platform, integration: Integration) -> None:
    """Prove the seller of an integration that was connected by an earlier release, while a person waits.

    Raises:
        NotProved: the shop refused, or could not be asked; nothing has changed.
    """
    if integration.proved_at is not None:
        return
    if platform.carts.has(integration.cart, _HOOK):
        try:
            _ask_now(platform, integration, cart_context(platform, integration), integration.seller_id or "")
        except FlowError as error:
            raise NotProved(error.message, integration_id=integration.id, again=False, status=error.status) from error
    with platform.db.write() as session:
        _note_proved(platform, session, integration)


def prove_earlier(platform: Platform, run: TaskRun) -> None:
    """Prove, with the daily work, the seller of an integration that was connected by an earlier release. One that is
    refused goes on as it is, and the support is told: one answer is no reason to stop a merchant's orders."""
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
    if integration.proved_at is not None or not is_enabled(platform, integration.cart):
        return
    refusal = ""
    if platform.carts.has(integration.cart, _HOOK):
        context = cart_context(platform, integration, before_call=run.heartbeat)
        try:
            proved: SellerIdentity = platform.carts.call(integration.cart, _HOOK, ctx=context)
            refusal = _another(proved, integration.seller_id or "")
        except (SettingsError, Permanent) as error:
            refusal = error.message
        except (CartError, PluginBug) as error:
            detail = error.trace if isinstance(error, PluginBug) else error
            _log.warning("integration %s: its seller was not proved: %s", integration.id, detail)
            return
    with run.write() as session:
        if not refusal:
            _note_proved(platform, session, integration)
            return
        raise_case(
            session,
            platform.clock.now(),
            account_id=integration.account_id,
            integration_id=integration.id,
            kind=CaseKind.SELLER_NOT_PROVED,
            subject=_subject(integration),
            message=f"{integration_name(integration)} was connected before sellers were proved, and its proof fails: "
            f"{refusal} Nothing was changed; it is tried again every day.",
        )


def _ask_now(platform: Platform, integration: Integration, context: CartContext, seller: str) -> SellerIdentity:
    proved: SellerIdentity = call_cart_live(
        platform, integration, _HOOK, advice="The seller is not proved yet. Please try again in a minute.", ctx=context
    )
    refusal = _another(proved, seller)
    if refusal:
        raise CartRefused(refusal)
    return proved


def _another(proved: SellerIdentity, seller: str) -> str:
    return "" if proved.remote_id == seller else f"You authorized seller {proved.remote_id}, not {seller}."


def _note_proved(platform: Platform, session: Session, integration: Integration) -> None:
    now = platform.clock.now()
    session.execute(
        sa.update(Integration)
        .where(Integration.id == integration.id, Integration.seller_id == integration.seller_id)
        .values(proved_at=now)
    )
    end_case(
        session,
        now,
        account_id=integration.account_id,
        kind=CaseKind.SELLER_NOT_PROVED,
        subject=_subject(integration),
    )


def _subject(integration: Integration) -> str:
    return f"integration {integration.id}"
