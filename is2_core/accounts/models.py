"""Who may sign in, and for which merchant company."""

from __future__ import annotations

from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from is2_core.accounts.states import IntegrationState, MemberRole, Role
from is2_core.db.base import Base, Id, Owned, reference
from is2_core.db.instants import future, lease, told
from is2_core.db.types import Sealed, SealedValue

# How long one worker alone may mint an access token.
MINTING = timedelta(seconds=45)
_CONNECTED = ("credential.integration_id",)
_USER = ("user_account.id",)
_CLAIMED = ("seller_claim.integration_id", "seller_claim.seller_id")


class Account(Base):
    """A merchant company. `code` is its name towards warehouses and never changes."""

    __tablename__ = "account"
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    code: Mapped[str] = mapped_column(unique=True, default=lambda: token_hex(8))
    created_at: Mapped[datetime]


class User(Base):
    """A person who signs in. `email` is stored lower-case; `session_epoch` rises to end all sessions, `device_epoch` so
    that no device is known any more. Whoever was only invited has no `password_hash` yet.

    `set_at` is when `locked_until` was set; what is counted beside it is told in `signing_in.lockout`. Of the password
    `password_set_at` is when somebody set it, `password_chosen_at` when its owner did. `totp_step` is the time step of
    the last code that was taken; `pin_hash` is of the PIN at packing stations.
    """

    __tablename__ = "user_account"
    id: Mapped[Id]
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    role: Mapped[str] = mapped_column(default=Role.MERCHANT)
    disabled: Mapped[bool] = mapped_column(default=False)
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(info=future())
    set_at: Mapped[datetime | None]
    lock_rounds: Mapped[int] = mapped_column(default=0)
    failed_at: Mapped[datetime | None]
    session_epoch: Mapped[int] = mapped_column(default=1)
    pin_hash: Mapped[str | None]
    device_epoch: Mapped[int] = mapped_column(default=1)
    password_set_at: Mapped[datetime | None]
    password_chosen_at: Mapped[datetime | None]
    totp_secret: Mapped[SealedValue | None] = mapped_column(Sealed("user_account.totp_secret", key=_USER))
    totp_step: Mapped[int | None]
    second_factor_at: Mapped[datetime | None]
    last_sign_in_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Membership(Base):
    """A user's place in an account."""

    __tablename__ = "membership"
    __table_args__ = (sa.UniqueConstraint("account_id", "user_id"),)
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id", index=False)
    user_id: Mapped[int] = reference("user_account.id")
    role: Mapped[str] = mapped_column(default=MemberRole.MEMBER)


class BrowserSession(Base):
    """A signed-in browser, found by the hash of the id in its cookie; it ends when its row goes, or when its `epoch` is
    no longer the user's `session_epoch`.

    Its instants are of the clock that sign-ins age by, which is real time even where the platform's can be moved.
    `proved_at`: when the person last proved who they are. `station` is the name of a packing station, "" for any other
    browser; `person_id` is who typed the PIN there last, and `person_epoch` their `session_epoch` at that time.
    """

    __tablename__ = "browser_session"
    id: Mapped[Id]
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int] = reference("user_account.id")
    epoch: Mapped[int]
    began_at: Mapped[datetime] = mapped_column(info=told())
    seen_at: Mapped[datetime] = mapped_column(info=told())
    proved_at: Mapped[datetime] = mapped_column(info=told())
    address: Mapped[str] = mapped_column(default="")
    browser: Mapped[str] = mapped_column(default="")
    station: Mapped[str] = mapped_column(default="")
    person_id: Mapped[int | None] = reference("user_account.id")
    person_epoch: Mapped[int | None]


class PinTries(Base):
    """PINs typed in vain for a person at the stations of whoever signed them in; the next is taken at `next_try_at`."""

    __tablename__ = "pin_tries"
    __table_args__ = (sa.UniqueConstraint("user_id", "station_user_id"),)
    id: Mapped[Id]
    user_id: Mapped[int] = reference("user_account.id", index=False)
    station_user_id: Mapped[int] = reference("user_account.id")
    failures: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None] = mapped_column(info=future())
    set_at: Mapped[datetime | None]


class AccessReview(Base):
    """Somebody looked through who has access, see `access_review`; `user_id` is None from the command line."""

    __tablename__ = "access_review"
    id: Mapped[Id]
    at: Mapped[datetime]
    user_id: Mapped[int | None] = reference("user_account.id")


