"""Storing a connection whose seller is proved: as the integration that asked, or as one that was there before."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from is2_core.accounts.display_name import integration_name
from is2_core.accounts.models import Credential, InstallSession, Integration, SellerClaim
from is2_core.accounts.states import NOT_CONNECTED, WAITS_FOR_A_PERSON, IntegrationState
from is2_core.audit import Act, record
from is2_core.cases.cases import raise_case
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.db.locks import LOCK
from is2_core.db.types import seal
from is2_core.errors import Conflict
from is2_core.install.disconnect import take_up_again
from is2_core.integrations.claims import claim_of, credentials_of
from is2_core.integrations.finality import forget_answers
from is2_core.integrations.pausing import resume
from is2_core.integrations.refusals import REFUSED
from is2_core.items.models import CartItem, ItemUpload, Mapping as SkuMapping, ShippingMapping
from is2_core.platform import Platform
from is2_core.tasks.models import Task
from plugins.interface import SellerIdentity


class AlreadyConnected(Conflict):
    """The account has an integration with this seller that works; `integration_id` names it."""

    def __init__(self, message: str, integration_id: int) -> None:
        super().__init__(message)
        self.integration_id = integration_id


def store_connection(
    platform: Platform, integration_id: int, claim: SellerClaim, identity: SellerIdentity
) -> Integration:
    """Store what was claimed and is proved now to be this seller's; returns the connected integration.

    That is another than the one that asked where the account has this seller's already: then that one goes on in place,
    so that no order is taken twice.

    Raises:
        AlreadyConnected: by the account itself; the setup that asked, if it is one, is gone.
        Conflict: the seller is connected elsewhere, or another window was faster; the claim waits on.
    """
    try:
        with platform.db.write() as session:
            row, other = _locked(session, integration_id, claim)
            if row is None:
                raise Conflict("This setup was discarded meanwhile. Please start again.")
            held = claim_of(session, integration_id)
            # The very authorization that was proved: ids are given anew once a row is deleted.
            if held is None or credentials_of(held) != credentials_of(claim):
                # Another window has taken it, or has begun anew.
                if row.seller_id == claim.seller_id and row.proved_at is not None and row.proved_at >= claim.at:
                    return row
                raise Conflict("Another sign-in has taken the place of this one. Please go on with that one.")
            refusal = _refusal(row, other)
            if not refusal:
                return _put(platform, session, _place(session, row, other), claim, identity)
            ours = other if other is not None and other.account_id == row.account_id else None
            if ours is not None and row.state == IntegrationState.SETUP and row.seller_id is None:
                remove_integration(session, row)
            else:
                held.message = refusal
            if other is not None and other.proved_at is None and other.account_id != row.account_id:
                _tell_the_support(platform, session, row, other)
        raise AlreadyConnected(refusal, ours.id) if ours is not None else Conflict(refusal)
    except IntegrityError as error:
        raise Conflict("This store was connected a moment ago in another window.") from error


def remove_integration(session: Session, row: Integration) -> None:
    """Delete an integration that never worked, with all that hangs on it."""
    listed = sa.select(CartItem.id).where(CartItem.integration_id == row.id)
    session.execute(sa.delete(SkuMapping).where(SkuMapping.cart_item_id.in_(listed)))
    for table in (CartItem, ItemUpload, SupportCase, ShippingMapping, Task, InstallSession, SellerClaim, Credential):
        session.execute(sa.delete(table).where(table.integration_id == row.id))
    session.delete(row)


def _locked(session: Session, integration_id: int, claim: SellerClaim) -> tuple[Integration | None, Integration | None]:
    """The integration that asked and the one that has the seller, locked in one order for all."""
    asking = sa.select(Integration.cart, Integration.region).where(Integration.id == integration_id).subquery()
    rows = session.scalars(
        sa.select(Integration)
        .where(
            sa.or_(
                Integration.id == integration_id,
                sa.and_(
                    Integration.seller_id == claim.seller_id,
                    Integration.cart == sa.select(asking.c.cart).scalar_subquery(),
                    Integration.region == sa.select(asking.c.region).scalar_subquery(),
                ),
            )
        )
        .order_by(Integration.id)
        .with_for_update()
    ).all()
    return (
        next((row for row in rows if row.id == integration_id), None),
        next((row for row in rows if row.id != integration_id), None),
    )


def _refusal(row: Integration, other: Integration | None) -> str:
    """Why the seller cannot be connected here; "" where it can. Only a newcomer's own proof frees a seller, and never
    one whose orders are being read."""
    if row.seller_id is None and row.state == IntegrationState.DISCONNECTED:
        return "The seller of this store has been connected to another account since."
    if other is None or other.state in NOT_CONNECTED:
        return ""
    if other.account_id != row.account_id:
        return (
            "This store is connected to another account of this platform already. Disconnect it there first, "
            "or ask for help."
        )
    if row.state == IntegrationState.SETUP and other.state in WAITS_FOR_A_PERSON:
        return ""
    return f"This store is connected to your account already, as {integration_name(other)}."


def _place(session: Session, row: Integration, other: Integration | None) -> Integration:
    """Where the connection is to be stored; an unfinished setup or a disconnected integration of another account lets
    its seller go."""
    if other is None:
        return row
    if other.account_id == row.account_id:
        if other.state == IntegrationState.SETUP:
            other.home_site = row.home_site or other.home_site
        trips = sa.update(InstallSession).where(InstallSession.integration_id == row.id)
        session.execute(trips.values(integration_id=other.id))
        remove_integration(session, row)
        session.flush()
        return other
    other.seller_id = other.proved_at = None
    if other.state == IntegrationState.SETUP:
        other.seller_name, other.sites = "", []
        session.execute(sa.delete(Credential).where(Credential.integration_id == other.id))
    session.flush()
    return row


def _put(
    platform: Platform, session: Session, row: Integration, claim: SellerClaim, identity: SellerIdentity
) -> Integration:
    now = platform.clock.now()
    row.seller_id, row.seller_name, row.sites = identity.remote_id, identity.name, list(identity.sites)
    row.proved_at = now
    after = {"cart": row.cart, "region": row.region, "seller": row.seller_id}
    record(session, Act.CONNECTED, subject=f"integration {row.id}", after=after, account_id=row.account_id)
    row.settings = {**row.settings, **claim.settings}
    row.legacy_authorization = row.legacy_authorization or claim.legacy_authorization
    # Whoever mints a token meanwhile must not find its version again.
    credential = session.get(Credential, row.id, with_for_update=LOCK)
    sealed = seal(Credential.credentials, credentials_of(claim), row.id)
    if credential is None:
        session.add(Credential(integration_id=row.id, credentials=sealed, authorized_at=now))
    else:
        credential.credentials, credential.authorized_at = sealed, now
        credential.version += 1
        credential.access_token = credential.access_expires_at = credential.minting_until = None
    session.execute(sa.delete(SellerClaim).where(SellerClaim.integration_id.in_((row.id, claim.integration_id))))
    if row.state == IntegrationState.DISCONNECTED:
        take_up_again(platform, session, row)
    elif row.state == IntegrationState.PAUSED:
        resume(session, row, platform)
    else:
        # What was said of the authorization before says nothing of this one.
        forget_answers(session, row.id, REFUSED)
    return row


def _tell_the_support(platform: Platform, session: Session, row: Integration, other: Integration) -> None:
    raise_case(
        session,
        platform.clock.now(),
        account_id=row.account_id,
        integration_id=row.id,
        kind=CaseKind.SELLER_HELD,
        subject=f"integration {other.id}",
        message="The seller proved here is connected already, by an earlier release and without a proof, as "
        f"integration {other.id} of another account. Find out whose it is.",
    )
