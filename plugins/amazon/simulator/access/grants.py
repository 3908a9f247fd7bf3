"""Grants of sellers: authorizations, codes and tokens."""

import random
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from plugins.amazon.simulator.clock import Clock

CODE_LIFE = timedelta(minutes=5)
TOKEN_LIFE = timedelta(seconds=3600)
# Amazon's page "Renew Authorizations": at most 365 days between consents.
AUTHORIZATION_LIFE = timedelta(days=365)


@dataclass(frozen=True)
class Agreement:
    """A seller's consent: when it was given, and to which roles of the application."""

    given: datetime
    roles: frozenset[str]


@dataclass
class Code:
    """An authorization code, bound to the application and the redirect URI it was sent to."""

    seller: str
    application: str
    redirect_uri: str
    expires: datetime


@dataclass(frozen=True)
class Restriction:
    """One resource of a restricted data token: a method, a path, exact or generic, and the restricted data it opens."""

    method: str
    path: str
    elements: frozenset[str] = frozenset()

    def opens(self, method: str, path: str) -> bool:
        """Whether a call is this resource's; `{orderId}` and the like stand for any value."""
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(self.path))
        return method == self.method and re.fullmatch(pattern, path) is not None


@dataclass
class AccessToken:
    """A bearer token. `seller` is None for a grantless one, `restricted_to` is set for a restricted data token."""

    seller: str | None
    application: str
    expires: datetime
    scope: str | None = None
    restricted_to: tuple[Restriction, ...] | None = None


class Grants:
    """Authorizations by (application, seller) and every token made from them."""

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self._clock = clock
        self._rng = rng
        self._agreements: dict[tuple[str, str], Agreement] = {}
        self._codes: dict[str, Code] = {}
        self._refresh: dict[str, tuple[str, str]] = {}
        self._access: dict[str, AccessToken] = {}

    def _secret(self, prefix: str, digits: int = 64) -> str:
        return f"{prefix}{self._rng.getrandbits(4 * digits):0{digits}x}"

    def authorized(self, application: str, seller: str) -> bool:
        """Whether the seller's consent stands and has not lapsed."""
        agreement = self._agreements.get((application, seller))
        return agreement is not None and self._clock.now() <= agreement.given + AUTHORIZATION_LIFE

    def roles(self, application: str, seller: str) -> frozenset[str]:
        """The roles the seller agreed to: one that the application gains later takes a new consent (Amazon's page
        "Renew Authorizations")."""
        agreement = self._agreements.get((application, seller))
        return agreement.roles if agreement else frozenset()

    def authorized_sellers(self) -> list[str]:
        """Sellers with a standing consent to any application, in the order they gave it."""
        return [seller for (application, seller) in self._agreements if self.authorized(application, seller)]

    def consent(self, application: str, seller: str, redirect_uri: str, roles: Collection[str]) -> str:
        """Record (or renew) the consent to the roles the application has now; returns a new authorization code."""
        self._agreements[application, seller] = Agreement(self._clock.now(), frozenset(roles))
        code = self._secret("SIM", 32)
        self._codes[code] = Code(seller, application, redirect_uri, self._clock.now() + CODE_LIFE)
        return code

    def redeem(self, code: str, application: str, redirect_uri: str | None) -> str | None:
        """The seller a code stands for, once; None when it is unknown, used, late, or somebody else's. A redirect URI
        may be left out; one that is given must be the consent's.

        A code presented wrongly is spent as well.
        """
        found = self._codes.pop(code, None)
        if found is None or found.application != application or redirect_uri not in (None, found.redirect_uri):
            return None
        if self._clock.now() > found.expires or not self.authorized(application, found.seller):
            return None
        return found.seller

    def new_refresh_token(self, application: str, seller: str) -> str:
        """A further refresh token; older ones stay good."""
        token = self._secret("Atzr|")
        self._refresh[token] = (application, seller)
        return token

    def refresh_owner(self, token: str, application: str) -> str | None:
        """The seller of a refresh token; None when it is unknown, revoked, lapsed, or another application's."""
        owner = self._refresh.get(token)
        if owner is None or owner[0] != application or not self.authorized(*owner):
            return None
        return owner[1]

    def new_access_token(
        self,
        application: str,
        seller: str | None,
        scope: str | None = None,
        restricted_to: tuple[Restriction, ...] | None = None,
    ) -> str:
        """A bearer token for an hour."""
        token = self._secret("Atz.sprdt|" if restricted_to else "Atza|")
        self._access[token] = AccessToken(seller, application, self._clock.now() + TOKEN_LIFE, scope, restricted_to)
        return token

    def access(self, token: str) -> AccessToken | None:
        """The record of a bearer token, stale or not; None when it is unknown or its authorization was revoked."""
        return self._access.get(token)

    def expire_access_tokens(self, seller: str) -> None:
        """Make the seller's live bearer tokens stale at once (steering)."""
        for token in self._access.values():
            if token.seller == seller:
                token.expires = self._clock.now() - timedelta(seconds=1)

    def revoke(self, seller: str) -> None:
        """The seller disables the application: every code and token of theirs is dead, with no notice to anybody."""
        self._agreements = {key: given for key, given in self._agreements.items() if key[1] != seller}
        self._codes = {text: code for text, code in self._codes.items() if code.seller != seller}
        self._refresh = {text: owner for text, owner in self._refresh.items() if owner[1] != seller}
        self._access = {text: token for text, token in self._access.items() if token.seller != seller}
