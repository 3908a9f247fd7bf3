"""Who is let in: headers, tokens, regions and roles ("Connect to the SP-API" and Amazon's error pages)."""

from dataclasses import dataclass

from plugins.amazon.simulator.access.grants import AccessToken
from plugins.amazon.simulator.access.sellers import Seller
from plugins.amazon.simulator.clock import Clock
from plugins.amazon.simulator.messages import Request, access_denied, invalid_input
from plugins.amazon.simulator.operations import Operation
from plugins.amazon.simulator.state import State

_LONGEST_AGENT = 500


@dataclass(frozen=True)
class Caller:
    """Who asks, with what roles.

    `restricted` are the restricted data elements its token opens; None for a plain access token.
    """

    seller: Seller
    application: str
    roles: frozenset[str]
    restricted: frozenset[str] | None = None


class Admission:
    """The door of the Selling Partner API."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state, self._clock = state, clock

    def application(self, request: Request, operation: Operation) -> str:
        """The application behind a grantless call.

        Raises:
            ApiError: 403 for a token that is missing, stale, a seller's, or of another scope.
        """
        token = self._token(request)
        if token.seller is not None or token.scope != operation.scope:
            raise access_denied()
        return token.application

    def seller(self, request: Request, operation: Operation, region: str, path: str) -> Caller:
        """The caller on behalf of a seller.

        Raises:
            ApiError: 403 with details for a token that is missing or stale; without details for a grantless one, one
                for another path or region, and a missing role.
        """
        token = self._token(request)
        if token.seller is None:
            raise access_denied()
        restricted = None
        if token.restricted_to is not None:
            opened = [each for each in token.restricted_to if each.opens(request.method, path)]
            if not opened:
                raise access_denied()
            restricted = frozenset(element for each in opened for element in each.elements)
        seller = self._state.sellers[token.seller]
        if seller.region != region:
            raise access_denied()
        agreed = self._state.grants.roles(token.application, seller.id)
        granted = agreed & frozenset(self._state.applications[token.application].roles)
        roles = granted if seller.roles is None else granted & frozenset(seller.roles)
        if not operation.takes(roles, region):
            raise access_denied()
        return Caller(seller, token.application, roles, restricted)

    def _token(self, request: Request) -> AccessToken:
        if len(request.headers.get("user-agent", "")) > _LONGEST_AGENT:
            raise invalid_input(f"The User-Agent header has more than {_LONGEST_AGENT} characters.")
        text = request.headers.get("x-amz-access-token")
        if not text:
            raise access_denied("Access token is missing in the request header.")
        token = self._state.grants.access(text)
        if token is None:
            raise access_denied("The access token you provided is revoked, malformed or invalid.")
        if self._clock.now() > token.expires:
            raise access_denied("The access token you provided has expired.")
        return token