class Integration(Owned):
    """One connected store: one per (cart, region, seller) on the whole platform.

    `seller_id` is None until the cart has said who the seller is. `settings` are the cart's store fields;
    `legacy_authorization`: the store also carries one of the cart's older generation (nothing of it is kept here).
    `server_skew_s` is how far the cart's clock was ahead of ours at the last reply. `proved_at` is when a call proved
    that the authorization is this seller's; None where a release that did not ask connected it.
    """

    __tablename__ = "integration"
    __table_args__ = (sa.UniqueConstraint("cart", "region", "seller_id"),)
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id")
    cart: Mapped[str]
    region: Mapped[str] = mapped_column(default="")
    seller_id: Mapped[str | None]
    seller_name: Mapped[str] = mapped_column(default="")
    nickname: Mapped[str] = mapped_column(default="")
    sites: Mapped[list[str]] = mapped_column(default=list)
    home_site: Mapped[str] = mapped_column(default="")
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    wms_target: Mapped[str]
    state: Mapped[str] = mapped_column(default=IntegrationState.SETUP)
    pause_code: Mapped[str] = mapped_column(default="")
    pause_message: Mapped[str] = mapped_column(default="")
    review_first: Mapped[bool] = mapped_column(default=False)
    orders_from: Mapped[datetime | None] = mapped_column(info=told())
    legacy_authorization: Mapped[bool] = mapped_column(default=False)
    server_skew_s: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    proved_at: Mapped[datetime | None]


class Credential(Base):
    """A store's credentials and cached access token, encrypted; `version` rises with every change.

    Minting is allowed to the holder of `minting_until` (the database's clock) only. `set_at` is when
    `access_expires_at` was set.
    """

    __tablename__ = "credential"
    integration_id: Mapped[int] = reference("integration.id", primary_key=True, index=False)
    credentials: Mapped[SealedValue] = mapped_column(Sealed("credential.credentials", key=_CONNECTED))
    access_token: Mapped[SealedValue | None] = mapped_column(Sealed("credential.access_token", key=_CONNECTED))
    access_expires_at: Mapped[datetime | None] = mapped_column(info=future())
    set_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    minting_until: Mapped[datetime | None] = mapped_column(info=lease(MINTING))
    authorized_at: Mapped[datetime]


class SellerClaim(Base):
    """The result of an install or reconnect whose seller is not proved yet; it holds no seller, and hinders nobody.

    `credentials` are kept for an hour, so that a proof that failed can be tried again without a new consent, and are
    None afterwards. `settings` are the fields typed on the way; `message` says why the proof failed, "" before that.
    """

    __tablename__ = "seller_claim"
    id: Mapped[Id]
    integration_id: Mapped[int] = mapped_column(sa.ForeignKey("integration.id", ondelete="CASCADE"), unique=True)
    seller_id: Mapped[str]
    seller_name: Mapped[str] = mapped_column(default="")
    sites: Mapped[list[str]] = mapped_column(default=list)
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    legacy_authorization: Mapped[bool] = mapped_column(default=False)
    credentials: Mapped[SealedValue | None] = mapped_column(Sealed("seller_claim.credentials", key=_CLAIMED))
    message: Mapped[str] = mapped_column(default="")
    # Left alone where the clock is put back: nobody knows how old it is then, and its credentials are wiped.
    at: Mapped[datetime] = mapped_column(info=told())


class UnshippedLook(Base):
    """Which orders waited at the cart when somebody set an integration up: when they were bought (ISO, UTC, the oldest
    first), whether these are all, and in `message` why the cart could not be asked, "" where it was."""

    __tablename__ = "unshipped_look"
    integration_id: Mapped[int] = mapped_column(sa.ForeignKey("integration.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime]
    bought: Mapped[list[str]] = mapped_column(default=list)
    complete: Mapped[bool] = mapped_column(default=False)
    message: Mapped[str] = mapped_column(default="")


class InstallSession(Base):
    """One trip of a browser to a cart's authorization page: `state` is stored hashed, bound to the browser's
    session and the user, used once, and expires; `set_at` is when that was set."""

    __tablename__ = "install_session"
    id: Mapped[Id]
    integration_id: Mapped[int] = reference("integration.id")
    user_id: Mapped[int] = reference("user_account.id", index=False)
    state_hash: Mapped[str] = mapped_column(unique=True)
    browser_hash: Mapped[str]
    return_url: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(info=future())
    set_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
