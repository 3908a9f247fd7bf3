"""A store's access token: where it is kept, who may renew it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from is2_core.accounts.models import MINTING, Credential, Integration
from is2_core.crypto import CannotOpen
from is2_core.db.changes import rows_changed
from is2_core.db.types import SealedValue, seal
from is2_core.platform import Platform
from plugins.interface import AccessToken, AuthorizationLost, CartContext, RateLimited, Secret, Temporary

_EARLY = timedelta(minutes=5)
_ASK_AGAIN = timedelta(seconds=3)


class NoToken:
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
            raise AuthorizationLost("This store is not connected yet.", may_pass=False)
        if not self._platform.carts.has(self._integration.cart, "mint_access_token"):
            return self._credentials(row)["token"]
        now = self._platform.clock.now()
        token = _token_of(row)
        usable_until = row.access_expires_at if token and token != refused else None
        if usable_until and usable_until - now > _EARLY:
            return token
        credentials = self._credentials(row)
        if not self._may_mint(row.version):
            if usable_until and usable_until > now:
                return token
            raise RateLimited(
                "Another worker is renewing this store's access.", until=now + _ASK_AGAIN, code="TOKEN_BEING_RENEWED"
            )
        return self._mint(row.version, credentials)

    def _credentials(self, row: Credential) -> dict[str, str]:
        try:
            opened: dict[str, str] = row.credentials.open(row.integration_id)
        except CannotOpen as error:
            message = "The stored authorization cannot be opened. Reconnect this integration."
            raise AuthorizationLost(message, may_pass=False) from error
        return opened

    def _version(self) -> int | None:
        with self._platform.db.read() as session:
            return session.scalar(
                sa.select(Credential.version).where(Credential.integration_id == self._integration.id)
            )

    def _may_mint(self, version: int) -> bool:
        with self._platform.db.write() as session:
            now = self._platform.clock.database_now(session)
            won = rows_changed(
                session,
                sa.update(Credential)
                .where(
                    Credential.integration_id == self._integration.id,
                    Credential.version == version,
                    sa.or_(Credential.minting_until.is_(None), Credential.minting_until < now),
                )
                .values(minting_until=now + MINTING),
            )
            return won == 1

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
            new = {} if token is None else self._new(token)
            with self._platform.db.write() as session:
                session.execute(
                    sa.update(Credential)
                    .where(Credential.integration_id == self._integration.id, Credential.version == version)
                    .values(minting_until=None, version=version + 1 if token else version, **new)
                )
        return token.value.value

    def _new(self, token: AccessToken) -> dict[str, SealedValue | datetime]:
        sealed = seal(Credential.access_token, token.value.value, self._integration.id)
        now = self._platform.clock.now()
        return {"access_token": sealed, "access_expires_at": token.expires_at, "set_at": now}


def _token_of(row: Credential) -> str:
    """Return the access token that is kept; "" where there is none, or one that was sealed for another row."""
    try:
        return str(row.access_token.open(row.integration_id)) if row.access_token else ""
    except CannotOpen:
        return ""
