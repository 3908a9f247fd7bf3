"""A store's access token: where it is kept, who may renew it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import sqlalchemy as sa

from is2_core.accounts.models import Credential, Integration
from is2_core.db.changes import rows_changed
from is2_core.platform import Platform
from plugins.interface import AccessToken, AuthorizationLost, CartContext, RateLimited, Secret, Temporary

_MINTING = timedelta(seconds=45)
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
            raise AuthorizationLost("This store is not connected yet.")
        if not self._platform.carts.has(self._integration.cart, "mint_access_token"):
            return str(row.credentials["token"])
        now = self._platform.clock.now()
        usable_until = row.access_expires_at if row.access_token and row.access_token != refused else None
        if usable_until and usable_until - now > _EARLY:
            return str(row.access_token)
        if not self._may_mint(row.version):
            if usable_until and usable_until > now:
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
            won = rows_changed(
                session,
                sa.update(Credential)
                .where(
                    Credential.integration_id == self._integration.id,
                    Credential.version == version,
                    sa.or_(Credential.minting_until.is_(None), Credential.minting_until < now),
                )
                .values(minting_until=now + _MINTING),
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
            new = {"access_token": token.value.value, "access_expires_at": token.expires_at} if token else {}
            with self._platform.db.write() as session:
                session.execute(
                    sa.update(Credential)
                    .where(Credential.integration_id == self._integration.id, Credential.version == version)
                    .values(minting_until=None, version=version + 1 if token else version, **new)
                )
        return token.value.value
