"""Connections whose seller is still to be proved: kept sealed for an hour, then forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration, SellerClaim
from is2_core.accounts.states import IntegrationState
from is2_core.db.instants import AHEAD
from is2_core.db.locks import LOCK
from is2_core.db.types import seal
from is2_core.errors import Conflict
from is2_core.platform import Platform
from plugins.interface import Connected

KEEP_CLAIM = timedelta(hours=1)


def keep_claim(
    platform: Platform, integration_id: int, connected: Connected, settings: Mapping[str, str]
) -> SellerClaim:
    """Keep what an install returned until its seller is proved, in place of what an earlier try left.

    Args:
        settings: the fields typed on the way, without secrets.

    Raises:
        Conflict: it is not the seller this integration is connected as, or the integration may not be connected.
    """
    identity = connected.identity
    with platform.db.write() as session:
        row = session.get(Integration, integration_id, with_for_update=LOCK)
        if row is None:
            raise Conflict("This setup was discarded meanwhile. Please start again.")
        if row.seller_id is not None and row.seller_id != identity.remote_id:
            raise Conflict(
                f"You signed in as seller {identity.remote_id}, but this store is {row.seller_id}. "
                "Sign in at the shop with the right seller and try again."
            )
        if row.seller_id is None and row.state == IntegrationState.DISCONNECTED:
            raise Conflict("The seller of this store has been connected to another account since.")
        session.execute(sa.delete(SellerClaim).where(SellerClaim.integration_id == row.id))
        credentials = {key: secret.value for key, secret in connected.credentials.items()}
        claim = SellerClaim(
            integration_id=row.id,
            seller_id=identity.remote_id,
            seller_name=identity.name,
            sites=list(identity.sites),
            settings=dict(settings),
            legacy_authorization=connected.legacy_authorization,
            credentials=seal(SellerClaim.credentials, credentials, row.id, identity.remote_id),
            message="",
            at=platform.clock.now(),
        )
        session.add(claim)
        session.flush()
        return claim


def claim_of(session: Session, integration_id: int) -> SellerClaim | None:
    """The connection of an integration that waits for its proof."""
    return session.scalar(sa.select(SellerClaim).where(SellerClaim.integration_id == integration_id))


def credentials_of(claim: SellerClaim) -> dict[str, str] | None:
    """Return what the cart gave for a claim; None once it is wiped."""
    if claim.credentials is None:
        return None
    opened: dict[str, str] = claim.credentials.open(claim.integration_id, claim.seller_id)
    return opened


def can_be_tried(claim: SellerClaim, now: datetime) -> bool:
    """Whether the proof can be tried again without a new consent."""
    return claim.credentials is not None and -AHEAD <= now - claim.at < KEEP_CLAIM


def note_refusal(platform: Platform, claim: SellerClaim, message: str, *, lost: bool) -> None:
    """Store why a proof failed.

    Args:
        lost: the credentials are no longer good; they are deleted.
    """
    gone = {"credentials": None} if lost else {}
    with platform.db.write() as session:
        session.execute(
            sa.update(SellerClaim)
            .where(SellerClaim.id == claim.id, SellerClaim.at == claim.at)
            .values(message=message, **gone)
        )


def wipe_claims(session: Session, now: datetime) -> None:
    """Delete the credentials of claims older than an hour, or of a time that has not come yet: the clock was put
    back, and nobody knows how old they are. What a connected integration tried in vain is forgotten whole."""
    over = sa.or_(SellerClaim.at <= now - KEEP_CLAIM, SellerClaim.at > now + AHEAD)
    setups = sa.select(Integration.id).where(Integration.state == IntegrationState.SETUP)
    found = sa.select(SellerClaim.id).where(over).order_by(SellerClaim.id).with_for_update(skip_locked=True)
    ids = session.scalars(found).all()
    session.execute(sa.delete(SellerClaim).where(SellerClaim.id.in_(ids), SellerClaim.integration_id.not_in(setups)))
    held = sa.update(SellerClaim).where(SellerClaim.id.in_(ids), SellerClaim.credentials.is_not(None))
    session.execute(held.values(credentials=None))
